/** Keys of the player, wherever on the page one is, but where they mean something else. */

export interface Steps {
  readonly step: (by: number) => void;
  readonly toggle: () => void;
  readonly go: (frame: number) => void;
  readonly last: number;
}

const MANY = 10;
const OWN_ARROWS = "input, select, textarea, dialog, [contenteditable]";
const OWN_SPACE = `${OWN_ARROWS}, button, summary, a`;

/** Listen from now on; the answer stops it. */
export function stepByKeys({ step, toggle, go, last }: Steps): () => void {
  const press = (event: KeyboardEvent): void => {
    if (event.altKey || event.ctrlKey || event.metaKey || !(event.target instanceof Element)) return;
    if (event.target.closest(event.key === " " ? OWN_SPACE : OWN_ARROWS) !== null) return;
    const by = event.shiftKey ? MANY : 1;
    switch (event.key) {
      case "ArrowLeft":
        step(-by);
        break;
      case "ArrowRight":
        step(by);
        break;
      case "Home":
        go(0);
        break;
      case "End":
        go(last);
        break;
      case " ":
        toggle();
        break;
      default:
        return;
    }
    event.preventDefault();
  };
  addEventListener("keydown", press);
  return () => removeEventListener("keydown", press);
}
