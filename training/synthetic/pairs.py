"""Reference and current frame of the same face: what the AU and depth networks learn from."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from training.synthetic.camera import draw_camera
from training.synthetic.events import PROTOTYPES, Priors, intensities
from training.synthetic.motion import Pose, draw_pose
from training.synthetic.render import depth_map, render
from training.synthetic.rig import Rig
from worker.specs import AU_COUNT, AU_MAX, AU_NUMBERS, LABELS, NEUTRAL, SIDES

Floats = npt.NDArray[np.float32]

DEPTH_SIDE = 56
_EXPRESSIVE = tuple(str(number) for number in AU_NUMBERS)
_BLINK, _PART, _DROP = (AU_NUMBERS.index(number) for number in (45, 25, 26))


@dataclass(frozen=True)
class Pairs:
    """N samples. Gray crops uint8 [N, S, S]; AU change f32 [N, 2, K] (FACS, current - reference).

    Depth f16 [N, D, D] in eye distances belongs to the current frame; NaN is off the face.
    """

    reference: npt.NDArray[np.uint8]
    current: npt.NDArray[np.uint8]
    change: Floats
    depth: npt.NDArray[np.float16]


def draw_pairs(rigs: list[Rig], priors: Priors, count: int, seed: int) -> Pairs:
    """`count` pairs, reproducible from the seed: identities in turn, everything else drawn."""
    rng = np.random.default_rng(seed)
    rows = [_draw(rigs[index % len(rigs)], priors, rng) for index in range(count)]
    reference, current, change, depth = (np.stack(column) for column in zip(*rows, strict=True))
    return Pairs(reference, current, change, depth)


def _draw(
    rig: Rig, priors: Priors, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], Floats, npt.NDArray[np.float16]]:
    camera = draw_camera(rng)
    jitter = draw_pose(rng, 1.0)
    before = _resting(rng)
    after = np.clip(before + _moving(priors, rng), 0.0, AU_MAX).astype(np.float32)
    pose = jitter.plus(draw_pose(rng, rng.uniform(0.0, 1.6)))
    reference = camera.shoot(render(rig, before, jitter), rng)
    current = camera.shoot(render(rig, after, pose), rng)
    return reference, current, (after - before).T, _depth(rig, after, pose)


def _depth(rig: Rig, intensity: Floats, pose: Pose) -> npt.NDArray[np.float16]:
    depth, face = depth_map(rig, intensity, pose)
    small = cv2.resize(depth, (DEPTH_SIDE, DEPTH_SIDE), interpolation=cv2.INTER_AREA)
    on_face = cv2.resize(face.astype(np.uint8), (DEPTH_SIDE, DEPTH_SIDE)) > 0
    return np.where(on_face, small, np.nan).astype(np.float16)


def _resting(rng: np.random.Generator) -> Floats:
    """The face of the reference frame: mostly neutral, sometimes already doing something."""
    if _happens(rng, 0.7):
        return _still()
    return intensities(_random_set(rng, 3), rng, 0.2, 2.0)


def _moving(priors: Priors, rng: np.random.Generator) -> Floats:
    """What comes on top of it: an emotion's AU set, any mixture, or nothing but a blink."""
    label = LABELS[int(rng.integers(NEUTRAL))]
    match rng.choice(["statistics", "prototype", "mixture", "still"], p=[0.35, 0.15, 0.38, 0.12]):
        case "statistics":
            change = intensities(priors.action_units(label, rng), rng, 0.2, 2.5)
        case "prototype":
            change = intensities(PROTOTYPES[label], rng, 0.3, 4.5)
        case "mixture":
            change = intensities(_random_set(rng, 5), rng, 0.2, 4.5)
        case _:
            change = _still()
    if _happens(rng, 0.12):
        change[_BLINK] += rng.uniform(0.5, 5.0)
    if _happens(rng, 0.12):
        change[_PART] += rng.uniform(0.3, 4.0)
        change[_DROP] += rng.uniform(0.0, 3.0)
    return change


def _still() -> Floats:
    return np.zeros((AU_COUNT, len(SIDES)), dtype=np.float32)


def _happens(rng: np.random.Generator, chance: float) -> bool:
    return bool(rng.random() < chance)


def _random_set(rng: np.random.Generator, most: int) -> tuple[str, ...]:
    """One to `most` different AUs, a fifth of them on one side only."""
    count = int(rng.integers(1, most + 1))
    chosen = rng.choice(_EXPRESSIVE, size=count, replace=False)
    sides = rng.choice(["", "L", "R"], size=count, p=[0.8, 0.1, 0.1])
    return tuple(f"{side}{number}" for side, number in zip(sides, chosen, strict=True))
