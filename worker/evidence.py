"""What an event shows, as a sentence: "AU12 rises 1.4 within 170 ms, right side only."."""

from typing import Final

import numpy as np

from worker.domain import FloatArray
from worker.specs import AU_NAMES, SIDES

STANDS_OUT: Final = 0.3
"""FACS units. In 49 of 50 clips of a still face no unit seems to change by as much, and where a
unit is at work its error is about this on average (the card of `au`)."""
ONE_SIDED: Final = 1 / 3
"""A side that moves by no more than this share of the other is said not to move,"""
STRONGER: Final = 2 / 3
"""and one that moves by no more than this to move less; sides that differ by less than `STANDS_OUT`
are alike, since that much is error."""
MOST: Final = 4
"""Action units a sentence names."""
NOTHING: Final = f"No action unit changes by more than {STANDS_OUT}."

_BLINK: Final = "AU45"
_STEP_MS: Final = 10
"""No camera shows a movement to the millisecond."""


def evidence(change: FloatArray, rise_s: float) -> str:
    """What stands out in an event, strongest first.

    Args:
        change: f32 [sides, K], FACS units at the apex against the onset.
        rise_s: From onset to apex.
    """
    furthest = np.abs(change).max(axis=0)
    order = np.argsort(-furthest, kind="stable")[:MOST]
    parts = [
        _part(AU_NAMES[unit], change[:, unit], rise_s if place == 0 else 0.0)
        for place, unit in enumerate(order.tolist())
        if furthest[unit] >= STANDS_OUT
    ]
    return "; ".join(parts) + "." if parts else NOTHING


def _part(name: str, sides: FloatArray, rise_s: float) -> str:
    """One unit: f32 [sides]."""
    more = int(np.abs(sides).argmax())
    most, least = float(sides[more]), float(sides[1 - more])
    named = f"{name} (blink)" if name == _BLINK else name
    begin = f"{named} {_moves(most)}"
    rise_ms = _STEP_MS * round(1000 * rise_s / _STEP_MS)
    soon = f" within {rise_ms} ms" if rise_ms else ""
    share = least / most
    if share < 0 and abs(least) >= STANDS_OUT:
        return f"{begin} on the {SIDES[more]} and {_moves(least)} on the {SIDES[1 - more]}{soon}"
    return begin + soon + _side(SIDES[more], abs(most) - abs(least), share)


def _moves(change: float) -> str:
    return f"{'rises' if change > 0 else 'falls'} {abs(change):.1f}"


def _side(side: str, more: float, share: float) -> str:
    """Which side it is, where one moves more (FACS units) than the other.

    Args:
        side: The one that moves more.
        more: By so much.
        share: What the other moves, for each unit of it.
    """
    if more < STANDS_OUT and share > 0:
        return ""
    if share <= ONE_SIDED:
        return f", {side} side only"
    return f", stronger on the {side}" if share <= STRONGER else ""
