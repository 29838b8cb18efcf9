"""What a peer is made of, apart from its own structure."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from worker.specs import CLIP_FRAMES, CROP_SIZE, LABELS

PUBLISHED_WIDTH: Final = 64


@dataclass(frozen=True, slots=True)
class PeerConfig:
    """`width` is the channels of the first stage, 64 as published; all others follow."""

    peer: str
    width: int = PUBLISHED_WIDTH
    frames: int = CLIP_FRAMES
    side: int = CROP_SIZE
    classes: int = len(LABELS)

    @classmethod
    def parse(cls, table: Mapping[str, object]) -> "PeerConfig":
        """A TOML table; ValueError for an unknown key."""
        own: dict[str, Any] = dict(table)
        if unknown := own.keys() - {field.name for field in fields(cls)}:
            raise ValueError(f"unknown in [network]: {', '.join(sorted(unknown))}")
        return cls(**own)
