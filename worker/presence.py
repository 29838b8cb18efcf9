"""Where the face is, and in which frames it can be trusted: judged on key frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

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
STEADY_PX: Final = 10.0
"""A face that has moved further in the crop is no longer where the models expect it."""
LOST_PX: Final = 40.0
"""And one that has moved by its eye distance has left the crop."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """The analysed face on one key frame, None where it is not there."""

    frame: Frame
    face: FaceBox | None
    status: Status


@dataclass(frozen=True, slots=True)
class FaceTrack:
    """The analysed face over the clip, and the one alignment all its crops share."""

    reference: Frame
    face: FaceBox
    alignment: FloatArray
    """f32 [2, 3], from the first frame the face was seen in."""
    sightings: tuple[Sighting, ...]

    def judge(self, frame: Frame) -> tuple[Status, float]:
        """Status and confidence (0 to 1) of a frame: those of the key frame nearest in time."""
        if frame.image is None:
            return "decode_error", 0.0
        nearest = min(self.sightings, key=lambda seen: abs(seen.frame.pts_s - frame.pts_s))
        return nearest.status, nearest.face.score if nearest.face else 0.0


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
    if first is None or (face := main_face(faces[first])) is None:
        raise ClipError(ErrorCode.NO_FACE, f"no face in any of the {len(keys)} frames looked at")
    alignment = similarity(face.landmarks, spec)
    sightings = [
        _sighting(key, found, face, alignment) for key, found in zip(keys, faces, strict=True)
    ]
    return FaceTrack(keys[first], face, alignment, tuple(sightings))


def _sighting(
    frame: Frame, faces: list[FaceBox], reference: FaceBox, alignment: FloatArray
) -> Sighting:
    moved = [(_drift_px(face, reference, alignment), face) for face in faces]
    drift_px, face = min(moved, key=lambda pair: pair[0], default=(np.inf, None))
    if face is None or drift_px > LOST_PX:
        return Sighting(frame, None, "no_face")
    is_steady = drift_px <= STEADY_PX and face.score >= TRUSTED_SCORE
    return Sighting(frame, face, "ok" if is_steady else "low_confidence")


def _drift_px(face: FaceBox, reference: FaceBox, alignment: FloatArray) -> float:
    """Mean way of the landmarks since the reference frame, in crop pixels."""
    way = (face.landmarks - reference.landmarks) @ alignment[:, :2].T
    return float(np.hypot(way[:, 0], way[:, 1]).mean())
