"""The sentence about what stands out in an event."""

import numpy as np
import pytest

from worker.evidence import NOTHING, evidence
from worker.specs import AU_COUNT, AU_NAMES, SIDES

Change = dict[str, tuple[float, float]]
"""Left and right of the units that change."""


def said(change: Change, rise_s: float = 0.17) -> str:
    return evidence(_array(change), rise_s)


def _array(change: Change) -> np.ndarray:
    units = np.zeros((len(SIDES), AU_COUNT), np.float32)
    for name, sides in change.items():
        units[:, AU_NAMES.index(name)] = sides
    return units


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"AU12": (1.4, 1.4)}, "AU12 rises 1.4 within 170 ms."),
        ({"AU12": (0.1, 1.4)}, "AU12 rises 1.4 within 170 ms, right side only."),
        ({"AU12": (1.4, 0.1)}, "AU12 rises 1.4 within 170 ms, left side only."),
        ({"AU12": (1.4, -0.1)}, "AU12 rises 1.4 within 170 ms, left side only."),
        ({"AU12": (0.8, 1.4)}, "AU12 rises 1.4 within 170 ms, stronger on the right."),
        ({"AU12": (1.1, 1.3)}, "AU12 rises 1.3 within 170 ms."),
        ({"AU12": (2.6, 3.0)}, "AU12 rises 3.0 within 170 ms."),
        ({"AU12": (0.2, 0.4)}, "AU12 rises 0.4 within 170 ms."),
        ({"AU04": (-0.9, -0.1)}, "AU04 falls 0.9 within 170 ms, left side only."),
        (
            {"AU02": (0.9, -0.5)},
            "AU02 rises 0.9 on the left and falls 0.5 on the right within 170 ms.",
        ),
        ({"AU45": (2.1, 2.0)}, "AU45 (blink) rises 2.1 within 170 ms."),
        (
            {"AU06": (0.8, 0.7), "AU12": (0.1, 1.4), "AU25": (-0.3, -0.3), "AU01": (0.2, 0.2)},
            "AU12 rises 1.4 within 170 ms, right side only; AU06 rises 0.8; AU25 falls 0.3.",
        ),
        ({}, NOTHING),
        ({"AU12": (0.29, 0.2)}, "No action unit changes by more than 0.3."),
    ],
)
def test_what_stands_out_is_said(change: Change, sentence: str) -> None:
    assert said(change) == sentence


def test_a_mirrored_face_has_its_sides_exchanged() -> None:
    change = {"AU12": (0.1, 1.4), "AU01": (0.8, 0.4), "AU06": (0.9, 0.9)}
    exchanged = {"left": "right", "right": "left"}

    mirrored = evidence(_array(change)[::-1], 0.1)

    words = [exchanged.get(word.strip(",;."), word) for word in said(change, 0.1).split()]
    assert [word.strip(",;.") for word in mirrored.split()] == [word.strip(",;.") for word in words]
    assert "left side only" in mirrored


def test_no_more_units_are_named_than_can_be_read() -> None:
    change = {name: (0.5 + 0.1 * at, 0.5 + 0.1 * at) for at, name in enumerate(AU_NAMES[:6])}

    named = [part.split()[0] for part in said(change).split("; ")]

    assert named == list(reversed(AU_NAMES[2:6]))


@pytest.mark.parametrize(
    ("rise_s", "soon"), [(0.0, "."), (0.0333, " within 30 ms."), (1.2, " within 1200 ms.")]
)
def test_the_time_is_that_from_onset_to_apex(rise_s: float, soon: str) -> None:
    assert said({"AU12": (1.0, 1.0)}, rise_s) == f"AU12 rises 1.0{soon}"
