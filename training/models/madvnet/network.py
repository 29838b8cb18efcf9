"""The whole network: two video streams and the AU stream, three levels, dynamic fusion."""

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from training.models.blocks import Luma, per_clip_standard
from training.models.madvnet.attention import (
    Around,
    DotProductBlock,
    FactorisedBlock,
    MixedAttention,
    Mlp,
    TemporalAttention,
)
from training.models.madvnet.au_encoder import AUEncoder, AUOutput
from training.models.madvnet.config import MADVNetConfig, S
from training.models.madvnet.fusion import BandHeads, LevelHead, fusion_gate, shares
from training.models.madvnet.maps import level_map
from training.models.madvnet.tokens import DifferenceStem, Downscale, Sequencer, to_grid
from worker.specs import AU_COUNT, LEVELS, SIDES

_TOKENS: Final = ("texture_tokens", "mid_tokens", "high_tokens")
_RELIEFS: Final = ("depth_tokens", "depth_mid_tokens", "depth_high_tokens")
_POOLS: Final = ((1, 1, 1), (1, 2, 2), (2, 2, 2))
"""Over time, height and width, on the way to each level."""
_BLOCKS: Final = {
    "mixed": MixedAttention,
    "factorised": FactorisedBlock,
    "dot_product": DotProductBlock,
}


class MADVNetOutput(NamedTuple):
    """logits, au_logits [B, C]; level_logits, frequency_logits [B, 3, C]; gate [B, 4].

    kl (scalar or [B]) and reconstruction [B] are the bottleneck's; au_known is boolean [B].
    """

    logits: Tensor
    level_logits: Tensor
    au_logits: Tensor
    gate: Tensor
    kl: Tensor
    reconstruction: Tensor
    au_known: Tensor
    frequency_logits: Tensor


class Streams(NamedTuple):
    """What `MADVNet.forward` takes."""

    crops: Tensor
    depth: Tensor | None
    action_units: Tensor | None
    depth_known: Tensor | None = None
    au_known: Tensor | None = None


class Level(NamedTuple):
    """Of one level: class tokens [B, T, D], token maps [B, D, T, H, W] below and above attention.

    maps: what the class tokens heed [B, T, 1+N], a block each; empty unless watched.
    """

    cls: Tensor
    below: Tensor
    above: Tensor
    maps: list[Tensor]


class Pyramid(NamedTuple):
    """Everything below the heads: levels, the texture's token map, the AU stream."""

    levels: list[Level]
    texture: Tensor
    units: AUOutput | None
    au_known: Tensor | None


