/** What the service offers. */

import { signal } from "@preact/signals";
import { problemOf, read } from "../api/http";
import type { Limits, ModelCard, Models, Problem } from "../api/wire";

export const models = signal<readonly ModelCard[]>([]);
export const limits = signal<Limits | null>(null);
export const serviceProblem = signal<Problem | null>(null);

export async function loadOffer(): Promise<void> {
  try {
    const [offered, allowed] = await Promise.all([read<Models>("v1/models"), read<Limits>("v1/limits")]);
    models.value = offered.data;
    limits.value = allowed;
    serviceProblem.value = null;
  } catch (error) {
    serviceProblem.value = problemOf(error);
  }
}
