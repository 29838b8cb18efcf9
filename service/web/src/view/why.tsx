/** Why: the face at onset and apex, what moved in between, and where the recognizer looked. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Explanation } from "../api/wire";
import { mapped } from "../draw/affine";
import { arrowGain, drawAttention, drawFace, drawMotion, placementOf } from "../draw/face";
import type { Rgb } from "../draw/face";
import { Grabber } from "../media/video";
import { seconds } from "../words";
import type { Viewing } from "./viewing";

const SIDE = 480;
const MOTION = "#d4351c";
const ATTENTION: Rgb = [0, 190, 140];

interface Pictures {
  readonly onset: ImageBitmap;
  readonly apex: ImageBitmap;
}

export function Why({ view, url }: { view: Viewing; url: string | null }) {
  const event = view.event.value;
  const pictures = useSignal<Pictures | null>(null);
  const isUnplayable = useSignal(false);
  useEffect(() => {
    pictures.value = null;
    isUnplayable.value = false;
    if (url === null || event === null) return undefined;
    const grabber = new Grabber(url, view.times);
    let isGone = false;
    Promise.all([grabber.grab(event.onset_frame), grabber.grab(event.apex_frame)]).then(
      ([onset, apex]) => {
        if (isGone) for (const picture of [onset, apex]) picture.close();
        else pictures.value = { onset, apex };
      },
      () => (isUnplayable.value = true),
    );
    return () => {
      isGone = true;
      pictures.value?.onset.close();
      pictures.value?.apex.close();
      grabber.close();
    };
  }, [url, view, event]);
  if (event === null) return null;
  const explanation = event.explanation ?? null;
  return (
    <section class="why panel" aria-label="What moved">
      <h2>
        What moved <small>onset against apex, the head held still</small>
      </h2>
      {isUnplayable.value || url === null ? (
        <p class="quiet">
          Without a picture there is nothing to show here; the measurements do not depend on it.
        </p>
      ) : (
        <Faces view={view} pictures={pictures.value} explanation={explanation} />
      )}
    </section>
  );
}

interface FacesProps {
  readonly view: Viewing;
  readonly pictures: Pictures | null;
  readonly explanation: Explanation | null;
}

function Faces({ view, pictures, explanation }: FacesProps) {
  const event = view.event.value;
  const onset = useRef<HTMLCanvasElement>(null);
  const apex = useRef<HTMLCanvasElement>(null);
  const overlay = useRef<HTMLCanvasElement>(null);
  const showsMotion = useSignal(true);
  const showsAttention = useSignal(false);
  const face = view.face.value;
  useEffect(() => {
    if (pictures === null || onset.current === null || apex.current === null) return;
    const place = placementOf(face, explanation);
    drawFace(onset.current, pictures.onset, place.onset);
    drawFace(apex.current, pictures.apex, place.apex);
  }, [pictures, face, explanation]);
  useEffect(() => {
    const canvas = overlay.current;
    if (pictures === null || canvas === null || explanation === null) return;
    drawFace(
      canvas,
      pictures.onset,
      placementOf(face, explanation).onset,
      "grayscale(1) brightness(1.15) contrast(0.8)",
    );
    if (showsAttention.value && explanation.attention != null)
      drawAttention(canvas, explanation.attention, ATTENTION);
    if (showsMotion.value) drawMotion(canvas, explanation, MOTION);
  }, [pictures, face, explanation, showsMotion.value, showsAttention.value]);
  if (event === null) return null;
  return (
    <>
      <div class="faces">
        <Figure canvas={onset} name="Onset" value={seconds(event.onset_s)} says="The face at onset" />
        <Figure canvas={apex} name="Apex" value={seconds(event.apex_s)} says="The face at apex" />
        {explanation !== null && (
          <Figure
            canvas={overlay}
            name="Movement"
            value={`arrows × ${arrowGain(explanation)}`}
            says={motionInWords(explanation)}
          />
        )}
      </div>
      {explanation !== null && (
        <>
          <div class="switches">
            <label class="check inline">
              <input
                type="checkbox"
                checked={showsMotion.value}
                onChange={(e) => (showsMotion.value = e.currentTarget.checked)}
              />
              <span>Movement</span>
            </label>
            <label class="check inline">
              <input
                type="checkbox"
                disabled={explanation.attention == null}
                checked={showsAttention.value}
                onChange={(e) => (showsAttention.value = e.currentTarget.checked)}
              />
              <span>Attention{explanation.attention == null ? " (this recognizer has none)" : ""}</span>
            </label>
          </div>
          <p class="quiet">
            {motionInWords(explanation)}
            {explanation.attention != null &&
              " Attention is where the network’s class tokens look at the apex, which is not the same as what decided the answer."}
          </p>
        </>
      )}
    </>
  );
}

interface FigureProps {
  readonly canvas: { current: HTMLCanvasElement | null };
  readonly name: string;
  readonly value: string;
  readonly says: string;
}

function Figure({ canvas, name, value, says }: FigureProps) {
  return (
    <figure>
      <figcaption>
        <strong>{name}</strong> <span class="quiet">{value}</span>
      </figcaption>
      <canvas ref={canvas} width={SIDE} height={SIDE} role="img" aria-label={says} />
    </figure>
  );
}

/** Where most moved, and how far: from the person's own left and right. */
export function motionInWords({ grid, motion }: Explanation): string {
  let [most, row, column] = [0, 0, 0];
  motion.forEach((cells, r) =>
    cells.forEach(([dx, dy], c) => {
      const far = Math.hypot(dx, dy);
      if (far > most) [most, row, column] = [far, r, c];
    }),
  );
  if (most < 0.05) return "Nothing moves by more than a twentieth of a pixel.";
  const height = ["upper", "middle", "lower"][Math.min(2, Math.floor((3 * row) / grid.rows))];
  const side = ["on its right", "in its middle", "on its left"][
    Math.min(2, Math.floor((3 * column) / grid.columns))
  ];
  const [x, y] = mapped(grid.onset, [column + 0.5, row + 0.5]);
  return `The largest movement is ${most.toFixed(1)} pixels, in the ${height} face ${side} (at ${Math.round(x)}, ${Math.round(y)} of the frame).`;
}
