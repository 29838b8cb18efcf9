"""Pairs taken out of compressed video, where small motion arrives late and diminished."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from training.synthetic.clips import ClipPlan, draw_clip, draw_rigid, draw_still
from training.synthetic.codec import draw_encoding
from training.synthetic.events import Priors
from training.synthetic.motion import Pose, registered, registration_error
from training.synthetic.pairs import Floats, Pairs
from training.synthetic.render import render
from training.synthetic.rig import RIGID, Rig
from training.synthetic.scene import CROP_VIEW
from training.synthetic.variation import varied
from worker.specs import CROP_SIZE, LABELS
from worker.video.encode import Encoding, recoded

Gray = npt.NDArray[np.uint8]

_PER_CLIP: Final = 10
"""Pairs out of one clip."""
_CLIPS_PER_FACE: Final = 3
_MOST_FRAMES: Final = 40
_BEFORE: Final = 4
"""Frames that are filmed before the onset."""
_KINDS: Final = ("event", "still", "rigid")
_KIND_SHARES: Final = (0.86, 0.06, 0.08)
_SIDES: Final = (112, 168, 224)
"""Of the filmed crop in pixels; no smaller than the crop."""
_FRAME_SIDE: Final = 256
"""Of the frames it is put in. x264 does not give the same bytes each time for every other size."""
_AT_REST_SHARE: Final = 0.85
"""Of the references; the others are any frame."""
_REST_FACS: Final = 0.05
"""Summed over AUs and sides; a face no more active than that beyond its least is at rest."""
_LEAST_BLUR_PX: Final = 0.3


def draw_coded_pairs(rigs: list[Rig], priors: Priors, count: int, seed: int) -> Pairs:
    """`count` pairs, reproducible from the seed: identities in turn, everything else drawn."""
    rng = np.random.default_rng([seed, 1])
    rows: list[tuple[Gray, Gray, Floats]] = []
    face = int(rng.integers(len(rigs)))
    while len(rows) < count:
        rig = varied(rigs, face % len(rigs), rng)
        for _ in range(_CLIPS_PER_FACE):
            rows += pairs_of(rig, _draw_plan(priors, rng), rng)
        face += 1
    reference, current, change = (np.stack(column) for column in zip(*rows[:count], strict=True))
    return Pairs(reference, current, change)


def _draw_plan(priors: Priors, rng: np.random.Generator) -> ClipPlan:
    """A clip's plan, cut to some frames around its onset."""
    match rng.choice(_KINDS, p=_KIND_SHARES):
        case "still":
            plan = draw_still(rng)
        case "rigid":
            plan = draw_rigid(rng)
        case _:
            label = int(rng.integers(len(LABELS)))
            plan = draw_clip(priors, label, rng, prototype=bool(rng.random() < 0.5))  # noqa: PLR2004
    start = max(0, plan.span.onset - _BEFORE)
    kept = slice(start, start + _MOST_FRAMES)
    return replace(
        plan,
        pts_s=plan.pts_s[kept],
        intensity=plan.intensity[kept],
        extras=plan.extras[kept],
        gaze=plan.gaze[kept],
        poses=plan.poses[kept],
    )


def pairs_of(
    rig: Rig, plan: ClipPlan, rng: np.random.Generator
) -> Iterator[tuple[Gray, Gray, Floats]]:
    """Pairs of frames of one clip: registered crops uint8 [S, S] and the AU change f32 [2, K]."""
    side = int(rng.choice(_SIDES))
    films = _compressed(list(_filmed(rig, plan, side, rng)), _fps(plan), draw_encoding(rng))
    count = len(films)
    activity = plan.intensity.sum(axis=(1, 2))
    resting = np.flatnonzero(activity <= activity.min() + _REST_FACS)
    for _ in range(_PER_CLIP):
        at_rest = rng.random() < _AT_REST_SHARE
        first = int(rng.choice(resting)) if at_rest else int(rng.integers(count))
        second = int(rng.integers(count))
        crops = [_crop(films[frame], rig, plan, frame, rng) for frame in (first, second)]
        yield crops[0], crops[1], (plan.intensity[second] - plan.intensity[first]).T


def _filmed(rig: Rig, plan: ClipPlan, side: int, rng: np.random.Generator) -> Iterator[Gray]:
    """The camera's frames, gray uint8 [side, side], of the crop's part of the picture."""
    scale = side / CROP_SIZE
    for frame in range(len(plan.pts_s)):
        pose = _filmed_pose(plan, frame)
        picture = render(rig, plan.expression(frame), pose, light=plan.camera.light)
        if plan.glasses:
            plan.glasses.put_on(picture, rig, pose, CROP_VIEW)
        small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        if plan.camera.blur_px * scale > _LEAST_BLUR_PX:
            small = cv2.GaussianBlur(small, (0, 0), plan.camera.blur_px * scale)
        yield plan.camera.expose(small.astype(np.float32, copy=False), rng)


def _filmed_pose(plan: ClipPlan, frame: int) -> Pose:
    """The head before the camera; a detector's misplacement only turns the view of it."""
    turned = Pose(yaw=plan.placement.yaw, pitch=plan.placement.pitch)
    return plan.poses[frame].plus(turned)


def _crop(film: Gray, rig: Rig, plan: ClipPlan, frame: int, rng: np.random.Generator) -> Gray:
    """The frame's crop as production's registration leaves it."""
    seen = _filmed_pose(plan, frame)
    misplaced = replace(plan.placement, yaw=0.0, pitch=0.0)
    left = registered(seen, rig.points68[list(RIGID)]).plus(misplaced)
    there = _square(seen.to_picture()) @ _square(left.plus(registration_error(rng)).to_face())
    size = (CROP_SIZE, CROP_SIZE)
    small = cv2.resize(film, size, interpolation=cv2.INTER_AREA)
    back = np.linalg.inv(there)[:2]
    crop = cv2.warpAffine(small, back, size, borderMode=cv2.BORDER_REPLICATE)
    return crop.astype(np.uint8, copy=False)


def _compressed(films: list[Gray], fps: int, encoding: Encoding) -> list[Gray]:
    """What is left of them after a codec."""
    side = len(films[0])
    frames = recoded(map(_framed, films), Fraction(fps), encoding)
    seen = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames)
    return [frame[:side, :side].astype(np.uint8, copy=False) for frame in seen]


def _framed(film: Gray) -> Gray:
    """In the corner of a colour frame uint8 [F, F, 3] that goes on like its border."""
    more = _FRAME_SIDE - len(film)
    framed = cv2.copyMakeBorder(film, 0, more, 0, more, cv2.BORDER_REPLICATE)
    return np.dstack([framed] * 3).astype(np.uint8, copy=False)


def _fps(plan: ClipPlan) -> int:
    return round(1 / float(np.diff(plan.pts_s).mean()))


def _square(affine: Floats) -> npt.NDArray[np.float64]:
    return np.vstack([affine.astype(np.float64), [0.0, 0.0, 1.0]])
