/** What can be done with jobs: sent, shown, listed, canceled, erased. */

import { signal } from "@preact/signals";
import { ask, problemOf, read } from "../api/http";
import { newIdempotencyKey, upload } from "../api/upload";
import type { Job, JobPage, Problem, RecognizeOptions } from "../api/wire";
import { allClips, forgetClip, keepClip } from "./clips";
import { drop, entries, open, patch, selectedId, settle } from "./entries";
import { forgetKey } from "./key";

const LISTED = 50;
const JOB_ID = /^job_[0-9a-f]{32}$/;

export const listProblem = signal<Problem | null>(null);
/** Why what was last asked for was not done. */
export const refusal = signal<Problem | null>(null);

const uploads = new Map<string, AbortController>();
let uploadCount = 0;

/** Show a job, or with null what the page begins with; the address says so, too. */
export function select(id: string | null): void {
  selectedId.value = id;
  refusal.value = null;
  const hash = id !== null && JOB_ID.test(id) ? `#${id}` : "";
  if (location.hash !== hash) history.pushState(null, "", `${location.pathname}${hash}`);
  // What had the focus is gone; whoever reads by ear begins with what has come.
  document.getElementById("main")?.focus();
  scrollTo(0, 0);
}

/** Show what the address asks for. */
export function selectFromAddress(): void {
  const id = location.hash.slice(1);
  selectedId.value = JOB_ID.test(id) ? id : null;
  if (selectedId.value === null) return;
  open(id);
  void refresh(id);
}

export async function refresh(id: string): Promise<void> {
  try {
    settle(await read<Job>(`v1/jobs/${id}`));
  } catch (error) {
    patch(id, { problem: problemOf(error) });
  }
}

/** The caller's jobs, and the names under which their clips lie here. */
export async function list(): Promise<void> {
  try {
    const page = await read<JobPage>(`v1/jobs?limit=${LISTED}`);
    for (const job of page.data) settle(job);
    listProblem.value = null;
  } catch (error) {
    listProblem.value = problemOf(error);
  }
  for (const clip of await allClips()) patch(clip.id, { name: clip.name });
}

/** Send a clip and show how it fares. */
export function submit(clip: Blob, name: string, options: Partial<RecognizeOptions>): void {
  uploadCount += 1;
  const id = `upload-${uploadCount}`;
  const key = newIdempotencyKey();
  open(id, { name });
  select(id);
  const send = (): void =>
    void sendClip(id, clip, name, options, key).catch((error) => {
      const problem = problemOf(error);
      patch(id, { problem, again: problem.retryable ? send : null });
    });
  send();
}

async function sendClip(
  id: string,
  clip: Blob,
  name: string,
  options: Partial<RecognizeOptions>,
  key: string,
): Promise<void> {
  const controller = new AbortController();
  uploads.set(id, controller);
  patch(id, { problem: null, sent: 0, again: null });
  try {
    const job = await upload(clip, options, key, (sent) => patch(id, { sent }), controller.signal);
    // Kept before it is shown: whoever shows a job looks for its clip.
    await keepClip(job.id, name, clip);
    open(job.id, { name });
    settle(job);
    if (selectedId.value === id) select(job.id);
    drop(id);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    leave(id);
  } finally {
    uploads.delete(id);
  }
}

/** End a job or an upload without a result. */
export async function cancel(id: string): Promise<void> {
  const sending = uploads.get(id);
  if (sending !== undefined) {
    sending.abort();
    return;
  }
  try {
    settle((await (await ask(`v1/jobs/${id}/cancel`, { method: "POST" })).json()) as Job);
    refusal.value = null;
  } catch (error) {
    refusal.value = problemOf(error);
  }
}

/** Erase a job from the service, and its clip from this browser. */
export async function erase(id: string): Promise<void> {
  if (JOB_ID.test(id)) {
    try {
      await ask(`v1/jobs/${id}`, { method: "DELETE" });
    } catch (error) {
      const problem = problemOf(error);
      if (problem.code !== "job-not-found") {
        refusal.value = problem;
        return;
      }
    }
    await forgetClip(id);
  }
  leave(id);
}

/** Forget the key and all that was shown with it. */
export function signOut(): void {
  forgetKey();
  entries.value = new Map();
  select(null);
}

function leave(id: string): void {
  drop(id);
  if (selectedId.value === id) select(null);
}
