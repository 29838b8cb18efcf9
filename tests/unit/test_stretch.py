"""Maps as pictures."""

import numpy as np

from worker.preprocess.stretch import stretched


def test_a_picture_spans_all_gray_levels() -> None:
    picture = stretched(np.array([[-3.0, 0.0], [1.0, 7.0]], np.float32), 0.01)

    assert picture.dtype == np.uint8
    assert picture.tolist() == [[0, 76], [102, 255]]


def test_a_map_that_hardly_varies_shows_nothing() -> None:
    map_of_noise = np.array([[7.0, 7.009]], np.float32)

    assert not stretched(map_of_noise, 0.01).any()
    assert stretched(map_of_noise, 0.001).tolist() == [[0, 255]]
