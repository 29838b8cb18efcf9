/** Results, fetched when first shown. */

import { read } from "../api/http";
import type { Report } from "../api/wire";

const fetched = new Map<string, Promise<Report>>();

/** The result at an address. Rejects with ProblemError, and then may be asked for again. */
export function resultAt(path: string): Promise<Report> {
  const known = fetched.get(path);
  if (known !== undefined) return known;
  const asked = read<Report>(path);
  asked.catch(() => fetched.delete(path));
  fetched.set(path, asked);
  return asked;
}
