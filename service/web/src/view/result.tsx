/** A result: what moved, when, and what a recognizer makes of it. */

import { useEffect, useMemo } from "preact/hooks";
import { useSignal } from "@preact/signals";
import type { Report } from "../api/wire";
import type { Entry } from "../state/entries";
import { Bars } from "./bars";
import { Details } from "./details";
import { Downloads } from "./downloads";
import { Headline } from "./headline";
import { Player } from "./player";
import { Traces } from "./traces";
import { Viewing } from "./viewing";
import { Why } from "./why";

/** Where a result is from: a job of the service, or the gallery. */
export type Source =
  { readonly kind: "job"; readonly entry: Entry } | { readonly kind: "gallery"; readonly path: string };

export interface ResultProps {
  readonly report: Report;
  /** The video, where this browser has it. */
  readonly clip: Blob | null;
  readonly name: string;
  readonly source: Source;
  /** Takes a file for a result whose video is not here. */
  readonly onClip: ((file: File) => void) | null;
}

export function ResultView({ report, clip, name, source, onClip }: ResultProps) {
  const view = useMemo(() => new Viewing(report), [report]);
  const url = useObjectUrl(clip);
  return (
    <div class="result">
      <Headline view={view} />
      <div class="look">
        <Player view={view} url={url} name={name} onClip={onClip} />
        <Bars view={view} />
      </div>
      <Traces view={view} />
      <Why view={view} url={url} />
      <Downloads view={view} clip={clip} name={name} source={source} />
      <Details view={view} source={source} />
    </div>
  );
}

/** An address of a blob, as long as it is looked at. */
function useObjectUrl(blob: Blob | null): string | null {
  const url = useSignal<string | null>(null);
  useEffect(() => {
    if (blob === null) {
      url.value = null;
      return undefined;
    }
    const made = URL.createObjectURL(blob);
    url.value = made;
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return url.value;
}
