/** One job: on its way, ended with a result, or without. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { problemOf } from "../api/http";
import type { Problem, Report } from "../api/wire";
import { clipOf, keepClip } from "../state/clips";
import type { KeptClip } from "../state/clips";
import { isPending } from "../state/entries";
import type { Entry } from "../state/entries";
import { resultAt } from "../state/results";
import { nameOf } from "./joblist";
import { ProblemView } from "./problem";
import { ResultView } from "./result";
import { RunningView } from "./running";

export function JobView({ entry }: { entry: Entry }) {
  const { id, job } = entry;
  const hasEnded = job !== null && !isPending(entry);
  return (
    <article class="job" key={id}>
      <h1 class="clip-name">{nameOf(entry)}</h1>
      {entry.problem !== null ? (
        <ProblemView entry={entry} problem={entry.problem} />
      ) : hasEnded ? (
        <Ended key={id} entry={entry} />
      ) : (
        <RunningView entry={entry} />
      )}
    </article>
  );
}

function Ended({ entry }: { entry: Entry }) {
  const { id } = entry;
  const report = useSignal<Report | null>(null);
  const problem = useSignal<Problem | null>(null);
  const clip = useSignal<KeptClip | null | undefined>(undefined);
  useEffect(() => {
    resultAt(`v1/jobs/${id}/result`).then(
      (found) => (report.value = found),
      // Failed, canceled and expired jobs answer with the reason.
      (error: unknown) => (problem.value = problemOf(error)),
    );
    void clipOf(id).then((found) => (clip.value = found));
  }, [id]);
  if (problem.value !== null) return <ProblemView entry={entry} problem={problem.value} />;
  if (report.value === null || clip.value === undefined) return <p class="quiet">Fetching the result …</p>;
  return (
    <ResultView
      report={report.value}
      clip={clip.value?.blob ?? null}
      name={nameOf(entry)}
      source={{ kind: "job", entry }}
      onClip={(file) => {
        void keepClip(id, file.name, file);
        clip.value = { id, name: file.name, at: Date.now(), blob: file };
      }}
    />
  );
}
