"""The state of a face in one frame: AUs, what moves beside them, and where the eyes look."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from training.synthetic.face_model import EXTRAS
from worker.specs import AU_COUNT, AU_MAX, AU_NUMBERS, SIDES

Floats = npt.NDArray[np.float32]

EXTRA_COUNT: Final = len(EXTRAS)
_EXTRA_ROW = {name: row for row, name in enumerate(EXTRAS)}
_PART, _DROP = AU_NUMBERS.index(25), AU_NUMBERS.index(26)
_PARTED_SHARE = 0.7
"""Lips part fully over a dropped jaw where AU25 has this share of AU26."""


def no_units() -> Floats:
    """f32 [K, 2] of zeros."""
    return np.zeros((AU_COUNT, len(SIDES)), dtype=np.float32)


def no_extras() -> Floats:
    """f32 [E, 2] of zeros."""
    return np.zeros((EXTRA_COUNT, len(SIDES)), dtype=np.float32)


def extra(**levels: float) -> Floats:
    """f32 [E, 2] with the named extras at these levels (0-5) on both sides."""
    rows = no_extras()
    for name, level in levels.items():
        rows[_EXTRA_ROW[name]] = level
    return rows


@dataclass(frozen=True)
class Expression:
    """One frame's state; the default is a neutral face that looks ahead."""

    units: Floats = field(default_factory=no_units)
    """f32 [K, 2], FACS 0-5, person's left and right"""
    extras: Floats = field(default_factory=no_extras)
    """f32 [E, 2], on the same scale"""
    gaze: tuple[float, float] = (0.0, 0.0)
    """Shift of the irises, image right and down, in iris radii."""

    def shares(self) -> Floats:
        """f32 [(K + E) * 2]: shares of full activation, in the order of `FaceModel.movements`.

        A dropped jaw without parted lips (AU26 without AU25) keeps them closed.
        """
        extras = self.extras.copy()
        drop = self.units[_DROP]
        parted = self.units[_PART] / np.maximum(_PARTED_SHARE * drop, 1e-3)
        extras[_EXTRA_ROW["lips_closed"]] += drop * np.clip(1 - parted, 0, 1)
        return np.concatenate([self.units, extras]).ravel() / np.float32(AU_MAX)
