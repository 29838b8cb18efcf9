"""Crops of a whole clip that hold the head still, so that what moves in them is the face.

Every frame is registered to the same anchor frame, never to its neighbour: errors do not add up.
A neighbour only says where to start. The turn of the head is taken out as well, with the average
face's relief; what is left of it is what this face differs from the average by.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from worker.domain import FloatArray, Image
from worker.preprocess.align import Surroundings
from worker.preprocess.face_shape import face_shape
from worker.preprocess.pose import Points, points
from worker.preprocess.register import PAD_PX, Registrar, similarity_part
from worker.preprocess.spec import PREPROCESS, PreprocessSpec

AGREES: Final = 0.55
"""Correlation with the anchor from which a registration is believed at once."""
LOST: Final = 0.35
"""Below this the head is hidden or somewhere else, and the detector's word stands."""
_STRAYED_PX: Final = 12.0
"""A registration this far from the detector's word has followed something else."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the anchor's face lies in a frame."""

    alignment: FloatArray
    """f32 [2, 3], frame pixels to crop pixels."""
    turn: tuple[float, float]
    """Yaw and pitch against the anchor in radians."""
    agreement: float
    """Correlation of its still parts with the anchor's, -1 to 1."""


class Stabiliser:
    """Registers frames to an anchor frame and cuts crops in which the head holds still.

    Args:
        anchor: Frame uint8 [H, W, 3].
        alignment: Its similarity f32 [2, 3].
        spec: How crops are made.
    """

    def __init__(
        self, anchor: Image, alignment: FloatArray, spec: PreprocessSpec = PREPROCESS
    ) -> None:
        self._spec = spec
        around = Surroundings.of(anchor, alignment, spec, PAD_PX)
        self._registrar = Registrar(around.gray(alignment, spec, PAD_PX))

    def place(self, image: Image, start: Placement, guess: FloatArray) -> tuple[Placement, Image]:
        """Find the head in a frame, and cut the crop uint8 [S, S, 3] that holds it still.

        Args:
            image: Frame uint8 [H, W, 3].
            start: Where it probably is.
            guess: Where the detector has it, f32 [2, 3], good to a few pixels.
        """
        around = Surroundings.of(image, start.alignment, self._spec, PAD_PX)
        found = self._fit(around, start, is_near=True)
        if found.agreement < AGREES or self._distance_px(found.alignment, guess) > _STRAYED_PX:
            unsure = Placement(guess, (0.0, 0.0), 0.0)
            around = Surroundings.of(image, guess, self._spec, PAD_PX)
            again = self._fit(around, unsure, is_near=False)
            found = max(found, again, key=lambda placement: placement.agreement)
            if found.agreement < LOST or self._distance_px(found.alignment, guess) > _STRAYED_PX:
                found = unsure
        return found, self.cut(around, found)

    def crop(self, image: Image, placement: Placement) -> Image:
        """The crop uint8 [S, S, 3] of a frame in which the head has been found."""
        around = Surroundings.of(image, placement.alignment, self._spec, PAD_PX)
        return self.cut(around, placement)

    def cut(self, around: Surroundings, placement: Placement) -> Image:
        """The crop uint8 [S, S, 3] with the head where the anchor has it."""
        return around.cut_at(placement.alignment, *_turned(placement, self._spec))

    def _fit(self, around: Surroundings, start: Placement, *, is_near: bool) -> Placement:
        picture = around.gray(start.alignment, self._spec, PAD_PX)
        fit = self._registrar.fit(picture, start.turn, is_near=is_near)
        moved = np.linalg.inv(similarity_part(fit.motion)) @ _square(start.alignment)
        turn = (float(fit.motion[4]), float(fit.motion[5]))
        return Placement(moved[:2].astype(np.float32), turn, fit.agreement)

    def _distance_px(self, one: FloatArray, other: FloatArray) -> float:
        """How far two alignments put the template's points apart, in crop pixels."""
        template = np.column_stack([self._spec.template, np.ones(len(self._spec.template))])
        between = _square(one) @ np.linalg.inv(_square(other)) - np.eye(3)
        return float(np.linalg.norm((template @ between.T)[:, :2], axis=1).mean())


def sources(
    placement: Placement, spec: PreprocessSpec = PREPROCESS
) -> tuple[FloatArray, FloatArray]:
    """Where in the frame the crop's pixels come from: x and y f32 [S, S] in frame pixels."""
    columns, rows = _turned(placement, spec)
    (a, b, right), (c, d, down), _ = np.linalg.inv(_square(placement.alignment)).astype(np.float32)
    return a * columns + b * rows + right, c * columns + d * rows + down


def stabilise(
    stabiliser: Stabiliser, images: Sequence[Image], guesses: FloatArray, anchor: int
) -> Iterator[tuple[int, Placement, Image]]:
    """Position, placement and crop uint8 [S, S, 3] of every frame: anchor to end, then to start.

    Args:
        stabiliser: Knows the anchor, one of the images.
        images: Frames uint8 [H, W, 3] in order of time.
        guesses: The detector's similarities f32 [N, 2, 3].
        anchor: Position of the frame all others are registered to.
    """
    first = Placement(guesses[anchor], (0.0, 0.0), 1.0)
    yield anchor, first, stabiliser.crop(images[anchor], first)
    for order in (range(anchor + 1, len(images)), range(anchor - 1, -1, -1)):
        course = Course(stabiliser, first, guesses[anchor])
        for position in order:
            yield position, *course.place(images[position], guesses[position])


class Course:
    """A head followed from frame to frame: where it was says where it probably is.

    Args:
        stabiliser: Knows the anchor.
        start: Where the head is in some frame.
        guess: What the detector says of it there, f32 [2, 3].
    """

    def __init__(self, stabiliser: Stabiliser, start: Placement, guess: FloatArray) -> None:
        self._stabiliser = stabiliser
        self._placement = start
        self._guess = guess

    def place(self, image: Image, guess: FloatArray) -> tuple[Placement, Image]:
        """Placement and crop uint8 [S, S, 3] in the next frame, given the detector's word."""
        start = _carried(self._placement, self._guess, guess)
        self._placement, crop = self._stabiliser.place(image, start, guess)
        self._guess = guess
        return self._placement, crop


def _turned(placement: Placement, spec: PreprocessSpec) -> tuple[FloatArray, FloatArray]:
    """Where a crop's pixels lie once the head has turned: x and y f32 [S, S] in crop pixels."""
    columns, rows = _all_points(spec.crop_size).turned(*placement.turn)
    size = (spec.crop_size, spec.crop_size)
    return columns.reshape(size), rows.reshape(size)


@cache
def _all_points(size: int) -> Points:
    return points(face_shape(), np.ones((size, size), dtype=np.bool_))


def _carried(placement: Placement, before: FloatArray, now: FloatArray) -> Placement:
    """A placement moved on by as much as the detector's word has moved since."""
    on = _square(placement.alignment) @ np.linalg.inv(_square(before)) @ _square(now)
    return Placement(on[:2].astype(np.float32), placement.turn, placement.agreement)


def _square(alignment: FloatArray) -> npt.NDArray[np.float64]:
    return np.vstack([alignment.astype(np.float64), [0.0, 0.0, 1.0]])
