"""Work shared by all cores."""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module

from threadpoolctl import threadpool_limits

CORES = os.cpu_count() or 1

_LINEAR_ALGEBRA = ("numpy", "scipy.linalg")
"""Each of these brings threads of its own."""


def process_pool(processes: int = CORES) -> ProcessPoolExecutor:
    """One process for each core, unless said, of one thread each.

    They are spawned: a fork copies the locks of other threads (OpenCV, onnxruntime and torch have
    some) in whatever state they are, and waits for them for ever.
    """
    return ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), initializer=_keep_to_one_thread
    )


def _keep_to_one_thread() -> None:
    """Idle threads of linear algebra wait in a loop, and not for a signal.

    With a process on every core they take the cores from one another.
    """
    for name in _LINEAR_ALGEBRA:
        import_module(name)  # what is loaded later would not be limited
    threadpool_limits(1)
