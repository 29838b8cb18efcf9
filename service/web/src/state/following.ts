/** Jobs under way are followed by their event streams; a stream that breaks is taken up again. */

import { effect, untracked } from "@preact/signals";
import { jobEvents } from "../api/events";
import { problemOf, read, UNREACHABLE } from "../api/http";
import type { Job, Progress } from "../api/wire";
import { entries, isPending, patch, settle } from "./entries";

/** Browsers hold six connections to a host, and some must be free for everything else. */
const MOST_STREAMS = 3;
const LOOK_AGAIN_MS = 1500;
const LONGEST_PAUSE_MS = 8000;

const streams = new Map<string, AbortController>();

/** From now on follow every job that has not ended, a few at a time. */
export function followJobs(): void {
  effect(() => {
    const known = entries.value;
    untracked(() => {
      for (const [id, controller] of streams) if (!known.has(id)) controller.abort();
      for (const entry of known.values()) if (entry.job !== null && isPending(entry)) follow(entry.id);
    });
  });
}

function follow(id: string): void {
  if (streams.has(id) || streams.size >= MOST_STREAMS) return;
  const controller = new AbortController();
  streams.set(id, controller);
  void attend(id, controller.signal).finally(() => {
    streams.delete(id);
    // Whoever is still waiting to be followed is looked for again.
    entries.value = new Map(entries.value);
  });
}

async function attend(id: string, signal: AbortSignal): Promise<void> {
  const watch = { lastId: null as string | null, pauseMs: LOOK_AGAIN_MS };
  const looking = setInterval(() => void look(id), LOOK_AGAIN_MS);
  try {
    while (!signal.aborted && isStillPending(id)) {
      await listen(id, watch, signal);
      await look(id);
      if (!isStillPending(id)) return;
      await pause(watch.pauseMs);
      watch.pauseMs = Math.min(2 * watch.pauseMs, LONGEST_PAUSE_MS);
    }
  } finally {
    clearInterval(looking);
  }
}

/** Take in one stream to its end, or until it breaks. */
async function listen(
  id: string,
  watch: { lastId: string | null; pauseMs: number },
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const event of await jobEvents(id, watch.lastId, signal)) {
      watch.lastId = event.id ?? watch.lastId;
      watch.pauseMs = LOOK_AGAIN_MS;
      take(id, event.kind, event.data);
    }
  } catch (error) {
    if (signal.aborted) return;
    const problem = problemOf(error);
    if (problem.code !== UNREACHABLE && problem.status > 0) patch(id, { problem });
  }
}

function take(id: string, kind: string, data: string): void {
  const entry = entries.value.get(id);
  if (entry === undefined || entry.job === null) return;
  if (kind === "progress") {
    const told = JSON.parse(data) as Progress;
    // What the event leaves out is no longer known, but for the estimate.
    patch(id, { progress: { eta_s: entry.progress?.eta_s ?? null, ...told } });
  }
  if (kind === "status") {
    const { status } = JSON.parse(data) as Pick<Job, "status">;
    if (status === "processing") patch(id, { job: { ...entry.job, status } });
  }
}

/** What the service says of the job as a whole: how long it will take, and how it ended. */
async function look(id: string): Promise<void> {
  try {
    const job = await read<Job>(`v1/jobs/${id}`);
    const entry = entries.value.get(id);
    if (entry === undefined) return;
    if (entry.progress !== null) {
      patch(id, { progress: { ...entry.progress, eta_s: job.progress.eta_s ?? null } });
    }
    settle(job);
  } catch (error) {
    const problem = problemOf(error);
    if (problem.code !== UNREACHABLE) patch(id, { problem });
  }
}

function isStillPending(id: string): boolean {
  const entry = entries.value.get(id);
  return entry !== undefined && isPending(entry);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
