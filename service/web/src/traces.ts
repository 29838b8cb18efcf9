/** Which action units are worth looking at first. */

import type { Face, MicroExpression } from "./api/wire";

/** Of an action unit: what is drawn, and how far it goes. */
export interface Course {
  readonly name: string;
  readonly values: readonly (number | null)[];
  /** The intensity furthest from 0 inside the event, or anywhere where there is none. */
  readonly peak: number;
}

export const MOST_ACTIVE = 6;
export const WORTH_SHOWING = 0.25;
const SHARE_OF_STRONGEST = 0.15;

/** Of all action units, strongest first. */
export function courses(face: Face, event: MicroExpression | null): Course[] {
  const { names, frames } = face.action_units;
  const [first, last] = event === null ? [0, frames.length - 1] : [event.onset_frame, event.offset_frame];
  const all = names.map((name, column) => {
    const values = frames.map(({ intensity }) => intensity?.[column] ?? null);
    const peak = values.slice(first, last + 1).reduce<number>((most, value) => furthest(most, value ?? 0), 0);
    return { name, values, peak };
  });
  return all.sort((one, other) => Math.abs(other.peak) - Math.abs(one.peak));
}

/** How many of the courses, strongest first, stand out. */
export function activeCount(strongestFirst: readonly Course[]): number {
  const floor = Math.max(WORTH_SHOWING, SHARE_OF_STRONGEST * Math.abs(strongestFirst[0]?.peak ?? 0));
  const count = strongestFirst.filter(({ peak }) => Math.abs(peak) >= floor).length;
  return Math.min(count, MOST_ACTIVE);
}

/** Lowest and highest of all, so that strips can be compared: 0 to 1 at least. */
export function commonRange(shown: readonly Course[]): [number, number] {
  let [low, high] = [0, 1];
  for (const { values } of shown) {
    for (const value of values) {
      if (value !== null) [low, high] = [Math.min(low, value), Math.max(high, value)];
    }
  }
  const margin = 0.08 * (high - low);
  return [low - margin, high + margin];
}

function furthest(one: number, other: number): number {
  return Math.abs(other) > Math.abs(one) ? other : one;
}
