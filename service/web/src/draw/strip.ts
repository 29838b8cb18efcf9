/** One action unit over time: a strip among others that share its clock. */

import uPlot from "uplot";
import type { MicroExpression } from "../api/wire";
import { colour } from "./palette";

export interface StripPlan {
  readonly times: readonly number[];
  readonly values: readonly (number | null)[];
  readonly events: readonly MicroExpression[];
  readonly chosenEvent: number;
  /** Seconds shown. */
  readonly window: readonly [number, number];
  readonly range: readonly [number, number];
  readonly colour: string;
  readonly height: number;
  readonly isLast: boolean;
  readonly onScrub: (time: number) => void;
}

const FONT = "11px system-ui, sans-serif";
const CLOCK_HEIGHT = 26;
const SCALE_WIDTH = 30;

export class Strip {
  private readonly plot: uPlot;
  private readonly playhead = document.createElement("div");
  private time = 0;

  constructor(
    root: HTMLElement,
    private readonly plan: StripPlan,
  ) {
    const data = [[...plan.times], [...plan.values]] as uPlot.AlignedData;
    this.plot = new uPlot(this.options(Math.max(root.clientWidth, 60)), data, root);
    this.playhead.className = "playhead";
    this.plot.over.append(this.playhead);
    this.listen();
  }

  resize(width: number): void {
    this.plot.setSize({ width: Math.max(width, 60), height: this.fullHeight() });
    this.moveTo(this.time);
  }

  /** Put the cursor at a time. */
  moveTo(time: number): void {
    this.time = time;
    const [first, last] = this.plan.window;
    this.playhead.hidden = time < first - 1e-6 || time > last + 1e-6;
    this.playhead.style.transform = `translateX(${this.plot.valToPos(time, "x").toFixed(2)}px)`;
  }

  destroy(): void {
    this.plot.destroy();
  }

  private fullHeight(): number {
    return this.plan.height + (this.plan.isLast ? CLOCK_HEIGHT : 0);
  }

  private options(width: number): uPlot.Options {
    const { window, range, isLast } = this.plan;
    const line = { stroke: colour("line"), width: 1 };
    const quiet = { stroke: colour("muted"), font: FONT, ticks: { show: false } };
    return {
      width,
      height: this.fullHeight(),
      padding: [4, 10, isLast ? 0 : 4, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false, range: [...window] }, y: { range: [...range] } },
      series: [{}, { stroke: this.plan.colour, width: 2, points: { show: false }, spanGaps: false }],
      axes: [
        {
          ...quiet,
          show: isLast,
          size: CLOCK_HEIGHT,
          gap: 4,
          grid: { show: false },
          values: (_, at) => at.map(tick),
        },
        { ...quiet, size: SCALE_WIDTH, gap: 4, space: 22, grid: line, splits: () => splits(range) },
      ],
      hooks: { drawClear: [(plot) => this.drawEvents(plot)] },
    };
  }

  private drawEvents(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const x = (time: number): number => plot.valToPos(time, "x", true);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    this.plan.events.forEach(({ onset_s, apex_s, offset_s }, index) => {
      const isChosen = index === this.plan.chosenEvent;
      const bands = [
        [onset_s, apex_s, isChosen ? "band-rise" : "band-fall"],
        [apex_s, offset_s, "band-fall"],
      ] as const;
      for (const [from, to, name] of bands) {
        ctx.fillStyle = colour(name);
        ctx.fillRect(x(from), bbox.top, x(to) - x(from), bbox.height);
      }
      ctx.fillStyle = colour("muted");
      for (const time of isChosen ? [onset_s, apex_s, offset_s] : []) {
        ctx.fillRect(Math.round(x(time)), bbox.top, Math.max(1, devicePixelRatio * 0.75), bbox.height);
      }
    });
    this.drawGaps(plot, x);
    ctx.restore();
  }

  /** Where nothing was measured. */
  private drawGaps({ ctx, bbox }: uPlot, x: (time: number) => number): void {
    const { times, values } = this.plan;
    ctx.fillStyle = colour("gap");
    values.forEach((value, index) => {
      if (value !== null) return;
      const [from, to] = [times[index] ?? 0, times[index + 1] ?? times[index] ?? 0];
      ctx.fillRect(x(from), bbox.top, Math.max(1, x(to) - x(from)), bbox.height);
    });
  }

  private listen(): void {
    const { over } = this.plot;
    const scrub = (event: PointerEvent): void => {
      const left = event.clientX - over.getBoundingClientRect().left;
      this.plan.onScrub(this.plot.posToVal(left, "x"));
    };
    over.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      over.setPointerCapture(event.pointerId);
      scrub(event);
    });
    over.addEventListener("pointermove", (event) => {
      if (over.hasPointerCapture(event.pointerId)) scrub(event);
    });
  }
}

function tick(value: number): string {
  return `${Number(value.toFixed(2))} s`;
}

/** Few round numbers that lie in the range, 0 among them. */
function splits([low, high]: readonly [number, number]): number[] {
  const step = high - low > 2.6 ? 2 : high - low > 1.3 ? 1 : 0.5;
  const found: number[] = [];
  // Counted in whole steps: sums of steps would come to −0.
  for (let count = Math.ceil(low / step); count * step <= high; count += 1)
    found.push(count === 0 ? 0 : count * step);
  return found;
}
