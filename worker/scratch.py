"""Files that leave nothing behind, not even when the process is killed."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch_file() -> Iterator[Path]:
    """Path of an empty file that forked children can open too and that ends with the block.

    On Linux it exists in memory alone, so clips and faces never reach a disk.
    """
    if sys.platform == "linux":
        descriptor = os.memfd_create("madv")
        try:
            yield Path(f"/proc/self/fd/{descriptor}")
        finally:
            os.close(descriptor)
    else:
        with tempfile.TemporaryDirectory(prefix="madv-") as folder:
            path = Path(folder, "scratch")
            path.touch()
            yield path
