"""Torch networks to ONNX graphs with the tensors of `worker.specs`, checked for parity."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime as ort
import torch
from torch import Tensor, nn

from training.models.au import AUNet
from training.models.depth import DepthNet
from training.models.madvnet import MADVNet, MADVNetOutput
from worker.specs import (
    AU,
    AU_COUNT,
    AU_MAX,
    CLIP_FRAMES,
    CROP_SIZE,
    DEPTH,
    MADVNET,
    SIDES,
    ModelSpec,
)

NETWORKS: Final[dict[ModelSpec, Callable[[], nn.Module]]] = {
    AU: AUNet,
    DEPTH: DepthNet,
    MADVNET: MADVNet,
}
TOLERANCE: Final = 1e-4
_OPSET = 17


class ServedAUNet(nn.Module):
    """Changes no further than the FACS scale goes."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: Tensor, reference: Tensor) -> Tensor:
        """The tensors of `worker.specs.AU`."""
        change: Tensor = self.network(crops, reference).clamp(-AU_MAX, AU_MAX)
        return change


class ServedMADVNet(nn.Module):
    """One clip without a batch axis in, probabilities out."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: Tensor, depth: Tensor, action_units: Tensor) -> tuple[Tensor, ...]:
        """The tensors of `worker.specs.MADVNET`."""
        output: MADVNetOutput = self.network(crops[None], depth[None], action_units[None])
        levels = output.level_logits[0].softmax(dim=-1)
        return output.logits[0].softmax(dim=-1), levels, output.gate[0]


def write(spec: ModelSpec, file: Path, checkpoint: Path | None) -> None:
    """Export one network; raises ValueError where the graph strays from torch by over 1e-4."""
    torch.manual_seed(0)
    network = NETWORKS[spec]()
    if checkpoint is not None:
        network.load_state_dict(torch.load(checkpoint, weights_only=True)["model"])
    wrapper = {AU.name: ServedAUNet, MADVNET.name: ServedMADVNet}.get(spec.name)
    write_network((wrapper(network) if wrapper else network).eval(), spec, file)


def write_network(
    served: nn.Module, spec: ModelSpec, file: Path, tolerance: float = TOLERANCE
) -> None:
    """Export a network that takes and gives the tensors of `spec`; ValueError as `check`.

    The file there before stays where that fails.
    """
    inputs, partial = example(spec), file.with_suffix(".partial")
    free = [tensor for tensor in (*spec.inputs, *spec.outputs) if tensor.shape[0] < 0]
    with warnings.catch_warnings():
        # Traced sizes are constants here, and the newer exporter needs a further package.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            served,
            inputs,
            str(partial),
            input_names=[tensor.name for tensor in spec.inputs],
            output_names=[tensor.name for tensor in spec.outputs],
            dynamic_axes={tensor.name: {0: "frames"} for tensor in free},
            opset_version=_OPSET,
            dynamo=False,
        )
    check(served, inputs, spec, partial, tolerance)
    partial.replace(file)


def example(spec: ModelSpec) -> tuple[Tensor, ...]:
    """Random inputs of the served shapes; 16 where the first axis is free."""
    crops = torch.randint(0, 256, (CLIP_FRAMES, 3, CROP_SIZE, CROP_SIZE), dtype=torch.uint8)
    depth = torch.rand(CLIP_FRAMES, 1, CROP_SIZE, CROP_SIZE)
    change = torch.rand(CLIP_FRAMES, len(SIDES), AU_COUNT)
    return {
        AU.name: (crops, crops[:1]),
        DEPTH.name: (crops,),
        MADVNET.name: (crops, depth, change),
    }[spec.name]


@torch.no_grad()
def check(
    served: nn.Module,
    inputs: tuple[Tensor, ...],
    spec: ModelSpec,
    file: Path,
    tolerance: float = TOLERANCE,
) -> None:
    """Raise ValueError where onnxruntime strays from torch by more than the tolerance."""
    expected = served(*inputs)
    expected = expected if isinstance(expected, tuple) else (expected,)
    session = ort.InferenceSession(str(file))
    feeds = {tensor.name: array.numpy() for tensor, array in zip(spec.inputs, inputs, strict=True)}
    outputs = session.run([tensor.name for tensor in spec.outputs], feeds)
    for tensor, torch_value, value in zip(spec.outputs, expected, outputs, strict=True):
        difference = float(np.abs(torch_value.numpy() - value).max())
        if difference > tolerance:
            raise ValueError(f"{spec.name}.{tensor.name} differs from torch by {difference:.2g}")
