/** 2x3 maps of the plane: [[a, b, x], [c, d, y]]. */

import type { Affine } from "../api/wire";

export type Point = readonly [number, number];

export function mapped([[a, b, x], [c, d, y]]: Affine, [u, v]: Point): Point {
  return [a * u + b * v + x, c * u + d * v + y];
}

/** A direction, which knows no shift. */
export function turned([[a, b], [c, d]]: Affine, [u, v]: Point): Point {
  return [a * u + b * v, c * u + d * v];
}

export function inverse([[a, b, x], [c, d, y]]: Affine): Affine {
  const area = a * d - b * c;
  const [e, f, g, h] = [d / area, -b / area, -c / area, a / area];
  return [
    [e, f, -(e * x + f * y)],
    [g, h, -(g * x + h * y)],
  ];
}

export function scaled([[a, b, x], [c, d, y]]: Affine, by: number): Affine {
  return [
    [a * by, b * by, x * by],
    [c * by, d * by, y * by],
  ];
}
