"""`python -m training.size`: parameters and multiply-accumulates of each network, as JSON.

MACs are per crop for `au` and `depth`, per clip of 16 frames for `madvnet`; convolutions, linear
layers and attention count, element-wise work does not.
"""

import json
import sys

import torch
from torch.utils.flop_counter import FlopCounterMode

from training.to_onnx import NETWORKS, example
from worker.specs import CLIP_FRAMES, MADVNET, ModelSpec


def main() -> None:
    """Print the sizes."""
    sizes = {spec.name: measure(spec) for spec in NETWORKS}
    sys.stdout.write(json.dumps(sizes, indent=2) + "\n")


@torch.no_grad()
def measure(spec: ModelSpec) -> dict[str, float]:
    """Millions of parameters, and of MACs for one crop or one clip."""
    network = NETWORKS[spec]().eval()
    inputs = example(spec)
    if spec is MADVNET:
        inputs = tuple(tensor[None] for tensor in inputs)
    with FlopCounterMode(display=False) as counter:
        network(*inputs)
    samples = 1 if spec is MADVNET else CLIP_FRAMES
    return {
        "parameters_m": round(sum(w.numel() for w in network.parameters()) / 1e6, 3),
        "mmacs": round(counter.get_total_flops() / 2 / samples / 1e6, 1),
    }


if __name__ == "__main__":
    main()
