/** What is drawn below each frame of an annotated clip: the answer, and the traces with a cursor. */

import { answerOf } from "../answer";
import { activeCount, commonRange, courses } from "../traces";
import type { Course } from "../traces";
import { seconds, signed } from "../words";
import type { Viewing } from "../view/viewing";

const INK = "#f2f5f8";
const MUTED = "#9fb0c0";
const GROUND = "#10151b";
const BAND = "rgba(86, 180, 233, 0.22)";
const COLOURS = ["#56b4e9", "#e69f00", "#33c59a", "#e08fc0", "#f0785a", "#8ea2ff"];
const AT_LEAST = 3;

export class Annotation {
  readonly context: CanvasRenderingContext2D;
  private readonly unit: number;
  private readonly shown: readonly Course[];
  private readonly range: readonly [number, number];

  /** Sizes the canvas: a picture of `width` times `pictureHeight`, and the panel below it. */
  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly view: Viewing,
    private readonly name: string,
    private readonly width: number,
    private readonly pictureHeight: number,
  ) {
    this.unit = Math.max(1, width / 640);
    canvas.width = width;
    canvas.height = pictureHeight + 2 * Math.round(80 * this.unit);
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("This browser cannot draw.");
    this.context = context;
    const all = courses(view.face.peek(), view.event.peek());
    this.shown = all.slice(0, Math.max(AT_LEAST, activeCount(all)));
    this.range = commonRange(this.shown);
  }

  /** Draw the panel of a frame; its picture is there already. */
  draw(frame: number): void {
    const { context, width, pictureHeight, unit } = this;
    context.fillStyle = GROUND;
    context.fillRect(0, pictureHeight, width, this.canvas.height - pictureHeight);
    const answer = answerOf(this.view.report, this.view.face.peek(), this.view.event.peek());
    this.write(
      answer.title,
      12 * unit,
      pictureHeight + 24 * unit,
      16 * unit,
      answer.isUndecided ? MUTED : INK,
      "bold",
    );
    const { model } = this.view.report;
    const caution = `trained on ${model.trained_on.join(", ")} · measures movement, proves no emotion`;
    this.write(
      `${model.name} ${model.version} · ${caution}`,
      12 * unit,
      this.canvas.height - 8 * unit,
      9 * unit,
      MUTED,
    );
    const time = this.view.times[frame] ?? 0;
    context.textAlign = "right";
    this.write(
      `${seconds(time)} · frame ${frame} · ${this.name.slice(0, 40)}`,
      width - 12 * unit,
      pictureHeight + 22 * unit,
      10 * unit,
      MUTED,
    );
    context.textAlign = "left";
    this.drawTraces(frame);
  }

  private drawTraces(frame: number): void {
    const { context, unit, width, pictureHeight } = this;
    const box = {
      left: 12 * unit,
      top: pictureHeight + 36 * unit,
      right: width - 150 * unit,
      bottom: this.canvas.height - 24 * unit,
    };
    const times = this.view.times;
    const last = times[times.length - 1] ?? 1;
    const x = (time: number): number => box.left + ((box.right - box.left) * time) / Math.max(last, 1e-6);
    const [low, high] = this.range;
    const y = (value: number): number => box.bottom - ((box.bottom - box.top) * (value - low)) / (high - low);
    const event = this.view.event.peek();
    if (event !== null) {
      context.fillStyle = BAND;
      context.fillRect(x(event.onset_s), box.top, x(event.offset_s) - x(event.onset_s), box.bottom - box.top);
    }
    this.shown.forEach((course, index) => {
      const colour = COLOURS[index] ?? MUTED;
      this.drawCourse(course, colour, x, y);
      const value = course.values[frame] ?? null;
      const says = `${course.name} ${value === null ? "–" : signed(value)}`;
      this.write(says, box.right + 12 * unit, box.top + (10 + 15 * index) * unit, 11 * unit, colour, "bold");
    });
    context.fillStyle = INK;
    context.fillRect(x(times[frame] ?? 0) - unit / 2, box.top, Math.max(1, unit), box.bottom - box.top);
  }

  private drawCourse(
    { values }: Course,
    colour: string,
    x: (time: number) => number,
    y: (value: number) => number,
  ): void {
    const { context, unit } = this;
    context.strokeStyle = colour;
    context.lineWidth = 1.6 * unit;
    context.beginPath();
    let isDrawing = false;
    values.forEach((value, index) => {
      if (value !== null) {
        const place = [x(this.view.times[index] ?? 0), y(value)] as const;
        if (isDrawing) context.lineTo(...place);
        else context.moveTo(...place);
      }
      isDrawing = value !== null;
    });
    context.stroke();
  }

  private write(text: string, x: number, y: number, size: number, colour: string, weight = "normal"): void {
    this.context.font = `${weight} ${size}px system-ui, sans-serif`;
    this.context.fillStyle = colour;
    this.context.fillText(text, x, y);
  }
}
