/** Requests to the service: the key goes along, and whatever goes wrong becomes a problem. */

import { apiKey, keyIsWanted } from "../state/key";
import type { Problem } from "./wire";

export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.title);
  }
}

export const UNREACHABLE = "unreachable";
const UNAUTHENTICATED = "unauthenticated";

/** A problem of this side: the service has not said anything. */
export function ownProblem(code: string, title: string, detail: string): Problem {
  return {
    type: `urn:madv:problem:${code}`,
    title,
    status: 0,
    detail,
    code,
    request_id: "",
    retryable: code === UNREACHABLE,
  };
}

export function unreachable(): Problem {
  return ownProblem(
    UNREACHABLE,
    "The service does not answer",
    "The connection was refused or has broken off.",
  );
}

export function authorization(): Record<string, string> {
  const key = apiKey.value;
  return key === null ? {} : { Authorization: `Bearer ${key}` };
}

/** The answer to a request. Throws ProblemError. */
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { ...authorization(), ...(init.headers as Record<string, string> | undefined) };
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers, cache: "no-store" });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ProblemError(unreachable());
  }
  if (!response.ok) throw new ProblemError(noted(problemIn(await response.text(), response.status)));
  return response;
}

/** A document of the service. Throws ProblemError. */
export async function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await ask(path, signal === undefined ? {} : { signal });
  return (await response.json()) as T;
}

/** The problem a body holds, or one of our own where a proxy answered in its own words. */
export function problemIn(body: string, status: number): Problem {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null && "code" in parsed) return parsed as Problem;
  } catch {
    // Not JSON: said below.
  }
  return ownProblem("unexpected", "The service gave an unexpected answer", `HTTP status ${status}.`);
}

/** Ask for a key where the service wants one. */
export function noted(problem: Problem): Problem {
  if (problem.code === UNAUTHENTICATED) keyIsWanted.value = true;
  return problem;
}

export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  const detail = error instanceof Error ? error.message : String(error);
  return ownProblem("page-error", "Something went wrong in this page", detail);
}
