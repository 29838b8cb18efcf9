/** Five seconds from the webcam. */

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { submit } from "../state/jobs";
import { choice, optionsFor } from "../state/options";

const LENGTH_MS = 5000;
const TICK_MS = 100;
const BITS_PER_SECOND = 12_000_000;
const KINDS = [
  "video/webm;codecs=vp9",
  "video/webm;codecs=vp8",
  "video/mp4;codecs=avc1",
  "video/webm",
  "video/mp4",
];

export function Recorder({ onClose }: { onClose: () => void }) {
  const preview = useRef<HTMLVideoElement>(null);
  const stream = useSignal<MediaStream | null>(null);
  const trouble = useSignal<string | null>(null);
  const leftMs = useSignal<number | null>(null);

  useEffect(() => {
    let isGone = false;
    openCamera().then(
      (camera) => {
        if (isGone) close(camera);
        else stream.value = camera;
      },
      (error: unknown) => (trouble.value = inWords(error)),
    );
    return () => {
      isGone = true;
      if (stream.value !== null) close(stream.value);
    };
  }, []);

  useEffect(() => {
    if (preview.current !== null) preview.current.srcObject = stream.value;
  }, [stream.value]);

  const record = async (): Promise<void> => {
    if (stream.value === null) return;
    leftMs.value = LENGTH_MS;
    const ticking = setInterval(() => (leftMs.value = Math.max(0, (leftMs.value ?? 0) - TICK_MS)), TICK_MS);
    try {
      const clip = await recorded(stream.value);
      const name = `webcam ${new Date().toLocaleString()}.${clip.type.includes("mp4") ? "mp4" : "webm"}`;
      submit(clip, name, optionsFor(name, choice.value));
    } catch (error) {
      trouble.value = inWords(error);
    } finally {
      clearInterval(ticking);
      leftMs.value = null;
    }
  };

  const isBusy = leftMs.value !== null;
  return (
    <div class="way panel recorder">
      {trouble.value === null ? (
        <>
          <div class="preview">
            <video ref={preview} autoplay muted playsInline aria-label="What the camera sees" />
            {isBusy && <span class="on-air">{((leftMs.value ?? 0) / 1000).toFixed(1)} s</span>}
          </div>
          <p class="quiet">
            Face the light, look at the camera, rest for a second before and after the expression. Most
            webcams take 30 frames per second, which is coarse for micro-expressions.
          </p>
        </>
      ) : (
        <p role="alert">{trouble.value}</p>
      )}
      <div class="buttons">
        <button
          type="button"
          class="button primary"
          disabled={stream.value === null || isBusy}
          onClick={() => void record()}
        >
          {isBusy ? "Recording" : "Start recording"}
        </button>
        <button type="button" class="button" onClick={onClose}>
          Back
        </button>
      </div>
      <p class="visually-hidden" role="status">
        {isBusy ? "Recording five seconds" : ""}
      </p>
    </div>
  );
}

async function openCamera(): Promise<MediaStream> {
  // Missing where the page came by plain HTTP from another machine.
  if (navigator.mediaDevices === undefined || typeof MediaRecorder === "undefined") {
    throw new Error(
      "Recording needs a browser with a camera, and this page opened on localhost or by https.",
    );
  }
  const video = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 120 } };
  return navigator.mediaDevices.getUserMedia({ video, audio: false });
}

function close(camera: MediaStream): void {
  for (const track of camera.getTracks()) track.stop();
}

function recorded(camera: MediaStream): Promise<Blob> {
  const mimeType = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind));
  const options = { videoBitsPerSecond: BITS_PER_SECOND, ...(mimeType === undefined ? {} : { mimeType }) };
  const recorder = new MediaRecorder(camera, options);
  const parts: Blob[] = [];
  return new Promise((resolve, reject) => {
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.onerror = () => reject(new Error("The browser could not record."));
    recorder.onstop = () => resolve(new Blob(parts, { type: recorder.mimeType }));
    recorder.start();
    setTimeout(() => recorder.stop(), LENGTH_MS);
  });
}

function inWords(error: unknown): string {
  if (error instanceof DOMException && error.name === "NotAllowedError") {
    return "The camera may not be used: permit it in the browser's settings for this page.";
  }
  if (error instanceof DOMException && error.name === "NotFoundError") return "No camera was found.";
  return error instanceof Error ? error.message : "The camera cannot be used.";
}
