"""An event as one picture of its optical flow from onset to apex, for networks that see motion."""

from typing import Final

import numpy as np
import numpy.typing as npt

from worker.domain import FloatArray, Image
from worker.preprocess.dynamic_image import luma, motion_intensity
from worker.preprocess.optical_flow import flow, flow_image

_BESIDE: Final = 1
"""Frames before and after the apex that are averaged with it, and after the onset: less noise."""


def flow_picture(crops: Image, side: int) -> Image:
    """u, v and strain uint8 [3, side, side] of crops uint8 [T, 3, H, W], onset first.

    Each is stretched by itself; all 0 where nothing differs. The apex is the frame that is
    furthest from the onset.
    """
    frames = luma(crops)
    apex = int(motion_intensity(frames).argmax())
    if apex == 0:
        return np.zeros((3, side, side), np.uint8)
    onset = _averaged(frames[: min(_BESIDE + 1, apex)])
    peak = _averaged(frames[max(apex - _BESIDE, 1) : apex + _BESIDE + 1])
    return np.ascontiguousarray(flow_image(flow(onset, peak), side).transpose(2, 0, 1))


def _averaged(frames: FloatArray) -> npt.NDArray[np.uint8]:
    return np.asarray(frames.mean(axis=0).round(), dtype=np.uint8)
