"""Where faces are, and in which frames they can be trusted: judged on key frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from worker.domain import FaceBox, FloatArray, Frame
from worker.models.face import by_size
from worker.preprocess.align import similarity
from worker.preprocess.spec import PreprocessSpec

Status = Literal["ok", "low_confidence", "no_face", "decode_error"]

KEY_INTERVAL_S: Final = 0.5
TRUSTED_SCORE: Final = 0.6
"""Below this the detector is unsure."""
_SAME: Final = 3
"""Decimals to which two sightings fit equally well, and the earlier one is taken."""
LOST_PX: Final = 40.0
"""A face further than its eye distance from where it was last seen is another one."""
MOST_TRACKS: Final = 16
"""Faces that are followed through one clip; whoever comes after them is not."""
_STEADY_S: Final = 1.5
"""A way from one sighting to the next tells where the face will be for so long."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A face on one key frame, None where it is not there."""

    index: int
    pts_s: float
    face: FaceBox | None
    status: Status


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """One face over a part of a clip."""

    track_id: int
    """0 is the main face; the same person keeps it from part to part."""
    sightings: tuple[Sighting, ...]
    """Those of this part, and before them the latest earlier ones, if any."""

    @property
    def is_seen(self) -> bool:
        """Whether the face has shown itself yet."""
        return any(at.face for at in self.sightings)

    def judge(self, frame: Frame) -> tuple[Status, float]:
        """Status and confidence (0 to 1) of a frame: those of the key frame nearest in time."""
        if frame.image is None:
            return "decode_error", 0.0
        nearest = min(self.sightings, key=lambda seen: abs(seen.pts_s - frame.pts_s))
        return nearest.status, nearest.face.score if nearest.face else 0.0

    def guesses(self, pts_s: npt.NDArray[np.float64], spec: PreprocessSpec) -> FloatArray:
        """Similarities f32 [N, 2, 3] at these times, between those of the sightings."""
        seen = [(at.pts_s, at.face) for at in self.sightings if at.face]
        known = np.stack([similarity(face.landmarks, spec).ravel() for _, face in seen])
        times = [time_s for time_s, _ in seen]
        columns = [np.interp(pts_s, times, column) for column in known.T]
        return np.stack(columns, axis=1).reshape(-1, 2, 3).astype(np.float32)

    def anchor(self, since: int, spec: PreprocessSpec) -> tuple[int, FaceBox]:
        """Frame and face in whose pose it is most of the time: landmarks nearest the median's.

        Args:
            since: First frame that may be chosen; the face is seen in one from there on.
            spec: Where landmarks belong.
        """
        candidates = [at for at in self.sightings if at.index >= since]
        seen = [(at.index, at.face) for at in candidates if at.face and at.status == "ok"]
        seen = seen or [(at.index, at.face) for at in candidates if at.face]
        aligned = []
        for _, face in seen:
            alignment = similarity(face.landmarks, spec)
            aligned.append(face.landmarks @ alignment[:, :2].T + alignment[:, 2])
        apart = np.abs(np.stack(aligned) - np.median(aligned, axis=0)).sum(axis=(1, 2))
        return seen[int(apart.round(_SAME).argmin())]


def key_frames(frames: Sequence[Frame], after_s: float = -np.inf) -> list[Frame]:
    """Decoded frames about `KEY_INTERVAL_S` apart, the last one of this part among them.

    Args:
        frames: A part of a clip.
        after_s: When the key frame before it was.
    """
    decoded = [frame for frame in frames if frame.image is not None]
    keys: list[Frame] = []
    for frame in decoded:
        if frame.pts_s - after_s >= KEY_INTERVAL_S or frame is decoded[-1]:
            keys.append(frame)
            after_s = frame.pts_s
    return keys


