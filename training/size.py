"""`python -m training.size [--model-repo DIR]`: parameters and multiply-accumulates, as JSON.

Counted on the graphs that are served, whatever they were exported from. MACs are per crop for `au`
and `depth`, per clip of 16 frames for the networks of emotions; convolutions, linear layers and
attention count, element-wise work does not. `madvnet_configurations` are counted alike, on networks
that need not be trained or served.
"""

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import torch
from onnx import numpy_helper
from torch.utils.flop_counter import FlopCounterMode

from training.data import MODEL_REPO
from training.experiment import NetworkConfig, build
from training.models.madvnet import SIZES
from training.models.msjfn import MSJFNConfig
from training.models.pictures import PictureConfig
from worker.specs import AU, AU_COUNT, DEPTH, EMOTION_NETWORKS, SIDES, ModelSpec, TensorSpec

Shape = tuple[int, ...]
Feeds = Mapping[str, npt.NDArray[np.generic]]

_DTYPES: Final = {"UINT8": np.uint8, "FP32": np.float32}


def main() -> None:
    """Print the sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model-repo", type=Path, default=MODEL_REPO)
    repository: Path = parser.parse_args().model_repo
    served = {spec.name: measure(spec, repository) for spec in (AU, DEPTH, *EMOTION_NETWORKS)}
    by_name = {name: measure_network(config) for name, config in SIZES.items()}
    sizes = {**served, "madvnet_configurations": by_name}
    sys.stdout.write(json.dumps(sizes, indent=2) + "\n")


def measure(spec: ModelSpec, repository: Path) -> dict[str, float]:
    """Millions of parameters, and of MACs for one crop or one clip, of a model of a repository."""
    file = repository / spec.name / "1" / "model.onnx"
    weights = [numpy_helper.to_array(weight) for weight in onnx.load(file).graph.initializer]
    feeds = {tensor.name: _example(tensor) for tensor in spec.inputs}
    return {
        "parameters_m": round(sum(w.size for w in weights if w.dtype.kind == "f") / 1e6, 3),
        "mmacs": round(macs(file, feeds) / 1e6, 1),
    }


@torch.no_grad()
def measure_network(config: NetworkConfig) -> dict[str, float]:
    """The same of any network that sees clips, by shapes alone: nothing is computed."""
    with torch.device("meta"):
        network = build(config).eval()
        seen = _seen(config)
    with FlopCounterMode(display=False) as counter:
        network(*seen)
    return {
        "parameters_m": round(sum(w.numel() for w in network.parameters()) / 1e6, 3),
        "mmacs": round(counter.get_total_flops() / 2 / 1e6, 1),
    }


def _seen(config: NetworkConfig) -> tuple[torch.Tensor, ...]:
    """What a network is given for one clip."""
    if isinstance(config, MSJFNConfig):
        return (torch.empty((1, config.channels, config.side, config.side)),)
    pictures = len(config.pictures) if isinstance(config, PictureConfig) else config.frames
    channels = config.channels if isinstance(config, PictureConfig) else 1
    return (
        torch.empty((1, pictures, channels, config.side, config.side), dtype=torch.uint8),
        torch.empty((1, config.frames, 1, config.side, config.side)),
        torch.empty((1, config.frames, len(SIDES), AU_COUNT)),
    )


def macs(file: Path, feeds: Feeds) -> int:
    """Multiply-accumulates of an ONNX graph on one set of inputs.

    Shapes are not inferred but seen: the graph is run with every tensor that matters as an output.
    """
    model = onnx.load(file)
    nodes = [node for node in model.graph.node if node.op_type in _MACS]
    shapes = {weight.name: tuple(weight.dims) for weight in model.graph.initializer}
    known = {*shapes, *feeds, *(output.name for output in model.graph.output)}
    inner = {name for node in nodes for name in (*node.input[:2], node.output[0])} - known
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(inner))
    session = ort.InferenceSession(model.SerializeToString())
    names = [output.name for output in session.get_outputs()]
    found = zip(names, session.run(names, dict(feeds)), strict=True)
    shapes |= {name: value.shape for name, value in (*found, *feeds.items())}
    return sum(
        _MACS[node.op_type](*(shapes[name] for name in (*node.input[:2], node.output[0])))
        for node in nodes
    )


def _example(tensor: TensorSpec) -> npt.NDArray[np.generic]:
    """One row where the first axis is free."""
    return np.zeros([max(size, 1) for size in tensor.shape], _DTYPES[tensor.dtype])


def _convolution(_: Shape, weights: Shape, output: Shape) -> int:
    return int(np.prod(output) * np.prod(weights[1:]))


def _transposed_convolution(inputs: Shape, weights: Shape, _: Shape) -> int:
    return int(np.prod(inputs) * np.prod(weights[1:]))


def _product(left: Shape, _: Shape, output: Shape) -> int:
    """Of matrices; the left one may be transposed: its other axis is summed over."""
    return int(np.prod(output) * (np.prod(left[-2:]) // output[-2]))


_MACS: Final[dict[str, Callable[[Shape, Shape, Shape], int]]] = {
    "Conv": _convolution,
    "ConvTranspose": _transposed_convolution,
    "Gemm": _product,
    "MatMul": _product,
}

if __name__ == "__main__":
    main()
