"""Every row of the synthetic table: MADV-Net as served, its ablations, its peers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from training.experiment import Experiment
from training.losses import LossConfig
from training.models.madvnet import XXS, MADVNetConfig
from training.models.peers import PeerConfig
from training.recipe import Recipe

ORACLE: Final = "oracle"
FULL: Final = "madvnet-s"
BASE: Final = "all"
"""The ablations' starting point: MADV-Net of size xxs, with every part of it."""

EQUAL: Final = Recipe(
    epochs=3,
    batch_size=16,
    learning_rate=1.5e-3,
    weight_decay=0.05,
    warmup=0.08,
    samples=2400,
    seed=1,
    average=0.98,
)
"""The same for all ablations and peers, but for the peers' precision."""

_NO_AU_LOSS: Final = LossConfig(au="off")
_NETWORKS: Final[Mapping[str, MADVNetConfig]] = {
    BASE: XXS,
    "texture": replace(XXS, depth=False, au=False, bottleneck="none"),
    "texture+depth": replace(XXS, au=False, bottleneck="none"),
    "texture+au": replace(XXS, depth=False),
    "difference-previous": replace(XXS, difference="previous"),
    "difference-none": replace(XXS, difference="none"),
    "linear-qkv": replace(XXS, projection="linear"),
    "fusion-mean": replace(XXS, fusion="mean"),
    "au-loss-off": replace(XXS, bottleneck="none"),
    "au-loss-bce": replace(XXS, bottleneck="none"),
    "au-loss-eq8": replace(XXS, bottleneck="eq8"),
    "frequency-off": XXS,
}
_LOSSES: Final[Mapping[str, LossConfig]] = {
    "texture": _NO_AU_LOSS,
    "texture+depth": _NO_AU_LOSS,
    "au-loss-off": _NO_AU_LOSS,
    "au-loss-bce": LossConfig(au="bce"),
    "au-loss-eq8": LossConfig(au="eq8"),
    "frequency-off": LossConfig(frequency=(0.0, 0.0, 0.0)),
}
_WIDTHS: Final[Mapping[str, int]] = {
    "c3d": 5,
    "r2plus1d-18": 4,
    "resnet3d-18": 5,
    "resnet18-lstm": 12,
    "resnet18-gru": 12,
    "former-dfer": 12,
    "videomae": 32,
}
"""Such that a clip takes about as long as with the ablations' MADV-Net, or somewhat longer."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table but for its seed and budget."""

    name: str
    group: str
    experiment: Experiment


def rows(recipe: Recipe) -> tuple[Row, ...]:
    """Ablations and peers under one recipe.

    Peers learn in single precision: in bfloat16 on a CPU the gradients of 3D convolutions on small
    maps come out wrong.
    """
    ablations = (
        Row(name, "ablation", Experiment(network, _LOSSES.get(name, LossConfig()), recipe))
        for name, network in _NETWORKS.items()
    )
    single = replace(recipe, precision="float32")
    peers = (
        Row(
            name,
            "peer",
            Experiment(PeerConfig(name, width, XXS.frames), LossConfig(), single),
        )
        for name, width in _WIDTHS.items()
    )
    return (*ablations, *peers)


CLAIMS: Final[Mapping[str, tuple[str, str]]] = {
    "depth helps": ("texture+depth", "texture"),
    "action units help": ("texture+au", "texture"),
    "all three streams are better than texture and depth": (BASE, "texture+depth"),
    "all three streams are better than texture and action units": (BASE, "texture+au"),
    "differences between frames help": (BASE, "difference-none"),
    "the difference to the previous frame helps": ("difference-previous", "difference-none"),
    "convolutional queries, keys and values beat linear ones": (BASE, "linear-qkv"),
    "dynamic fusion beats a mean": (BASE, "fusion-mean"),
    "the AU loss helps": ("au-loss-bce", "au-loss-off"),
    "the information bottleneck (VIB) helps": (BASE, "au-loss-bce"),
    "the information bottleneck as in Eq. 8 helps": ("au-loss-eq8", "au-loss-bce"),
    "the frequency loss helps": (BASE, "frequency-off"),
}
"""What the paper says of its parts: (with it, without it)."""
