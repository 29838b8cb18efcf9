/** What becomes of clips, and what the law may say: one click away on every page. */

import { useRef } from "preact/hooks";

export function PrivacyNote() {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <>
      <button type="button" class="link" onClick={() => dialog.current?.showModal()}>
        Privacy and law
      </button>
      <dialog ref={dialog} aria-labelledby="privacy-title">
        <div class="dialog-head">
          <h2 id="privacy-title">Privacy and law</h2>
          <button type="button" class="button small" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
        <ul>
          <li>
            A clip is sent to this service to be analysed, and erased there once it is decoded, unless you ask
            to keep it. The file's name is not sent.
          </li>
          <li>
            To show the video beside its result, this browser keeps a copy, of the last twelve clips at most.
            “Erase” removes job, result and copy.
          </li>
          <li>The page talks to this service alone: nothing of other hosts is loaded, no cookies are set.</li>
          <li>
            A face in video is personal data, and what is inferred from it may be sensitive. Ask people before
            you film or analyse them.
          </li>
          <li>
            Inferring emotions is forbidden or restricted in places: in the European Union at work and in
            education, save for medical or safety reasons. The recognizer “au” measures movements and infers
            nothing.
          </li>
          <li>
            The networks that come with the service were trained on made-up films. How well they judge real
            people has not been measured on licensed data. No decision about a person should rest on them.
          </li>
        </ul>
      </dialog>
    </>
  );
}
