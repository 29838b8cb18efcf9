/** A clip may be dropped anywhere on the page. */

import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { submit } from "../state/jobs";
import { choice, optionsFor } from "../state/options";
import { keyIsWanted } from "../state/key";

const isOver = signal(false);

/** Send files as they are, each a job of its own. */
export function sendFiles(files: Iterable<File>): void {
  if (keyIsWanted.value) return;
  for (const file of files) submit(file, file.name, optionsFor(file.name, choice.value));
}

export function DropAnywhere({ children }: { children: ComponentChildren }) {
  useEffect(() => {
    const over = (event: DragEvent): void => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      isOver.value = true;
    };
    const leave = (event: DragEvent): void => {
      if (event.relatedTarget === null) isOver.value = false;
    };
    const drop = (event: DragEvent): void => {
      isOver.value = false;
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      sendFiles(event.dataTransfer.files);
    };
    addEventListener("dragover", over);
    addEventListener("dragleave", leave);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", over);
      removeEventListener("dragleave", leave);
      removeEventListener("drop", drop);
    };
  }, []);
  return <div class={isOver.value ? "is-over" : undefined}>{children}</div>;
}
