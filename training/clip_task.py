"""What networks that see clips learn (paper Eq. 18-23), and how they are asked."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from training import flow_batch, transfer
from training.benchmark import manifest
from training.benchmark.clips import halves, load_clips
from training.clip_batch import enlarged, mirrored, tensors
from training.distributed import Team
from training.experiment import Experiment, build
from training.flow_task import asked, centred
from training.loop import Batch, Loss, Score, Subject, fit
from training.losses import LossConfig, total
from training.losses.terms import focal
from training.masked import Reconstructor, missed
from training.metrics import accuracy, uf1
from training.models.madvnet import MADVNet
from training.models.msjfn import MSJFN
from training.models.pictures import PictureNet
from training.picture_batch import pictured, pictures_of
from worker.models.coarse import COARSE_INDEX, fold
from worker.specs import COARSE_LABELS, LABELS, NEUTRAL

_ROWS = 32


def train(experiment: Experiment, runs: Path, name: str) -> None:
    """Train `runs/<name>/last.pt` on the benchmark's clips, with streams as served."""
    folder, frames = runs / "data", experiment.network.frames
    with Team.here().one_first():
        benchmark = manifest.made(folder)
        clips = load_clips(folder, "train", experiment.recipe.samples)
    own = load_clips(folder, "validation", benchmark.splits["validation"].clips)
    curve = tensors(halves(own)[0], frames)
    told = {"benchmark": benchmark.digest}
    teach(experiment, tensors(clips, frames), runs / name, curve, told)


def teach(
    experiment: Experiment,
    data: Batch,
    folder: Path,
    held_out: Batch | None = None,
    told: Mapping[str, object] | None = None,
) -> nn.Module:
    """Train a network as `Experiment` says, or take up a run of it; the network, for answers.

    `told` is what the run's checkpoint says of its data.
    """
    torch.manual_seed(experiment.recipe.seed)
    network = build(experiment.network)
    carried: list[str] = []
    if experiment.start:
        carried = transfer.take_over(network, Path(experiment.start))
    subject = Subject({**experiment.told(), "data": dict(told or {})}, carried)
    if experiment.task == "reconstruct":
        if not isinstance(network, MADVNet):
            raise TypeError(type(network))
        filler = Reconstructor(network)
        fit(filler, data, experiment.recipe, missed, lambda _: {}, folder, subject=subject)
        return network
    judge: Score = partial(score, held_out=held_out) if held_out is not None else lambda _: {}
    own_loss: Loss = partial(loss, config=experiment.loss)
    if isinstance(network, PictureNet):
        data = pictured(data, network.config)
    elif isinstance(network, MSJFN):
        data, own_loss = flow_batch.flowed(data, network.config.side), flow_batch.loss
    fit(network, data, experiment.recipe, own_loss, judge, folder, subject=subject)
    return network


def loss(model: nn.Module, batch: Batch, config: LossConfig | None = None) -> Tensor:
    """L = L_Multiclass + L_freq + L_AU (Eq. 18); without a configuration each with weight 1.

    A network that gives nothing but logits learns by L_Multiclass alone.
    """
    config = config or LossConfig()
    crops, depth, action_units, label = mirrored(batch)
    output = model(crops, enlarged(depth, crops), action_units)
    if isinstance(output, Tensor):
        return focal(output.float(), label, config.focus, config.weights(output.device))
    return total(output, label, config)


@torch.no_grad()
def answers(model: nn.Module, data: Batch) -> Tensor:
    """Logits f32 [N, C] of clips, on the processor. Raises FloatingPointError if not all finite."""
    model.eval()
    device = next(model.parameters()).device
    parts = zip(*(tensor.split(_ROWS) for tensor in data[:3]), strict=True)
    logits = torch.cat([_logits(model, [part.to(device) for part in rows]) for rows in parts])
    if not logits.isfinite().all():
        raise FloatingPointError("the network's answers are not finite")
    return logits


def score(model: nn.Module, held_out: Batch) -> dict[str, float]:
    """Accuracy; with our own labels also UF1 over positive, negative, surprise, given an event."""
    probabilities = answers(model, held_out).softmax(dim=-1).numpy()
    label = held_out[3].numpy()
    if probabilities.shape[1] != len(LABELS):
        return {"accuracy": accuracy(label, probabilities.argmax(axis=1))}
    event = label != NEUTRAL
    coarse = fold(probabilities[event]).argmax(axis=1)
    return {
        "accuracy": accuracy(label, probabilities.argmax(axis=1)),
        "coarse_uf1": uf1(COARSE_INDEX[label[event]], coarse, len(COARSE_LABELS)),
    }


def _logits(model: nn.Module, rows: list[Tensor]) -> Tensor:
    crops, depth, action_units = rows
    if isinstance(model, MSJFN):
        flows = flow_batch.flows_of(crops.cpu(), model.config.side).to(crops.device)
        return asked(model, centred(flows)).log().cpu()
    if isinstance(model, PictureNet):
        output = model(pictures_of(crops.cpu(), model.config)[:, :, None].to(crops.device))
    else:
        output = model(crops[:, :, None], enlarged(depth, crops), action_units)
    logits: Tensor = output if isinstance(output, Tensor) else output.logits
    return logits.float().cpu()
