"""Reference and current frame of the same face: what the AU and depth networks learn from."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from training.synthetic.behaviour import BLINK, draw_gaze, viseme
from training.synthetic.camera import Camera, draw_camera
from training.synthetic.events import PROTOTYPES, Priors, beside, intensities, mirrored
from training.synthetic.expression import Expression, no_extras, no_units
from training.synthetic.motion import Pose, draw_pose, registered, registration_error
from training.synthetic.occluders import Glasses, draw_glasses
from training.synthetic.render import render
from training.synthetic.rig import RIGID, Rig
from training.synthetic.scene import CROP_VIEW
from training.synthetic.variation import varied
from worker.specs import AU_MAX, AU_NUMBERS, LABELS, NEUTRAL

Floats = npt.NDArray[np.float32]

_Row = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], Floats]

_EXPRESSIVE = tuple(str(number) for number in AU_NUMBERS)
_PER_FACE = 40
"""Pairs drawn of one varied face before the next."""
_KINDS = ("statistics", "prototype", "mixture", "macro", "speech", "still")
_KIND_SHARES = (0.28, 0.12, 0.25, 0.15, 0.1, 0.1)
_GLASSES_RATE = 0.12
_TURNED_SHARE = 0.25
_MOST_TURN_DEG = 12.0


@dataclass(frozen=True)
class Pairs:
    """N gray crops uint8 [N, S, S] each, AU change f32 [N, 2, K] (FACS, current - reference)."""

    reference: npt.NDArray[np.uint8]
    current: npt.NDArray[np.uint8]
    change: Floats


def draw_pairs(rigs: list[Rig], priors: Priors, count: int, seed: int) -> Pairs:
    """`count` pairs, reproducible from the seed: identities in turn, everything else drawn."""
    rng = np.random.default_rng(seed)
    rows: list[_Row] = []
    first = int(rng.integers(len(rigs)))
    for face in range(-(-count // _PER_FACE)):
        rig = varied(rigs, (first + face) % len(rigs), rng)
        rows += [_draw(rig, priors, rng) for _ in range(min(_PER_FACE, count - len(rows)))]
    reference, current, change = (np.stack(column) for column in zip(*rows, strict=True))
    return Pairs(reference, current, change)


def _draw(rig: Rig, priors: Priors, rng: np.random.Generator) -> _Row:
    camera = draw_camera(rng)
    glasses = draw_glasses(rng) if _happens(rng, _GLASSES_RATE) else None
    placement = draw_pose(rng, 1.0)
    before = _resting(rng)
    after = _moved(before, priors, rng)
    rigid = rig.points68[list(RIGID)]
    poses = [
        registered(_head(rng, amount), rigid).plus(placement).plus(registration_error(rng))
        for amount in (0.4, rng.uniform(0.0, 1.6))
    ]
    crops = [
        _shoot(rig, expression, pose, (camera, glasses), rng)
        for expression, pose in zip((before, after), poses, strict=True)
    ]
    change = (after.units - before.units).T
    return crops[0], crops[1], change


def _shoot(
    rig: Rig,
    expression: Expression,
    pose: Pose,
    conditions: tuple[Camera, Glasses | None],
    rng: np.random.Generator,
) -> npt.NDArray[np.uint8]:
    camera, glasses = conditions
    picture = render(rig, expression, pose, light=camera.light)
    if glasses:
        glasses.put_on(picture, rig, pose, CROP_VIEW)
    return camera.shoot(picture, rng)


def _head(rng: np.random.Generator, amount: float) -> Pose:
    """Mostly a slight turn, sometimes one of up to twelve degrees."""
    if _happens(rng, _TURNED_SHARE * min(amount, 1.0)):
        yaw, pitch = np.deg2rad(rng.uniform(-_MOST_TURN_DEG, _MOST_TURN_DEG, 2))
        return Pose(yaw=float(yaw), pitch=float(pitch))
    return draw_pose(rng, amount)


def _resting(rng: np.random.Generator) -> Expression:
    """The face of the reference frame: mostly neutral, sometimes already doing something."""
    units, extras = no_units(), no_extras()
    if _happens(rng, 0.25):
        units = intensities(_random_set(rng, 3), rng, 0.2, 2.0)
    elif _happens(rng, 0.07):
        units, extras = viseme(rng, 1.0)
    if _happens(rng, 0.05):
        units[BLINK] = rng.uniform(0.3, 5.0)
    return Expression(units, extras, _gaze(rng) if _happens(rng, 0.3) else (0.0, 0.0))


def _moved(before: Expression, priors: Priors, rng: np.random.Generator) -> Expression:
    """What comes on top of it: an emotion's AU set, any mixture, speech, or nothing but a blink."""
    label = LABELS[int(rng.integers(NEUTRAL))]
    units, extras = no_units(), no_extras()
    match rng.choice(_KINDS, p=_KIND_SHARES):
        case "statistics":
            units, extras = _of_set(priors.action_units(label, rng), rng, 0.2, 2.2)
        case "prototype":
            units, extras = _of_set(PROTOTYPES[label], rng, 0.3, 4.5)
        case "mixture":
            units = intensities(_random_set(rng, 5), rng, 0.2, 4.5)
        case "macro":
            units, extras = _of_set(priors.action_units(label, rng), rng, 2.0, 5.0)
        case "speech":
            units, extras = viseme(rng, rng.uniform(0.4, 1.5))
        case _:
            pass
    if _happens(rng, 0.15):
        units[BLINK] += rng.uniform(0.5, 5.0) * (1 if _happens(rng, 0.9) else _one_side(rng))
    gaze = _gaze(rng) if _happens(rng, 0.3) else before.gaze
    if _happens(rng, 0.15):
        before = replace(before, extras=no_extras())
    return Expression(
        np.clip(before.units + units, 0.0, AU_MAX).astype(np.float32),
        np.clip(before.extras + extras, 0.0, AU_MAX).astype(np.float32),
        gaze,
    )


def _of_set(
    tokens: tuple[str, ...], rng: np.random.Generator, low: float, high: float
) -> tuple[Floats, Floats]:
    tokens = mirrored(tokens, rng)
    units = intensities(tokens, rng, low, high)
    return units, beside(tokens, float(units.max()))


def _gaze(rng: np.random.Generator) -> tuple[float, float]:
    x, y = draw_gaze(rng)
    return float(x), float(y)


def _one_side(rng: np.random.Generator) -> Floats:
    return np.eye(2, dtype=np.float32)[int(rng.integers(2))]


def _happens(rng: np.random.Generator, chance: float) -> bool:
    return bool(rng.random() < chance)


def _random_set(rng: np.random.Generator, most: int) -> tuple[str, ...]:
    """One to `most` different AUs, a fifth of them on one side only."""
    count = int(rng.integers(1, most + 1))
    chosen = rng.choice(_EXPRESSIVE, size=count, replace=False)
    sides = rng.choice(["", "L", "R"], size=count, p=[0.8, 0.1, 0.1])
    return tuple(f"{side}{number}" for side, number in zip(sides, chosen, strict=True))
