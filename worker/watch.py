"""One face from window to window, registered to an anchor frame while it agrees with it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from worker.domain import FloatArray, Frame, Image
from worker.preprocess.align import similarity
from worker.preprocess.spec import PreprocessSpec
from worker.preprocess.stabilise import (
    AGREES,
    LOST,
    Course,
    Placement,
    Stabiliser,
    stabilise,
)
from worker.presence import FaceTrack, Status
from worker.strip import Anchor, Meter, Observation, Strip

Verdict = tuple[Status, float]
"""Status and confidence of a frame."""
MIN_FRAMES: Final = 3
"""An onset, an apex and an offset."""
_POOR_SHARE: Final = 0.25
"""Of frames that do not agree with the anchor, from which on another one is tried."""
_GAIN: Final = 0.05
"""So much better it has to be, on average."""

_Placed = list[tuple[Placement, Image]]


class FaceWatch:
    """Places a face in every frame that shows it, and hands on what is complete.

    Args:
        track_id: Whose face.
        verdicts: On the frames before the first of its track.
        meter: Measures action units.
        spec: How crops are made.
        window: Frames of it that are measured together.
    """

    def __init__(
        self,
        track_id: int,
        verdicts: list[Verdict],
        meter: Meter,
        spec: PreprocessSpec,
        window: int,
    ) -> None:
        self._track_id = track_id
        self._verdicts = verdicts
        self._meter = meter
        self._spec = spec
        self._window = window
        self._strip: Strip | None = None
        self._course: Course | None = None
        self.frames_used = 0
        """Frames that show the face, so far."""
        self._sightings = 0

    @property
    def is_lasting(self) -> bool:
        """Whether the face was there for long enough to be somebody's."""
        return self.frames_used >= MIN_FRAMES and self._sightings > 1

    def take(self, frames: Sequence[Frame], track: FaceTrack) -> Iterator[Observation]:
        """The next window of the clip, and where the face is in it."""
        verdicts = [track.judge(frame) for frame in frames]
        self._verdicts += verdicts
        self._sightings += sum(
            at.face is not None and at.index >= frames[0].index for at in track.sightings
        )
        used = [
            frame
            for frame, (status, _) in zip(frames, verdicts, strict=True)
            if status in {"ok", "low_confidence"}
        ]
        if used:
            self.frames_used += len(used)
            yield from self._place(used, track)
        if self._strip is not None and self._strip.is_full:
            yield self._strip.observe(self._verdicts, is_last=False)

    def finish(self) -> Iterator[Observation]:
        """The clip has ended."""
        if self._strip is not None:
            yield self._strip.observe(self._verdicts, is_last=True)

    def _place(self, frames: list[Frame], track: FaceTrack) -> Iterator[Observation]:
        with self._meter.stage("align", frames[0].index):
            guesses = track.guesses(np.array([frame.pts_s for frame in frames]), self._spec)
            placed = self._carried_on(frames, guesses)
            anew = self._anew(frames, track, guesses, placed)
        turn = 0 if anew is None else _turn(placed, anew.placed)
        if anew is None or turn is None:
            self._keep(frames, placed)
            return
        self._keep(frames[:turn], placed)
        yield from self.finish()
        self._strip = Strip(anew.anchor, self._meter, self._window)
        self._course = anew.course
        self._keep(frames[turn:], anew.placed[turn:])

    def _keep(self, frames: list[Frame], placed: _Placed) -> None:
        for frame, (placement, crop) in zip(frames, placed, strict=False):
            if self._strip is not None:
                self._strip.add(frame, placement, crop)
            if placement.agreement < LOST:
                self._verdicts[frame.index] = ("low_confidence", self._verdicts[frame.index][1])

    def _carried_on(self, frames: list[Frame], guesses: FloatArray) -> _Placed:
        """The head registered to the anchor there is, if there is one."""
        if self._course is None:
            return []
        placed = []
        for frame, guess in zip(frames, guesses, strict=True):
            self._meter.check_deadline()
            if frame.image is not None:
                placed.append(self._course.place(frame.image, guess))
        return placed

    def _anew(
        self, frames: list[Frame], track: FaceTrack, guesses: FloatArray, placed: _Placed
    ) -> "_Anchored | None":
        """The head registered to another anchor, where there is none, or it does not agree."""
        since = 0
        if placed:
            poor = _agreement(placed) < AGREES
            if poor.mean() < _POOR_SHARE:
                return None
            since = int(poor.argmax())
        if not any(at.face and at.index >= frames[since].index for at in track.sightings):
            return None
        return self._anchored(frames, track, guesses, frames[since].index)

    def _anchored(
        self, frames: list[Frame], track: FaceTrack, guesses: FloatArray, since: int
    ) -> "_Anchored":
        """The head registered to the frame in which it is as it mostly is, from a frame on."""
        index, face = track.anchor(since, self._spec)
        position = [frame.index for frame in frames].index(index)
        images = [frame.image for frame in frames if frame.image is not None]
        stabiliser = Stabiliser(images[position], guesses[position], self._spec)
        placed: dict[int, tuple[Placement, Image]] = {}
        for at, placement, crop in stabilise(stabiliser, images, guesses, position):
            self._meter.check_deadline()
            placed[at] = placement, crop
        anchor = Anchor(self._track_id, index, face, similarity(face.landmarks, self._spec))
        course = Course(stabiliser, placed[len(images) - 1][0], guesses[-1])
        return _Anchored(anchor, course, [placed[at] for at in range(len(images))])


@dataclass(frozen=True, slots=True)
class _Anchored:
    """A head registered to an anchor in frames in a row, and how to go on from there."""

    anchor: Anchor
    course: Course
    placed: _Placed


def _turn(placed: _Placed, anew: _Placed) -> int | None:
    """Position from which on frames agree better with another anchor; None where they do not."""
    if not placed:
        return 0
    old, new = _agreement(placed), _agreement(anew)
    gains = np.append(np.cumsum((new - old)[::-1])[::-1], 0.0)
    turn = int(gains.argmax())
    return turn if gains[turn] > _GAIN * len(old) else None


def _agreement(placed: _Placed) -> FloatArray:
    return np.array([placement.agreement for placement, _ in placed], dtype=np.float32)
