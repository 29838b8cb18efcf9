"""When an event peaks: a rise and a fall fitted to the whole of it, not its highest sample."""

from typing import Final

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.float64]

DURATIONS_S: Final = np.array(
    [0.04, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.37, 0.45, 0.55, 0.7]
)
"""Rises and falls that are tried."""
_MOST_CANDIDATES: Final = 48
_BESIDE_S: Final = 0.3
"""Of the trace before and after the candidates is looked at as well: the foot of the event."""


def locate(
    signal: npt.NDArray[np.float64], pts_s: Times, first: int, last: int
) -> tuple[int, float, float]:
    """Apex among frames `first` to `last` of a signal f64 [N], and the seconds of rise and fall.

    The half-cosine rise and fall, each of its own duration, that explains most of the signal's
    variance (least squares with free height and floor) says where the apex is. No smoothing: an
    event of 100 ms keeps its shape.
    """
    step = -(-(last - first + 1) // _MOST_CANDIDATES)
    candidates = np.arange(first, last + 1, step)
    near = (pts_s >= pts_s[first] - _BESIDE_S) & (pts_s <= pts_s[last] + _BESIDE_S)
    wanted = signal[near] - signal[near].mean()
    tried = [_explained(wanted, pts_s[near], pts_s[position]) for position in candidates]
    best = int(np.argmax([variance.max() for variance in tried]))
    rise, fall = np.unravel_index(tried[best].argmax(), tried[best].shape)
    return int(candidates[best]), float(DURATIONS_S[rise]), float(DURATIONS_S[fall])


def _explained(
    wanted: npt.NDArray[np.float64], times_s: Times, apex_s: float
) -> npt.NDArray[np.float64]:
    """Variance of a centred signal that bumps with this apex explain: f64 [rises, falls]."""
    away = np.abs(times_s - apex_s) / DURATIONS_S[:, None]
    halves = (1 + np.cos(np.pi * np.minimum(away, 1.0))) / 2
    rises, falls = halves * (times_s <= apex_s), halves * (times_s > apex_s)
    bumps = rises[:, None] + falls[None]
    bumps = bumps - bumps.mean(axis=2, keepdims=True)
    height = np.maximum(bumps @ wanted, 0.0)
    return np.asarray(height**2 / ((bumps**2).sum(axis=2) + 1e-9))
