/** Everything to take away. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { ask, problemOf } from "../api/http";
import { erase } from "../state/jobs";
import { percent } from "../words";
import type { Source } from "./result";
import type { Viewing } from "./viewing";

const KINDS = [
  ["JSON", "application/json", "json"],
  ["CSV", "text/csv", "csv"],
  ["Parquet", "application/vnd.apache.parquet", "parquet"],
  ["Plot (PNG)", "image/png", "png"],
] as const;

interface DownloadsProps {
  readonly view: Viewing;
  readonly clip: Blob | null;
  readonly name: string;
  readonly source: Source;
}

export function Downloads({ view, clip, name, source }: DownloadsProps) {
  const trouble = useSignal<string | null>(null);
  const working = useSignal<string | null>(null);
  const isAsking = useSignal(false);
  const offered = source.kind === "job" ? KINDS : KINDS.slice(0, 1);

  const attempt = async (what: string, act: () => Promise<Blob>, fileName: string): Promise<void> => {
    trouble.value = null;
    working.value = what;
    try {
      save(await act(), fileName);
    } catch (error) {
      const { title, detail } = problemOf(error);
      trouble.value = `${title}. ${detail}`;
    } finally {
      working.value = null;
    }
  };

  const annotate = async (): Promise<Blob> => {
    if (clip === null) throw new Error("The video is not in this browser.");
    const { annotatedClip } = await import("../media/annotated");
    return annotatedClip(clip, view, name, (share) => (working.value = `Annotated MP4: ${percent(share)}`));
  };

  const base = stem(name);
  return (
    <section class="downloads panel" aria-label="Downloads">
      <h2>Take it away</h2>
      <div class="buttons">
        {offered.map(([label, type, suffix]) => (
          <Download
            key={suffix}
            isBusy={working.value !== null}
            onClick={() => void attempt(label, () => fetched(source, type), `${base}.${suffix}`)}
          >
            {label}
          </Download>
        ))}
        {clip !== null && (
          <Download
            isBusy={working.value !== null}
            onClick={() => void attempt("Annotated MP4", annotate, `${base}-annotated.mp4`)}
          >
            Annotated MP4
          </Download>
        )}
        {source.kind === "job" &&
          (isAsking.value ? (
            <>
              <button type="button" class="button small danger" onClick={() => void erase(source.entry.id)}>
                Erase job, result and video
              </button>
              <button type="button" class="button small" onClick={() => (isAsking.value = false)}>
                Keep them
              </button>
            </>
          ) : (
            <button type="button" class="button small quiet-button" onClick={() => (isAsking.value = true)}>
              Erase …
            </button>
          ))}
      </div>
      <p class="quiet" role="status">
        {working.value === null ? "" : `${working.value} …`}
      </p>
      {trouble.value !== null && <p role="alert">{trouble.value}</p>}
      {clip !== null && (
        <p class="quiet">The annotated video is made in this browser; nothing is sent for it.</p>
      )}
    </section>
  );
}

function Download(props: { isBusy: boolean; onClick: () => void; children: ComponentChildren }) {
  return (
    <button type="button" class="button small" disabled={props.isBusy} onClick={props.onClick}>
      {props.children}
    </button>
  );
}

async function fetched(source: Source, type: string): Promise<Blob> {
  const path = source.kind === "job" ? `v1/jobs/${source.entry.id}/result` : source.path;
  return (await ask(path, { headers: { Accept: type } })).blob();
}

function save(blob: Blob, fileName: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = fileName;
  link.click();
  // The download has its own hold of the blob by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A name for files: of the clip, without its suffix and what file systems dislike. */
function stem(name: string): string {
  return (
    name
      .replace(/\.[A-Za-z0-9]{1,5}$/, "")
      .replace(/[^\p{L}\p{N}._-]+/gu, "_")
      .slice(0, 80) || "result"
  );
}
