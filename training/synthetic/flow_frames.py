"""Onset and apex of a face as a laboratory's camera saw them, in the frame of public flow files."""

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from training.synthetic.camera import Camera, Gray
from training.synthetic.canvas import SCALE
from training.synthetic.expression import Expression
from training.synthetic.motion import Pose
from training.synthetic.render import DEPTH_UNIT_PX, render
from training.synthetic.rig import Rig
from training.synthetic.scene import GRID_POINTS
from worker.preprocess.spec import PREPROCESS
from worker.specs import AU_NUMBERS, SIDES

Floats = npt.NDArray[np.float32]

WIDTH: Final = 96
"""Of the frames in pixels; their height follows from the face."""
_EYES = np.array(PREPROCESS.template[:2])
_WIDE, _TALL, _EYE_ROW = 1.75, 2.3, 0.26
"""The frame in eye distances, and where in its height the eyes are.

Public flow squeezes a face taller than wide into a square: blinks lie 16.5 of 28 columns apart and
12 rows above the mouth's corners. Both were measured on unlabelled flow.
"""
_SIZE_SPREAD, _PLACE_SPREAD = 0.05, 0.03
_BROW_ROWS: Final = tuple(
    AU_NUMBERS.index(number) * len(SIDES) + side for number in (1, 2, 4) for side in (0, 1)
)
_BROWS_OF_68 = slice(17, 27)
_FADE_PX = 8.0
_COMPRESSED_SHARE = 0.4
_LEAST_BLUR_PX = 0.3
_MOVING_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Framing:
    """Part of the picture that is filmed, in crop pixels."""

    left: float
    top: float
    width: float
    height: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Framing":
        """About the face, a few per cent off in place and size."""
        spread = np.exp(rng.normal(0, _SIZE_SPREAD, 2))
        width, height = np.array([_WIDE, _TALL]) * DEPTH_UNIT_PX * spread
        x, y = _EYES.mean(axis=0) + rng.normal(0, _PLACE_SPREAD, 2) * [width, height]
        return cls(float(x - width / 2), float(y - _EYE_ROW * height), float(width), float(height))

    def cut(self, picture: Floats) -> Floats:
        """The frame f32 [h, WIDTH] of a rendered picture [P, P]."""
        scale = SCALE * self.width / WIDTH
        shift = [SCALE * start + (scale + 1) / 2 for start in (self.left, self.top)]
        size = (WIDTH, round(self.height / self.width * WIDTH))
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        found = cv2.warpAffine(picture, matrix, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
        return found.astype(np.float32, copy=False)


def film_change(
    rig: Rig, change: tuple[Expression, Expression], rng: np.random.Generator
) -> tuple[Gray, Gray]:
    """Two gray frames uint8 [h, WIDTH] of one head, which mostly moves a little in between."""
    camera, framing = _laboratory(rng), Framing.draw(rng)
    turn = np.deg2rad(rng.normal(0, [3.0, 3.0, 1.0]))
    start = Pose(yaw=float(turn[0]), pitch=float(turn[1]), roll=float(turn[2]))
    poses = start, start.plus(_head_motion(rng))
    blur = float(rng.uniform(0, 0.8))
    frames = []
    for expression, pose in zip(change, poses, strict=True):
        picture = framing.cut(render(rig, expression, pose, light=camera.light))
        if blur > _LEAST_BLUR_PX:
            picture = cv2.GaussianBlur(picture, (0, 0), blur).astype(np.float32, copy=False)
        frames.append(_compressed(camera.expose(picture, rng), camera.quality))
    return frames[0], frames[1]


def local_brows(rig: Rig, rng: np.random.Generator) -> Rig:
    """A rig whose forehead follows its brows less than the blendshapes have it."""
    above = float(rig.points68[_BROWS_OF_68, 1].min()) - 2 - GRID_POINTS[..., 1]
    kept = 1 - (1 - rng.uniform(0.15, 1.0)) * np.clip(above / _FADE_PX, 0, 1)
    motion = rig.motion.copy()
    rows = list(_BROW_ROWS)
    motion[rows] = np.round(motion[rows] * kept[None, :, :, None]).astype(np.int16)
    return replace(rig, motion=motion)


def _laboratory(rng: np.random.Generator) -> Camera:
    """Conditions of one clip: even light, little noise."""
    return Camera(
        gain=float(rng.uniform(0.75, 1.25)),
        gamma=float(np.exp(rng.normal(0, 0.15))),
        gradient=(float(rng.normal(0, 0.15)), float(rng.normal(0, 0.1))),
        blur_px=0.0,
        noise=float(np.exp(rng.uniform(np.log(0.2), np.log(1.5)))),
        flicker=float(rng.uniform(0, 0.01)),
        quality=int(rng.integers(60, 98)) if rng.random() < _COMPRESSED_SHARE else 0,
        resolution=1.0,
        light=(float(rng.normal(0, 0.3)), float(rng.normal(-0.1, 0.25))),
        contrast=float(np.exp(rng.normal(0.1, 0.2))),
    )


def _head_motion(rng: np.random.Generator) -> Pose:
    """Between onset and apex: mostly far less than a pixel or a degree."""
    if rng.random() > _MOVING_SHARE:
        return Pose()
    numbers = rng.standard_normal(6) * rng.exponential(0.35)
    across, down, roll, scale, yaw, pitch = (float(number) for number in numbers)
    return Pose(
        (1.2 * across, 1.2 * down),
        float(np.deg2rad(roll)),
        0.006 * scale,
        float(np.deg2rad(1.5 * yaw)),
        float(np.deg2rad(1.5 * pitch)),
    )


def _compressed(frame: Gray, quality: int) -> Gray:
    if not quality:
        return frame
    _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE).astype(np.uint8, copy=False)
