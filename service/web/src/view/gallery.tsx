/** Results that come with the page, of clips whose truth is known. */

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ask, problemOf, read } from "../api/http";
import type { Problem, Report } from "../api/wire";
import { loadOffer } from "../state/service";
import { resultAt } from "../state/results";
import { ProblemNote } from "./problem";
import { ResultView } from "./result";

interface Exhibit {
  readonly id: string;
  readonly title: string;
  /** What was made to happen in the clip. */
  readonly truth: string;
  /** What the service says of it. */
  readonly answer: string;
  readonly clip: string;
  readonly result: string;
  readonly picture: string;
}

interface Catalogue {
  readonly about: string;
  readonly command: string;
  readonly exhibits: readonly Exhibit[];
}

export function Gallery() {
  const catalogue = useSignal<Catalogue | null>(null);
  const problem = useSignal<Problem | null>(null);
  const chosen = useSignal(location.hash.slice(1));
  useEffect(() => {
    read<Catalogue>("gallery/index.json").then(
      (found) => (catalogue.value = found),
      (error: unknown) => (problem.value = problemOf(error)),
    );
    void loadOffer();
    const turn = (): void => void (chosen.value = location.hash.slice(1));
    addEventListener("hashchange", turn);
    return () => removeEventListener("hashchange", turn);
  }, []);
  const exhibit = catalogue.value?.exhibits.find(({ id }) => id === chosen.value) ?? null;
  return (
    <main id="main" class="gallery" tabIndex={-1}>
      {problem.value !== null && <ProblemNote problem={problem.value} />}
      {catalogue.value !== null &&
        (exhibit === null ? (
          <Wall catalogue={catalogue.value} />
        ) : (
          <Room key={exhibit.id} exhibit={exhibit} />
        ))}
    </main>
  );
}

function Wall({ catalogue: { about, command, exhibits } }: { catalogue: Catalogue }) {
  return (
    <>
      <div class="lead">
        <h1>Gallery</h1>
        <p>{about}</p>
      </div>
      <ul class="wall">
        {exhibits.map(({ id, title, truth, answer, picture }) => (
          <li key={id} class="panel">
            <img src={`./gallery/${picture}`} alt="" width="240" height="240" />
            <div>
              <h2>
                <a href={`#${id}`}>{title}</a>
              </h2>
              <p class="quiet">{truth}</p>
              <p class="says">{answer}</p>
            </div>
          </li>
        ))}
      </ul>
      <p class="quiet">
        Made by <code>{command}</code>.
      </p>
    </>
  );
}

function Room({ exhibit }: { exhibit: Exhibit }) {
  const report = useSignal<Report | null>(null);
  const clip = useSignal<Blob | null>(null);
  const problem = useSignal<Problem | null>(null);
  const path = `gallery/${exhibit.result}`;
  useEffect(() => {
    Promise.all([resultAt(path), ask(`gallery/${exhibit.clip}`).then((answer) => answer.blob())]).then(
      ([found, film]) => {
        clip.value = film;
        report.value = found;
      },
      (error: unknown) => (problem.value = problemOf(error)),
    );
  }, [path]);
  return (
    <article class="job">
      <p>
        <a href="#">All of the gallery</a>
      </p>
      <h1 class="clip-name">{exhibit.title}</h1>
      <p class="truth">
        <strong>What happens</strong> {exhibit.truth}
      </p>
      {problem.value !== null && <ProblemNote problem={problem.value} />}
      {report.value === null ? (
        problem.value === null && <p class="quiet">Fetching the result …</p>
      ) : (
        <ResultView
          report={report.value}
          clip={clip.value}
          name={exhibit.clip}
          source={{ kind: "gallery", path }}
          onClip={null}
        />
      )}
    </article>
  );
}
