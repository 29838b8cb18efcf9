/** Marks the chosen face where there are several. */

import type { Viewing } from "./viewing";

export function FaceBox({ view }: { view: Viewing }) {
  if (view.faces.length < 2) return null;
  const { width, height } = view.report.clip;
  const [left, top, right, bottom] = view.face.value.face.box;
  return (
    <svg class="face-box" viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <rect x={left} y={top} width={right - left} height={bottom - top} rx={width / 80} />
    </svg>
  );
}
