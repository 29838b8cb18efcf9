"""Work shared by all cores."""

import numpy as np
from threadpoolctl import threadpool_info

from training.processes import process_pool


def threads(side: int) -> set[int]:
    """How many threads each library of linear algebra has here, once one was used."""
    picture = np.ones((side, side), np.float32)
    assert (picture @ picture)[0, 0] == side
    return {library["num_threads"] for library in threadpool_info()}


def test_processes_that_share_the_cores_have_one_thread_each() -> None:
    with process_pool(2) as pool:
        assert list(pool.map(threads, (8, 16))) == [{1}, {1}]
