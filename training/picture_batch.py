"""Clips as pictures of their motion, made as they are made for serving."""

import numpy as np
import torch
from torch import Tensor

from training.loop import Batch
from training.models.pictures import PictureConfig
from training.served import as_served
from worker.preprocess.dynamic_image import pictures


def pictured(batch: Batch, config: PictureConfig) -> Batch:
    """Pictures uint8 [N, P, S, S] in place of gray crops [N, T, S, S]; depth and AUs go unread."""
    crops, *_, label = batch
    unread = torch.zeros(len(label), 1, 1, 1)
    return pictures_of(crops, config), unread, unread, label


def pictures_of(crops: Tensor, config: PictureConfig) -> Tensor:
    """Pictures uint8 [N, P, S, S] of gray crops uint8 [N, T, S, S]."""
    seen = [pictures(as_served(clip), config.pictures) for clip in crops.numpy()]
    return torch.from_numpy(np.stack(seen))
