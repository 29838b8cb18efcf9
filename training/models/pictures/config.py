"""What a network of pictures is made of, and which pictures it sees."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from worker.preprocess.dynamic_image import PICTURES
from worker.specs import CLIP_FRAMES, CROP_SIZE, LABELS

Kind = Literal["learnet", "affectivenet", "afn"]
Fusion = Literal["gate", "concat", "sum"]
"""How AFN joins its branches: as the paper means it, and what that is compared with."""


@dataclass(frozen=True, slots=True)
class PictureConfig:
    """Raises ValueError where kind, pictures and fusion do not go together."""

    pictures: tuple[str, ...]
    """Names in `worker.preprocess.dynamic_image`."""
    kind: Kind = "learnet"
    fusion: Fusion = "gate"
    channels: int = 1
    """Of a picture; 3 as published, 1 since what is learnt from is gray."""
    side: int = CROP_SIZE
    classes: int = len(LABELS)

    def __post_init__(self) -> None:
        if unknown := set(self.pictures) - PICTURES.keys():
            raise ValueError(f"no picture {', '.join(sorted(unknown))}; there are: {[*PICTURES]}")
        if self.kind not in get_args(Kind) or self.fusion not in get_args(Fusion):
            raise ValueError(f"kind is among {get_args(Kind)}, fusion among {get_args(Fusion)}")
        if len(self.pictures) != (2 if self.kind == "afn" else 1):
            raise ValueError("afn sees two pictures, the others one")

    @classmethod
    def parse(cls, table: Mapping[str, object]) -> "PictureConfig":
        """A TOML table; ValueError for an unknown key."""
        own: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
        }
        if unknown := own.keys() - {field.name for field in fields(cls)}:
            raise ValueError(f"unknown in [network]: {', '.join(sorted(unknown))}")
        return cls(**own)

    @property
    def frames(self) -> int:
        """Of a clip, that its pictures are made of."""
        return CLIP_FRAMES
