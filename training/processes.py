"""Work shared by all cores."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

from threadpoolctl import threadpool_limits

CORES = os.cpu_count() or 1


def process_pool(processes: int = CORES) -> ProcessPoolExecutor:
    """One process for each core, unless said.

    They are spawned: a fork copies the locks of other threads (OpenCV, onnxruntime and torch have
    some) in whatever state they are, and waits for them for ever. Each is held to one thread:
    threads of a linear algebra library that wait do so by counting, on the other processes' cores.
    """
    return ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), threadpool_limits, (1,)
    )
