"""Clips as pictures of their flow from onset to apex, made as they are made for serving."""

import numpy as np
import torch
from torch import Tensor, nn

from training.flow_task import augmented, centred
from training.loop import Batch
from training.models.msjfn import joint_loss
from training.served import as_served
from worker.preprocess.flow_picture import flow_picture


def flowed(batch: Batch, side: int) -> Batch:
    """Pictures uint8 [N, 3, side, side] in place of gray crops; depth and AUs go unread."""
    crops, *_, label = batch
    unread = torch.zeros(len(label), 1, 1, 1)
    return flows_of(crops, side), unread, unread, label


def flows_of(crops: Tensor, side: int) -> Tensor:
    """Pictures uint8 [N, 3, side, side] of gray crops uint8 [N, T, S, S]."""
    seen = [flow_picture(as_served(clip), side) for clip in crops.numpy()]
    return torch.from_numpy(np.stack(seen))


def loss(model: nn.Module, batch: Batch) -> Tensor:
    """Cross entropy of MSJFN's verdicts, fused and single, on augmented pictures."""
    pictures, *_, label = batch
    return joint_loss(model(augmented(centred(pictures))), label)
