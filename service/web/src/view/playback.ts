/** While the video plays, the cursor goes where the picture is. */

import type { ReadonlySignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { MicroExpression } from "../api/wire";
import { nearest } from "../media/clock";
import { eachPicture } from "../media/video";
import type { Viewing } from "./viewing";

const AROUND_S = 0.15;

/** Follow the player as long as it plays; where that is wanted, repeat the event. */
export function useFollowing(
  video: { readonly current: HTMLVideoElement | null },
  view: Viewing,
  isPlaying: ReadonlySignal<boolean>,
  isLooped: ReadonlySignal<boolean>,
): void {
  useEffect(() => {
    const player = video.current;
    if (player === null || !isPlaying.value) return undefined;
    const repeat = (time: number): void => {
      const event = view.event.peek();
      if (event !== null && isLooped.peek() && isBeyond(time, event)) {
        player.currentTime = Math.max(0, event.onset_s - AROUND_S);
      }
    };
    repeat(player.currentTime);
    return eachPicture(player, (time) => {
      view.go(nearest(view.times, time));
      repeat(time);
    });
  }, [isPlaying.value, view]);
}

function isBeyond(time: number, { offset_s }: MicroExpression): boolean {
  return time > offset_s + AROUND_S;
}
