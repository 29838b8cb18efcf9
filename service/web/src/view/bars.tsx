/** Class probabilities, and how far they can be trusted. */

import { isOfMadeUpFilms, isUndecided } from "../answer";
import type { MicroExpression, Prediction } from "../api/wire";
import { signed } from "../words";
import type { Viewing } from "./viewing";

const STRONGEST = 8;
const HIGHEST = 5;

export function Bars({ view }: { view: Viewing }) {
  const face = view.face.value;
  const event = view.event.value;
  const { prediction } = face;
  if (prediction === null) return <WithoutEmotion event={event} />;
  const isStrongest = event === null || event === face.events[0];
  const undecided = isUndecided(view.report, face, event);
  return (
    <section class={undecided ? "bars panel is-undecided" : "bars panel"} aria-label="Probabilities">
      <h2>
        Probabilities <small>{prediction.confidence}</small>
      </h2>
      <Table shares={event === null ? prediction.probabilities : event.probabilities} name="Class" />
      {isStrongest && face.events.length > 0 && (
        <>
          <h3>Coarse</h3>
          <Table shares={prediction.coarse} name="Coarse class" />
        </>
      )}
      <p class="quiet">{calibrationInWords(prediction, isOfMadeUpFilms(view.report))}</p>
    </section>
  );
}

/** What there is to show where no emotion is inferred. */
function WithoutEmotion({ event }: { event: MicroExpression | null }) {
  if (event === null) {
    return (
      <section class="bars panel" aria-label="Probabilities">
        <h2>Probabilities</h2>
        <p class="quiet">Nothing was found, so nothing was judged.</p>
      </section>
    );
  }
  const strongest = Object.entries(event.action_units)
    .sort(([, one], [, other]) => Math.abs(other) - Math.abs(one))
    .slice(0, STRONGEST);
  return (
    <section class="bars panel" aria-label="At the apex">
      <h2>
        At the apex <small>FACS 0–5, against the onset</small>
      </h2>
      <Table shares={Object.fromEntries(strongest)} name="Action unit" whole={HIGHEST} />
      <p class="quiet">This recognizer measures action units and infers no emotion.</p>
    </section>
  );
}

interface TableProps {
  readonly shares: Readonly<Record<string, number>>;
  readonly name: string;
  /** What a full bar stands for. */
  readonly whole?: number;
}

function Table({ shares, name, whole = 1 }: TableProps) {
  const rows = Object.entries(shares).sort(([, one], [, other]) => Math.abs(other) - Math.abs(one));
  return (
    <table>
      <thead class="visually-hidden">
        <tr>
          <th scope="col">{name}</th>
          <th scope="col">Bar</th>
          <th scope="col">{whole === 1 ? "Probability" : "Intensity"}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([label, share], index) => (
          <tr key={label} class={index === 0 ? "is-first" : undefined}>
            <th scope="row">{label}</th>
            <td aria-hidden="true">
              <div class="bar-track">
                <div
                  class="bar-fill"
                  style={{ width: `${Math.min(100, (100 * Math.abs(share)) / whole)}%` }}
                />
              </div>
            </td>
            <td>{whole === 1 ? share.toFixed(2) : signed(share)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function calibrationInWords({ confidence, abstained }: Prediction, isMadeUp: boolean): string {
  const limit = isMadeUp ? " That was measured on made-up films; for real people nobody knows yet." : "";
  const basis =
    confidence === "calibrated"
      ? `Calibrated: of answers given with 0.9, about nine in ten were right.${limit}`
      : "Not calibrated: these numbers put the classes in an order and are no probabilities of being right.";
  return abstained ? `${basis} The recognizer abstains, so no class is named.` : basis;
}
