"""How long, how fast and in which precision a network is trained; read from TOML."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

Precision = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """AdamW under a warm-up and a cosine. Raises ValueError for a precision there is not."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup: float
    """Share of all steps over which the rate rises to its peak before the cosine falls."""
    samples: int
    """Training samples drawn from the generator."""
    seed: int
    clip_norm: float = 1.0
    precision: Precision = "bfloat16"
    """`float16` is for GPUs, with scaled gradients; processors compute in bfloat16 instead."""
    average: float = 0.0
    """Share of the running mean of the weights that each step keeps; 0 is no averaging."""
    gentle: float = 1.0
    """Over the first tenth of the steps, the share of its rate that what was pre-trained gets."""

    def __post_init__(self) -> None:
        if self.precision not in get_args(Precision):
            raise ValueError(f"precision must be among {', '.join(get_args(Precision))}")

    @classmethod
    def load(cls, file: Path) -> "Recipe":
        """Read a TOML file of nothing else; unknown keys are errors."""
        return cls(**tomllib.loads(file.read_text(encoding="utf-8")))

    @classmethod
    def parse(cls, table: Mapping[str, object]) -> "Recipe":
        """A TOML table: what differs from `SCRATCH`; ValueError for an unknown key."""
        if unknown := table.keys() - {field.name for field in fields(cls)}:
            raise ValueError(f"unknown in [recipe]: {', '.join(sorted(unknown))}")
        own: dict[str, Any] = {name: getattr(SCRATCH, name) for name in cls.__slots__}
        return cls(**{**own, **table})


SCRATCH = Recipe(
    epochs=6,
    batch_size=32,
    learning_rate=8e-4,
    weight_decay=0.05,
    warmup=0.08,
    samples=4000,
    seed=3,
)
"""From nothing, on a processor, within the hour; the paper's own rates fine-tune."""
