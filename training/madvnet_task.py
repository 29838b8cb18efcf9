"""What MADV-Net learns (paper Eq. 18-23), and how it is judged while it does."""

from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from training.clip_store import Clips, load_clips
from training.experiment import Experiment
from training.loop import Batch, Recipe, fit
from training.losses import LossConfig, total
from training.metrics import accuracy, uf1
from training.models.madvnet import MADVNet, MADVNetOutput
from worker.models.coarse import COARSE_INDEX, fold
from worker.specs import COARSE_LABELS, CROP_SIZE, NEUTRAL

_VALIDATION = 500


def train(recipe: Recipe, runs: Path, experiment: Experiment | None = None) -> None:
    """Train `runs/madvnet/last.pt` on streams made by the exported AU and depth networks.

    Without an experiment it is configuration S, as served.
    """
    experiment = experiment or Experiment()
    data = _tensors(load_clips(runs / "data", "train", recipe.samples))
    held_out = _tensors(load_clips(runs / "data", "validation", _VALIDATION))
    model, own_loss = MADVNet(experiment.network), partial(loss, config=experiment.loss)
    fit(model, data, recipe, own_loss, lambda model: score(model, held_out), runs / "madvnet")


def loss(model: nn.Module, batch: Batch, config: LossConfig | None = None) -> Tensor:
    """L = L_Multiclass + L_freq + L_AU (Eq. 18); without a configuration each with weight 1.

    Classes are drawn evenly, so the weights mu of Eq. 19 are 1 unless told otherwise.
    """
    crops, depth, action_units, label = _mirrored(batch)
    output: MADVNetOutput = model(crops, _enlarged(depth), action_units)
    return total(output, label, config or LossConfig())


@torch.no_grad()
def score(model: nn.Module, held_out: Batch) -> dict[str, float]:
    """8-class accuracy, and UF1 over positive, negative, surprise on the clips with an event."""
    model.eval()
    logits = torch.cat([_logits(model, rows) for rows in _chunks(held_out)])
    label = held_out[3].numpy()
    probabilities = logits.softmax(dim=-1).numpy()
    event = label != NEUTRAL
    coarse = fold(probabilities[event]).argmax(axis=1)
    return {
        "accuracy": accuracy(label, probabilities.argmax(axis=1)),
        "coarse_uf1": uf1(COARSE_INDEX[label[event]], coarse, len(COARSE_LABELS)),
    }


def _logits(model: nn.Module, rows: Batch) -> Tensor:
    crops, depth, action_units, _ = rows
    output: MADVNetOutput = model(crops[:, :, None], _enlarged(depth), action_units)
    return output.logits.float()


def _chunks(data: Batch) -> list[Batch]:
    return list(zip(*(tensor.split(32) for tensor in data), strict=True))


def _tensors(clips: Clips) -> Batch:
    arrays = (clips.crops, clips.depth, clips.action_units, clips.label)
    return tuple(torch.from_numpy(array) for array in arrays)


def _mirrored(batch: Batch) -> Batch:
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


def _enlarged(depth: Tensor) -> Tensor:
    """Stored depth f16 [B, T, h, w] as served: f32 [B, T, 1, S, S]."""
    batch, frames = depth.shape[:2]
    large = fn.interpolate(
        depth.float().flatten(0, 1)[:, None],
        size=(CROP_SIZE, CROP_SIZE),
        mode="bilinear",
        align_corners=False,
    )
    return large.unflatten(0, (batch, frames))
