"""A planned clip filmed in colour as a raw video, with its truth in the video's pixels."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from training.synthetic.archive import Depth, Kind, SyntheticClip, Track
from training.synthetic.camera import Gray
from training.synthetic.clips import ClipPlan
from training.synthetic.codec import draw_encoding
from training.synthetic.render import depth_map, landmarks, render
from training.synthetic.rig import Rig
from training.synthetic.scene import View
from worker.specs import NEUTRAL
from worker.video.encode import Encoding, write_clip

Floats = npt.NDArray[np.float32]

SIDES: Final = (256, 384, 512)
"""Width and height of filmed videos; eyes are 60, 90 or 120 px apart in them.

A webcam shows faces of the first size, CASME II and SAMM of the last and larger.
"""
VIEW: Final = View(x=-30, y=-37, side=172)
"""What is filmed: head and shoulders, in crop pixels."""
MARGIN: Final = 44
"""Crop pixels that a rig to be filmed needs around the crop."""
_LEAST_BLUR_PX = 0.3

_GRAY_SHARE = 0.15


def film(plan: ClipPlan, rig: Rig, kind: Kind, name: str) -> SyntheticClip:
    """Video and truth of a plan; `rig` has a fine colour canvas with a margin of `MARGIN`."""
    rng = np.random.default_rng([plan.noise_seed, 2])
    encoding = draw_encoding(rng)
    gray = rng.random() < _GRAY_SHARE
    side = int(rng.choice(SIDES))
    fps = round(1 / float(np.diff(plan.pts_s).mean()))
    frames = exposed(plan, rig, side, gray=gray)
    happens = kind == "event" and plan.event.label != NEUTRAL
    truth = range(len(plan.pts_s))
    track: Track = "prototypes" if plan.prototype else "statistics"
    return SyntheticClip(
        name=name,
        kind=kind,
        identity=rig.name,
        track=track,
        label=plan.event.label,
        fps=float(fps),
        codec=encoding.codec,
        side=side,
        pts_s=plan.pts_s,
        intensity=np.ascontiguousarray(plan.intensity.transpose(0, 2, 1)),
        span=plan.span if happens else None,
        poses=np.stack([pose.numbers() for pose in plan.poses]),
        video=encoded(frames, fps, encoding),
        landmarks=np.stack([_landmarks(plan, rig, frame, side) for frame in truth]),
        depth={
            frame: _depth(plan, rig, frame, side)
            for frame in sorted({plan.span.onset, plan.span.apex})
        },
    )


def to_video(points: Floats, side: int) -> Floats:
    """Crop coordinates [..., 2] as pixels of a video; both count from pixel centres."""
    corner = np.array([VIEW.x, VIEW.y], dtype=np.float32)
    return ((points - corner + 0.5) * np.float32(side / VIEW.side) - 0.5).astype(np.float32)


def exposed(plan: ClipPlan, rig: Rig, side: int, *, gray: bool) -> Iterator[Gray]:
    """The camera's frames, RGB uint8 [side, side, 3]."""
    camera = plan.camera
    blur_px = camera.blur_px * side / VIEW.side
    for frame in range(len(plan.pts_s)):
        rng = np.random.default_rng([plan.noise_seed, frame])
        pose = plan.poses[frame]
        picture = render(rig, plan.expression(frame), pose, VIEW, camera.light)
        if plan.glasses:
            plan.glasses.put_on(picture, rig, pose, VIEW)
        small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        if blur_px > _LEAST_BLUR_PX:
            small = cv2.GaussianBlur(small, (0, 0), blur_px)
        seen = camera.expose(small.astype(np.float32, copy=False), rng)
        if gray:
            seen = np.repeat(cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
        yield seen


def encoded(frames: Iterator[Gray], fps: int, encoding: Encoding) -> bytes:
    """An MP4; the same frames give the same bytes."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "clip.mp4"
        write_clip(file, frames, Fraction(fps), encoding)
        return file.read_bytes()


def _landmarks(plan: ClipPlan, rig: Rig, frame: int, side: int) -> Floats:
    return to_video(landmarks(rig, plan.expression(frame), plan.poses[frame]), side)


def _depth(plan: ClipPlan, rig: Rig, frame: int, side: int) -> Depth:
    depth, face = depth_map(rig, plan.expression(frame), plan.poses[frame], VIEW)
    large = cv2.resize(depth, (side, side), interpolation=cv2.INTER_LINEAR)
    on_face = cv2.resize(face.astype(np.uint8), (side, side), interpolation=cv2.INTER_NEAREST)
    return large.astype(np.float16), on_face > 0