class MADVNet(nn.Module):
    """Texture, depth and AU streams to class logits; see `MADVNetOutput`.

    The parameters of all blocks with one kind of attention stand under the name of that kind, from
    the low level to the high one.
    """

    def __init__(self, config: MADVNetConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or S
        self.luma = Luma()
        self.texture_stem = DifferenceStem(config, 3 if config.rgb else 1)
        if config.depth:
            self.depth_stem = DifferenceStem(config)
        self.order: list[list[str]] = []
        """Names of the blocks of each level, as they follow each other."""
        for level in range(len(LEVELS)):
            self._add_level(level)
        if config.au:
            self.au_encoder = AUEncoder(config)
        self.heads = nn.ModuleList([LevelHead(dim, config) for dim in config.dims])
        if config.bands == "laplacian":
            self.band_heads = BandHeads(config.dims[0], config.classes)
        if config.fusion == "gate":
            self.gate = fusion_gate(config)
        self.classifier = nn.Linear(config.fusion_dim, config.classes)

    def forward(
        self,
        crops: Tensor,
        depth: Tensor | None,
        action_units: Tensor | None,
        depth_known: Tensor | None = None,
        au_known: Tensor | None = None,
    ) -> MADVNetOutput:
        """uint8 crops [B, T, C, S, S], depth [B, T, 1, S, S] and FACS change [B, T, 2, K].

        `depth_known` [B] and `au_known` [B, K], boolean, tell which of them count; without a mask
        all do, and without the stream none.
        """
        streams = Streams(crops, depth, action_units, depth_known, au_known)
        return self._fused(self.pyramid(streams))

    def watched(self, streams: Streams) -> tuple[MADVNetOutput, Tensor]:
        """The output, and where the class tokens look: f32 [B, T, 3, S', S'], S' the low side.

        One map a frame and level, of the last block there: shares of a place, 1 in all. Levels
        with fewer frames and places repeat theirs.
        """
        found = self.pyramid(streams, watches=True)
        maps = [level_map(level.maps, self.config) for level in found.levels]
        return self._fused(found), torch.stack(maps, dim=2)

    def pyramid(self, streams: Streams, *, watches: bool = False) -> Pyramid:
        """Everything below the heads; `watches` keeps the attention of class tokens."""
        crops, depth_known = streams.crops, streams.depth_known
        units, au_known = self._units(crops, streams.action_units, streams.au_known)
        texture = self.texture_stem(per_clip_standard(self._video(crops)).transpose(1, 2))
        depth = streams.depth
        if depth is None:
            depth = torch.zeros_like(crops[:, :, :1], dtype=torch.float32)
            depth_known = crops.new_zeros(len(crops), dtype=torch.bool)
        relief = self._relief(depth, depth_known)
        grid, carried, levels = texture, None, []
        for level in range(len(LEVELS)):
            grid, tokens = self._tokens(level, grid, carried)
            relief, looked_at = self._depth_tokens(level, relief)
            maps: list[Tensor] | None = [] if watches else None
            around = Around(looked_at, depth_known, units and units.tokens, au_known, maps)
            tokens = self._attended(level, tokens, around)
            above, carried = to_grid(tokens, self.config.sides[level]), tokens[:, :, 0]
            levels.append(Level(carried, grid, above, maps or []))
            grid = above
        return Pyramid(levels, texture, units, au_known)

    def _add_level(self, level: int) -> None:
        """The way up from the level below, tokens of texture and depth, and the blocks."""
        config, name = self.config, LEVELS[level]
        below, dim = config.dims[max(level - 1, 0)], config.dims[level]
        if level > 0:
            self.add_module(f"to_{name}", Downscale(below, dim, _POOLS[level]))
            self.add_module(f"carry_{name}", nn.Linear(below, dim))
        self.add_module(_TOKENS[level], Sequencer(dim, config.steps[level], config.sides[level]))
        if config.depth and 0 < level <= config.reach("mixed"):
            self.add_module(f"depth_to_{name}", Downscale(below, dim, _POOLS[level]))
        if config.depth and "mixed" in config.blocks(level):
            tokens = Sequencer(dim, config.steps[level], config.sides[level])
            self.add_module(_RELIEFS[level], tokens)
        self.order.append([self._add_block(kind, level) for kind in config.blocks(level)])
        if config.attention[level] == "mixed":
            # Mixed attention alone never mixes time; one temporal block after it is ours.
            self.add_module(f"{name}_time", TemporalAttention(dim, config.heads[level]))
            self.add_module(f"{name}_mlp", Mlp(dim, config.mlp_ratio))

    def _add_block(self, kind: str, level: int) -> str:
        """The name of one more block of a kind."""
        children = dict(self.named_children())
        blocks = children.get(kind, nn.ModuleList())
        name = f"{kind}.{len(list(blocks.children()))}"
        if kind not in children:
            self.add_module(kind, blocks)
        blocks.add_module(name.removeprefix(f"{kind}."), _BLOCKS[kind](self.config, level))
        return name

    def _units(
        self, crops: Tensor, action_units: Tensor | None, known: Tensor | None
    ) -> tuple[AUOutput | None, Tensor | None]:
        """What the AU stream gives, and which AUs [B, K] may be looked at (None for all)."""
        if not self.config.au:
            return None, None
        if action_units is None:
            shape = (len(crops), self.config.frames, len(SIDES), AU_COUNT)
            action_units = torch.zeros(shape, device=crops.device)
            known = crops.new_zeros((len(crops), AU_COUNT), dtype=torch.bool)
        if self.training and self.config.au_dropout > 0:
            drawn = torch.rand(len(crops), 1, device=crops.device) >= self.config.au_dropout
            known = drawn.expand(-1, AU_COUNT) if known is None else known & drawn
        if known is not None:
            action_units = action_units.masked_fill(~known[:, None, None], 0)
        return self.au_encoder(action_units), known

    def _video(self, crops: Tensor) -> Tensor:
        """Luma, or three channels, which are equal where the crops are gray."""
        return (
            (crops.float() / 255).expand(-1, -1, 3, -1, -1) if self.config.rgb else self.luma(crops)
        )

    def _relief(self, depth: Tensor, known: Tensor | None) -> Tensor | None:
        """Depth's token map [B, D, T, H, W] of the low level."""
        if not self.config.depth:
            return None
        if known is not None:
            depth = depth.masked_fill(~known[:, None, None, None, None], 0)
        grid: Tensor = self.depth_stem(_per_clip_range(depth).transpose(1, 2))
        return grid

    def _depth_tokens(
        self, level: int, below: Tensor | None
    ) -> tuple[Tensor | None, Tensor | None]:
        """Depth's token map of a level and, where it has mixed attention, depth's tokens."""
        if below is None or level > self.config.reach("mixed"):
            return None, None
        grid = self.get_submodule(f"depth_to_{LEVELS[level]}")(below) if level else below
        is_mixed = "mixed" in self.config.blocks(level)
        return grid, self.get_submodule(_RELIEFS[level])(grid) if is_mixed else None

    def _tokens(self, level: int, grid: Tensor, below: Tensor | None) -> tuple[Tensor, Tensor]:
        """The level's token map and its tokens, from those below (class tokens [B, T, D])."""
        if below is None:
            return grid, self.get_submodule(_TOKENS[level])(grid)
        grid = self.get_submodule(f"to_{LEVELS[level]}")(grid)
        carried = self.get_submodule(f"carry_{LEVELS[level]}")(below)
        if _POOLS[level][0] > 1:
            carried = carried.unflatten(1, (-1, _POOLS[level][0])).mean(dim=2)
        return grid, self.get_submodule(_TOKENS[level])(grid, carried)

    def _attended(self, level: int, tokens: Tensor, around: Around) -> Tensor:
        kept = None
        for block in self.order[level]:
            tokens, kept = self.get_submodule(block)(tokens, around, kept)
        if self.config.attention[level] == "mixed":
            tokens = self.get_submodule(f"{LEVELS[level]}_time")(tokens)
            tokens = self.get_submodule(f"{LEVELS[level]}_mlp")(tokens)
        return tokens

    def _fused(self, found: Pyramid) -> MADVNetOutput:
        """Heads and fusion."""
        units, au_known = found.units, found.au_known
        levels = [
            head(level.cls, level.below)
            for head, level in zip(self.heads, found.levels, strict=True)
        ]
        codes = torch.stack([code for code, _ in levels] + ([units.code] if units else []), dim=1)
        known = None if au_known is None else au_known.any(dim=1)
        gate = shares(codes, self.gate if self.config.fusion == "gate" else None, known)
        logits = self.classifier((gate[..., None] * codes).sum(dim=1))
        level_logits = torch.stack([level for _, level in levels], dim=1)
        bands = self.band_heads(found.texture) if self.config.bands == "laplacian" else level_logits
        if units is None:
            none = logits.new_zeros(len(logits))
            gate = torch.cat([gate, none[:, None]], dim=1)
            absent = none.bool()
            return MADVNetOutput(
                logits, level_logits, torch.zeros_like(logits), gate, none, none, absent, bands
            )
        known = logits.new_ones(len(logits), dtype=torch.bool) if known is None else known
        own = (units.logits, gate, units.compression, units.reconstruction, known)
        return MADVNetOutput(logits, level_logits, *own, bands)


def _per_clip_range(depth: Tensor) -> Tensor:
    """0..1 over a whole clip: per-frame normalisation would flicker and fake motion in depth."""
    low = depth.amin(dim=(1, 2, 3, 4), keepdim=True)
    high = depth.amax(dim=(1, 2, 3, 4), keepdim=True)
    return (depth - low) / (high - low + 1e-6)
