/** What of a result is being looked at: whose face, which event, which frame. */

import { computed, signal } from "@preact/signals";
import type { ReadonlySignal, Signal } from "@preact/signals";
import type { Face, MicroExpression, Report } from "../api/wire";
import { clamped, nearest } from "../media/clock";

export class Viewing {
  readonly faces: readonly Face[];
  /** Of every frame, in seconds. */
  readonly times: readonly number[];
  readonly faceIndex: Signal<number> = signal(0);
  readonly eventIndex: Signal<number> = signal(0);
  readonly frame: Signal<number>;
  readonly face: ReadonlySignal<Face>;
  readonly event: ReadonlySignal<MicroExpression | null>;
  readonly time: ReadonlySignal<number>;

  constructor(readonly report: Report) {
    const { face, prediction, events, action_units } = report;
    const main: Face = { track_id: 0, face, prediction, events, action_units };
    const { faces } = report;
    this.faces = faces !== undefined && faces.length > 0 ? faces : [main];
    this.times = action_units.frames.map(({ pts_s }) => pts_s);
    this.frame = signal(events[0]?.apex_frame ?? 0);
    this.face = computed(() => this.faces[this.faceIndex.value] ?? main);
    this.event = computed(() => this.face.value.events[this.eventIndex.value] ?? null);
    this.time = computed(() => this.times[this.frame.value] ?? 0);
  }

  go(frame: number): void {
    this.frame.value = clamped(frame, this.times.length);
  }

  goToTime(time: number): void {
    this.go(nearest(this.times, time));
  }

  chooseFace(index: number): void {
    this.faceIndex.value = index;
    this.chooseEvent(0);
  }

  chooseEvent(index: number): void {
    this.eventIndex.value = index;
    const event = this.event.value;
    if (event !== null) this.go(event.apex_frame);
  }
}
