"""Action units as coders write them, `R12A+L14, AU4(k)`, read into numbers, sides and letters."""

import re
from dataclasses import dataclass
from typing import Final, Literal, cast

from pydantic import BaseModel, ConfigDict

Side = Literal["", "L", "R", "T", "B"]
Letter = Literal["", "A", "B", "C", "D", "E"]

_LETTERS: Final = "ABCDE"
_DEFAULT_LETTER: Final = "B"
"""Most sheets give no letter: their units count as slight."""
FULL_WIDTH: Final = frozenset("\uff0c\uff0b\u3001")
"""Comma, plus and enumeration comma as typed with a Chinese keyboard."""
_SEPARATOR: Final = re.compile(r"[+,\uff0c\uff0b\u3001]")
_UNIT: Final = re.compile(r"^(?:AU ?)?([LRTB]?)(\d{1,2})([A-E]?) ?(\(K\))?$")
_NOTHING: Final = frozenset({"", "/", "-", "0", "NAN", "NONE"})


class ActionUnit(BaseModel):
    """One coded unit. `side` is the person's own; empty means both, or not said."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    side: Side = ""
    letter: Letter = ""

    @property
    def intensity(self) -> float:
        """FACS letters A..E as 0.2..1; a missing letter counts as B."""
        return (_LETTERS.index(self.letter or _DEFAULT_LETTER) + 1) / len(_LETTERS)


@dataclass(frozen=True, slots=True)
class Coding:
    """What a cell says: units, and the tokens that could not be read (`4 or 7`, `4?`)."""

    units: tuple[ActionUnit, ...]
    unread: tuple[str, ...] = ()


def parse(text: str) -> Coding:
    """Read a cell. Units marked `(k)`, kept through the whole clip, are no movement: dropped."""
    units: list[ActionUnit] = []
    unread: list[str] = []
    for token in _tokens(text):
        match = _UNIT.match(token)
        if match is None:
            unread.append(token)
        elif not match[4]:
            side, letter = cast("Side", match[1]), cast("Letter", match[3])
            units.append(ActionUnit(number=int(match[2]), side=side, letter=letter))
    return Coding(tuple(units), tuple(unread))


def _tokens(text: str) -> list[str]:
    plain = " ".join(text.upper().split())
    if plain in _NOTHING:
        return []
    return [token.strip() for token in _SEPARATOR.split(plain) if token.strip()]
