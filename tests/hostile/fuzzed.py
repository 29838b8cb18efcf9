"""Real clips with bytes changed at random; the seed is part of the name."""

import random
from collections.abc import Iterator

from archives import Member, packed
from cases import Case
from sources import RATE, Sources

PER_CLIP = 56
"""Mutations of each of ten clips."""
_CHANGES = (1, 2, 4, 8, 16, 40)
_IN_PLACE, _ALL = 4, 6
"""Kinds of changes that leave every byte after them where it was, and all kinds."""
_HEAD = 12
"""Bytes that tell the container: what changes them is not decoded at all."""


def cases(sources: Sources) -> Iterator[Case]:
    zipped = packed([Member(f"{n}.png", face) for n, face in enumerate(sources.pngs, 1)])
    clips = {**sources.real, "png-zip": zipped}
    for seed in range(PER_CLIP):
        for name, content in clips.items():
            yield Case(
                f"fuzzed/{name} seed {seed}",
                lambda c=content, s=seed: mutated(c, s),
                fps=RATE if name == "png-zip" else None,
            )


def mutated(content: bytes, seed: int) -> bytes:
    """With some bytes changed, cut out, doubled or filled, mostly where the structure is."""
    dice = random.Random(seed)
    result = bytearray(content)
    kinds = _ALL if seed % 4 == 0 else _IN_PLACE
    for _ in range(dice.choice(_CHANGES)):
        position = _position(dice, len(result))
        match dice.randrange(kinds):
            case 0 | 1:
                result[position] = dice.randrange(256)
            case 2:
                result[position] ^= 1 << dice.randrange(8)
            case 3:
                length = dice.choice((1, 2, 4, 8))
                result[position : position + length] = dice.choice((b"\0", b"\xff")) * length
            case 4:
                del result[position : position + dice.randint(1, 16)]
            case _:
                result[position:position] = result[position : position + dice.randint(1, 16)]
    return bytes(result)


def _position(dice: random.Random, size: int) -> int:
    """Heads and ends hold the structure, the middle the frames."""
    part = dice.random()
    if part < 0.4:
        return dice.randrange(_HEAD, min(size, 2048))
    if part < 0.7:
        return dice.randrange(max(_HEAD, size - 2048), size)
    return dice.randrange(_HEAD, size)
