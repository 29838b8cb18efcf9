"""What MADV-Net is made of. The paper prints no number; `docs/madvnet.md` says why each is ours."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal, get_args, get_origin

from worker.specs import CLIP_FRAMES, CROP_SIZE, LABELS

Difference = Literal["onset", "previous", "both", "none"]
"""What a frame is subtracted from in the stem; `both` stacks the two differences as channels."""
Factor = Literal["gate", "sum"]
Projection = Literal["convolutional", "linear"]
Attention = Literal["mixed", "factorised", "dot_product", "all"]
"""Over depth, over time, at AUs; `all` is one of each, in this order, in every block."""
Bottleneck = Literal["vib", "eq8", "none"]
Fusion = Literal["gate", "mean"]
Bands = Literal["levels", "laplacian"]
"""What low, mid and high of Eq. 20 are: the levels of the pyramid, or temporal Laplacian bands."""

_HEADS_AT_AUS = 4
"""Half look in space, a quarter each in time and at AUs."""


@dataclass(frozen=True, slots=True)
class MADVNetConfig:
    """Three levels (low, mid, high): tuples have one entry a level. The default is S.

    Raises ValueError where the parts do not fit together.
    """

    dims: tuple[int, int, int] = (64, 128, 256)
    depths: tuple[int, int, int] = (1, 2, 2)
    heads: tuple[int, int, int] = (2, 4, 8)
    mlp_ratio: int = 2
    fusion_dim: int = 128
    au_hidden: int = 128
    dropout: float = 0.1
    au_dropout: float = 0.2
    """Chance that a training clip's AU stream is withheld, so that the other streams learn too."""
    frames: int = CLIP_FRAMES
    side: int = CROP_SIZE
    """Pixels of a crop."""
    rgb: bool = False
    """Three channels instead of luma."""
    stem_kernel: int = 4
    stem_stride: int = 4
    depth: bool = True
    au: bool = True
    """Streams beside texture."""
    difference: Difference = "onset"
    factor: Factor = "gate"
    projection: Projection = "convolutional"
    attention: tuple[Attention, Attention, Attention] = ("mixed", "factorised", "dot_product")
    keys_kept: float = 1.0
    """Share of a frame's keys that the high level keeps, by the class token's attention to them."""
    bottleneck: Bottleneck = "vib"
    fusion: Fusion = "gate"
    bands: Bands = "levels"
    classes: int = len(LABELS)
    """Of the heads; another number is for data sets with classes of their own."""

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if not choices.issuperset(_listed(getattr(self, name))):
                raise ValueError(f"{name} must be among {sorted(choices)}")
        if self.frames % 4 or self.side % (4 * self.stem_stride):
            raise ValueError("frames go in fours, side in fours of stem_stride")
        for dim, heads, kind in zip(self.dims, self.heads, self.attention, strict=True):
            if dim % heads:
                raise ValueError(f"{heads} heads do not share {dim} channels evenly")
            if kind in {"dot_product", "all"} and heads < _HEADS_AT_AUS:
                raise ValueError(f"dot_product attention takes at least {_HEADS_AT_AUS} heads")
        if self.depth and self.reach("mixed") < 0:
            raise ValueError("the depth stream needs mixed attention at some level")
        if not 0 < self.keys_kept <= 1:
            raise ValueError("keys_kept is a share above 0")
        if self.keys_kept < 1 and self.attention[2] == "mixed":
            raise ValueError("mixed attention at the high level discards no keys")

    @classmethod
    def parse(cls, table: Mapping[str, object]) -> "MADVNetConfig":
        """A TOML table: `size`, one of `SIZES` (default s), and what differs from it.

        Raises ValueError, for an unknown key or size too.
        """
        own: dict[str, Any] = {key: _frozen(value) for key, value in table.items() if key != "size"}
        unknown = own.keys() - {field.name for field in fields(cls)}
        size = str(table.get("size", "s"))
        if unknown or size not in SIZES:
            raise ValueError(f"unknown in [network]: {', '.join(sorted(unknown)) or size}")
        return replace(SIZES[size], **own)

    @property
    def steps(self) -> tuple[int, int, int]:
        """Token frames of each level."""
        return self.frames // 2, self.frames // 2, self.frames // 4

    @property
    def sides(self) -> tuple[int, int, int]:
        """Tokens along one side of a frame, for each level."""
        low = self.side // (2 * self.stem_stride)
        return low, low // 2, -(-low // 4)

    def blocks(self, level: int) -> tuple[str, ...]:
        """The attentions of the blocks of a level, in order."""
        kind = self.attention[level]
        block = ("mixed", "factorised", "dot_product") if kind == "all" else (kind,)
        return self.depths[level] * block

    def reach(self, kind: str) -> int:
        """The highest level with an attention, counted from 0; -1 where none has it."""
        return max((level for level in range(3) if kind in self.blocks(level)), default=-1)


def _listed(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _choices(annotation: Any) -> frozenset[str]:  # noqa: ANN401  # annotations have no common type
    """The literals an annotation permits; none where it is not about literals."""
    if get_origin(annotation) is Literal:
        return frozenset(get_args(annotation))
    return frozenset().union(*(_choices(inner) for inner in get_args(annotation)))


_CHOICES: Final = {
    field.name: choices for field in fields(MADVNetConfig) if (choices := _choices(field.type))
}

S: Final = MADVNetConfig()
"""What two CPU cores train in an hour."""
XS: Final = MADVNetConfig(dims=(48, 96, 192), heads=(2, 4, 4))
XXS: Final = MADVNetConfig(dims=(24, 48, 96), heads=(2, 4, 4), frames=8)
"""For comparisons of many variants on a processor; it sees every second frame."""
PAPER: Final = MADVNetConfig(
    dims=(96, 192, 384),
    depths=(2, 4, 6),
    heads=(3, 6, 12),
    mlp_ratio=4,
    rgb=True,
    stem_kernel=7,
    stem_stride=2,
)
"""A guess at the paper's size, near that of its transformer peers."""
SIZES: Final = {"xxs": XXS, "xs": XS, "s": S, "paper": PAPER}
