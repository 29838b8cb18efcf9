"""A minute of a face: micro-expressions among longer expressions, blinks, speech, turns, gaze."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, Self

import numpy as np
import numpy.typing as npt

from training.synthetic.behaviour import BLINK, blink, gaze_path, speech
from training.synthetic.camera import draw_camera
from training.synthetic.clips import ClipPlan
from training.synthetic.events import Event, Priors
from training.synthetic.expression import EXTRA_COUNT
from training.synthetic.motion import Pose, draw_pose, pose_of
from training.synthetic.occluders import draw_glasses
from worker.specs import AU_COUNT, AU_MAX, LABELS, NEUTRAL, SIDES

Floats = npt.NDArray[np.float32]
Times = npt.NDArray[np.float64]

What = Literal["micro", "macro", "blink", "speech", "turn"]
DISTRACTORS: Final[tuple[What, ...]] = ("macro", "blink", "speech", "turn")
LONGEST_MICRO_S: Final = 0.5
"""By definition; annotation tables hold longer ones, which are not drawn."""

_KINDS: Final[tuple[What, ...]] = ("micro", "macro", "speech", "turn")
_ODDS = (0.35, 0.25, 0.15, 0.25)
_LEAST_GAP_S, _GAP_S = 0.5, 1.5
_EDGE_S = 1.0
_MACRO_S = (0.7, 4.0)
_MACRO_STRENGTH = (0.35, 1.0)
_SPEECH_S = (0.8, 4.0)
_TURN_S = (0.5, 1.8)
_TURN_DEG = (3.0, 10.0)
_BLINKS_APART_S = (0.8, 6.0)
_WANDER_S = (0.7, 2.5)
_GAZE_RATE, _GLASSES_RATE = 0.6, 0.08


@dataclass(frozen=True)
class Happening:
    """Something a face or head does: seconds from its begin to its end, strongest at the apex."""

    what: What
    onset_s: float
    apex_s: float
    offset_s: float


@dataclass(frozen=True)
class LongPlan:
    """What is filmed (its one `event` is empty) and what happens in it, in order of time."""

    clip: ClipPlan
    happenings: tuple[Happening, ...]


def draw_long(
    priors: Priors, length_s: float, fps: float, rng: np.random.Generator, number: int
) -> LongPlan:
    """A film's plan. Micro-expressions and all but blinks keep half a second from each other.

    Args:
        priors: Which action units, and how fast.
        length_s: Of the film.
        fps: Frames per second.
        rng: Decides all.
        number: Of the film; films begin with one class after the other.
    """
    stage = _Stage.empty(np.arange(round(length_s * fps)) / fps, rng, priors, number)
    stage.act()
    stage.blink()
    gaze = gaze_path(stage.pts_s, rng) if rng.random() < _GAZE_RATE else stage.pose[:, :2] * 0
    nothing = np.zeros((AU_COUNT, len(SIDES)), dtype=np.float32)
    clip = ClipPlan(
        event=Event(NEUTRAL, nothing, 0.0, length_s / 2, length_s),
        prototype=False,
        pts_s=stage.pts_s,
        intensity=np.clip(stage.intensity, 0, AU_MAX),
        poses=tuple(pose_of(row) for row in stage.pose),
        camera=draw_camera(rng),
        noise_seed=int(rng.integers(2**31)),
        extras=np.clip(stage.extras, 0, AU_MAX),
        gaze=gaze.astype(np.float32),
        placement=Pose(),
        glasses=draw_glasses(rng) if rng.random() < _GLASSES_RATE else None,
    )
    return LongPlan(clip, tuple(sorted(stage.happenings, key=lambda each: each.onset_s)))


@dataclass(frozen=True)
class _Stage:
    """What has been planned so far, a row for each frame."""

    pts_s: Times
    rng: np.random.Generator
    priors: Priors
    first_label: int
    intensity: Floats
    extras: Floats
    pose: Floats
    happenings: list[Happening]

    @classmethod
    def empty(cls, pts_s: Times, rng: np.random.Generator, priors: Priors, number: int) -> Self:
        count = len(pts_s)
        return cls(
            pts_s,
            rng,
            priors,
            number,
            np.zeros((count, AU_COUNT, len(SIDES)), dtype=np.float32),
            np.zeros((count, EXTRA_COUNT, len(SIDES)), dtype=np.float32),
            _wander(pts_s, rng),
            [],
        )

    def act(self) -> None:
        """One thing after the other."""
        acts: dict[What, Callable[[float], Happening]] = {
            "micro": self._micro,
            "macro": self._macro,
            "speech": self._speech,
            "turn": self._turn,
        }
        at_s, rng = self._pause() + _EDGE_S, self.rng
        while at_s < self.pts_s[-1] - _EDGE_S - _MACRO_S[1]:
            happening = acts[_KINDS[int(rng.choice(len(_KINDS), p=_ODDS))]](at_s)
            self.happenings.append(happening)
            at_s = happening.offset_s + self._pause()

    def blink(self) -> None:
        """Now and then, whatever else happens."""
        rng, at_s = self.rng, 0.0
        while (at_s := at_s + rng.uniform(*_BLINKS_APART_S)) < self.pts_s[-1]:
            closed = blink(self.pts_s, at_s, rng.uniform(4, AU_MAX), rng)
            self.intensity[:, BLINK] = np.maximum(self.intensity[:, BLINK], closed[:, None])
            (shut,) = np.nonzero(closed)
            if len(shut):
                begin_s, end_s = self.pts_s[shut[[0, -1]]].tolist()
                self.happenings.append(Happening("blink", begin_s, at_s, end_s))

    def _pause(self) -> float:
        return float(_LEAST_GAP_S + self.rng.exponential(_GAP_S))

    def _event(self, at_s: float, *, macro: bool) -> Event:
        emotions = [label for label in range(len(LABELS)) if label != NEUTRAL]
        label = emotions[(self.first_label + len(self.happenings)) % len(emotions)]
        prototype = bool(self.rng.integers(2))
        while True:
            event = self.priors.event(
                label, self.rng, prototype=prototype, lead_s=at_s, macro=macro
            )
            if macro or event.offset_s - at_s <= LONGEST_MICRO_S:
                return event

    def _micro(self, at_s: float) -> Happening:
        event = self._event(at_s, macro=False)
        self._show(event, event.envelope(self.pts_s))
        return Happening("micro", event.onset_s, event.apex_s, event.offset_s)

    def _macro(self, at_s: float) -> Happening:
        rng = self.rng
        lasts_s = float(np.exp(rng.uniform(*np.log(_MACRO_S))))
        rise_s, fall_s = rng.uniform(0.15, 0.4) * lasts_s, rng.uniform(0.2, 0.4) * lasts_s
        end_s = at_s + lasts_s
        knots = [at_s, at_s + rise_s, end_s - fall_s, end_s]
        share = _eased(np.interp(self.pts_s, knots, [0, 1, 1, 0])) * rng.uniform(*_MACRO_STRENGTH)
        self._show(self._event(at_s, macro=True), share)
        return Happening("macro", at_s, at_s + rise_s, end_s)

    def _show(self, event: Event, share: Times) -> None:
        rows = share[:, None, None].astype(np.float32)
        self.intensity[:] += rows * event.peak
        self.extras[:] += rows * event.extras

    def _speech(self, at_s: float) -> Happening:
        end_s = at_s + self.rng.uniform(*_SPEECH_S)
        units, beside = speech(self.pts_s, at_s, end_s, self.rng)
        self.intensity[:] += units
        self.extras[:] += beside
        return Happening("speech", at_s, (at_s + end_s) / 2, end_s)

    def _turn(self, at_s: float) -> Happening:
        """A nod, a shake or a tilt of the head: there, or there and to the other side, and back."""
        rng = self.rng
        end_s = at_s + rng.uniform(*_TURN_S)
        sides = [0.0, 1.0, -rng.uniform(0.3, 1.0), 0.0][:: 1 if rng.integers(2) else -1]
        ways = sides if rng.integers(2) else [0.0, 1.0, 0.0]
        knots = np.linspace(at_s, end_s, len(ways))
        share = _joined(self.pts_s, knots, np.array(ways)[:, None])[:, 0]
        angle = np.deg2rad(rng.uniform(*_TURN_DEG)) * rng.choice([-1, 1])
        axis = rng.choice([2, 4, 5])  # roll, yaw, pitch of `Pose.numbers`
        self.pose[:, axis] += (angle * share).astype(np.float32)
        self.pose[:, :2] += share[:, None].astype(np.float32) * rng.normal(0, 1.5, 2)
        return Happening("turn", at_s, (at_s + end_s) / 2, end_s)


def _wander(pts_s: Times, rng: np.random.Generator) -> Floats:
    """A head that never quite holds still: f32 [N, 6], numbers of `Pose`, from rest."""
    amount = rng.uniform(0, 1)
    knots, poses = [0.0], [Pose()]
    while knots[-1] < pts_s[-1]:
        knots.append(knots[-1] + rng.uniform(*_WANDER_S))
        poses.append(draw_pose(rng, amount))
    return _joined(pts_s, np.array(knots), np.stack([pose.numbers() for pose in poses]))


def _joined(pts_s: Times, knots_s: Times, rows: Floats | Times) -> Floats:
    """Rows [n, D] at knots, eased from one to the next: f32 [N, D]."""
    place = np.interp(pts_s, knots_s, np.arange(len(knots_s)))
    before = np.minimum(place.astype(int), len(knots_s) - 2)
    share = _eased(place - before)[:, None]
    joined = rows[before] + share * (rows[before + 1] - rows[before])
    return np.asarray(joined, dtype=np.float32)


def _eased(share: Times) -> Times:
    return np.asarray((1 - np.cos(np.pi * share)) / 2)
