/** Videos as the browser's player shows them. */

import { seekTime } from "./clock";

const FAR = 1e7;
const LONGEST_WAIT_MS = 8000;

/** Resolves once a video can be sought. Rejects where the browser cannot play it. */
export async function seekable(video: HTMLVideoElement): Promise<void> {
  if (video.readyState < HTMLMediaElement.HAVE_METADATA) await happens(video, "loadedmetadata");
  if (Number.isFinite(video.duration)) return;
  // What a browser has recorded states no length; whoever goes to its end finds out.
  video.currentTime = FAR;
  await happens(video, "seeked");
  await sought(video, 0);
}

/** Resolves once the frame of a time is shown. */
export async function sought(video: HTMLVideoElement, time: number): Promise<void> {
  const done = happens(video, "seeked");
  video.currentTime = time;
  await done;
}

/** Tell the time of each picture that is shown; the answer stops it. */
export function eachPicture(video: HTMLVideoElement, act: (time: number) => void): () => void {
  let isOver = false;
  // Browsers that do not tell of pictures are asked for the time as often as they paint.
  const isTold = typeof video.requestVideoFrameCallback === "function";
  const wait = (): void => {
    if (isTold) video.requestVideoFrameCallback((_, { mediaTime }) => next(mediaTime));
    else requestAnimationFrame(() => next(video.currentTime));
  };
  const next = (time: number): void => {
    if (isOver) return;
    act(time);
    wait();
  };
  wait();
  return () => {
    isOver = true;
  };
}

function happens(video: HTMLVideoElement, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = new AbortController();
    const late = setTimeout(() => fail(), LONGEST_WAIT_MS);
    const fail = (): void => {
      stop.abort();
      clearTimeout(late);
      reject(new Error("This browser cannot play the clip."));
    };
    const succeed = (): void => {
      stop.abort();
      clearTimeout(late);
      resolve();
    };
    video.addEventListener(name, succeed, { signal: stop.signal });
    video.addEventListener("error", fail, { signal: stop.signal });
    if (video.error !== null) fail();
  });
}

/** Pictures of single frames, one after the other, from a player nobody sees. */
export class Grabber {
  private readonly video = document.createElement("video");
  private last: Promise<unknown>;

  constructor(
    url: string,
    private readonly times: readonly number[],
  ) {
    this.video.muted = true;
    this.video.playsInline = true;
    this.video.preload = "auto";
    this.video.src = url;
    this.last = seekable(this.video);
    this.last.catch(() => undefined);
  }

  /** The picture of a frame. Rejects where the browser cannot play the clip. */
  grab(frame: number): Promise<ImageBitmap> {
    const taken = this.last.then(async () => {
      await sought(this.video, seekTime(this.times, frame));
      return createImageBitmap(this.video);
    });
    this.last = taken;
    return taken;
  }

  close(): void {
    this.video.removeAttribute("src");
    this.video.load();
  }
}
