"""Where the face is, and in which frames it can be trusted: judged on key frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from worker.contract import ErrorCode
from worker.domain import Clip, FaceBox, FloatArray, Frame
from worker.errors import ClipError
from worker.models.face import main_face
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


@dataclass(frozen=True, slots=True)
class Sighting:
    """The analysed face on one key frame, None where it is not there."""

    frame: Frame
    face: FaceBox | None
    status: Status


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """The analysed face over the clip, and the frame all others are aligned to."""

    anchor: Frame
    face: FaceBox
    alignment: FloatArray
    """f32 [2, 3], frame pixels to crop pixels, of the anchor."""
    sightings: tuple[Sighting, ...]

    def judge(self, frame: Frame) -> tuple[Status, float]:
        """Status and confidence (0 to 1) of a frame: those of the key frame nearest in time."""
        if frame.image is None:
            return "decode_error", 0.0
        nearest = min(self.sightings, key=lambda seen: abs(seen.frame.pts_s - frame.pts_s))
        return nearest.status, nearest.face.score if nearest.face else 0.0

    def guesses(self, pts_s: npt.NDArray[np.float64], spec: PreprocessSpec) -> FloatArray:
        """Similarities f32 [N, 2, 3] at these times, between those of the sightings."""
        seen = [(at.frame.pts_s, at.face) for at in self.sightings if at.face]
        known = np.stack([similarity(face.landmarks, spec).ravel() for _, face in seen])
        times = [time_s for time_s, _ in seen]
        columns = [np.interp(pts_s, times, column) for column in known.T]
        return np.stack(columns, axis=1).reshape(-1, 2, 3).astype(np.float32)


def key_frames(clip: Clip) -> list[Frame]:
    """Decoded frames about `KEY_INTERVAL_S` apart, the first and the last among them."""
    decoded = [frame for frame in clip.frames if frame.image is not None]
    keys = decoded[:1]
    for frame in decoded[1:]:
        if frame.pts_s - keys[-1].pts_s >= KEY_INTERVAL_S or frame is decoded[-1]:
            keys.append(frame)
    return keys


def follow(
    keys: Sequence[Frame], faces: Sequence[list[FaceBox]], spec: PreprocessSpec
) -> FaceTrack:
    """The largest face of the first key frame that has any, and where it went from there.

    Raises:
        ClipError: NO_FACE.
    """
    first = next((index for index, found in enumerate(faces) if found), None)
    if first is None or (last := main_face(faces[first])) is None:
        raise ClipError(ErrorCode.NO_FACE, f"no face in any of the {len(keys)} frames looked at")
    sightings = []
    for key, found in zip(keys, faces, strict=True):
        sightings.append(_sighting(key, found, last, similarity(last.landmarks, spec)))
        last = sightings[-1].face or last
    anchor, face = _anchor(sightings, spec)
    return FaceTrack(anchor, face, similarity(face.landmarks, spec), tuple(sightings))


def _anchor(sightings: Sequence[Sighting], spec: PreprocessSpec) -> tuple[Frame, FaceBox]:
    """The sighting in whose pose the face is most of the time: landmarks nearest the median's."""
    seen = [(at.frame, at.face) for at in sightings if at.face and at.status == "ok"]
    seen = seen or [(at.frame, at.face) for at in sightings if at.face]
    aligned = []
    for _, face in seen:
        alignment = similarity(face.landmarks, spec)
        aligned.append(face.landmarks @ alignment[:, :2].T + alignment[:, 2])
    apart = np.abs(np.stack(aligned) - np.median(aligned, axis=0)).sum(axis=(1, 2))
    return seen[int(apart.round(_SAME).argmin())]


def _sighting(frame: Frame, faces: list[FaceBox], last: FaceBox, alignment: FloatArray) -> Sighting:
    moved = [(_drift_px(face, last, alignment), face) for face in faces]
    drift_px, face = min(moved, key=lambda pair: pair[0], default=(np.inf, None))
    if face is None or drift_px > LOST_PX:
        return Sighting(frame, None, "no_face")
    return Sighting(frame, face, "ok" if face.score >= TRUSTED_SCORE else "low_confidence")


def _drift_px(face: FaceBox, last: FaceBox, alignment: FloatArray) -> float:
    """Mean way of the landmarks since the face was last seen, in crop pixels."""
    way = (face.landmarks - last.landmarks) @ alignment[:, :2].T
    return float(np.hypot(way[:, 0], way[:, 1]).mean())
