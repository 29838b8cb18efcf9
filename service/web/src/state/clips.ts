/** Clips of this browser: kept here, so that the service need not keep them to show them again. */

import { signal } from "@preact/signals";

export interface KeptClip {
  readonly id: string;
  readonly name: string;
  readonly at: number;
  readonly blob: Blob;
}

const DATABASE = "madv";
const STORE = "clips";
const MOST_CLIPS = 12;
const MOST_BYTES = 500 * 1024 * 1024;

/** How much is kept. */
export const keptClips = signal({ count: 0, bytes: 0 });

let opened: Promise<IDBDatabase> | null = null;
/** Of this visit: what is left where the browser stores nothing, as in private windows. */
const inMemory = new Map<string, KeptClip>();

function database(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

async function done<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const store = (await database()).transaction(STORE, mode).objectStore(STORE);
  return new Promise((resolve, reject) => {
    const request = act(store);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Keep a clip under its job's id, and let go of the oldest where there are too many. */
export async function keepClip(id: string, name: string, blob: Blob): Promise<void> {
  const clip = { id, name, at: Date.now(), blob };
  inMemory.set(id, clip);
  try {
    await done("readwrite", (store) => store.put(clip));
    for (const old of tooMany(await allClips())) await forgetClip(old.id);
  } catch {
    // Storage is full or forbidden: the clip is there until the page is left.
  }
  await count();
}

export async function clipOf(id: string): Promise<KeptClip | null> {
  try {
    return (
      (await done<KeptClip | undefined>("readonly", (store) => store.get(id))) ?? inMemory.get(id) ?? null
    );
  } catch {
    return inMemory.get(id) ?? null;
  }
}

/** All that are kept, newest first. */
export async function allClips(): Promise<KeptClip[]> {
  const stored = new Map(inMemory);
  try {
    for (const clip of await done<KeptClip[]>("readonly", (store) => store.getAll()))
      stored.set(clip.id, clip);
  } catch {
    // Those of this visit are all there are.
  }
  return [...stored.values()].sort((one, other) => other.at - one.at);
}

export async function forgetClip(id: string): Promise<void> {
  inMemory.delete(id);
  try {
    await done("readwrite", (store) => store.delete(id));
  } catch {
    // Nothing was stored.
  }
  await count();
}

export async function forgetAllClips(): Promise<void> {
  for (const clip of await allClips()) await forgetClip(clip.id);
}

export async function count(): Promise<void> {
  const clips = await allClips();
  keptClips.value = { count: clips.length, bytes: clips.reduce((sum, { blob }) => sum + blob.size, 0) };
}

function tooMany(newestFirst: readonly KeptClip[]): KeptClip[] {
  let bytes = 0;
  return newestFirst.filter((clip, index) => {
    bytes += clip.blob.size;
    return index > 0 && (index >= MOST_CLIPS || bytes > MOST_BYTES);
  });
}
