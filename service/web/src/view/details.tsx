/** The fine print: model card, the network's parts, the clip, and where the time went. */

import { useRef } from "preact/hooks";
import { plural } from "../words";
import { CardDialog } from "./card";
import type { Source } from "./result";
import type { Viewing } from "./viewing";
import { Fact } from "./facts";

export function Details({ view, source }: { view: Viewing; source: Source }) {
  const card = useRef<HTMLDialogElement>(null);
  const { clip, decode, model, timings_ms } = view.report;
  const { prediction } = view.face.value;
  const levels = Object.entries(prediction?.level_probabilities ?? {});
  return (
    <section class="details panel" aria-label="Details">
      <p class="about">
        <span>
          {model.name} {model.version} · trained on {model.trained_on.join(", ")}
        </span>
        <button type="button" class="button small" onClick={() => card.current?.showModal()}>
          Model card
        </button>
      </p>
      <CardDialog dialog={card} report={view.report} isGallery={source.kind === "gallery"} />
      {decode.warnings.length > 0 && (
        <div class="caution">
          <p>Decoding went on in spite of:</p>
          <ul>
            {decode.warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </div>
      )}
      <details>
        <summary>
          The clip: {plural(clip.frames, "frame")}, {Number(clip.fps.toFixed(2))} per second, {clip.width} ×{" "}
          {clip.height}
        </summary>
        <dl class="facts">
          <Fact name="Duration" value={`${clip.duration_s.toFixed(3)} s`} />
          <Fact name="Frame times" value={clip.vfr ? "uneven" : "even"} />
          <Fact name="Rotation" value={`${clip.rotation}°`} />
          <Fact name="Container, codec" value={`${decode.container}, ${decode.codec}`} />
          <Fact name="Frames used" value={`${decode.frames_used} of ${decode.frames_decoded}`} />
          <Fact name="SHA-256" value={clip.sha256} />
          {source.kind === "job" && (source.entry.job?.tags.length ?? 0) > 0 && (
            <Fact name="Tags" value={source.entry.job?.tags.join(", ") ?? ""} />
          )}
        </dl>
      </details>
      <Timings timings={timings_ms} />
      {prediction !== null && levels.length > 0 && <Network levels={levels} gate={prediction.gate} />}
    </section>
  );
}

function Timings({ timings }: { timings: Readonly<Record<string, number>> }) {
  const { total = 0, ...stages } = timings;
  const longest = Math.max(...Object.values(stages), 1);
  return (
    <details>
      <summary>Analysed in {(total / 1000).toFixed(2)} s</summary>
      <table class="timings">
        <thead class="visually-hidden">
          <tr>
            <th scope="col">Stage</th>
            <th scope="col">Bar</th>
            <th scope="col">Time</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(stages).map(([stage, ms]) => (
            <tr key={stage}>
              <th scope="row">{stage}</th>
              <td aria-hidden="true">
                <div class="bar-track">
                  <div class="bar-fill" style={{ width: `${(100 * ms) / longest}%` }} />
                </div>
              </td>
              <td>{Math.round(ms)} ms</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

interface NetworkProps {
  readonly levels: ReadonlyArray<readonly [string, Readonly<Record<string, number>>]>;
  readonly gate: Readonly<Record<string, number>>;
}

/** What each head says by itself, and how much it counts. */
function Network({ levels, gate }: NetworkProps) {
  const labels = Object.keys(levels[0]?.[1] ?? {});
  return (
    <details>
      <summary>What each level of the network says by itself</summary>
      <div class="wide">
        <table class="figures">
          <thead>
            <tr>
              <th scope="col">Class</th>
              {levels.map(([level]) => (
                <th scope="col" key={level}>
                  {level}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {labels.map((label) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                {levels.map(([level, shares]) => (
                  <td key={level}>{(shares[label] ?? 0).toFixed(2)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {Object.keys(gate).length > 0 && (
        <p class="quiet">
          Weights of the fusion:{" "}
          {Object.entries(gate)
            .map(([part, weight]) => `${part} ${weight.toFixed(2)}`)
            .join(", ")}
          .
        </p>
      )}
    </details>
  );
}
