"""Networks that MADV-Net is compared with: sizes as published, any width, any clip length."""

import pytest
import torch

from training.experiment import Experiment, build
from training.models.peers import PEERS, PeerConfig
from training.size import measure_network
from worker.specs import LABELS

PUBLISHED = {
    "c3d": (78.0, 38.5),
    "r2plus1d-18": (31.5, 40.5),
    "resnet3d-18": (33.4, 40.7),
    "former-dfer": (18.03, 8.28),
}
"""Millions of parameters, and GMACs of a clip of 16 frames; on colour, hence the tolerance."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_peer_at_full_width_has_its_published_size(name: str) -> None:
    size = measure_network(PeerConfig(name))
    parameters, gigamacs = PUBLISHED[name]
    assert size["parameters_m"] == pytest.approx(parameters, rel=0.02)
    assert size["mmacs"] / 1000 == pytest.approx(gigamacs, rel=0.05)


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize(("frames", "side"), [(8, 48), (4, 32)])
def test_a_narrow_peer_learns_from_short_clips(name: str, frames: int, side: int) -> None:
    torch.manual_seed(0)
    peer = build(PeerConfig(name, 8, frames, side, classes=5)).train()
    crops = torch.randint(0, 256, (2, frames, 1, side, side), dtype=torch.uint8)
    logits = peer(crops, None, None)
    assert logits.shape == (2, 5)
    logits.logsumexp(dim=1).sum().backward()
    left = {name for name, weight in peer.named_parameters() if weight.grad is None}
    assert left == set()


def test_a_peer_is_named_in_toml() -> None:
    experiment = Experiment.parse({"network": {"peer": "videomae", "width": 16, "frames": 8}})
    assert experiment.network == PeerConfig("videomae", 16, 8)
    assert experiment.network.classes == len(LABELS)


def test_an_unknown_peer_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no peer 'nobody'; there are: c3d"):
        build(PeerConfig("nobody"))
