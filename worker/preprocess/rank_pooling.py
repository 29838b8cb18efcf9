"""Weights with which the sum of frames ranks them: what came later counts more, then less.

Approximate rank pooling takes the first gradient step of a machine that ranks the running means of
frames by time, so that one picture tells how a clip changes.

Source: Bilen et al., "Dynamic Image Networks for Action Recognition", CVPR 2016, section 3; the
second form as the code published with Verma et al., "LEARNet", IEEE TIP 29, 2020, has it.
"""

import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.float64]


def bilen(count: int) -> Weights:
    """alpha_t = sum over i = t..T of (2i - T - 1) / i, f64 [T]: they add up to 0."""
    times = np.arange(1, count + 1)
    return _tails((2 * times - count - 1) / times)


def learnet(count: int) -> Weights:
    """The same without the -1, f64 [T]: they add up to T, so that a blurred face stays visible."""
    times = np.arange(1, count + 1)
    return _tails((2 * times - count) / times)


def _tails(shares: Weights) -> Weights:
    """Sums from each place to the end."""
    return np.asarray(np.cumsum(shares[::-1])[::-1])
