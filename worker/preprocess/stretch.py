"""A map of numbers as a picture."""

import numpy as np

from worker.domain import FloatArray, Image


def stretched(values: FloatArray, flat: float) -> Image:
    """Bytes uint8, from 0 where a map is least to 255 where it is greatest.

    All are 0 where the map varies by less than `flat`: there is nothing to show.
    """
    least, greatest = float(values.min()), float(values.max())
    if greatest - least < flat:
        return np.zeros(values.shape, np.uint8)
    return ((values - least) * (255 / (greatest - least))).round().astype(np.uint8)
