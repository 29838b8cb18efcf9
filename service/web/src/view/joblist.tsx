/** The caller's jobs, newest first. */

import { useSignal } from "@preact/signals";
import { forgetAllClips, keptClips } from "../state/clips";
import { isPending, newestFirst, selectedId } from "../state/entries";
import type { Entry } from "../state/entries";
import { erase, listProblem, select, signOut } from "../state/jobs";
import { apiKey, keyIsWanted } from "../state/key";
import { fileSize, moment, percent, plural, progressInWords, STATES } from "../words";

export function JobList() {
  const { count, bytes } = keptClips.value;
  return (
    <aside class="jobs" aria-labelledby="jobs-title">
      <div class="jobs-head">
        <h2 id="jobs-title">Your jobs</h2>
        {selectedId.value !== null && (
          <button type="button" class="button small" onClick={() => select(null)}>
            New clip
          </button>
        )}
      </div>
      {listProblem.value !== null && newestFirst.value.length === 0 ? (
        <p class="quiet">{listProblem.value.title}.</p>
      ) : newestFirst.value.length === 0 ? (
        <p class="quiet">
          None yet. Look at the <a href="./gallery">gallery</a> to see what comes out.
        </p>
      ) : (
        <ul>
          {newestFirst.value.map((entry) => (
            <Item key={entry.id} entry={entry} />
          ))}
        </ul>
      )}
      {apiKey.value !== null && !keyIsWanted.value && (
        <p class="quiet">
          A key is in use in this tab.{" "}
          <button type="button" class="link" onClick={signOut}>
            Forget it
          </button>
        </p>
      )}
      {count > 0 && (
        <p class="quiet kept">
          {plural(count, "clip")} ({fileSize(bytes)}) kept in this browser.{" "}
          <button type="button" class="link" onClick={() => void forgetAllClips()}>
            Erase them
          </button>
        </p>
      )}
    </aside>
  );
}

function Item({ entry }: { entry: Entry }) {
  const isAsking = useSignal(false);
  const isCurrent = selectedId.value === entry.id;
  const title = nameOf(entry);
  return (
    <li class={isCurrent ? "is-current" : undefined}>
      <a
        href={entry.id.startsWith("job_") ? `#${entry.id}` : "#"}
        aria-current={isCurrent ? "true" : undefined}
        onClick={(event) => {
          event.preventDefault();
          select(entry.id);
        }}
      >
        <span class="job-name">{title}</span>
        <span class="job-state" data-state={stateOf(entry)}>
          {stateInWords(entry)}
          {entry.job !== null && !isPending(entry) && ` · ${moment(entry.job.created_at)}`}
        </span>
        {(entry.job?.tags.length ?? 0) > 0 && (
          <span class="tags">
            {entry.job?.tags.map((tag) => (
              <i key={tag}>{tag}</i>
            ))}
          </span>
        )}
      </a>
      {isAsking.value ? (
        <span class="buttons asking">
          <button type="button" class="button small danger" onClick={() => void erase(entry.id)}>
            Erase
          </button>
          <button type="button" class="button small" onClick={() => (isAsking.value = false)}>
            Keep
          </button>
        </span>
      ) : (
        <button
          type="button"
          class="icon"
          aria-label={`Erase ${title}`}
          title="Erase"
          onClick={() => (isAsking.value = true)}
        >
          <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
            <path d="m4 4 8 8m0-8-8 8" />
          </svg>
        </button>
      )}
    </li>
  );
}

/** What a job is called: by the file where this browser knows it, else by the caller's own id. */
export function nameOf(entry: Entry): string {
  return entry.name ?? entry.job?.client_ref ?? `${entry.id.slice(0, 12)}…`;
}

function stateOf(entry: Entry): string {
  if (entry.problem !== null) return "failed";
  return entry.job?.status ?? "processing";
}

function stateInWords(entry: Entry): string {
  if (entry.problem !== null) return entry.problem.title;
  if (entry.job === null) return entry.sent === null ? "looking" : `sending, ${percent(entry.sent)}`;
  if (isPending(entry)) return progressInWords(entry.progress);
  const failure = entry.job.error?.code;
  return failure === undefined ? (STATES[entry.job.status] ?? entry.job.status) : `failed: ${failure}`;
}
