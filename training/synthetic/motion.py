"""Rigid head motion: poses as drawn numbers, and what registration leaves of them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from worker.specs import CROP_SIZE

Floats = npt.NDArray[np.float32]

CENTRE: Final = CROP_SIZE / 2
_TURN_DEG = 2.5
_ERROR_PX, _ERROR_ROLL_DEG = 0.15, 0.15
_GROSS_SHARE, _GROSS_PX = 0.05, 0.5
_EYES_PX = 40.0


@dataclass(frozen=True)
class Pose:
    """Rigid head pose against the aligned frame: shift in crop pixels, angles in radians.

    Positive yaw carries near parts to the image's right, positive pitch downwards.
    """

    shift: tuple[float, float] = (0.0, 0.0)
    roll: float = 0.0
    log_scale: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0

    def plus(self, other: "Pose") -> "Pose":
        """Both motions, one after the other (small angles add)."""
        return Pose(
            (self.shift[0] + other.shift[0], self.shift[1] + other.shift[1]),
            self.roll + other.roll,
            self.log_scale + other.log_scale,
            self.yaw + other.yaw,
            self.pitch + other.pitch,
        )

    def numbers(self) -> Floats:
        """f32 [6]: shift x, shift y, roll, log scale, yaw, pitch."""
        return np.array(
            [*self.shift, self.roll, self.log_scale, self.yaw, self.pitch], dtype=np.float32
        )

    def turned(self, points: Floats) -> Floats:
        """Points f32 [..., 3] (crop pixels, z near) as the turned head shows them."""
        centre = np.float32(CENTRE)
        x, y, z = points[..., 0] - centre, points[..., 1] - centre, points[..., 2]
        turned = np.empty_like(points)
        sin, cos = np.float32(np.sin(self.yaw)), np.float32(np.cos(self.yaw))
        turned[..., 0] = cos * x + sin * z + centre
        z = cos * z - sin * x
        sin, cos = np.float32(np.sin(self.pitch)), np.float32(np.cos(self.pitch))
        turned[..., 1] = cos * y + sin * z + centre
        turned[..., 2] = cos * z - sin * y
        return turned

    def to_picture(self) -> Floats:
        """Affine f32 [2, 3] from the turned face to the picture, in the picture's plane."""
        scale = np.exp(self.log_scale)
        cos, sin = scale * np.cos(self.roll), scale * np.sin(self.roll)
        turn = np.array([[cos, -sin], [sin, cos]])
        centre = np.array([CENTRE, CENTRE])
        shift = centre + np.array(self.shift) - turn @ centre
        return np.column_stack([turn, shift]).astype(np.float32)

    def to_face(self) -> Floats:
        """Its inverse."""
        there = self.to_picture()
        back = np.linalg.inv(there[:, :2])
        return np.column_stack([back, -back @ there[:, 2]]).astype(np.float32)


def pose_of(numbers: Floats) -> Pose:
    """The pose of `Pose.numbers`."""
    x, y, *rest = (float(number) for number in numbers)
    return Pose((x, y), *rest)


def draw_pose(rng: np.random.Generator, amount: float) -> Pose:
    """A pose of the given amount: 1 is 1.2 px of shift, 1 degree of roll, 2.5 of yaw and pitch."""
    numbers = rng.standard_normal(6) * amount
    return Pose(
        (float(1.2 * numbers[0]), float(1.2 * numbers[1])),
        float(np.deg2rad(1.0) * numbers[2]),
        float(0.01 * numbers[3]),
        float(np.deg2rad(_TURN_DEG) * numbers[4]),
        float(np.deg2rad(_TURN_DEG) * numbers[5]),
    )


def draw_path(
    rng: np.random.Generator, times_s: npt.NDArray[np.float64], amount: float
) -> list[Pose]:
    """A smooth path through three drawn poses, starting at rest; grows with the clip's length."""
    span = max(float(times_s[-1] - times_s[0]), 1e-3)
    anchors = [Pose(), *(draw_pose(rng, amount * np.sqrt(span * share)) for share in (0.5, 1.0))]
    return through(anchors, times_s)


def draw_turn(
    rng: np.random.Generator, times_s: npt.NDArray[np.float64], most_deg: float
) -> list[Pose]:
    """A head that turns this way and that, each angle within `most_deg`, starting at rest."""
    anchors = [Pose()]
    for _ in range(int(rng.integers(2, 5))):
        angles = np.deg2rad(rng.uniform(-most_deg, most_deg, 3))
        shift = rng.normal(0, 1.5, 2)
        anchors.append(
            Pose(
                (float(shift[0]), float(shift[1])),
                float(angles[0]),
                float(rng.normal(0, 0.02)),
                float(angles[1]),
                float(angles[2]),
            )
        )
    return through(anchors, times_s)


def through(anchors: list[Pose], times_s: npt.NDArray[np.float64]) -> list[Pose]:
    """Evenly timed anchors joined without jerks: it slows down at each of them."""
    place = np.linspace(0, len(anchors) - 1, len(times_s))
    before = np.minimum(place.astype(int), len(anchors) - 2)
    share = (1 - np.cos(np.pi * (place - before))) / 2
    numbers = np.stack([anchor.numbers() for anchor in anchors])
    rows = numbers[before] + share[:, None] * (numbers[before + 1] - numbers[before])
    return [pose_of(row) for row in rows.astype(np.float32)]


def registered(pose: Pose, rigid: Floats) -> Pose:
    """The turned head as a registration on rigid points f32 [n, 3] leaves it.

    Only the turn remains visible; shift, roll and scale are what puts the turned points back on
    the resting ones, in the sense of least squares.
    """
    turned = Pose(yaw=pose.yaw, pitch=pose.pitch).turned(rigid)
    source = (turned[:, :2] - CENTRE) @ np.array([1, 1j])
    target = (rigid[:, :2] - CENTRE) @ np.array([1, 1j])
    centred = source - source.mean()
    factor = np.vdot(centred, target - target.mean()) / np.vdot(centred, centred)
    shift = target.mean() - factor * source.mean()
    return Pose(
        (float(shift.real), float(shift.imag)),
        float(np.angle(factor)),
        float(np.log(np.abs(factor))),
        pose.yaw,
        pose.pitch,
    )


def registration_error(rng: np.random.Generator) -> Pose:
    """What production's registration errs by in one frame: mostly a sixth of a pixel."""
    error = _GROSS_PX if rng.random() < _GROSS_SHARE else _ERROR_PX
    shift = rng.normal(0, error / np.sqrt(2), 2)
    return Pose(
        (float(shift[0]), float(shift[1])),
        float(np.deg2rad(rng.normal(0, _ERROR_ROLL_DEG))),
        float(rng.normal(0, error / _EYES_PX)),
    )
