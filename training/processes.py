"""Work shared by all cores."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

CORES = os.cpu_count() or 1


def process_pool(processes: int = CORES) -> ProcessPoolExecutor:
    """One process for each core, unless said.

    They are spawned: a fork copies the locks of other threads (OpenCV, onnxruntime and torch have
    some) in whatever state they are, and waits for them for ever.
    """
    return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))
