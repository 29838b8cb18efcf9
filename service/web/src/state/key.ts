/** The API key, kept for this tab alone. */

import { signal } from "@preact/signals";

const NAME = "madv-key";

export const apiKey = signal<string | null>(sessionStorage.getItem(NAME));
export const keyIsWanted = signal(false);

export function useKey(key: string): void {
  sessionStorage.setItem(NAME, key);
  apiKey.value = key;
  keyIsWanted.value = false;
}

export function forgetKey(): void {
  sessionStorage.removeItem(NAME);
  apiKey.value = null;
}
