/** The aligned face: pictures of it, and what is laid over them. */

import type { Affine, Explanation, Face } from "../api/wire";
import { inverse, scaled, turned } from "./affine";

/** Side of the picture of a face, in sides of its box. */
const ROOM = 1.25;
const FAINT = 0.004;
const LONGEST_IN_CELLS = 1.5;

export interface Placement {
  /** From pixels of the frame to a square of side 1. */
  readonly onset: Affine;
  readonly apex: Affine;
}

/** Where the face is in the frames of onset and apex. */
export function placementOf(face: Face, explanation: Explanation | null): Placement {
  if (explanation === null) {
    const upright = aroundBox(face);
    return { onset: upright, apex: upright };
  }
  const { onset, apex, columns } = explanation.grid;
  return { onset: scaled(inverse(onset), 1 / columns), apex: scaled(inverse(apex), 1 / columns) };
}

/** A square around the face's box, turned as the face is. */
function aroundBox({ face: { box, alignment } }: Face): Affine {
  const [left, top, right, bottom] = box;
  const side = ROOM * Math.max(right - left, bottom - top);
  const [[a], [c]] = alignment;
  const size = Math.hypot(a, c) * side;
  const [cos, sin] = [a / size, c / size];
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  return [
    [cos, -sin, 0.5 - (cos * x - sin * y)],
    [sin, cos, 0.5 - (sin * x + cos * y)],
  ];
}

/** Draw the face of a frame upright, as large as the canvas. */
export function drawFace(
  canvas: HTMLCanvasElement,
  picture: ImageBitmap,
  toSquare: Affine,
  filter = "none",
): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  const [[a, b, x], [c, d, y]] = scaled(toSquare, canvas.width);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.filter = filter;
  context.setTransform(a, c, b, d, x, y);
  context.drawImage(picture, 0, 0);
  context.filter = "none";
  context.setTransform(1, 0, 0, 1, 0, 0);
}

/** How many times longer than the movement its arrows are drawn. */
export function arrowGain({ grid, motion }: Explanation): number {
  const longest = Math.max(...motion.flat().map(([dx, dy]) => Math.hypot(dx, dy)), FAINT);
  const [[a, ,], [c, ,]] = grid.onset;
  const cell = Math.hypot(a, c);
  const gain = (LONGEST_IN_CELLS * cell) / longest;
  return gain >= 10 ? Math.round(gain) : Math.max(1, Math.round(2 * gain) / 2);
}

export function drawMotion(canvas: HTMLCanvasElement, explanation: Explanation, colour: string): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  const { grid, motion } = explanation;
  const cell = canvas.width / grid.columns;
  const toGrid = inverse(grid.onset);
  const gain = arrowGain(explanation);
  for (const [width, style] of [
    [4.5, "rgba(255, 255, 255, 0.75)"],
    [2, colour],
  ] as const) {
    context.strokeStyle = style;
    context.lineWidth = (width * canvas.width) / 480;
    context.lineCap = "round";
    context.beginPath();
    motion.forEach((row, r) =>
      row.forEach((moved, c) => {
        const [dx, dy] = turned(toGrid, moved);
        addArrow(context, (c + 0.5) * cell, (r + 0.5) * cell, dx * gain * cell, dy * gain * cell);
      }),
    );
    context.stroke();
  }
}

function addArrow(context: CanvasRenderingContext2D, x: number, y: number, dx: number, dy: number): void {
  const length = Math.hypot(dx, dy);
  if (length < context.canvas.width / 75) return;
  const head = Math.min(length * 0.45, context.canvas.width / 45);
  const angle = Math.atan2(dy, dx);
  context.moveTo(x, y);
  context.lineTo(x + dx, y + dy);
  for (const turn of [2.6, -2.6]) {
    context.moveTo(x + dx, y + dy);
    context.lineTo(x + dx + head * Math.cos(angle + turn), y + dy + head * Math.sin(angle + turn));
  }
}

/** Attention as a veil that is lifted where the recognizer looked. */
export function drawAttention(
  canvas: HTMLCanvasElement,
  attention: readonly (readonly number[])[],
  colour: Rgb,
): void {
  const context = canvas.getContext("2d");
  const rows = attention.length;
  const columns = attention[0]?.length ?? 0;
  if (context === null || columns === 0) return;
  const small = new ImageData(columns, rows);
  attention.flat().forEach((share, index) => {
    small.data.set([...colour, Math.round(190 * share)], 4 * index);
  });
  const veil = document.createElement("canvas");
  veil.width = columns;
  veil.height = rows;
  veil.getContext("2d")?.putImageData(small, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(veil, 0, 0, canvas.width, canvas.height);
}

export type Rgb = readonly [number, number, number];
