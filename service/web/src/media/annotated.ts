/** The clip with its measurements drawn below, as an MP4 made in the browser. Loaded when asked for. */

import {
  ALL_FORMATS,
  BlobSource,
  BufferTarget,
  CanvasSource,
  getFirstEncodableVideoCodec,
  Input,
  Mp4OutputFormat,
  Output,
  QUALITY_HIGH,
  VideoSampleSink,
} from "mediabunny";
import type { InputVideoTrack, VideoCodec } from "mediabunny";
import type { Viewing } from "../view/viewing";
import { Annotation } from "../draw/annotation";
import { nearest } from "./clock";

const WIDEST = 1280;
const CODECS: VideoCodec[] = ["avc", "vp9", "av1", "hevc", "vp8"];

/** Rejects with words for a person where this browser cannot do it. */
export async function annotatedClip(
  clip: Blob,
  view: Viewing,
  name: string,
  onDone: (share: number) => void,
): Promise<Blob> {
  if (typeof VideoEncoder === "undefined" || typeof VideoDecoder === "undefined") {
    throw new Error(
      "Making a video needs a browser with WebCodecs, and this page opened on localhost or by https.",
    );
  }
  const input = new Input({ formats: ALL_FORMATS, source: new BlobSource(clip) });
  try {
    return await drawn(await readable(input), view, name, onDone);
  } finally {
    input.dispose();
  }
}

async function readable(input: Input): Promise<InputVideoTrack> {
  let track: InputVideoTrack | null = null;
  try {
    track = await input.getPrimaryVideoTrack();
  } catch {
    // A container it does not know: said below.
  }
  if (track === null || !(await track.canDecode())) {
    throw new Error("This browser cannot decode the clip; the service’s plot can be had instead.");
  }
  return track;
}

async function drawn(
  track: InputVideoTrack,
  view: Viewing,
  name: string,
  onDone: (share: number) => void,
): Promise<Blob> {
  const canvas = document.createElement("canvas");
  const width = even(Math.min(WIDEST, track.displayWidth));
  const pictureHeight = even((width * track.displayHeight) / track.displayWidth);
  const annotation = new Annotation(canvas, view, name, width, pictureHeight);
  const codec = await getFirstEncodableVideoCodec(CODECS, { width: canvas.width, height: canvas.height });
  if (codec === null) throw new Error("This browser cannot encode video.");
  const target = new BufferTarget();
  const output = new Output({ format: new Mp4OutputFormat(), target });
  const source = new CanvasSource(canvas, { codec, bitrate: QUALITY_HIGH });
  output.addVideoTrack(source);
  await output.start();
  const first = await track.getFirstTimestamp();
  for await (const sample of new VideoSampleSink(track).samples()) {
    const time = sample.timestamp - first;
    const frame = nearest(view.times, time);
    sample.draw(annotation.context, 0, 0, width, pictureHeight);
    annotation.draw(frame);
    await source.add(time, sample.duration);
    sample.close();
    onDone((frame + 1) / view.times.length);
  }
  await output.finalize();
  if (target.buffer === null) throw new Error("The video came out empty.");
  return new Blob([target.buffer], { type: "video/mp4" });
}

/** Most encoders take even sides alone. */
function even(length: number): number {
  return Math.max(2, 2 * Math.round(length / 2));
}
