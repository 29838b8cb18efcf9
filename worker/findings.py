"""What is found about one face, still as arrays: the little that is kept of every frame."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from worker.domain import FloatArray
from worker.highlights import Highlights, Moment
from worker.models.au import strongest_side
from worker.presence import Status
from worker.strip import Observation


class FaceFindings:
    """Gathered window by window.

    Args:
        track_id: Whose face.
        count: Frames of a moment that a recognizer sees.
    """

    def __init__(self, track_id: int, count: int) -> None:
        self.track_id = track_id
        self.judged: Sequence[tuple[Status, float]] = ()
        """Status and confidence of each frame of the clip."""
        self._highlights = Highlights(count)
        self._used: list[npt.NDArray[np.intp]] = []
        self._pts_s: list[npt.NDArray[np.float64]] = []
        self._intensity: list[FloatArray] = []

    def add(self, seen: Observation) -> None:
        """What the next window shows."""
        self.judged = seen.judged
        self._highlights.consider(seen)
        self._used.append(seen.used[seen.seen_before :])
        self._pts_s.append(seen.pts_s[seen.seen_before :])
        self._intensity.append(strongest_side(seen.trace[seen.seen_before :]))

    @property
    def moments(self) -> list[Moment]:
        """The events, strongest first; where there is none, one stretch without."""
        return self._highlights.moments

    @property
    def used(self) -> npt.NDArray[np.intp]:
        """[N] which frames of the clip were analysed."""
        return np.concatenate(self._used)

    @property
    def pts_s(self) -> npt.NDArray[np.float64]:
        """[N] their times."""
        return np.concatenate(self._pts_s)

    @property
    def intensity(self) -> FloatArray:
        """f32 [N, K] of the side that changes more, in FACS units."""
        return np.concatenate(self._intensity)
