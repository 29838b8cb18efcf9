/** Action units over time, a strip for each, with one clock and one cursor. */

import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { ReadonlySignal } from "@preact/signals";
import { colour, scheme, SERIES } from "../draw/palette";
import { Strip } from "../draw/strip";
import { activeCount, commonRange, courses, WORTH_SHOWING } from "../traces";
import type { Course } from "../traces";
import { ACTIONS, plural, seconds, signed } from "../words";
import { TraceTable } from "./tracetable";
import type { Viewing } from "./viewing";

const AT_LEAST = 3;
const AROUND_S = 0.6;
const ACTIVE_HEIGHT = 70;
const QUIET_HEIGHT = 44;

export function Traces({ view }: { view: Viewing }) {
  const showsAll = useSignal(false);
  const isClose = useSignal(isLong(view));
  const face = view.face.value;
  const event = view.event.value;
  const all = useMemo(() => courses(face, event), [face, event]);
  const active = activeCount(all);
  const shown = all.slice(0, showsAll.value ? all.length : Math.max(active, AT_LEAST));
  const range = useMemo(() => commonRange(shown), [shown.length, all]);
  const window = useMemo(() => windowOf(view, isClose.value), [view, isClose.value, event]);
  return (
    <section class="traces panel" aria-label="Action units">
      <div class="section-head">
        <h2>
          Action units <small>{view.report.action_units.scale ?? "FACS 0-5"}</small>
        </h2>
        <div class="switches">
          {event !== null && (
            <label class="check inline">
              <input
                type="checkbox"
                checked={isClose.value}
                onChange={(e) => (isClose.value = e.currentTarget.checked)}
              />
              <span>Close-up of the event</span>
            </label>
          )}
          <label class="check inline">
            <input
              type="checkbox"
              checked={showsAll.value}
              onChange={(e) => (showsAll.value = e.currentTarget.checked)}
            />
            <span>Show all {all.length}</span>
          </label>
        </div>
      </div>
      {active === 0 && <p class="quiet">Nothing moves by {WORTH_SHOWING} or more.</p>}
      <Moments view={view} window={window} />
      <div class="strips">
        {shown.map((course, index) => (
          <Row
            key={course.name}
            view={view}
            course={course}
            window={window}
            range={range}
            colourName={index < active ? (SERIES[index] ?? "muted") : "muted"}
            height={index < active ? ACTIVE_HEIGHT : QUIET_HEIGHT}
            isLast={index === shown.length - 1}
          />
        ))}
      </div>
      <p class="quiet">
        Drag in a chart to move the cursor; arrow keys step by frames. Shaded:{" "}
        {plural(face.events.length, "event")}, from onset over apex to offset. Grey: frames in which nothing
        was measured.
      </p>
      <TraceTable view={view} courses={all} />
    </section>
  );
}

interface RowProps {
  readonly view: Viewing;
  readonly course: Course;
  readonly window: readonly [number, number];
  readonly range: readonly [number, number];
  readonly colourName: string;
  readonly height: number;
  readonly isLast: boolean;
}

function Row({ view, course, window, range, colourName, height, isLast }: RowProps) {
  const root = useRef<HTMLDivElement>(null);
  const face = view.face.value;
  const chosenEvent = view.eventIndex.value;
  const shade = scheme.value;
  useEffect(() => {
    const element = root.current;
    if (element === null) return undefined;
    const strip = new Strip(element, {
      times: view.times,
      values: course.values,
      events: face.events,
      chosenEvent,
      window,
      range,
      colour: colour(colourName),
      height,
      isLast,
      onScrub: (time) => view.goToTime(time),
    });
    const stop = view.time.subscribe((time) => strip.moveTo(time));
    const watch = new ResizeObserver(() => strip.resize(element.clientWidth));
    watch.observe(element);
    return () => {
      watch.disconnect();
      stop();
      strip.destroy();
    };
  }, [view, course, face, chosenEvent, window, range, colourName, height, isLast, shade]);
  const action = ACTIONS[course.name] ?? "";
  return (
    <div class="strip">
      <div class="strip-name">
        <span class="swatch" data-series={colourName} />
        <strong>{course.name}</strong> <span>{action}</span>
      </div>
      <div
        ref={root}
        class="chart"
        role="img"
        aria-label={`${course.name} ${action}, furthest ${signed(course.peak)}`}
      />
      <Value view={view} course={course} />
    </div>
  );
}

function Value({ view, course }: { view: Viewing; course: Course }) {
  const value = course.values[view.frame.value] ?? null;
  return <div class="strip-value">{value === null ? "–" : signed(value)}</div>;
}

/** Names of onset, apex and offset above the strips. */
function Moments({ view, window: [first, last] }: { view: Viewing; window: readonly [number, number] }) {
  const event = view.event.value;
  if (event === null) return null;
  const place = (time: number): number => (time - first) / (last - first);
  const exact = [event.onset_s, event.apex_s, event.offset_s].map(place);
  const apart = spread(exact, 0.085);
  return (
    <div class="moment-names" aria-hidden="true">
      <div>
        {["onset", "apex", "offset"].map((name, index) => (
          <span key={name} style={{ left: `${100 * (apart[index] ?? 0)}%` }}>
            {name}
          </span>
        ))}
      </div>
      <Cursor time={view.time} />
    </div>
  );
}

function Cursor({ time }: { time: ReadonlySignal<number> }) {
  return <output class="cursor-time">{seconds(time.value)}</output>;
}

/** Places in order that are a gap apart: the middle stays, its neighbours give way. */
function spread([left, middle, right]: readonly number[], gap: number): number[] {
  const centre = middle ?? 0;
  return [Math.min(left ?? 0, centre - gap), centre, Math.max(right ?? 0, centre + gap)];
}

function isLong({ times, event }: Viewing): boolean {
  const last = times[times.length - 1] ?? 0;
  return event.value !== null && last > 8 * (event.value.offset_s - event.value.onset_s);
}

function windowOf({ times, event }: Viewing, isClose: boolean): readonly [number, number] {
  const last = times[times.length - 1] ?? 0;
  const first = times[0] ?? 0;
  const now = event.value;
  if (!isClose || now === null) return [first, Math.max(last, first + 0.001)];
  return [Math.max(first, now.onset_s - AROUND_S), Math.min(last, now.offset_s + AROUND_S)];
}
