"""`python -m training.synthetic.preview --out FILE`: a contact sheet for a person to judge."""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from training import data
from training.synthetic.camera import draw_camera
from training.synthetic.expression import Expression, extra, no_units
from training.synthetic.motion import Pose
from training.synthetic.occluders import draw_glasses
from training.synthetic.portraits import portrait_names
from training.synthetic.render import render
from training.synthetic.rig import Rig
from training.synthetic.scene import CROP_VIEW
from training.synthetic.studio import Inputs, colour_rig
from training.synthetic.variation import varied
from worker.specs import AU_NUMBERS

Floats = npt.NDArray[np.float32]
Tile = tuple[str, Floats]

_COLUMNS: Final = 8
_CAPTION: Final = 16
_PARTED = 0.8


def main() -> None:
    """Parse the command line, draw, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--portraits", type=Path, help="images with landmarks")
    parser.add_argument("--face-model", type=Path)
    parser.add_argument("--identity", help="name of a portrait (default: the first)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tile", type=int, default=208, help="pixels of a face (default 208)")
    parser.add_argument("--rows", nargs="*", choices=ROWS, help="default: all")
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    inputs = Inputs(
        chosen.portraits or data.portraits_folder(),
        chosen.face_model or data.face_model_folder(),
        Path(),
    )
    names = portrait_names(inputs.portraits, "all")
    names.sort(key=lambda name: name != chosen.identity)
    rigs = [colour_rig(inputs, name) for name in names[:_COLUMNS]]
    picture = sheet(rigs, chosen.seed, chosen.rows or list(ROWS), chosen.tile)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(chosen.out), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def sheet(rigs: list[Rig], seed: int, rows: list[str], side: int) -> npt.NDArray[np.uint8]:
    """RGB uint8 [H, W, 3], faces `side` pixels wide.

    The first rig shows all but the rows about other faces.
    """
    bands = []
    for row in rows:
        rng = np.random.default_rng(seed)
        tiles = [_framed(*tile, side) for tile in ROWS[row](rigs, rng)]
        for first in range(0, len(tiles), _COLUMNS):
            part = tiles[first : first + _COLUMNS]
            blank = np.full_like(part[0], 255)
            bands.append(np.hstack(part + [blank] * (_COLUMNS - len(part))))
    return np.vstack(bands)


def _framed(caption: str, picture: Floats, side: int) -> npt.NDArray[np.uint8]:
    seen = np.clip(picture, 0, 255).astype(np.uint8)
    if seen.ndim == 2:  # noqa: PLR2004  # gray
        seen = np.repeat(seen[..., None], 3, axis=2)
    small = cv2.resize(seen, (side, side), interpolation=cv2.INTER_AREA)
    framed = np.full((side + _CAPTION, side, 3), 255, dtype=np.uint8)
    framed[_CAPTION:] = small
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(framed, caption, (3, _CAPTION - 4), font, 0.36, (0, 0, 0), 1, cv2.LINE_AA)
    return framed


def _units(rigs: list[Rig], _: np.random.Generator) -> Iterator[Tile]:
    for number in AU_NUMBERS:
        for level in (2.0, 5.0):
            yield f"AU{number} at {level:g}", render(rigs[0], _of({number: level}), Pose())


def _one_sided(rigs: list[Rig], _: np.random.Generator) -> Iterator[Tile]:
    for number in (1, 2, 4, 6, 9, 12, 14, 45):
        yield f"L{number} at 4", render(rigs[0], _of({number: 4.0}, sides=(1.0, 0.0)), Pose())


def _blinks(rigs: list[Rig], _: np.random.Generator) -> Iterator[Tile]:
    for level in (0, 1, 2, 3, 4, 5):
        yield f"AU45 at {level}", render(rigs[0], _of({45: float(level)}), Pose())
    yield "gaze right", render(rigs[0], Expression(gaze=(0.6, 0.0)), Pose())
    yield "gaze down", render(rigs[0], Expression(gaze=(0.0, 0.5)), Pose())


def _mouths(rigs: list[Rig], _: np.random.Generator) -> Iterator[Tile]:
    for level in (0.5, 1, 2, 3, 4, 5):
        expression = _of({25: _PARTED * level, 26: level})
        yield f"AU25+26 at {level:g}", render(rigs[0], expression, Pose())
    yield "AU26, lips closed", render(rigs[0], _of({26: 3.0}), Pose())
    yield "AU6+12+25+26", render(rigs[0], _of({6: 3.0, 12: 4.0, 25: 3.5, 26: 1.0}), Pose())


def _distractors(rigs: list[Rig], rng: np.random.Generator) -> Iterator[Tile]:
    for name in ("pucker", "funnel", "lip_suck", "jaw_sideways"):
        yield name, render(rigs[0], Expression(extras=extra(**{name: 4.0})), Pose())
    for _ in range(4):
        picture = render(rigs[0], _of({12: 2.0}), Pose())
        draw_glasses(rng).put_on(picture, rigs[0], Pose(), CROP_VIEW)
        yield "glasses", picture


def _turns(rigs: list[Rig], _: np.random.Generator) -> Iterator[Tile]:
    for yaw, pitch in ((-12, 0), (-8, 0), (8, 0), (12, 0), (0, -8), (0, 8), (8, 8), (-8, -8)):
        pose = Pose(yaw=float(np.deg2rad(yaw)), pitch=float(np.deg2rad(pitch)))
        yield f"yaw {yaw}, pitch {pitch}", render(rigs[0], Expression(), pose)


def _lights(rigs: list[Rig], rng: np.random.Generator) -> Iterator[Tile]:
    for _ in range(_COLUMNS):
        camera = replace(draw_camera(rng), blur_px=0.0)
        picture = render(rigs[0], _of({1: 3.0, 2: 3.0}), Pose(), light=camera.light)
        gray = cv2.cvtColor(np.clip(picture, 0, 255).astype(np.uint8), cv2.COLOR_RGB2GRAY)
        crop = camera.shoot(gray.astype(np.float32), rng)
        yield f"camera, quality {camera.quality}", crop.astype(np.float32)


def _people(rigs: list[Rig], _: np.random.Generator) -> Iterator[Tile]:
    for rig in rigs:
        expression = _of({1: 2.5, 2: 2.5, 25: 3.0, 26: 3.0})
        yield "AU1+2+25+26", render(rig, expression, Pose())
    for rig in rigs:
        yield "AU4+45", render(rig, _of({4: 3.0, 45: 5.0}), Pose())
    for rig in rigs:
        yield "AU6+12+25", render(rig, _of({6: 3.0, 12: 3.5, 25: 2.0}), Pose())


def _varied(rigs: list[Rig], rng: np.random.Generator) -> Iterator[Tile]:
    for _ in range(_COLUMNS):
        yield "varied face", render(varied(rigs, 0, rng), _of({12: 1.5}), Pose())


def _of(levels: dict[int, float], sides: tuple[float, float] = (1.0, 1.0)) -> Expression:
    units = no_units()
    for number, level in levels.items():
        units[AU_NUMBERS.index(number)] = np.float32(level) * np.array(sides, dtype=np.float32)
    return Expression(units)


ROWS: Final[dict[str, Callable[[list[Rig], np.random.Generator], Iterator[Tile]]]] = {
    "units": _units,
    "sides": _one_sided,
    "blinks": _blinks,
    "mouths": _mouths,
    "distractors": _distractors,
    "turns": _turns,
    "cameras": _lights,
    "people": _people,
    "varied": _varied,
}


if __name__ == "__main__":
    main()
