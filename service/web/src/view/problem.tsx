/** Something that went wrong, and what to do about it. */

import { adviceFor } from "../advice";
import type { Problem } from "../api/wire";
import type { Entry } from "../state/entries";
import { erase, select } from "../state/jobs";
import { Fact } from "./facts";

export function ProblemNote({ problem }: { problem: Problem }) {
  return (
    <div class="problem panel" role="alert">
      <h2>{problem.title}</h2>
      <p>{problem.detail}</p>
      <p class="advice">{adviceFor(problem.code, problem.retryable)}</p>
      <dl class="facts">
        <Fact name="Code" value={problem.code} />
        {problem.limit != null && <Fact name="Limit" value={String(problem.limit)} />}
        {problem.measured != null && <Fact name="Measured" value={String(problem.measured)} />}
        {problem.request_id !== "" && <Fact name="Request" value={problem.request_id} />}
      </dl>
    </div>
  );
}

export function ProblemView({ entry, problem }: { entry: Entry; problem: Problem }) {
  return (
    <>
      <ProblemNote problem={problem} />
      <div class="buttons">
        {entry.again !== null && (
          <button type="button" class="button primary" onClick={entry.again}>
            Try again
          </button>
        )}
        <button
          type="button"
          class={entry.again === null ? "button primary" : "button"}
          onClick={() => select(null)}
        >
          Choose another clip
        </button>
        <button type="button" class="button" onClick={() => void erase(entry.id)}>
          Erase this job
        </button>
      </div>
    </>
  );
}
