/** How the next clip is treated. */

import { signal } from "@preact/signals";
import type { RecognizeOptions } from "../api/wire";

export interface Choice {
  /** Null takes what the service takes. */
  readonly recognizer: RecognizeOptions["recognizer"] | null;
  readonly mode: "clip" | "spot";
  readonly faces: "main" | "all";
  readonly fps: number;
  readonly tags: string;
  readonly keepOnServer: boolean;
  readonly again: boolean;
}

export const choice = signal<Choice>({
  recognizer: null,
  mode: "clip",
  faces: "main",
  fps: 100,
  tags: "",
  keepOnServer: false,
  again: false,
});

const MOST_TAGS = 16;

/** The options of an upload; an archive of frames needs a rate, a video states its own. */
export function optionsFor(name: string, chosen: Choice): Partial<RecognizeOptions> {
  const tags = [...new Set(chosen.tags.split(",").map((tag) => tag.trim()))].filter((tag) => tag !== "");
  return {
    ...(chosen.recognizer === null ? {} : { recognizer: chosen.recognizer }),
    ...(isArchive(name) ? { fps: chosen.fps } : {}),
    mode: chosen.mode,
    faces: chosen.faces,
    store_input: chosen.keepOnServer,
    deduplicate: !chosen.again,
    explain: true,
    tags: tags.slice(0, MOST_TAGS),
  };
}

export function isArchive(name: string): boolean {
  return name.toLowerCase().endsWith(".zip");
}
