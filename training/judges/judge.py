"""What every judge is shown, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from training.synthetic.archive import SyntheticClip
from worker.domain import FloatArray, Image
from worker.strip import Observation

Report = Mapping[str, "float | str | Report | None"]


@dataclass(frozen=True)
class Shown:
    """A generated clip, and what the service makes of its video."""

    clip: SyntheticClip
    seen: Observation

    @property
    def reference(self) -> Image:
        """The crop uint8 [1, 3, S, S] the trace is measured against."""
        return self.seen.reference[None]

    @property
    def change(self) -> FloatArray:
        """True change f32 [N, sides, K] of the analysed frames against the same reference."""
        intensity = self.clip.intensity
        return intensity[self.seen.used] - intensity[self.seen.reference_frame]


class Judge(Protocol):
    """Collects what a model says of clips against the truth."""

    def see(self, shown: Shown) -> None:
        """Compare one clip with its truth."""

    def report(self) -> Report:
        """Figures over all clips seen."""


def rounded(value: float | np.floating[npt.NBitBase]) -> float:
    """As many digits as a figure is good for."""
    return round(float(value), 4)
