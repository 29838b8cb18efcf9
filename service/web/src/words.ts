/** Numbers and codes in words. */

import type { Progress } from "./api/wire";

export const ACTIONS: Readonly<Record<string, string>> = {
  AU01: "inner brow raiser",
  AU02: "outer brow raiser",
  AU04: "brow lowerer",
  AU05: "upper lid raiser",
  AU06: "cheek raiser",
  AU07: "lid tightener",
  AU09: "nose wrinkler",
  AU10: "upper lip raiser",
  AU12: "lip corner puller",
  AU14: "dimpler",
  AU15: "lip corner depressor",
  AU17: "chin raiser",
  AU20: "lip stretcher",
  AU23: "lip tightener",
  AU24: "lip pressor",
  AU25: "lips part",
  AU26: "jaw drop",
  AU45: "blink",
};

/** The stages a clip passes, in order, as the service names them. */
export const STAGES: ReadonlyArray<readonly [string, string]> = [
  ["queued", "Waiting its turn"],
  ["decode", "Decoding the video"],
  ["face", "Finding the face"],
  ["action_units", "Measuring action units"],
  ["recognize", "Judging the expression"],
];

export const STATES: Readonly<Record<string, string>> = {
  queued: "waiting",
  processing: "analysing",
  succeeded: "done",
  failed: "failed",
  canceled: "canceled",
  expired: "expired",
};

export function seconds(value: number): string {
  return `${value.toFixed(2)} s`;
}

export function milliseconds(value_s: number): string {
  return `${Math.round(1000 * value_s)} ms`;
}

export function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

/** With a real minus sign, and the plus said. */
export function signed(value: number, digits = 1): string {
  const rounded = value.toFixed(digits);
  if (Number(rounded) === 0) return (0).toFixed(digits);
  return value < 0 ? rounded.replace("-", "\u2212") : `+${rounded}`;
}

export function fileSize(bytes: number): string {
  if (bytes < 1_000_000) return `${Math.max(1, Math.round(bytes / 1000))} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** A limit as it was set: in powers of two. */
export function limitSize(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}

/** The hour for today, else the day. */
export function moment(iso: string): string {
  const at = new Date(iso);
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday
    ? at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })
    : at.toLocaleDateString();
}

export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** How far a job has come, in one sentence. */
export function progressInWords(progress: Progress | null): string {
  if (progress === null) return "Starting";
  const name = STAGES.find(([stage]) => stage === progress.stage)?.[1] ?? capitalized(progress.stage);
  if (progress.queue_position != null) return `${name}: place ${progress.queue_position}`;
  if (progress.frames_total != null && progress.frames_done != null) {
    return `${name}: ${progress.frames_done} of ${progress.frames_total} frames`;
  }
  return name;
}
