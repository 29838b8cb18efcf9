"""One variant of MADV-Net: which network, under which losses; read from TOML."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from training.losses import LossConfig
from training.models.madvnet import MADVNetConfig


@dataclass(frozen=True, slots=True)
class Experiment:
    """Raises ValueError where the AU loss asks for another bottleneck than the network has."""

    network: MADVNetConfig = field(default_factory=MADVNetConfig)
    loss: LossConfig = field(default_factory=LossConfig)

    def __post_init__(self) -> None:
        if self.loss.au in {"vib", "eq8"} and self.loss.au != self.network.bottleneck:
            raise ValueError(f'loss.au = "{self.loss.au}" needs that network.bottleneck')

    @classmethod
    def parse(cls, tables: Mapping[str, object]) -> "Experiment":
        """Tables `[network]` and `[loss]`, both optional; others are not looked at."""
        network, loss = (_table(tables, name) for name in ("network", "loss"))
        return cls(MADVNetConfig.parse(network), LossConfig.parse(loss))

    @classmethod
    def load(cls, file: Path) -> "Experiment":
        """Read a TOML file."""
        return cls.parse(tomllib.loads(file.read_text(encoding="utf-8")))


def _table(tables: Mapping[str, object], name: str) -> Mapping[str, object]:
    table = tables.get(name, {})
    if not isinstance(table, Mapping):
        raise TypeError(f"{name} is a table")
    return table
