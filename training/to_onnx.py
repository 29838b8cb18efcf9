"""Torch networks to ONNX graphs with the tensors of `worker.specs`, checked for parity."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import helper
from torch import Tensor, nn

from training.experiment import build, configured
from training.flow_task import asked, centred
from training.models import msjfn
from training.models.au import AUNet
from training.models.depth import DepthNet
from training.models.madvnet import MADVNet
from training.models.madvnet.network import Streams
from training.models.pictures import PictureConfig, PictureNet
from worker.models import affectivenet, afn
from worker.specs import (
    AFFECTIVENET,
    AFN,
    AU,
    AU_MAX,
    CLIP_FRAMES,
    DEPTH,
    FLOW_SIDE,
    LABELS,
    MADVNET,
    MSJFN,
    ModelSpec,
    TensorSpec,
)

SEEING: Final[dict[ModelSpec, PictureConfig | msjfn.MSJFNConfig]] = {
    MSJFN: msjfn.MSJFNConfig(width=24, joint=32, cells=14, side=FLOW_SIDE, classes=len(LABELS)),
    AFFECTIVENET: PictureConfig(affectivenet.PICTURES, "affectivenet"),
    AFN: PictureConfig(afn.PICTURES, "afn"),
}
"""Networks that are served one picture of a clip or two, as their recipes have them."""
NETWORKS: Final[dict[ModelSpec, Callable[[], nn.Module]]] = {
    AU: AUNet,
    DEPTH: DepthNet,
    MADVNET: MADVNet,
    **{spec: partial(build, config) for spec, config in SEEING.items()},
}
TOLERANCE: Final = 1e-4
_OPSET = 17
_NUMPY: Final = {"UINT8": np.uint8, "FP32": np.float32}


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

    def __init__(self, network: MADVNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: Tensor, depth: Tensor, action_units: Tensor) -> tuple[Tensor, ...]:
        """The tensors of `worker.specs.MADVNET`, the optional one last."""
        streams = Streams(crops[None], depth[None], action_units[None])
        output, maps = self.network.watched(streams)
        levels = output.level_logits[0].softmax(dim=-1)
        return output.logits[0].softmax(dim=-1), levels, output.gate[0], maps[0]


class ServedPictureNet(nn.Module):
    """The pictures of one clip in, probabilities out."""

    def __init__(self, network: PictureNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        """The tensors of a network of `worker.specs.PICTURE_NETWORKS`."""
        probabilities: Tensor = self.network(pictures[None, :, None])[0].softmax(dim=-1)
        return probabilities


class ServedMSJFN(nn.Module):
    """The flow picture of one clip in; out the mean over it and its mirror image."""

    def __init__(self, network: msjfn.MSJFN) -> None:
        super().__init__()
        self.network = network

    def forward(self, flow: Tensor) -> Tensor:
        """The tensors of `worker.specs.MSJFN`."""
        return asked(self.network, centred(flow[None]))[0]


def write(spec: ModelSpec, file: Path, checkpoint: Path | None) -> None:
    """Export one network; raises ValueError where the graph strays from torch by over 1e-4.

    A network that sees clips is built as its checkpoint says; MADV-Net is S without one. Raises
    ValueError, too, for one that learnt from other pictures than it will be served.
    """
    torch.manual_seed(0)
    state = {} if checkpoint is None else torch.load(checkpoint, weights_only=True)
    own = state.get("configuration", {}).get("network")
    network = build(configured(own)) if own else NETWORKS[spec]()
    if isinstance(network, PictureNet | msjfn.MSJFN) and network.config != SEEING.get(spec):
        raise ValueError(f"{checkpoint} is not the network that is served as {spec.name}")
    if state:
        network.load_state_dict(state["model"])
    if isinstance(network, MADVNet):
        spec = replace(spec, outputs=(*spec.outputs, *spec.optional))
    write_network(_served(network).eval(), spec, file)


def _served(network: nn.Module) -> nn.Module:
    """The network behind the tensors of its specification."""
    if isinstance(network, MADVNet):
        return ServedMADVNet(network)
    if isinstance(network, PictureNet):
        return ServedPictureNet(network)
    if isinstance(network, msjfn.MSJFN):
        return ServedMSJFN(network)
    return ServedAUNet(network) if isinstance(network, AUNet) else network


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
    _declare_inputs(partial, spec)
    check(served, inputs, spec, partial, tolerance)
    partial.replace(file)


def _declare_inputs(file: Path, spec: ModelSpec) -> None:
    """Inputs that a network does not read are not exported, but are sent all the same."""
    model = onnx.load(file)
    exported = {tensor.name for tensor in model.graph.input}
    missing = [tensor for tensor in spec.inputs if tensor.name not in exported]
    for tensor in missing:
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(_NUMPY[tensor.dtype]))
        shape = ["frames" if size < 0 else size for size in tensor.shape]
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, kind, shape))
    if missing:
        onnx.save(model, file)


def example(spec: ModelSpec) -> tuple[Tensor, ...]:
    """Random inputs of the served shapes; 16 where the first axis is free."""
    inputs = tuple(_random(tensor) for tensor in spec.inputs)
    return (inputs[0], inputs[0][:1]) if spec is AU else inputs


def _random(tensor: TensorSpec) -> Tensor:
    shape = [CLIP_FRAMES if size < 0 else size for size in tensor.shape]
    if tensor.dtype == "UINT8":
        return torch.randint(0, 256, shape, dtype=torch.uint8)
    return torch.rand(shape)


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
