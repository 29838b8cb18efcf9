/** Colours of drawings, as the style sheet names them: they follow light and dark. */

import { signal } from "@preact/signals";

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Changes when the colours do. */
export const scheme = signal(dark.matches ? "dark" : "light");
dark.addEventListener("change", () => (scheme.value = dark.matches ? "dark" : "light"));

export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Lines of action units: Okabe and Ito's palette, safe for the colour-blind. */
export const SERIES = ["series-1", "series-2", "series-3", "series-4", "series-5", "series-6"] as const;
