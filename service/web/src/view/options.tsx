/** How clips are treated. */

import type { ComponentChildren } from "preact";
import { choice } from "../state/options";
import type { Choice } from "../state/options";
import { models } from "../state/service";

const RECOGNIZERS: Readonly<Record<string, string>> = {
  madvnet: "texture, depth and action units together",
  msjfn: "optical flow from onset to apex",
  affectivenet: "one picture of what moves from onset to apex",
  afn: "pictures in order of time and of motion",
  ensemble: "the mean of the networks above",
  au: "measures action units, infers no emotion",
};

export function Options() {
  const { recognizer, mode, faces, fps, tags, keepOnServer, again } = choice.value;
  const chosen = recognizer ?? models.value[0]?.name ?? "";
  return (
    <fieldset class="options">
      <legend>Options</legend>
      <Field label="Recognizer" hint={RECOGNIZERS[chosen] ?? ""}>
        <select
          value={chosen}
          onChange={(e) => set({ recognizer: e.currentTarget.value as Choice["recognizer"] })}
        >
          {models.value.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </Field>
      <Field
        label="Look for"
        hint={mode === "clip" ? "one expression in a short clip" : "all there are, or none"}
      >
        <select value={mode} onChange={(e) => set({ mode: e.currentTarget.value as Choice["mode"] })}>
          <option value="clip">the strongest expression</option>
          <option value="spot">every micro-expression</option>
        </select>
      </Field>
      <Field label="Faces" hint={faces === "main" ? "the largest one" : "up to sixteen, each by itself"}>
        <select value={faces} onChange={(e) => set({ faces: e.currentTarget.value as Choice["faces"] })}>
          <option value="main">the main face</option>
          <option value="all">all faces</option>
        </select>
      </Field>
      <Field label="Tags" hint="separated by commas; they go to the service">
        <input
          type="text"
          value={tags}
          autocomplete="off"
          maxLength={400}
          onInput={(e) => set({ tags: e.currentTarget.value })}
        />
      </Field>
      <Field label="Frames per second" hint="of a .zip of frames; a video states its own">
        <input
          type="number"
          min="1"
          max="1000"
          step="any"
          value={fps}
          onChange={(e) => set({ fps: Math.min(1000, Math.max(1, Number(e.currentTarget.value) || 1)) })}
        />
      </Field>
      <div class="checks">
        <Check checked={keepOnServer} onChange={(value) => set({ keepOnServer: value })}>
          Keep the clip on the server until its result expires (otherwise it is erased once decoded)
        </Check>
        <Check checked={again} onChange={(value) => set({ again: value })}>
          Analyse anew even if this very clip has a result already
        </Check>
      </div>
    </fieldset>
  );
}

function set(changes: Partial<Choice>): void {
  choice.value = { ...choice.value, ...changes };
}

function Field({ label, hint, children }: { label: string; hint: string; children: ComponentChildren }) {
  return (
    <label class="field">
      <span>{label}</span>
      {children}
      <small>{hint}</small>
    </label>
  );
}

function Check(props: { checked: boolean; onChange: (value: boolean) => void; children: ComponentChildren }) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={props.checked}
        onChange={(e) => props.onChange(e.currentTarget.checked)}
      />
      <span>{props.children}</span>
    </label>
  );
}
