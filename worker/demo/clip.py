"""The demo clip: a public-domain portrait that smiles for half a second, with the truth known.

The portrait is NASA's photograph of Eileen Collins, which the scikit-image wheel carries. It is
moved by the AU displacements of a 3D face (`au_displacements.npz`), so the clip needs no data.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from skimage.data import astronaut

from worker.domain import FloatArray, Image
from worker.preprocess.align import similarity
from worker.preprocess.spec import PREPROCESS
from worker.specs import AU_MAX, SIDES
from worker.video.encode import write_clip

FPS: Final = 60
DURATION_S: Final = 1.4
PORTRAIT_LANDMARKS: Final = (
    (203.3, 101.0),
    (246.2, 103.7),
    (224.6, 126.5),
    (202.2, 139.0),
    (244.5, 140.2),
)
"""Her pupils, nose tip and mouth corners in image pixels, image-left first, measured by hand."""

_NOISE_SIGMA = 1.2
_NOISE_SEED = 20260711
_INVERSION_STEPS = 4
_TAPER_PX = 10.0
_TABLE = "au_displacements.npz"


@dataclass(frozen=True, slots=True)
class DemoEvent:
    """What happens in the clip: seconds, and FACS intensities (0 to 5) at the apex."""

    onset_s: float = 0.40
    apex_s: float = 0.60
    offset_s: float = 0.90
    label: str = "happiness"
    action_units: dict[str, float] = field(default_factory=lambda: {"AU06": 2.0, "AU12": 2.5})
    sides: tuple[str, ...] = SIDES
    """Which sides of the face move."""

    def envelope(self, time_s: float) -> float:
        """Share of the peak at a time, 0 to 1: raised cosine up to the apex and down again."""
        if time_s <= self.apex_s:
            phase = (time_s - self.onset_s) / (self.apex_s - self.onset_s)
        else:
            phase = (self.offset_s - time_s) / (self.offset_s - self.apex_s)
        return float(0.5 - 0.5 * np.cos(np.pi * np.clip(phase, 0.0, 1.0)))


DEMO_EVENT: Final = DemoEvent()


def write_demo_clip(path: Path) -> None:
    """Write the demo clip: 512 x 512, 60 frames per second, H.264; the same bytes every time."""
    write_clip(path, demo_frames(), Fraction(FPS))


def demo_frames(event: DemoEvent = DEMO_EVENT, fps: int = FPS) -> Iterator[Image]:
    """The frames before compression. Without action units the face keeps still."""
    portrait = _portrait()
    motion = _image_motion(_crop_motion(event), portrait.shape[0], portrait.shape[1])
    noise = np.random.default_rng(_NOISE_SEED)
    for index in range(round(DURATION_S * fps)):
        moved = _warp(portrait, event.envelope(index / fps) * motion)
        grain = noise.normal(0.0, _NOISE_SIGMA, portrait.shape)
        yield (moved + grain).round().clip(0, 255).astype(np.uint8)


def _portrait() -> Image:
    portrait: Image = astronaut()  # type: ignore[no-untyped-call]  # scikit-image has no types here
    return portrait


def _crop_motion(event: DemoEvent) -> FloatArray:
    """Motion of the event's peak over the crop: f32 [G, G, 2], crop pixels."""
    with (files(__package__) / _TABLE).open("rb") as file, np.load(file) as table:
        numbers = table["action_units"].tolist()
        displacement = table["displacement"].astype(np.float32)
    motion = np.zeros(displacement.shape[2:], dtype=np.float32)
    moving = [SIDES.index(side) for side in event.sides]
    for name, intensity in event.action_units.items():
        by_side = displacement[numbers.index(int(name[2:]))][moving]
        motion += by_side.sum(axis=0) * (intensity / AU_MAX)
    return motion


def _image_motion(crop_motion: FloatArray, height: int, width: int) -> FloatArray:
    """The same motion over the image, f32 [H, W, 2] in image pixels, 0 outside the crop."""
    alignment = similarity(np.array(PORTRAIT_LANDMARKS, dtype=np.float32), PREPROCESS)
    linear, shift = alignment[:, :2], alignment[:, 2]
    in_crop = _pixels(height, width) @ linear.T + shift
    per_pixel = (crop_motion.shape[0] - 1) / PREPROCESS.crop_size
    moved = _sample(crop_motion, in_crop * per_pixel)
    # The table ends with the crop, the face does not: without this the chin would tear.
    from_edge = np.minimum(in_crop, PREPROCESS.crop_size - in_crop).min(axis=2)
    taper = (from_edge / _TAPER_PX).clip(0.0, 1.0)
    return np.asarray(moved * taper[..., None] @ np.linalg.inv(linear).T, dtype=np.float32)


def _warp(image: Image, motion: FloatArray) -> FloatArray:
    """Move every point of the image by `motion`, which is given where the point starts."""
    pixels = _pixels(*image.shape[:2])
    source = pixels
    for _ in range(_INVERSION_STEPS):
        source = pixels - _sample(motion, source)
    x, y = source[..., 0], source[..., 1]
    moved = cv2.remap(image, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return moved.astype(np.float32)


def _sample(grid: FloatArray, at: FloatArray) -> FloatArray:
    """Bilinear samples of a grid f32 [h, w, 2] at points [H, W, 2] (x, y); 0 outside."""
    sampled = cv2.remap(grid, at[..., 0], at[..., 1], cv2.INTER_LINEAR)
    return sampled.astype(np.float32, copy=False)


def _pixels(height: int, width: int) -> FloatArray:
    """Coordinates (x, y) of every pixel: f32 [H, W, 2]."""
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    return np.stack([columns, rows], axis=2, dtype=np.float32)
