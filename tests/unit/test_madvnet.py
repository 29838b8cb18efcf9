import math
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch

from training import to_onnx
from training.data import MODEL_REPO
from training.losses import LossConfig, total
from training.models.madvnet import MADVNet, MADVNetConfig, MADVNetOutput
from worker.specs import AU_COUNT, LABELS, MADVNET, TensorSpec

_SMALL = MADVNetConfig(
    dims=(8, 8, 16),
    depths=(1, 1, 2),
    heads=(4, 4, 4),
    fusion_dim=8,
    au_hidden=8,
    dropout=0.0,
    au_dropout=0.0,
    frames=4,
    side=32,
)
_OPTIONS = {
    "s": {},
    "texture": {"depth": False, "au": False},
    "texture and depth": {"au": False},
    "texture and AUs": {"depth": False},
    "difference to the previous frame": {"difference": "previous"},
    "both differences": {"difference": "both"},
    "no difference": {"difference": "none"},
    "plain sum": {"factor": "sum"},
    "linear projections": {"projection": "linear"},
    "all attentions everywhere": {"attention": ("all", "all", "all"), "keys_kept": 0.5},
    "attentions the other way round": {"attention": ("dot_product", "factorised", "mixed")},
    "factorised only": {"attention": ("factorised",) * 3, "depth": False},
    "keys discarded": {"keys_kept": 0.5},
    "bottleneck of Eq. 8": {"bottleneck": "eq8"},
    "no bottleneck": {"bottleneck": "none"},
    "mean": {"fusion": "mean"},
    "temporal bands": {"bands": "laplacian"},
    "colour, fine stem": {"rgb": True, "stem_kernel": 7, "stem_stride": 2},
}


@pytest.fixture(params=_OPTIONS.values(), ids=_OPTIONS)
def config(request: pytest.FixtureRequest) -> MADVNetConfig:
    return replace(_SMALL, **request.param)


def _clips(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(seed)
    crops = torch.randint(0, 256, (2, 4, 3, 32, 32), dtype=torch.uint8)
    return crops, torch.rand(2, 4, 1, 32, 32), torch.rand(2, 4, 2, AU_COUNT)


def _network(**options: object) -> MADVNet:
    torch.manual_seed(7)
    return MADVNet(replace(_SMALL, **options))


def test_every_option_learns(config: MADVNetConfig) -> None:
    """A loss that fits it gives each parameter that it is about a finite gradient."""
    torch.manual_seed(0)
    network = MADVNet(config).train()
    form = "bce" if config.bottleneck == "none" else config.bottleneck
    output: MADVNetOutput = network(*_clips())
    total(output, torch.tensor([0, 3]), LossConfig(au=form)).backward()
    left = {name for name, weight in network.named_parameters() if weight.grad is None}
    by_design = {"laplacian": "heads"}.get(config.bands, "-")
    assert {name for name in left if not name.startswith(by_design)} == set()
    gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert output.gate.sum(dim=1).tolist() == pytest.approx([1, 1])


def test_every_option_can_be_served(config: MADVNetConfig, tmp_path: Path) -> None:
    torch.manual_seed(0)
    served = to_onnx.ServedMADVNet(MADVNet(config)).eval()
    shapes = ((4, 3, 32, 32), (4, 1, 32, 32), (4, 2, AU_COUNT))
    inputs = [TensorSpec(t.name, t.dtype, s) for t, s in zip(MADVNET.inputs, shapes, strict=True)]
    outputs = (*MADVNET.outputs, *MADVNET.optional)
    spec = replace(MADVNET, inputs=tuple(inputs), outputs=outputs)
    to_onnx.write_network(served, spec, tmp_path / "model.onnx")  # raises where the two differ


def test_the_served_weights_fit_the_default_configuration() -> None:
    graph = onnx.load(MODEL_REPO / "madvnet" / "1" / "model.onnx").graph
    shipped = {w.name: tuple(w.dims) for w in graph.initializer if w.name.startswith("network.")}
    own = {f"network.{name}": tuple(w.shape) for name, w in MADVNet().state_dict().items()}
    assert shipped
    assert shipped.items() <= own.items()


@pytest.mark.parametrize("attention", [_SMALL.attention, ("all", "all", "all")])
def test_unknown_streams_are_not_looked_at(attention: tuple[str, str, str]) -> None:
    network = _network(attention=attention).eval()
    crops, depth, units = _clips()
    nothing = network(crops, None, None)
    no_depth, no_units = torch.zeros(2, dtype=torch.bool), torch.zeros(2, AU_COUNT).bool()
    unread = torch.full_like(depth, math.nan), torch.full_like(units, math.nan)
    masked = network(crops, *unread, no_depth, no_units)
    assert torch.equal(nothing.logits, masked.logits)
    assert nothing.logits.isfinite().all()
    assert nothing.gate[:, 3].tolist() == [0, 0]
    assert nothing.au_known.tolist() == [False, False]
    assert not torch.allclose(nothing.logits, network(crops, depth, units).logits)


def test_masks_are_about_their_own_clip_and_unit() -> None:
    network = _network().eval()
    crops, depth, units = _clips()
    depth_known, au_known = torch.tensor([True, False]), torch.ones(2, AU_COUNT).bool()
    au_known[0, 5] = False
    masked = network(crops, depth, units, depth_known, au_known).logits
    other_depth, other_units = depth.clone(), units.clone()
    other_depth[1], other_units[0, :, :, 5] = 0.5, -3
    assert torch.equal(
        masked, network(crops, other_depth, other_units, depth_known, au_known).logits
    )
    plain = network(crops, depth, units).logits
    assert not torch.allclose(masked[0], plain[0])
    assert not torch.allclose(masked[1], plain[1])
    all_known = torch.ones(2).bool(), torch.ones(2, AU_COUNT).bool()
    assert torch.allclose(network(crops, depth, units, *all_known).logits, plain, atol=1e-6)


def test_withheld_aus_are_missing_ones() -> None:
    network = _network(au_dropout=1.0).train()
    assert network(*_clips()).au_known.tolist() == [False, False]
    assert network.eval()(*_clips()).au_known.tolist() == [True, True]


def test_a_network_without_aus_leaves_their_outputs_empty() -> None:
    output = _network(au=False).eval()(*_clips())
    assert output.gate.shape == (2, 4)
    assert output.gate[:, 3].tolist() == [0, 0]
    assert output.au_logits.shape == (2, len(LABELS))
    assert not output.au_known.any()


def test_the_mean_of_the_codes_has_no_preference() -> None:
    crops, depth, units = _clips()
    network = _network(fusion="mean").eval()
    assert network(crops, depth, units).gate.tolist() == [[0.25] * 4] * 2
    without = network(crops, depth, None).gate
    assert torch.allclose(without, torch.tensor([[1 / 3, 1 / 3, 1 / 3, 0]] * 2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"difference": "next"}, "difference must be among"),
        ({"attention": ("mixed", "mixed", "cross")}, "attention must be among"),
        ({"heads": (3, 4, 4)}, "3 heads do not share 8"),
        ({"attention": ("dot_product", "mixed", "mixed"), "heads": (2, 4, 4)}, "at least 4"),
        ({"attention": ("factorised",) * 3}, "needs mixed attention"),
        ({"attention": ("mixed",) * 3, "keys_kept": 0.5}, "discards no keys"),
        ({"keys_kept": 0.0}, "share above 0"),
        ({"frames": 6}, "frames go in fours"),
    ],
)
def test_what_does_not_fit_together_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(_SMALL, **options)
