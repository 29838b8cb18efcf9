/** What the page begins with: the way in for clips. */

import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { limits, serviceProblem } from "../state/service";
import { limitSize } from "../words";
import { sendFiles } from "./drop";
import { Options } from "./options";
import { ProblemNote } from "./problem";
import { Recorder } from "./record";

const KINDS = "video/*,.mp4,.mov,.webm,.mkv,.avi,.zip";

export function Start() {
  const isRecording = useSignal(false);
  return (
    <section class="start" aria-labelledby="start-title">
      <div class="lead">
        <h1 id="start-title">What moved in this face, and when</h1>
        <p>
          Micro-expressions last less than half a second and move a face by a pixel or two. Send a clip and
          see which muscles moved, frame by frame, and what a network makes of it.
        </p>
      </div>
      {serviceProblem.value !== null && <ProblemNote problem={serviceProblem.value} />}
      {isRecording.value ? (
        <Recorder onClose={() => (isRecording.value = false)} />
      ) : (
        <Way onRecord={() => (isRecording.value = true)} />
      )}
      <Options />
    </section>
  );
}

function Way({ onRecord }: { onRecord: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <div class="way panel">
      <svg viewBox="0 0 48 48" width="44" height="44" aria-hidden="true">
        <path d="M24 31V10m0 0-8 8m8-8 8 8M8 31v7h32v-7" />
      </svg>
      <p class="way-title">Drop a clip here</p>
      <div class="buttons">
        <label class="button primary">
          Choose a clip
          <input
            ref={input}
            class="hidden-input"
            type="file"
            accept={KINDS}
            multiple
            onChange={({ currentTarget }) => {
              sendFiles(currentTarget.files ?? []);
              currentTarget.value = "";
            }}
          />
        </label>
        <button type="button" class="button" onClick={onRecord}>
          Record 5 seconds
        </button>
      </div>
      <p class="quiet">{accepted()}</p>
    </div>
  );
}

function accepted(): string {
  const known = limits.value;
  const kinds = "MP4, MOV, WebM, MKV, AVI, or a .zip of numbered frames";
  if (known === null) return kinds;
  const { max_duration_s, max_bytes } = known.clip;
  return `${kinds} · up to ${Math.round(max_duration_s)} s and ${limitSize(max_bytes)} · 100 frames per second or more are best`;
}
