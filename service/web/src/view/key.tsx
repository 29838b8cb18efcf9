/** Asks for an API key where the service wants one. */

import { useSignal } from "@preact/signals";
import { apiKey, forgetKey, useKey } from "../state/key";

export function KeyForm() {
  const typed = useSignal("");
  const wasRefused = apiKey.value !== null;
  return (
    <section class="panel narrow" aria-labelledby="key-title">
      <h1 id="key-title">This service asks for an API key</h1>
      <p>
        Keys are made with <code>madv keys create</code>. The key is kept in this tab until it is closed, and
        sent to this service alone.
      </p>
      {wasRefused && <p role="alert">That key is not valid here, or no longer.</p>}
      <form
        class="key-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (typed.value.trim() !== "") useKey(typed.value.trim());
        }}
      >
        <label class="field">
          <span>API key</span>
          <input
            type="password"
            autocomplete="off"
            spellcheck={false}
            value={typed.value}
            onInput={(event) => (typed.value = event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="button primary">
          Use this key
        </button>
        {wasRefused && (
          <button type="button" class="button" onClick={forgetKey}>
            Forget it
          </button>
        )}
      </form>
    </section>
  );
}
