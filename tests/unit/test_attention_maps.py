"""Where the class tokens look: an optional output of the exported network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

from training import to_onnx
from training.models.madvnet import MADVNet, MADVNetConfig
from training.models.madvnet.network import Streams
from worker.specs import AU_COUNT, CLIP_FRAMES, LEVELS, MADVNET, PLACES

SMALL = MADVNetConfig(
    dims=(8, 8, 16), depths=(1, 1, 1), heads=(4, 4, 4), fusion_dim=8, au_hidden=8, au_dropout=0.0
)


def clip(seed: int = 0) -> Streams:
    torch.manual_seed(seed)
    crops = torch.randint(0, 256, (1, CLIP_FRAMES, 3, 112, 112), dtype=torch.uint8)
    depth = torch.rand(1, CLIP_FRAMES, 1, 112, 112)
    return Streams(crops, depth, torch.rand(1, CLIP_FRAMES, 2, AU_COUNT))


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        replace(SMALL, projection="linear"),
        replace(SMALL, depth=False, au=False),
        replace(SMALL, attention=("all", "all", "all"), keys_kept=0.5),
    ],
    ids=["small", "linear", "texture", "all attentions"],
)
def test_every_map_is_a_picture_that_sums_to_one(config: MADVNetConfig) -> None:
    torch.manual_seed(1)
    network = MADVNet(config).eval()
    output, maps = network.watched(clip())
    assert maps.shape == (1, CLIP_FRAMES, len(LEVELS), PLACES, PLACES)
    assert maps.min() >= 0
    assert torch.allclose(maps.sum(dim=(-2, -1)), torch.ones(()), atol=1e-5)
    assert torch.equal(output.logits, network(*clip()).logits)


def test_the_exported_network_gives_the_maps_of_torch(tmp_path: Path) -> None:
    """Asked for by name; without being asked nothing changes."""
    file, streams = tmp_path / "model.onnx", clip(3)
    torch.manual_seed(2)
    network = MADVNet(SMALL).eval()
    torch.save(
        {
            "model": network.state_dict(),
            "configuration": {"network": {n: getattr(SMALL, n) for n in SMALL.__slots__}},
        },
        tmp_path / "last.pt",
    )
    to_onnx.write(MADVNET, file, tmp_path / "last.pt")
    values = [tensor[0].numpy() for tensor in streams[:3] if tensor is not None]
    feeds = dict(zip((tensor.name for tensor in MADVNET.inputs), values, strict=True))
    session = ort.InferenceSession(str(file))
    with torch.no_grad():
        output, maps = network.watched(streams)
    (attention,) = session.run([MADVNET.optional[0].name], feeds)
    (probabilities,) = session.run(["probabilities"], feeds)
    assert attention.shape == MADVNET.optional[0].shape
    assert np.abs(attention - maps[0].numpy()).max() <= 1e-4
    assert np.abs(probabilities - output.logits[0].softmax(-1).numpy()).max() <= 1e-4
