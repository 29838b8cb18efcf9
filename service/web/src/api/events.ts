/** Server-sent events read with `fetch`, since `EventSource` cannot send a key. */

import { ask } from "./http";

export interface ServerEvent {
  readonly id: string | null;
  readonly kind: string;
  readonly data: string;
}

/** The events of one response, as they arrive. */
export async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let pending = "";
  for await (const chunk of chunksOf(body)) {
    pending += decoder.decode(chunk, { stream: true }).replaceAll("\r", "");
    const blocks = pending.split("\n\n");
    pending = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = parsed(block);
      if (event !== null) yield event;
    }
  }
}

/** A block of lines as an event; null where it holds nothing but a comment. */
export function parsed(block: string): ServerEvent | null {
  let id: string | null = null;
  let kind = "message";
  const data: string[] = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const value = line.slice(colon + 1).replace(/^ /, "");
    const field = line.slice(0, colon);
    if (field === "id") id = value;
    if (field === "event") kind = value;
    if (field === "data") data.push(value);
  }
  return data.length === 0 ? null : { id, kind, data: data.join("\n") };
}

/** What happens to a job, after an event. Throws ProblemError. */
export async function jobEvents(
  jobId: string,
  lastId: string | null,
  signal: AbortSignal,
): Promise<AsyncGenerator<ServerEvent>> {
  const headers: Record<string, string> = { Accept: "text/event-stream" };
  if (lastId !== null) headers["Last-Event-ID"] = lastId;
  const response = await ask(`v1/jobs/${jobId}/events`, { headers, signal });
  return eventsOf(response.body ?? new ReadableStream());
}

async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  // Not every browser iterates over streams.
  const reader = body.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  } finally {
    reader.releaseLock();
  }
}