def doubtful(
    frames: Sequence[Frame], seen: Sequence[tuple[Frame, list[FaceBox]]], spec: PreprocessSpec
) -> list[Frame]:
    """Frames to look at as well: half-way where a face may be another one, or has gone far.

    Args:
        frames: A part of a clip.
        seen: Key frames of it in order, with their faces; before them maybe an earlier one.
        spec: How far is far.
    """
    middles = []
    for (before, old), (after, new) in pairwise(seen):
        begin, end = (look.index - frames[0].index for look in (before, after))
        between = [frame for frame in frames[max(0, begin + 1) : end] if frame.image is not None]
        if between and _is_unclear(old, new, spec):
            middles.append(between[len(between) // 2])
    return middles


def _is_unclear(old: list[FaceBox], new: list[FaceBox], spec: PreprocessSpec) -> bool:
    """Whether a face has gone and another one has come."""
    ways = np.array([[_drift_px(face, last, spec) for face in new] for last in old])
    if not ways.size:
        return False
    near = ways <= LOST_PX
    return bool((~near.any(axis=1)).any() and (~near.any(axis=0)).any())


class Follower:
    """Tells faces apart from key frame to key frame, over a whole clip.

    The first is the main face: the largest of the first key frame that has any.
    """

    def __init__(self, spec: PreprocessSpec) -> None:
        self._spec = spec
        self._tracks: list[_Track] = []
        self.looked_at = 0
        """Key frames so far."""

    def follow(self, seen: Sequence[tuple[Frame, list[FaceBox]]]) -> list[FaceTrack]:
        """Where every face is in the next key frames of the clip."""
        courses: dict[int, list[Sighting]] = {
            number: track.latest() for number, track in enumerate(self._tracks)
        }
        for frame, faces in seen:
            for number, sighting in enumerate(self._see(frame, faces)):
                courses.setdefault(number, []).append(sighting)
        self.looked_at += len(seen)
        return [FaceTrack(number, tuple(course)) for number, course in courses.items()]

    def _see(self, frame: Frame, faces: list[FaceBox]) -> list[Sighting]:
        """A sighting of every face known so far, those first seen here among them."""
        matched = self._matched(frame.pts_s, faces)
        taken = set(matched.values())
        for at in by_size(faces):
            if at in taken:
                continue
            if len(self._tracks) == MOST_TRACKS:
                break
            matched[len(self._tracks)] = at
            self._tracks.append(_Track())
        for number, track in enumerate(self._tracks):
            track.add(frame, faces[matched[number]] if number in matched else None)
        return [track.latest()[-1] for track in self._tracks]

    def _matched(self, pts_s: float, faces: list[FaceBox]) -> dict[int, int]:
        """Which of the faces each track has gone on to: the nearest pairs first."""
        pairs = []
        for number, track in enumerate(self._tracks):
            for at, face in enumerate(faces):
                way = track.way_px(face, pts_s, self._spec)
                if way is not None:
                    pairs.append((way, number, at))
        matched: dict[int, int] = {}
        for _, number, at in sorted(pairs):
            if number not in matched and at not in matched.values():
                matched[number] = at
        return matched


class _Track:
    """The last that was seen of a face."""

    def __init__(self) -> None:
        self._last: Sighting | None = None
        self._seen: list[Sighting] = []

    def add(self, frame: Frame, face: FaceBox | None) -> None:
        """How it is on the next key frame."""
        status: Status = "no_face"
        if face is not None:
            status = "ok" if face.score >= TRUSTED_SCORE else "low_confidence"
        self._last = Sighting(frame.index, frame.pts_s, face, status)
        if face is not None:
            self._seen = [*self._seen[-1:], self._last]

    def latest(self) -> list[Sighting]:
        """When it was last seen, and last looked for."""
        seen = self._seen[-1:]
        return seen if self._last is None or self._last in seen else [*seen, self._last]

    def way_px(self, face: FaceBox, pts_s: float, spec: PreprocessSpec) -> float | None:
        """How far a face is from where this one should be by now; None where it is another."""
        last = self._seen[-1].face if self._seen else None
        if last is None or _drift_px(face, last, spec) > LOST_PX:
            return None
        due = FaceBox(last.box, last.score, last.landmarks + self._moved(pts_s))
        return _drift_px(face, due, spec)

    def _moved(self, pts_s: float) -> FloatArray:
        """How far it should have gone since it was last seen: f32 [2]."""
        still = np.zeros(2, np.float32)
        if len(self._seen) < 2 or pts_s - self._seen[0].pts_s > _STEADY_S:  # noqa: PLR2004
            return still
        (before, then), (last, now) = ((at.pts_s, at.face) for at in self._seen)
        if then is None or now is None:
            return still
        way = (now.landmarks - then.landmarks).mean(axis=0)
        return np.asarray(way * ((pts_s - last) / (last - before)), dtype=np.float32)


def _drift_px(face: FaceBox, last: FaceBox, spec: PreprocessSpec) -> float:
    """Mean way of the landmarks since the face was last seen, in crop pixels."""
    alignment = similarity(last.landmarks, spec)
    way = (face.landmarks - last.landmarks) @ alignment[:, :2].T
    return float(np.hypot(way[:, 0], way[:, 1]).mean())
