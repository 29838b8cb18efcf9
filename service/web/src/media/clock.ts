/** Between frames of a clip and times of a player. */

/** A time at which a player shows a frame: the middle of its life, safe from rounding. */
export function seekTime(times: readonly number[], frame: number): number {
  const start = times[frame] ?? 0;
  const next = times[frame + 1];
  if (next !== undefined) return (start + next) / 2;
  const before = times[frame - 1];
  return before === undefined ? start : start + Math.min(0.02, (start - before) / 2);
}

/** The frame whose time is nearest, by bisection. */
export function nearest(times: readonly number[], time: number): number {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  const here = times[low] ?? 0;
  const before = times[low - 1];
  return before !== undefined && time - before < here - time ? low - 1 : low;
}

export function clamped(frame: number, count: number): number {
  return Math.min(Math.max(frame, 0), Math.max(count - 1, 0));
}
