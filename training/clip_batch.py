"""Clips as tensors: from what is stored to what a network takes."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as fn

from training.benchmark.clips import Clips
from training.loop import Batch


def tensors(clips: Clips, frames: int) -> Batch:
    """Crops, depth, AU change and label; of `frames` evenly spread frames, the onset first."""
    step = clips.crops.shape[1] // frames
    seen = [a[:, ::step] for a in (clips.crops, clips.depth, clips.action_units)]
    # As stored where nothing is left out: a copy of thousands of clips would take gigabytes.
    return (
        *(torch.from_numpy(np.ascontiguousarray(a)) for a in seen),
        torch.from_numpy(clips.label),
    )


def mirrored(batch: Batch) -> Batch:
    """Mirror half of the batch, its sides with it, and add the gray channel axis."""
    crops, depth, action_units, label = batch
    depth = depth.float()  # autocast does not take half precision on a CPU
    half = len(label) // 2
    return (
        torch.cat([crops[:half].flip(-1), crops[half:]])[:, :, None],
        torch.cat([depth[:half].flip(-1), depth[half:]]),
        torch.cat([action_units[:half].flip(2), action_units[half:]]),
        label,
    )


def enlarged(depth: Tensor, crops: Tensor) -> Tensor:
    """Stored depth [B, T, h, w] as served, of the crops' size: f32 [B, T, 1, S, S]."""
    batch, frames = depth.shape[:2]
    large = fn.interpolate(
        depth.float().flatten(0, 1)[:, None],
        size=crops.shape[-2:],
        mode="bilinear",
        align_corners=False,
    )
    return large.unflatten(0, (batch, frames))
