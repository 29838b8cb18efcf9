"""Glasses: frames that move with the head and not with the face."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from training.synthetic.motion import Pose
from training.synthetic.rig import Rig
from training.synthetic.scene import View

Floats = npt.NDArray[np.float32]

_BEFORE_EYES_PX = 9.0
_TEMPLE_BACK_PX = -25.0
_CORNERS = 40
_SHIFT = 3


@dataclass(frozen=True)
class Glasses:
    """A pair of glasses. Lengths are crop pixels (eyes are 40 px apart)."""

    width: float
    height: float
    roundness: float
    """Exponent of the superellipse: 2 is round, 6 nearly a rectangle."""
    thickness: float
    colour: tuple[float, float, float]
    """RGB of the frame, 0..255"""
    tint: float
    """What the lenses let through, 0..1."""
    reflection: float
    """Brightness of the streak on the lenses, 0..255."""
    low: float
    """How far below the irises the lenses are centred."""

    def put_on(self, picture: Floats, rig: Rig, pose: Pose, view: View) -> None:
        """Draw them into a rendered picture f32 [P, P] or [P, P, 3], in place."""
        lenses = [self._outline(eye.iris[0], eye.iris[1]) for eye in rig.eyes]
        scale = rig.canvas.scale
        inside = _filled(picture, [_seen(lens, pose, view, scale) for lens in lenses])
        streak = np.linspace(0, 6 * np.pi, picture.shape[1], dtype=np.float32)
        glare = self.reflection * np.maximum(np.sin(streak)[None, :] * inside, 0) ** 4
        gray = picture.ndim == inside.ndim
        tinted = 1 - (1 - self.tint) * inside
        picture *= tinted if gray else tinted[..., None]
        picture += glare if gray else glare[..., None]
        left, right = lenses
        bridge = np.stack([left[0], right[_CORNERS // 2]])
        temples = [_temple(left[_CORNERS // 2], -1), _temple(right[0], 1)]
        lines = [*(np.vstack([lens, lens[:1]]) for lens in lenses), bridge, *temples]
        frame = _drawn(
            picture, [_seen(line, pose, view, scale) for line in lines], self.thickness * scale
        )
        colour = np.float32(np.mean(self.colour)) if gray else np.array(self.colour, np.float32)
        frame = frame if gray else frame[..., None]
        picture += frame * (colour - picture)

    def _outline(self, x: float, y: float) -> Floats:
        """A lens f32 [n, 3] about an eye."""
        angle = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
        cos, sin = np.cos(angle), np.sin(angle)
        power = 2 / self.roundness
        return np.stack(
            [
                x + self.width / 2 * np.sign(cos) * np.abs(cos) ** power,
                y + self.low + self.height / 2 * np.sign(sin) * np.abs(sin) ** power,
                np.full(_CORNERS, _BEFORE_EYES_PX),
            ],
            axis=-1,
        ).astype(np.float32)


def draw_glasses(rng: np.random.Generator) -> Glasses:
    """Any common pair, from thin metal to thick dark rims."""
    dark = rng.random() < 0.7  # noqa: PLR2004  # most frames are dark
    shade = rng.uniform(10, 70) if dark else rng.uniform(90, 200)
    return Glasses(
        width=float(rng.uniform(27, 35)),
        height=float(rng.uniform(17, 28)),
        roundness=float(rng.uniform(2, 5)),
        thickness=float(rng.uniform(0.7, 2.2)),
        colour=tuple(float(np.clip(shade + c, 0, 255)) for c in rng.normal(0, 15, 3)),  # type: ignore[arg-type]  # three
        tint=float(rng.uniform(0.85, 1.0)),
        reflection=float(rng.uniform(0, 60)),
        low=float(rng.uniform(0, 4)),
    )


def _temple(start: Floats, sign: int) -> Floats:
    """From the lens's outer edge back to the ear."""
    end = start + np.array([sign * 14.0, -1.0, _TEMPLE_BACK_PX - start[2]], dtype=np.float32)
    return np.stack([start, end]).astype(np.float32)


def _seen(points: Floats, pose: Pose, view: View, scale: int) -> npt.NDArray[np.int32]:
    """Points f32 [n, 3] of the head in the picture, in eighths of its pixels."""
    affine = pose.to_picture()
    flat = pose.turned(points)[:, :2] @ affine[:, :2].T + affine[:, 2]
    at = (flat - np.array([view.x, view.y]) + 0.5) * scale - 0.5
    return np.round(at * (1 << _SHIFT)).astype(np.int32)


def _filled(picture: Floats, polygons: list[npt.NDArray[np.int32]]) -> Floats:
    mask = np.zeros(picture.shape[:2], dtype=np.uint8)
    cv2.fillPoly(mask, polygons, (255,), cv2.LINE_AA, _SHIFT)
    return mask.astype(np.float32) / 255


def _drawn(picture: Floats, lines: list[npt.NDArray[np.int32]], thickness: float) -> Floats:
    mask = np.zeros(picture.shape[:2], dtype=np.uint8)
    width = max(1, round(thickness))
    cv2.polylines(mask, lines, False, (255,), width, cv2.LINE_AA, _SHIFT)  # noqa: FBT003
    return mask.astype(np.float32) / 255
