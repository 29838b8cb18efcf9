"""Head motion as drawn numbers: a slow drift of the rigid pose over a clip."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Pose:
    """Rigid head pose against the aligned frame: shift in crop pixels, angles in radians."""

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


def draw_pose(rng: np.random.Generator, amount: float) -> Pose:
    """A pose of the given amount: 1 is 1.2 px of shift, 1 degree of roll, 2.5 of yaw and pitch."""
    numbers = rng.standard_normal(6) * amount
    return Pose(
        (float(1.2 * numbers[0]), float(1.2 * numbers[1])),
        float(np.deg2rad(1.0) * numbers[2]),
        float(0.01 * numbers[3]),
        float(np.deg2rad(2.5) * numbers[4]),
        float(np.deg2rad(2.5) * numbers[5]),
    )


def draw_path(
    rng: np.random.Generator, times_s: npt.NDArray[np.float64], amount: float
) -> list[Pose]:
    """A smooth path through three drawn poses, starting at rest; grows with the clip's length."""
    span = max(float(times_s[-1] - times_s[0]), 1e-3)
    anchors = [Pose(), *(draw_pose(rng, amount * np.sqrt(span * share)) for share in (0.5, 1.0))]
    at = np.linspace(times_s[0], times_s[-1], len(anchors))
    numbers = np.array([[*a.shift, a.roll, a.log_scale, a.yaw, a.pitch] for a in anchors])
    rows = np.stack([np.interp(times_s, at, column) for column in numbers.T], axis=1)
    return [Pose((float(r[0]), float(r[1])), *(float(v) for v in r[2:])) for r in rows]
