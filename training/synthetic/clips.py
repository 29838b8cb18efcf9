"""A whole synthetic clip: an event in a stretch of neutral face, filmed at a drawn frame rate."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.synthetic.behaviour import BLINK, blink, gaze_path, speech
from training.synthetic.camera import Camera, draw_camera
from training.synthetic.events import Event, Priors
from training.synthetic.expression import EXTRA_COUNT, Expression
from training.synthetic.motion import (
    Pose,
    draw_path,
    draw_pose,
    draw_turn,
    registered,
    registration_error,
)
from training.synthetic.occluders import Glasses, draw_glasses
from training.synthetic.render import depth_map, render
from training.synthetic.rig import RIGID, Rig
from training.synthetic.scene import CROP_VIEW
from worker.domain import EventSpan
from worker.specs import AU_COUNT, AU_MAX, NEUTRAL, SIDES

Floats = npt.NDArray[np.float32]

FRAME_RATES: Final = (25, 30, 50, 60, 90, 100, 120, 150, 200)
_WHOLE_CLIP_SHARE = 0.1
_BLINK_RATE = 0.25
_GAZE_RATE = 0.6
_SPEECH_RATE = 0.06
_GLASSES_RATE = 0.08
_MACRO_SHARE = 0.08
_RIGID_S = (0.8, 1.6)


@dataclass(frozen=True)
class ClipPlan:
    """Everything drawn for one clip but its pixels. Arrays have one row per frame."""

    event: Event
    prototype: bool
    pts_s: npt.NDArray[np.float64]
    intensity: Floats
    """f32 [N, K, 2], FACS"""
    poses: tuple[Pose, ...]
    """The head as it truly moves."""
    camera: Camera
    noise_seed: int
    extras: Floats
    """f32 [N, E, 2]: unserved movements"""
    gaze: Floats
    """f32 [N, 2], iris radii"""
    placement: Pose
    """How the detector misplaces the whole clip's crop."""
    glasses: Glasses | None = None

    @property
    def span(self) -> EventSpan:
        """Frames of the event's onset, apex and offset."""
        times = (self.event.onset_s, self.event.apex_s, self.event.offset_s)
        onset, apex, offset = (int(np.abs(self.pts_s - time).argmin()) for time in times)
        return EventSpan(onset, apex, offset)

    def change(self, reference: int = 0) -> Floats:
        """True AU change f32 [N, 2, K] against one frame."""
        return (self.intensity - self.intensity[reference]).transpose(0, 2, 1)

    def expression(self, frame: int) -> Expression:
        """The face in one frame."""
        x, y = self.gaze[frame].tolist()
        return Expression(self.intensity[frame], self.extras[frame], (x, y))

    def crop_pose(self, rig: Rig, frame: int) -> Pose:
        """The pose that is left in the crop once the frame is registered, errors included."""
        rng = np.random.default_rng([self.noise_seed, frame, 1])
        left = registered(self.poses[frame], rig.points68[list(RIGID)])
        return left.plus(self.placement).plus(registration_error(rng))


def draw_clip(priors: Priors, label: int, rng: np.random.Generator, *, prototype: bool) -> ClipPlan:
    """A clip of one class; `prototype` takes EMFACS sets instead of counted ones."""
    lead_s, macro = rng.uniform(0.15, 0.4), rng.random() < _MACRO_SHARE
    event = priors.event(label, rng, prototype=prototype, lead_s=lead_s, macro=macro)
    length_s = event.offset_s + rng.uniform(0.1, 0.4)
    pts_s = np.arange(0, length_s, 1 / rng.choice(FRAME_RATES))
    share = event.envelope(pts_s)[:, None, None]
    intensity, extras = share * event.peak, share * event.extras
    if rng.random() < _BLINK_RATE:
        closed = blink(pts_s, rng.uniform(0, length_s), rng.uniform(4, AU_MAX), rng)
        intensity[:, BLINK] = np.maximum(intensity[:, BLINK], closed[:, None])
    if rng.random() < _SPEECH_RATE:
        units, beside = speech(pts_s, 0.0, length_s * rng.uniform(0.3, 1.0), rng)
        intensity, extras = intensity + units, extras + beside
    gaze = gaze_path(pts_s, rng) if rng.random() < _GAZE_RATE else np.zeros((len(pts_s), 2))
    return ClipPlan(
        event=event,
        prototype=prototype,
        pts_s=pts_s,
        intensity=np.clip(intensity, 0, AU_MAX).astype(np.float32),
        poses=tuple(draw_path(rng, pts_s, rng.uniform(0, 1))),
        camera=draw_camera(rng),
        noise_seed=int(rng.integers(2**31)),
        extras=np.clip(extras, 0, AU_MAX).astype(np.float32),
        gaze=gaze.astype(np.float32),
        placement=draw_pose(rng, 1.0),
        glasses=draw_glasses(rng) if rng.random() < _GLASSES_RATE else None,
    )


