/** The jobs this page knows of, as signals: a leaf that asks the service nothing. */

import { computed, signal } from "@preact/signals";
import type { Job, Problem, Progress } from "../api/wire";

/** A job, or a clip on its way to become one. */
export interface Entry {
  readonly id: string;
  readonly name: string | null;
  readonly job: Job | null;
  /** Share of the clip that has been sent; null once the service has it. */
  readonly sent: number | null;
  readonly progress: Progress | null;
  /** Why there is no result. */
  readonly problem: Problem | null;
  readonly again: (() => void) | null;
}

export const entries = signal<ReadonlyMap<string, Entry>>(new Map());
export const selectedId = signal<string | null>(null);
export const selected = computed(() => entries.value.get(selectedId.value ?? "") ?? null);
export const newestFirst = computed(() =>
  [...entries.value.values()].sort((one, other) => startOf(other) - startOf(one)),
);

export function isPending(entry: Entry): boolean {
  if (entry.problem !== null) return false;
  return entry.job === null || entry.job.status === "queued" || entry.job.status === "processing";
}

/** An entry of which nothing is known yet, unless there is one already. */
export function open(id: string, known: Partial<Entry> = {}): void {
  const blank = { id, name: null, job: null, sent: null, progress: null, problem: null, again: null };
  if (!entries.value.has(id)) put({ ...blank, ...known });
}

export function patch(id: string, changes: Partial<Entry>): void {
  const known = entries.value.get(id);
  if (known !== undefined) put({ ...known, ...changes });
}

/** Take over what the service says of a job. */
export function settle(job: Job): void {
  open(job.id);
  const told = entries.value.get(job.id)?.progress ?? null;
  const isAhead = job.status === "processing" && told !== null && told.stage !== "queued";
  patch(job.id, { job, progress: isAhead ? told : job.progress, problem: null });
}

export function drop(id: string): void {
  const others = new Map(entries.value);
  others.delete(id);
  entries.value = others;
}

function put(entry: Entry): void {
  entries.value = new Map(entries.value).set(entry.id, entry);
}

function startOf(entry: Entry): number {
  return entry.job === null ? Number.MAX_SAFE_INTEGER : Date.parse(entry.job.created_at);
}
