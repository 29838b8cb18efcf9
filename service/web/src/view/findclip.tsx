/** For a result whose video is not in this browser: it can be chosen again. */

import { useSignal } from "@preact/signals";
import type { Report } from "../api/wire";

export function FindClip({ report, onClip }: { report: Report; onClip: ((file: File) => void) | null }) {
  const isOther = useSignal(false);
  const take = async (file: File | undefined): Promise<void> => {
    if (file === undefined || onClip === null) return;
    const digest = await digestOf(file);
    isOther.value = digest !== null && digest !== report.clip.sha256;
    if (!isOther.value) onClip(file);
  };
  if (onClip === null) return <p>The video is not here.</p>;
  return (
    <>
      <p>The video is not in this browser: it was sent from elsewhere, or erased here.</p>
      <label class="button small">
        Choose the file again
        <input
          class="hidden-input"
          type="file"
          onChange={({ currentTarget }) => void take(currentTarget.files?.[0])}
        />
      </label>
      {isOther.value && <p role="alert">That is another file: its SHA-256 is not that of the clip.</p>}
    </>
  );
}

/** SHA-256 of a file in hexadecimal; null where the browser computes none, as by plain HTTP. */
async function digestOf(file: Blob): Promise<string | null> {
  if (!isSecureContext) return null;
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
