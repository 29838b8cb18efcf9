"""What is known of the people on portraits: what they say of themselves, how light they look."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from training.synthetic.canvas import Picture
from training.synthetic.portraits import load_portrait
from worker.domain import FloatArray

TABLE: Final = "london_info.csv"
"""Beside the portraits: face_id, face_age, face_gender, face_eth."""
_AGES: Final = ((25, "under 25"), (35, "25 to 34"))
_OLDER: Final = "35 and over"
_TONES: Final = ((28.0, "light"), (-30.0, "medium"))
"""Degrees of the individual typology angle (Chardon et al. 1991); its six classes as three."""
_DARKER: Final = "dark"
_CHEEKS: Final = ((2, 31), (14, 35))
"""Of the 68 points: side of the jaw, wing of the nose; the cheek lies half way."""
_CHEEK_SHARE: Final = 0.12
"""Half the side of the square looked at, of the distance between those points."""

Groups = dict[str, str]
"""Attribute to group, as `age` to `under 25`."""


def groups_of(portraits: Path, names: list[str]) -> dict[str, Groups]:
    """Groups of each person: age, gender and ethnicity as self-reported, skin tone as measured.

    A person of whom the table knows nothing has a skin tone alone.
    """
    reported = dict(_reported(portraits / TABLE))
    tones = {name: {"skin tone": _tone(portraits, name)} for name in names}
    return {name: reported.get(name, {}) | tones[name] for name in names}


def typology_angle(image: Picture, points68: FloatArray) -> float:
    """Individual typology angle (degrees, more is lighter) of cheeks in RGB uint8 [H, W, 3]."""
    lightness, _, yellow = np.median(np.concatenate(list(_cheeks(image, points68))), axis=0)
    return float(np.degrees(np.arctan2(lightness - 50, yellow)))


def _reported(table: Path) -> Iterator[tuple[str, Groups]]:
    if not table.is_file():
        return
    with table.open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            age = row["face_age"]
            known = {"gender": row["face_gender"], "ethnicity": row["face_eth"]}
            if age.isdecimal():
                known["age"] = _below(_AGES, int(age), _OLDER)
            yield f"london_{row['face_id']}", known


def _below(bounds: tuple[tuple[int, str], ...], value: int, last: str) -> str:
    return next((name for bound, name in bounds if value < bound), last)


def _tone(portraits: Path, name: str) -> str:
    portrait = load_portrait(portraits, name)
    angle = typology_angle(portrait.image, portrait.points.points68)
    return next((tone for bound, tone in _TONES if angle > bound), _DARKER)


def _cheeks(image: Picture, points68: FloatArray) -> Iterator[FloatArray]:
    """CIELAB f32 [N, 3] of the pixels on each cheek."""
    for jaw, nose in _CHEEKS:
        middle = (points68[jaw, :2] + points68[nose, :2]) / 2
        half = _CHEEK_SHARE * float(np.linalg.norm(points68[jaw, :2] - points68[nose, :2]))
        left, top, right, bottom = np.rint([*(middle - half), *(middle + half)]).astype(int)
        patch = image[top : bottom + 1, left : right + 1].astype(np.float32) / 255
        yield cv2.cvtColor(patch, cv2.COLOR_RGB2Lab).reshape(-1, 3).astype(np.float32, copy=False)
