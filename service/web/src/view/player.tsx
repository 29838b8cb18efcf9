/** The video of this browser, stepped frame by frame; without it the cursor moves all the same. */

import { useSignal } from "@preact/signals";
import type { Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { seekTime } from "../media/clock";
import { seekable } from "../media/video";
import { ACTIONS, seconds } from "../words";
import { FaceBox } from "./facebox";
import { FindClip } from "./findclip";
import { stepByKeys } from "./keys";
import { useFollowing } from "./playback";
import type { Viewing } from "./viewing";

const SPEEDS = [1, 0.5, 0.25, 0.1];

interface PlayerProps {
  readonly view: Viewing;
  readonly url: string | null;
  readonly name: string;
  readonly onClip: ((file: File) => void) | null;
}

export function Player({ view, url, name, onClip }: PlayerProps) {
  const video = useRef<HTMLVideoElement>(null);
  const isPlaying = useSignal(false);
  const isLooped = useSignal(true);
  const canPlay = useSignal<boolean | null>(null);

  useEffect(() => {
    const player = video.current;
    if (player === null || url === null) return undefined;
    canPlay.value = null;
    seekable(player).then(
      () => {
        canPlay.value = true;
        player.currentTime = seekTime(view.times, view.frame.peek());
      },
      () => (canPlay.value = false),
    );
    return view.frame.subscribe((frame) => {
      if (player.paused && canPlay.peek() === true) player.currentTime = seekTime(view.times, frame);
    });
  }, [url, view]);

  const toggle = (): void => {
    const player = video.current;
    if (player === null || canPlay.value !== true) return;
    if (player.paused) void player.play();
    else player.pause();
  };

  const step = (by: number): void => {
    video.current?.pause();
    view.go(view.frame.value + by);
  };

  useEffect(
    () => stepByKeys({ step, toggle, go: (frame) => view.go(frame), last: view.times.length - 1 }),
    [view],
  );
  useFollowing(video, view, isPlaying, isLooped);

  return (
    <section class="player panel" aria-label="Video">
      <div class="screen">
        {url !== null && canPlay.value !== false ? (
          <>
            <video
              ref={video}
              src={url}
              muted
              playsInline
              preload="auto"
              aria-label={`The clip ${name}`}
              onPlay={() => (isPlaying.value = true)}
              onPause={() => (isPlaying.value = false)}
              onClick={toggle}
            />
            <FaceBox view={view} />
          </>
        ) : (
          <NoPicture isHere={url !== null} view={view} onClip={onClip} />
        )}
      </div>
      <Scrubber view={view} onScrub={() => video.current?.pause()} />
      <Controls
        view={view}
        canPlay={canPlay.value === true}
        isPlaying={isPlaying.value}
        isLooped={isLooped}
        toggle={toggle}
        step={step}
        pause={() => video.current?.pause()}
        setSpeed={(speed) => {
          if (video.current !== null) video.current.playbackRate = speed;
        }}
      />
    </section>
  );
}

interface ControlsProps {
  readonly view: Viewing;
  readonly canPlay: boolean;
  readonly isPlaying: boolean;
  readonly isLooped: Signal<boolean>;
  readonly toggle: () => void;
  readonly step: (by: number) => void;
  readonly pause: () => void;
  readonly setSpeed: (speed: number) => void;
}

function Controls(props: ControlsProps) {
  const { view, canPlay, isPlaying, isLooped, toggle, step } = props;
  return (
    <div class="controls">
      <button type="button" class="button small" disabled={!canPlay} onClick={toggle}>
        {isPlaying ? "Pause" : "Play"}
      </button>
      <button type="button" class="button small" aria-label="One frame back" onClick={() => step(-1)}>
        ‹
      </button>
      <button type="button" class="button small" aria-label="One frame on" onClick={() => step(1)}>
        ›
      </button>
      <Moments view={view} onGo={props.pause} />
      <span class="settings">
        <label class="inline">
          <span class="visually-hidden">Speed</span>
          <select onChange={(e) => props.setSpeed(Number(e.currentTarget.value))}>
            {SPEEDS.map((speed) => (
              <option key={speed} value={speed}>{`${speed} ×`}</option>
            ))}
          </select>
        </label>
        {view.event.value !== null && (
          <label class="inline check">
            <input
              type="checkbox"
              checked={isLooped.value}
              onChange={(e) => (isLooped.value = e.currentTarget.checked)}
            />
            <span>Repeat the event</span>
          </label>
        )}
      </span>
    </div>
  );
}

function NoPicture({
  isHere,
  view,
  onClip,
}: {
  isHere: boolean;
  view: Viewing;
  onClip: PlayerProps["onClip"];
}) {
  const { container, codec } = view.report.decode;
  return (
    <div class="no-picture">
      {isHere ? (
        <p>
          This browser cannot play this clip ({container}, {codec}), so there is no picture. The service could
          read it: all measurements are here.
        </p>
      ) : (
        <FindClip report={view.report} onClip={onClip} />
      )}
    </div>
  );
}

function Scrubber({ view, onScrub }: { view: Viewing; onScrub: () => void }) {
  const frame = view.frame.value;
  return (
    <div class="scrubber">
      <input
        type="range"
        class="scrub"
        min={0}
        max={Math.max(view.times.length - 1, 0)}
        step={1}
        value={frame}
        aria-label="Frame"
        aria-valuetext={inWords(view)}
        onInput={(event) => {
          onScrub();
          view.go(Number(event.currentTarget.value));
        }}
      />
      <output class="where">
        {seconds(view.time.value)} <span class="quiet">frame {frame}</span>
      </output>
    </div>
  );
}

function Moments({ view, onGo }: { view: Viewing; onGo: () => void }) {
  const event = view.event.value;
  if (event === null) return null;
  const moments = [
    ["Onset", event.onset_frame],
    ["Apex", event.apex_frame],
    ["Offset", event.offset_frame],
  ] as const;
  return (
    <span class="moments">
      {moments.map(([name, frame]) => (
        <button
          key={name}
          type="button"
          class="button small"
          aria-pressed={view.frame.value === frame}
          onClick={() => {
            onGo();
            view.go(frame);
          }}
        >
          {name}
        </button>
      ))}
    </span>
  );
}

/** Where the cursor is, and what moves most there: for those who do not see the charts. */
function inWords(view: Viewing): string {
  const { names, frames } = view.face.value.action_units;
  const row = frames[view.frame.value];
  const where = `frame ${view.frame.value}, ${seconds(view.time.value)}`;
  if (row?.intensity == null) return `${where}, not measured`;
  const strongest = row.intensity.reduce(
    (best, value, k, all) => (Math.abs(value) > Math.abs(all[best] ?? 0) ? k : best),
    0,
  );
  const name = names[strongest] ?? "";
  return `${where}, strongest ${name} ${ACTIONS[name] ?? ""} ${(row.intensity[strongest] ?? 0).toFixed(1)}`;
}
