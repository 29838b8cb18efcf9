/** The upload: XMLHttpRequest, since `fetch` tells nothing of how much has been sent. */

import { ProblemError, authorization, noted, problemIn, unreachable } from "./http";
import type { Job, RecognizeOptions } from "./wire";

/** Send a clip; resolves with its job. Rejects with ProblemError, or AbortError when aborted. */
export function upload(
  clip: Blob,
  options: Partial<RecognizeOptions>,
  idempotencyKey: string,
  onSent: (share: number) => void,
  signal: AbortSignal,
): Promise<Job> {
  const form = new FormData();
  form.append("options", JSON.stringify(options));
  // The name of the file stays here: the service has no use for it.
  form.append("file", clip, "clip");
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "v1/recognize");
    for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value);
    request.setRequestHeader("Idempotency-Key", idempotencyKey);
    request.upload.onprogress = (sent) => onSent(sent.total > 0 ? sent.loaded / sent.total : 0);
    request.onerror = () => reject(new ProblemError(unreachable()));
    request.onabort = () => reject(new DOMException("canceled", "AbortError"));
    request.onload = () => {
      if (request.status === 202) resolve(JSON.parse(request.responseText) as Job);
      else reject(new ProblemError(noted(problemIn(request.responseText, request.status))));
    };
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}

/** Two uploads with the same key make one job. */
export function newIdempotencyKey(): string {
  // `crypto.randomUUID` is missing where the page came by plain HTTP from another machine.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
