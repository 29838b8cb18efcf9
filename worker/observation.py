"""A clip becomes aligned crops and AU traces of its faces: what every judgement starts from.

Serving and evaluation both come through here, so figures are measured on what is served. A clip is
taken window by window, and so handed on: memory grows with the window, not with the clip.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from worker.backend import Inference
from worker.contract import ErrorCode, Progress
from worker.domain import FaceBox, Footage, Frame
from worker.errors import ClipError
from worker.models import face
from worker.preprocess.spec import PREPROCESS, PreprocessSpec
from worker.presence import FaceTrack, Follower, doubtful, key_frames
from worker.specs import FACE
from worker.strip import WINDOW, Meter, Observation
from worker.task import Task
from worker.watch import MIN_FRAMES, FaceWatch, Verdict

_FACE_BATCH: Final = 8
_LOOKS: Final = 4
"""How often the time between key frames is halved where a face moves fast."""

Looks = list[tuple[Frame, list[FaceBox]]]


class Observer:
    """Face, alignment, AU trace.

    Args:
        inference: Runs the models.
        preprocess: How crops are made; the models were trained with it.
        window: Frames of a face that are measured together.
    """

    def __init__(
        self,
        inference: Inference,
        preprocess: PreprocessSpec = PREPROCESS,
        window: int = WINDOW,
    ) -> None:
        self._inference = inference
        self._preprocess = preprocess
        self._window = window

    def observe(
        self, footage: Footage, task: Task, *, all_faces: bool = False
    ) -> Iterator[Observation]:
        """What is seen of each face, window by window: a short clip is one window.

        Args:
            footage: The clip, none of which has been taken yet.
            task: What it may take.
            all_faces: Not the main face alone.

        Raises:
            ClipError: TOO_SHORT or NO_FACE, or what the footage raises.
            BackendError: The models cannot be run, or not before the deadline.
        """
        meter = Meter(self._inference, task, footage.frames_total)
        watching = partial(FaceWatch, meter=meter, spec=self._preprocess, window=self._window)
        detector = _Detector(self._inference, task, footage.frames_total)
        yield from _Viewing(footage, detector, watching, self._preprocess).all(all_faces=all_faces)


@dataclass(frozen=True, slots=True)
class _Detector:
    inference: Inference
    task: Task
    frames_total: int | None

    def look(self, frames: Sequence[Frame]) -> Looks:
        """The faces in frames that decoded."""
        seen: Looks = []
        for start in range(0, len(frames), _FACE_BATCH):
            batch = frames[start : start + _FACE_BATCH]
            done = batch[0].index
            self.task.report_progress(
                Progress(stage="face", frames_done=done, frames_total=self.frames_total)
            )
            seen += zip(batch, self._detect(batch), strict=True)
        return seen

    def _detect(self, frames: Sequence[Frame]) -> list[list[FaceBox]]:
        prepared = [face.prepare(frame.image) for frame in frames if frame.image is not None]
        outputs = self.inference.infer(
            FACE.name,
            {"image": np.concatenate([tensor for tensor, _ in prepared])},
            [tensor.name for tensor in FACE.outputs],
            self.task.deadline,
        )
        return [
            face.interpret({name: tensor[row : row + 1] for name, tensor in outputs.items()}, scale)
            for row, (_, scale) in enumerate(prepared)
        ]


class _Viewing:
    """One clip being observed."""

    def __init__(
        self,
        footage: Footage,
        detector: _Detector,
        watching: Callable[[int, list[Verdict]], FaceWatch],
        spec: PreprocessSpec,
    ) -> None:
        self._footage = footage
        self._detector = detector
        self._stopwatch = detector.task.stopwatch
        self._watching = watching
        self._spec = spec
        self._follower = Follower(spec)
        self._watches: dict[int, FaceWatch] = {}
        self._unseen: list[Verdict] = []
        """Of the frames so far, about a face that is not in any of them."""
        self._decoded = 0
        self._last_look: Looks = []

    def all(self, *, all_faces: bool) -> Iterator[Observation]:
        """Every window of every face."""
        for frames in self._windows():
            self._decoded += sum(frame.image is not None for frame in frames)
            for track in self._tracks(frames):
                if (track.track_id == 0 or all_faces) and track.is_seen:
                    yield from self._watch(track.track_id).take(frames, track)
            self._unseen += [
                ("no_face" if frame.image is not None else "decode_error", 0.0) for frame in frames
            ]
            del frames  # or it would stay until the next one has been decoded
        _check_length(self._decoded, "were decoded")
        self._check_main()
        for track_id, watch in self._watches.items():
            if track_id == 0 or watch.is_lasting:
                yield from watch.finish()

    def _windows(self) -> Iterator[Sequence[Frame]]:
        windows = self._footage.windows()
        while True:
            with self._stopwatch.stage("decode"):
                frames = next(windows, None)
            if frames is None:
                return
            yield frames
            del frames

    def _tracks(self, frames: Sequence[Frame]) -> list[FaceTrack]:
        looked_s = self._last_look[0][0].pts_s if self._last_look else -np.inf
        with self._stopwatch.stage("face"):
            seen = self._detector.look(key_frames(frames, looked_s))
            for _ in range(_LOOKS):
                more = doubtful(frames, self._last_look + seen, self._spec)
                if not more:
                    break
                seen = sorted(seen + self._detector.look(more), key=lambda look: look[0].index)
        if seen:
            last, faces = seen[-1]
            self._last_look = [(Frame(last.index, last.pts_s, None), faces)]
        return self._follower.follow(seen)

    def _watch(self, track_id: int) -> FaceWatch:
        if track_id not in self._watches:
            self._watches[track_id] = self._watching(track_id, list(self._unseen))
        return self._watches[track_id]

    def _check_main(self) -> None:
        if not self._watches:
            looked_at = self._follower.looked_at
            raise ClipError(
                ErrorCode.NO_FACE, f"no face in any of the {looked_at} frames looked at"
            )
        _check_length(self._watches[0].frames_used, "show the face")


def _check_length(frames: int, what: str) -> None:
    if frames < MIN_FRAMES:
        raise ClipError(
            ErrorCode.TOO_SHORT,
            f"only {frames} frames {what}",
            limit=MIN_FRAMES,
            measured=frames,
        )
