"""One training of a network that sees clips: which network, losses, recipe, start; from TOML."""

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from torch import nn

from training.losses import LossConfig
from training.models.madvnet import MADVNet, MADVNetConfig
from training.models.msjfn import MSJFN, MSJFNConfig
from training.models.peers import PeerConfig, build_peer
from training.models.pictures import PictureConfig, PictureNet
from training.recipe import SCRATCH, Recipe

NetworkConfig = MADVNetConfig | PeerConfig | PictureConfig | MSJFNConfig
Task = Literal["recognise", "reconstruct"]
"""Name the expression; or fill in masked tubes of the video, which needs no label."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """Raises ValueError where parts do not fit together."""

    network: NetworkConfig = field(default_factory=MADVNetConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    recipe: Recipe = SCRATCH
    task: Task = "recognise"
    start: str = ""
    """Checkpoint whose weights are taken over, but for heads of another size; empty is none."""

    def __post_init__(self) -> None:
        if self.task not in get_args(Task):
            raise ValueError(f"task must be among {', '.join(get_args(Task))}")
        if not isinstance(self.network, MADVNetConfig):
            if self.task == "reconstruct":
                raise ValueError("only MADV-Net is pre-trained on masked video here")
            return
        if self.loss.au in {"vib", "eq8"} and self.loss.au != self.network.bottleneck:
            raise ValueError(f'loss.au = "{self.loss.au}" needs that network.bottleneck')

    @classmethod
    def parse(cls, tables: Mapping[str, object]) -> "Experiment":
        """`task`, `start`, tables `[network]`, `[loss]`, `[recipe]`, all optional.

        `[network]` is one of MADV-Net, of a peer where it has the key `peer`, of a network of
        pictures where it has `pictures`, or of MSJFN where it has `joint`. Raises ValueError for
        what is unknown.
        """
        if unknown := tables.keys() - cls.__dataclass_fields__.keys():
            raise ValueError(f"unknown in an experiment: {', '.join(sorted(unknown))}")
        network = _table(tables, "network")
        own: dict[str, Any] = {name: tables[name] for name in ("task", "start") if name in tables}
        return cls(
            kind_of(network).parse(network),
            LossConfig.parse(_table(tables, "loss")),
            Recipe.parse(_table(tables, "recipe")),
            **own,
        )

    @classmethod
    def load(cls, file: Path) -> "Experiment":
        """Read a TOML file."""
        return cls.parse(tomllib.loads(file.read_text(encoding="utf-8")))

    def told(self) -> dict[str, object]:
        """What decides the outcome beside the recipe, as plain values."""
        return {
            "network": asdict(self.network),
            "loss": asdict(self.loss),
            "task": self.task,
            "start": self.start,
        }


def build(config: NetworkConfig) -> nn.Module:
    """A network, untrained."""
    match config:
        case PictureConfig():
            return PictureNet(config)
        case MSJFNConfig():
            return MSJFN(config)
        case PeerConfig():
            return build_peer(config)
        case MADVNetConfig():
            return MADVNet(config)


def configured(told: Mapping[str, Any]) -> NetworkConfig:
    """The configuration that a checkpoint tells of, field by field."""
    return kind_of(told)(**told)


def kind_of(network: Mapping[str, object]) -> type[NetworkConfig]:
    """What a configuration of a network is about."""
    if "pictures" in network:
        return PictureConfig
    if "joint" in network:
        return MSJFNConfig
    return PeerConfig if "peer" in network else MADVNetConfig


def _table(tables: Mapping[str, object], name: str) -> Mapping[str, object]:
    table = tables.get(name, {})
    if not isinstance(table, Mapping):
        raise TypeError(f"{name} is a table")
    return table
