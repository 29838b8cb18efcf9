"""A whole synthetic clip: an event in a stretch of neutral face, filmed at a drawn frame rate."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from training.synthetic.camera import Camera, draw_camera
from training.synthetic.events import Event, Priors
from training.synthetic.motion import Pose, draw_path, draw_pose
from training.synthetic.render import depth_map, render
from training.synthetic.rig import Rig
from worker.domain import EventSpan
from worker.specs import AU_NUMBERS, NEUTRAL

Floats = npt.NDArray[np.float32]

FRAME_RATES: Final = (30, 60, 100, 200)
_BLINK = AU_NUMBERS.index(45)
_WHOLE_CLIP_SHARE = 0.1
_BLINK_RATE = 0.15
_BLINK_HALF_S = 0.12


@dataclass(frozen=True)
class ClipPlan:
    """Everything drawn for one clip but its pixels. Arrays have one row per frame."""

    event: Event
    prototype: bool
    pts_s: npt.NDArray[np.float64]
    intensity: Floats
    """f32 [N, K, 2], FACS"""
    poses: tuple[Pose, ...]
    camera: Camera
    noise_seed: int

    @property
    def span(self) -> EventSpan:
        """Frames of the event's onset, apex and offset."""
        times = (self.event.onset_s, self.event.apex_s, self.event.offset_s)
        onset, apex, offset = (int(np.abs(self.pts_s - time).argmin()) for time in times)
        return EventSpan(onset, apex, offset)

    def change(self, reference: int = 0) -> Floats:
        """True AU change f32 [N, 2, K] against one frame."""
        return (self.intensity - self.intensity[reference]).transpose(0, 2, 1)


def draw_clip(priors: Priors, label: int, rng: np.random.Generator, *, prototype: bool) -> ClipPlan:
    """A clip of one class; `prototype` takes EMFACS sets instead of counted ones."""
    event = priors.event(label, rng, prototype=prototype, lead_s=rng.uniform(0.15, 0.4))
    length_s = event.offset_s + rng.uniform(0.1, 0.4)
    pts_s = np.arange(0, length_s, 1 / rng.choice(FRAME_RATES))
    intensity = event.envelope(pts_s)[:, None, None] * event.peak
    if rng.random() < _BLINK_RATE:
        centre = rng.uniform(0, length_s)
        closed = np.clip(1 - np.abs(pts_s - centre) / _BLINK_HALF_S, 0, 1)
        intensity[:, _BLINK] += rng.uniform(3, 5) * closed[:, None]
    jitter = draw_pose(rng, 1.0)
    poses = tuple(jitter.plus(pose) for pose in draw_path(rng, pts_s, rng.uniform(0, 1)))
    seed = int(rng.integers(2**31))
    return ClipPlan(
        event, prototype, pts_s, intensity.astype(np.float32), poses, draw_camera(rng), seed
    )


def shoot(plan: ClipPlan, rig: Rig, frames: npt.NDArray[np.intp]) -> npt.NDArray[np.uint8]:
    """Gray crops uint8 [len(frames), S, S]; a frame looks the same whenever it is asked for."""
    seen: dict[int, npt.NDArray[np.uint8]] = {}
    for frame in frames.tolist():
        if frame not in seen:
            rng = np.random.default_rng([plan.noise_seed, frame])
            picture = render(rig, plan.intensity[frame], plan.poses[frame])
            seen[frame] = plan.camera.shoot(picture, rng)
    return np.stack([seen[frame] for frame in frames.tolist()])


def depths(
    plan: ClipPlan, rig: Rig, frames: npt.NDArray[np.intp]
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """True depth f32 [n, S, S] (eye distances) and face masks bool [n, S, S]."""
    maps = [depth_map(rig, plan.intensity[frame], plan.poses[frame]) for frame in frames.tolist()]
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
