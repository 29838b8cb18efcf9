/** The charts as a table, for those who read rather than look. */

import type { Course } from "../traces";
import { ACTIONS, signed } from "../words";
import type { Viewing } from "./viewing";

export function TraceTable({ view, courses }: { view: Viewing; courses: readonly Course[] }) {
  const event = view.event.value;
  const moments: ReadonlyArray<readonly [string, number]> =
    event === null
      ? []
      : [
          ["Onset", event.onset_frame],
          ["Apex", event.apex_frame],
          ["Offset", event.offset_frame],
        ];
  const sides = Object.entries(event?.sides ?? {});
  const columns = [...moments, [`Frame ${view.frame.value}`, view.frame.value] as const];
  return (
    <details>
      <summary>The same as a table</summary>
      <div class="wide">
        <table class="figures">
          <thead>
            <tr>
              <th scope="col">Unit</th>
              <th scope="col">Muscle action</th>
              {columns.map(([name]) => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
              {sides.map(([side]) => (
                <th scope="col" key={side}>
                  Apex, {side} side
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {courses.map(({ name, values }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td>{ACTIONS[name] ?? ""}</td>
                {columns.map(([column, frame]) => {
                  const value = values[frame] ?? null;
                  return <td key={column}>{value === null ? "–" : signed(value, 2)}</td>;
                })}
                {sides.map(([side, units]) => (
                  <td key={side}>{signed(units?.[name] ?? 0, 2)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {sides.length > 0 && (
        <p class="quiet">
          Left and right are the person’s own. Traces are changes against the face at rest, sides against the
          onset.
        </p>
      )}
    </details>
  );
}
