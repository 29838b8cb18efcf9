/** The model's card: what it is, what it was trained on, and its figures with their commands. */

import type { Ref } from "preact";
import type { ModelCard, Report } from "../api/wire";
import { isOfMadeUpFilms } from "../answer";
import { models } from "../state/service";
import { Fact } from "./facts";

interface CardProps {
  readonly dialog: Ref<HTMLDialogElement> & { readonly current: HTMLDialogElement | null };
  readonly report: Report;
  readonly isGallery: boolean;
}

export function CardDialog({ dialog, report, isGallery }: CardProps) {
  const { model } = report;
  const card = models.value.find(({ name }) => name === model.name) ?? null;
  return (
    <dialog ref={dialog} class="card" aria-labelledby="card-title">
      <div class="dialog-head">
        <h2 id="card-title">
          {model.name} <small>version {model.version}</small>
        </h2>
        <button type="button" class="button small" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
      {isOfMadeUpFilms(report) && (
        <p class="caution">
          Trained on made-up films: portraits moved by a 3D face. How well it judges real people has not been
          measured on licensed data.
        </p>
      )}
      <dl class="facts">
        <Fact name="Trained on" value={model.trained_on.join(", ")} />
        <Fact name="Digest" value={model.digest} />
        <Fact name="Preprocessing" value={model.preprocess} />
        {card !== null && <Fact name="Licence" value={card.licence} />}
        {card !== null && <Fact name="Classes" value={card.labels.join(", ") || "none: infers no emotion"} />}
      </dl>
      {card !== null && card.digest !== model.digest && (
        <p class="caution">
          {isGallery ? "The service runs" : "The service has been given"} other weights since this result (
          {card.digest}); the figures below are theirs.
        </p>
      )}
      {card !== null && card.metrics.length > 0 && <Metrics metrics={card.metrics} />}
    </dialog>
  );
}

function Metrics({ metrics }: { metrics: ModelCard["metrics"] }) {
  const commands = [...new Set(metrics.map(({ command }) => command))];
  return (
    <>
      <div class="wide">
        <table class="figures">
          <thead>
            <tr>
              <th scope="col">Figure</th>
              <th scope="col">Value</th>
              <th scope="col">Measured on</th>
            </tr>
          </thead>
          <tbody>
            {metrics.map(({ name, value, protocol }) => (
              <tr key={`${name} ${protocol}`}>
                <th scope="row">{name}</th>
                <td>{Number(value.toFixed(3))}</td>
                <td>{protocol}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="quiet">
        Printed by{" "}
        {commands.map((command, index) => (
          <span key={command}>
            {index > 0 && ", "}
            <code>{command}</code>
          </span>
        ))}
      </p>
    </>
  );
}
