/** A result in a few words, as honest as the result is. */

import type { Face, MicroExpression, Report } from "./api/wire";
import { capitalized, milliseconds, percent, seconds } from "./words";

export interface Answer {
  readonly title: string;
  readonly explained: string;
  /** Whether the recognizer does not stand by it. */
  readonly isUndecided: boolean;
}

export function answerOf(report: Report, face: Face, event: MicroExpression | null): Answer {
  const { prediction } = face;
  if (event === null) return withoutEvent(report, face);
  const when = `apex at ${seconds(event.apex_s)}, lasting ${milliseconds(event.offset_s - event.onset_s)}`;
  const [label, share] = likeliest(event.probabilities);
  if (prediction === null || label === null) {
    return { title: "Action units", explained: `${when}; no emotion is inferred`, isUndecided: false };
  }
  const said = `${label}, ${percent(share)}`;
  if (isUndecided(report, face, event))
    return { title: "Undecided", explained: `closest: ${said}; ${when}`, isUndecided: true };
  return { title: capitalized(said), explained: when, isUndecided: false };
}

function withoutEvent(report: Report, { prediction }: Face): Answer {
  if (prediction === null && report.mode !== "spot") {
    return { title: "No movement found", explained: "action units alone were measured", isUndecided: false };
  }
  const share = prediction === null ? 0 : (prediction.probabilities[prediction.label] ?? 0);
  const explained =
    prediction === null
      ? "in all of the clip"
      : `as a whole the clip looks most like ${prediction.label} (${percent(share)}), which says little`;
  return { title: "No micro-expression found", explained, isUndecided: prediction?.abstained ?? false };
}

/** Abstention is told of the strongest event; too few frames hold for all of them. */
export function isUndecided(report: Report, face: Face, event: MicroExpression | null): boolean {
  if (face.prediction === null || !face.prediction.abstained) return false;
  return event === null || event === face.events[0] || report.adequacy.verdict === "inadequate";
}

export function whyUndecided(report: Report): string {
  return report.adequacy.verdict === "inadequate"
    ? "The recognizer abstains: the frames are too far apart for a micro-expression to be judged."
    : "The recognizer abstains: it is not sure enough of any class.";
}

/** Whether the networks behind a result have seen nobody but made-up people. */
export function isOfMadeUpFilms({ model }: Report): boolean {
  return model.trained_on.every((name) => name.startsWith("synthetic"));
}

export function likeliest(probabilities: Readonly<Record<string, number>>): [string | null, number] {
  let best: [string | null, number] = [null, 0];
  for (const [name, share] of Object.entries(probabilities))
    if (best[0] === null || share > best[1]) best = [name, share];
  return best;
}
