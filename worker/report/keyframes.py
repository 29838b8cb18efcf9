"""The frames worth showing: aligned pictures around an event and what changed between them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from worker.contract import AnalysisReport
from worker.domain import FloatArray, Image
from worker.preprocess.align import crop
from worker.preprocess.spec import PREPROCESS
from worker.video.footage import open_footage
from worker.video.limits import DecodeLimits

ZOOM: Final = 2
"""Pictures are this many times larger than the crops the models see."""
BEFORE_S: Final = 0.15
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_CHANGE_BLUR_PX = 1.2
_CHANGE_QUANTILE = 0.998
_SMALLEST_CHANGE = 12.0


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """One picture of the row: name, time in seconds, aligned face (None: did not decode)."""

    name: str
    pts_s: float
    picture: Image | None


@dataclass(frozen=True, slots=True)
class Change:
    """Difference of two key frames, f32 [S, S] in gray levels; `span` is what full colour means.

    `face` f32 [S, S] is the gray face it happened on.
    """

    name: str
    face: FloatArray
    levels: FloatArray
    span: float


def chosen_frames(report: AnalysisReport) -> dict[str, int]:
    """Name and frame index of the four key frames, in order of time.

    Those of the first event, or four evenly spaced ones where there is none.
    """
    rows = report.action_units.frames
    if not report.events:
        last = len(rows) - 1
        names = ("start", "one third", "two thirds", "end")
        return {name: round(last * share / 3) for share, name in enumerate(names)}
    event = report.events[0]
    times = np.array([row.pts_s for row in rows])
    before = int(np.abs(times - (event.onset_s - BEFORE_S)).argmin())
    return {
        "before": min(before, event.onset_frame),
        "onset": event.onset_frame,
        "apex": event.apex_frame,
        "offset": event.offset_frame,
    }


def key_frames(report: AnalysisReport, clip_path: Path, fps: float | None = None) -> list[KeyFrame]:
    """The chosen frames, decoded again from the clip and aligned as for the models.

    Args:
        report: Says which frames, and how they are aligned.
        clip_path: The clip it is about.
        fps: Frames per second, where the clip is an archive of frames.

    Raises:
        ClipError: The clip cannot be decoded.
    """
    chosen = chosen_frames(report)
    with open_footage(clip_path, DecodeLimits(), fps=fps) as footage:
        images = {
            frame.index: frame.image
            for frames in footage.windows()
            for frame in frames
            if frame.index in chosen.values()
        }
    rows = report.action_units.frames
    return [
        KeyFrame(name, rows[index].pts_s, _aligned(images.get(index), report))
        for name, index in chosen.items()
    ]


def change(frames: Sequence[KeyFrame]) -> Change | None:
    """What the event changed: apex minus onset, or end minus start where there is no event."""
    by_name = {frame.name: frame.picture for frame in frames}
    later, earlier = ("apex", "onset") if "apex" in by_name else ("end", "start")
    after, before = by_name[later], by_name[earlier]
    if after is None or before is None:
        return None
    face = before.astype(np.float32) @ _LUMA
    levels = cv2.GaussianBlur(after.astype(np.float32) @ _LUMA - face, (0, 0), _CHANGE_BLUR_PX)
    span = max(float(np.quantile(np.abs(levels), _CHANGE_QUANTILE)), _SMALLEST_CHANGE)
    return Change(f"{later} − {earlier}", face, levels.astype(np.float32), span)


def _aligned(image: Image | None, report: AnalysisReport) -> Image | None:
    if image is None:
        return None
    alignment = np.array(report.face.alignment, dtype=np.float32) * ZOOM
    return crop(image, alignment, replace(PREPROCESS, crop_size=PREPROCESS.crop_size * ZOOM))