def draw_still(rng: np.random.Generator, frames: int = 60) -> ClipPlan:
    """A face on which nothing moves at all; each frame has its own noise."""
    pts_s = np.arange(frames) / float(rng.choice(FRAME_RATES))
    return _expressionless(pts_s, (Pose(),) * frames, rng)


def draw_rigid(rng: np.random.Generator, most_deg: float = 8.0) -> ClipPlan:
    """A head that turns up to `most_deg` in yaw, pitch and roll, without any expression."""
    pts_s = np.arange(0, rng.uniform(*_RIGID_S), 1 / rng.choice(FRAME_RATES))
    return _expressionless(pts_s, tuple(draw_turn(rng, pts_s, most_deg)), rng)


def _expressionless(
    pts_s: npt.NDArray[np.float64], poses: tuple[Pose, ...], rng: np.random.Generator
) -> ClipPlan:
    count = len(pts_s)
    none = np.zeros((AU_COUNT, len(SIDES)), dtype=np.float32)
    return ClipPlan(
        event=Event(NEUTRAL, none, 0.0, float(pts_s[-1]) / 2, float(pts_s[-1])),
        prototype=False,
        pts_s=pts_s,
        intensity=np.zeros((count, *none.shape), dtype=np.float32),
        poses=poses,
        camera=draw_camera(rng),
        noise_seed=int(rng.integers(2**31)),
        extras=np.zeros((count, EXTRA_COUNT, len(SIDES)), dtype=np.float32),
        gaze=np.zeros((count, 2), dtype=np.float32),
        placement=draw_pose(rng, 1.0),
    )


def shoot(plan: ClipPlan, rig: Rig, frames: npt.NDArray[np.intp]) -> npt.NDArray[np.uint8]:
    """Gray crops uint8 [len(frames), S, S]; a frame looks the same whenever it is asked for."""
    seen: dict[int, npt.NDArray[np.uint8]] = {}
    for frame in frames.tolist():
        if frame not in seen:
            rng = np.random.default_rng([plan.noise_seed, frame])
            pose = plan.crop_pose(rig, frame)
            picture = render(rig, plan.expression(frame), pose, light=plan.camera.light)
            if plan.glasses:
                plan.glasses.put_on(picture, rig, pose, CROP_VIEW)
            seen[frame] = plan.camera.shoot(picture, rng)
    return np.stack([seen[frame] for frame in frames.tolist()])


def depths(
    plan: ClipPlan, rig: Rig, frames: npt.NDArray[np.intp]
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """True depth f32 [n, S, S] (eye distances) and face masks bool [n, S, S] of the crops."""
    maps = [
        depth_map(rig, plan.expression(frame), plan.crop_pose(rig, frame))
        for frame in frames.tolist()
    ]
    return np.stack([depth for depth, _ in maps]), np.stack([face for _, face in maps])


def loose_span(plan: ClipPlan, rng: np.random.Generator) -> EventSpan:
    """Where a spotter might put the event: boundaries off by a sixth, sometimes the whole clip."""
    last = len(plan.pts_s) - 1
    if rng.random() < _WHOLE_CLIP_SHARE:
        return EventSpan(0, plan.span.apex, last)
    times = np.array([plan.event.onset_s, plan.event.offset_s])
    if plan.event.label == NEUTRAL:
        times = np.sort(rng.uniform(0, plan.pts_s[-1], 2))
    times = times + rng.normal(0, 0.16, 2) * (plan.event.offset_s - plan.event.onset_s)
    onset, offset = np.clip(np.searchsorted(plan.pts_s, times), 0, last)
    onset = min(int(onset), max(0, last - 3))
    offset = max(int(offset), min(last, onset + 3))
    return EventSpan(onset, min(max(plan.span.apex, onset), offset), offset)
