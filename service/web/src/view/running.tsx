/** A job under way: what it is doing, how far it is, and a way to end it. */

import { useEffect } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { clipOf } from "../state/clips";
import type { Entry } from "../state/entries";
import { cancel } from "../state/jobs";
import { percent, progressInWords, STAGES } from "../words";

export function RunningView({ entry }: { entry: Entry }) {
  const { progress, sent, job } = entry;
  const stage = job === null ? "sending" : (progress?.stage ?? "queued");
  const share = job === null ? sent : shareOf(progress?.frames_done, progress?.frames_total);
  const told =
    job === null
      ? sent === null
        ? "Looking for the job"
        : `Sending the clip: ${percent(sent)}`
      : progressInWords(progress);
  const names: ReadonlyArray<readonly [string, string]> = [["sending", "Sending the clip"], ...STAGES];
  const current = names.findIndex(([name]) => name === stage);
  return (
    <section class="running panel" aria-label="Progress">
      <Preview id={entry.id} />
      <div class="steps">
        <ol>
          {names.map(([name, words], index) => (
            <li
              key={name}
              data-step={index < current ? "done" : index === current ? "now" : "next"}
              aria-current={index === current ? "step" : undefined}
            >
              {words}
            </li>
          ))}
        </ol>
        <progress {...(share === null ? {} : { value: share })} max={1} aria-label="Share of this step" />
        <p class="told">
          {told}
          {progress?.eta_s != null && ` · about ${Math.max(1, Math.round(progress.eta_s))} s left`}
        </p>
        {/* Steps alone are read out: a number ten times a second would be noise. */}
        <p class="visually-hidden" role="status">
          {names[current]?.[1] ?? told}
        </p>
        <div class="buttons">
          <button type="button" class="button" onClick={() => void cancel(entry.id)}>
            Cancel
          </button>
        </div>
      </div>
    </section>
  );
}

function shareOf(done: number | null | undefined, total: number | null | undefined): number | null {
  return done == null || total == null || total === 0 ? null : Math.min(1, done / total);
}

/** The clip as it lies in this browser, playing while one waits; nothing where it cannot. */
function Preview({ id }: { id: string }) {
  const url = useSignal<string | null>(null);
  useEffect(() => {
    let made: string | null = null;
    let isGone = false;
    void clipOf(id).then((clip) => {
      if (clip === null || isGone) return;
      made = URL.createObjectURL(clip.blob);
      url.value = made;
    });
    return () => {
      isGone = true;
      if (made !== null) URL.revokeObjectURL(made);
    };
  }, [id]);
  if (url.value === null) return null;
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return (
    <video
      class="running-clip"
      src={url.value}
      autoplay={!isCalm}
      loop
      muted
      playsInline
      aria-hidden="true"
      onError={() => (url.value = null)}
    />
  );
}
