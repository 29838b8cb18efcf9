import { effect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { apiKey, keyIsWanted } from "./state/key";
import { count } from "./state/clips";
import { selected } from "./state/entries";
import { nameOf } from "./view/joblist";
import { followJobs } from "./state/following";
import { list, refusal, select, selectFromAddress } from "./state/jobs";
import { loadOffer } from "./state/service";
import { DropAnywhere } from "./view/drop";
import { Gallery } from "./view/gallery";
import { JobList } from "./view/joblist";
import { JobView } from "./view/job";
import { KeyForm } from "./view/key";
import { PrivacyNote } from "./view/privacy";
import { ProblemNote } from "./view/problem";
import { Start } from "./view/start";

const isGallery = /\/gallery\/?$/.test(location.pathname);

export function App() {
  return (
    <>
      <Header />
      {isGallery ? <Gallery /> : <Workplace />}
      <Footer />
    </>
  );
}

function Header() {
  return (
    <header class="bar">
      <a class="mark" href="./" onClick={isGallery ? undefined : goHome}>
        <svg viewBox="0 0 32 20" width="32" height="20" aria-hidden="true">
          <path d="M1 16h7c4 0 4-13 8-13s4 13 8 13h7" />
        </svg>
        madv
      </a>
      <nav aria-label="Pages">
        <a href="./" aria-current={isGallery ? undefined : "page"} onClick={isGallery ? undefined : goHome}>
          Analyse
        </a>
        <a href="./gallery" aria-current={isGallery ? "page" : undefined}>
          Gallery
        </a>
      </nav>
    </header>
  );
}

function goHome(event: MouseEvent): void {
  event.preventDefault();
  select(null);
}

function Workplace() {
  useEffect(() => {
    followJobs();
    selectFromAddress();
    addEventListener("popstate", selectFromAddress);
    addEventListener("hashchange", selectFromAddress);
    void count();
    const naming = effect(() => {
      document.title = selected.value === null ? "madv" : `${nameOf(selected.value)} · madv`;
    });
    // Again once a key has been entered.
    const loading = effect(() => {
      void apiKey.value;
      void loadOffer();
      void list();
    });
    return () => {
      naming();
      loading();
    };
  }, []);
  return (
    <DropAnywhere>
      <div class="shell">
        <main id="main" tabIndex={-1}>
          {refusal.value !== null && !keyIsWanted.value && <ProblemNote problem={refusal.value} />}
          {keyIsWanted.value ? (
            <KeyForm />
          ) : selected.value === null ? (
            <Start />
          ) : (
            <JobView entry={selected.value} />
          )}
        </main>
        <JobList />
      </div>
    </DropAnywhere>
  );
}

function Footer() {
  return (
    <footer>
      <p>
        What is measured are movements. They are no proof of what somebody feels, means or hides, and none of
        a lie.
      </p>
      <PrivacyNote />
    </footer>
  );
}
