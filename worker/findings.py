"""What is found about one face, still as arrays: the little that is kept of every frame."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from worker.contract import Mode
from worker.domain import FloatArray
from worker.explanation import Explanation
from worker.highlights import Highlights, Moment, spotted
from worker.models.au import strongest_side
from worker.models.recognizer import Recognition
from worker.preprocess.intervals import strongest_apart
from worker.presence import Status
from worker.strip import Anchor, Observation


@dataclass(frozen=True, slots=True)
class Judged:
    """A moment, its crops let go, and what is said of it."""

    moment: Moment
    recognition: Recognition
    explanation: Explanation | None
    """None unless asked for, and of a stretch without an event."""


class FaceFindings:
    """Gathered window by window.

    Args:
        anchor: The first its face is registered to.
        count: Frames of a moment that a recognizer sees.
        mode: Whether a few events are sought or all of them.
    """

    def __init__(self, anchor: Anchor, count: int, mode: Mode) -> None:
        self.anchor = anchor
        self.judged: Sequence[tuple[Status, float]] = ()
        """Status and confidence of each frame of the clip."""
        self._count = count
        self._mode = mode
        self._highlights = Highlights(count)
        self._kept: list[Judged] = []
        self._used: list[npt.NDArray[np.intp]] = []
        self._pts_s: list[npt.NDArray[np.float64]] = []
        self._intensity: list[FloatArray] = []

    def add(self, seen: Observation) -> list[Moment]:
        """What the next window shows, and what of it is to be judged before the next one."""
        self.judged = seen.judged
        self._used.append(seen.used[seen.seen_before :])
        self._pts_s.append(seen.pts_s[seen.seen_before :])
        self._intensity.append(strongest_side(seen.trace[seen.seen_before :]))
        if self._mode is Mode.SPOT:
            return spotted(seen, self._count)
        self._highlights.consider(seen)
        return []

    @property
    def waiting(self) -> list[Moment]:
        """What is to be judged once the clip has ended."""
        return self._highlights.moments

    def keep(
        self, moment: Moment, recognition: Recognition, explanation: Explanation | None = None
    ) -> None:
        """What a recognizer says of a moment, and why."""
        bare = replace(moment, crops=moment.crops[:0], ends=None)
        self._kept.append(Judged(bare, replace(recognition, attention=None), explanation))

    @property
    def moments(self) -> list[Judged]:
        """The events, strongest first; none: one stretch without, in mode `spot` nothing."""
        spans = [judged.moment.span for judged in self._kept]
        ends = [(span[0].frame, span[2].frame) for span in spans if span is not None]
        if not ends:
            return self._kept
        strengths = [judged.moment.strength for judged in self._kept]
        return [self._kept[each] for each in strongest_apart(ends, strengths)]

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
