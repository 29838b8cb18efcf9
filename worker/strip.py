"""The crops of one face against one anchor, and their trace: a window that moves along the clip."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from worker.backend import Inference
from worker.contract import Progress
from worker.domain import FaceBox, FloatArray, Frame, Image
from worker.models import au
from worker.preprocess.reference import central_frame, probed, resting_frame
from worker.preprocess.spikes import without_spikes
from worker.preprocess.stabilise import Placement
from worker.presence import Status
from worker.specs import AU, AU_COUNT, SIDES
from worker.task import Task

WINDOW: Final = 600
"""Frames; a clip of no more is observed as a whole."""
_KEPT: Final = 0.5
"""Share of a window that the next one begins with,"""
_AHEAD: Final = 0.25
"""and of those whose events are the next one's: 0.75 s at 200 frames per second."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The frame that a face is registered to."""

    track_id: int
    frame: int
    face: FaceBox
    alignment: FloatArray
    """f32 [2, 3], frame pixels to crop pixels."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A face over a window of a clip, frame by frame."""

    anchor: Anchor
    judged: Sequence[tuple[Status, float]]
    """Status and confidence of each frame of the clip up to here."""
    used: npt.NDArray[np.intp]
    """[N] which frames of the clip were analysed."""
    pts_s: npt.NDArray[np.float64]
    """[N] their times."""
    crops: Image
    """uint8 [N, 3, S, S]"""
    placements: Sequence[Placement]
    """[N] where in its frame each crop lies."""
    reference: Image
    """uint8 [3, S, S], the crop that the trace is measured against,"""
    reference_frame: int
    """and the frame of the clip it is from."""
    trace: FloatArray
    """f32 [N, sides, K], change against the reference in FACS units, without spikes."""
    seen_before: int
    """Of the frames so many were in the window before."""
    peaks: slice
    """Frames whose events are this window's: the others are their surroundings."""


class Meter:
    """Measures action units, within what a task may take.

    Args:
        inference: Runs the network.
        task: What it may take, and who is told.
        frames_total: Of the clip, None while unknown.
    """

    def __init__(self, inference: Inference, task: Task, frames_total: int | None) -> None:
        self._inference = inference
        self._task = task
        self._frames_total = frames_total

    def check_deadline(self) -> None:
        """Go on only while there is time left."""
        self._task.deadline.remaining_s()

    @contextmanager
    def stage(self, name: str, first: int) -> Iterator[None]:
        """Count the block as a stage, which begins with a frame of the clip."""
        self._report(name, first)
        with self._task.stopwatch.stage(name):
            yield

    def resting(self, crops: Image, agreement: FloatArray) -> int:
        """Position of the frame at rest, judged on frames spread over crops [N, 3, S, S]."""
        with self._task.stopwatch.stage("au"):
            at = probed(agreement)
            looks = crops[at]
            central = central_frame(looks)
            outputs = [self._infer(inputs) for inputs in au.windows(looks, looks[central][None])]
            return int(at[resting_frame(au.interpret(outputs), central)])

    def trace(self, known: FloatArray, crops: Image, reference: Image, first: int) -> FloatArray:
        """Change f32 [N, sides, K] of crops [N, 3, S, S] against one of [3, S, S].

        Args:
            known: That of the first crops.
            crops: All of them.
            reference: What they are compared with.
            first: The frame of the clip they begin with.
        """
        if len(known) == len(crops):
            return known
        outputs = []
        with self._task.stopwatch.stage("au"):
            for index, inputs in enumerate(au.windows(crops[len(known) :], reference[None])):
                self._report("action_units", first + len(known) + index * au.WINDOW)
                outputs.append(self._infer(inputs))
        return np.concatenate([known, au.interpret(outputs)])

    def _infer(self, inputs: dict[str, Image]) -> dict[str, FloatArray]:
        return self._inference.infer(AU.name, inputs, au.OUTPUTS, self._task.deadline)

    def _report(self, stage: str, done: int) -> None:
        self._task.report_progress(
            Progress(stage=stage, frames_done=done, frames_total=self._frames_total)
        )


class Strip:
    """Frames of one face since it is registered to an anchor; the oldest are let go."""

    def __init__(self, anchor: Anchor, meter: Meter, window: int = WINDOW) -> None:
        self._anchor = anchor
        self._meter = meter
        self._window = window
        self._frames: list[tuple[int, float]] = []
        self._crops: list[Image] = []
        self._placements: list[Placement] = []
        self._trace = np.empty((0, len(SIDES), AU_COUNT), np.float32)
        self._reference: tuple[Image, int] | None = None
        self._peaks_from = 0

    def add(self, frame: Frame, placement: Placement, crop: Image) -> None:
        """The next frame, with its crop uint8 [S, S, 3]."""
        self._frames.append((frame.index, frame.pts_s))
        self._placements.append(placement)
        self._crops.append(crop.transpose(2, 0, 1))

    @property
    def is_full(self) -> bool:
        """Whether there is more than one window of it."""
        return len(self._frames) > self._window

    def observe(self, judged: Sequence[tuple[Status, float]], *, is_last: bool) -> Observation:
        """Measure what has come since the last time; unless it was the last, let go the oldest."""
        seen_before, count = len(self._trace), len(self._frames)
        crops = np.stack(self._crops)
        reference, reference_frame = self._reference = self._reference or self._rest(crops)
        self._trace = self._meter.trace(self._trace, crops, reference, self._frames[0][0])
        pts_s = np.array([pts_s for _, pts_s in self._frames])
        peaks = slice(self._peaks_from, count if is_last else count - self._share(_AHEAD))
        seen = Observation(
            self._anchor,
            judged,
            np.array([index for index, _ in self._frames]),
            pts_s,
            crops,
            list(self._placements),
            reference,
            reference_frame,
            without_spikes(self._trace, pts_s),
            seen_before,
            peaks,
        )
        if not is_last:
            self._let_go(count - self._share(_KEPT))
        return seen

    def _rest(self, crops: Image) -> tuple[Image, int]:
        """The face at rest and the frame it is from."""
        agreement = np.array([at.agreement for at in self._placements], dtype=np.float32)
        at = self._meter.resting(crops, agreement)
        return crops[at].copy(), self._frames[at][0]

    def _let_go(self, count: int) -> None:
        del self._frames[:count], self._crops[:count], self._placements[:count]
        self._trace = self._trace[count:].copy()
        self._peaks_from = self._share(_KEPT) - self._share(_AHEAD)

    def _share(self, share: float) -> int:
        return round(share * self._window)


def joined(windows: Iterable[Observation]) -> Observation:
    """All that was seen of one face: for short clips, because it is in memory all at once."""
    first, *others = windows
    parts = [first, *others]
    later = [slice(part.seen_before, None) for part in parts]
    return replace(
        first,
        judged=parts[-1].judged,
        used=np.concatenate([part.used[new] for part, new in zip(parts, later, strict=True)]),
        pts_s=np.concatenate([part.pts_s[new] for part, new in zip(parts, later, strict=True)]),
        crops=np.concatenate([part.crops[new] for part, new in zip(parts, later, strict=True)]),
        placements=[
            at for part, new in zip(parts, later, strict=True) for at in part.placements[new]
        ],
        trace=np.concatenate([part.trace[new] for part, new in zip(parts, later, strict=True)]),
        peaks=slice(None),
    )
