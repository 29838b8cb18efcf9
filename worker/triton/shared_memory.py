"""Inputs in memory that this process shares with a Triton on the same machine."""

import itertools
import mmap
import os
import secrets
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

from worker.backend import Tensor

REGION_BYTES: Final = 16 * 1024 * 1024
"""Of one worker. The largest request is eight frames for the face detector, 10 MB."""
_FOLDER: Final = Path("/dev/shm")  # noqa: S108  # where POSIX keeps shared memory on Linux
_ALIGNMENT: Final = 64


class SharedInputs:
    """One region of memory, registered with one server.

    Its name in the file system is gone as soon as the server has opened it, and with a process that
    is killed the memory itself once its successor registers: one worker holds one registration.

    Args:
        client: Of a server that sees this process's /dev/shm.
        timeout_s: Longest wait for its answer.

    Raises:
        InferenceServerException: The server does not see it, or does not answer.
    """

    def __init__(self, client: InferenceServerClient, timeout_s: float) -> None:
        self._client = client
        # Jobs run in a process each, one after the other, below the same worker.
        self._name = f"madv-{socket.gethostname()}-{os.getppid()}"
        path = _FOLDER / f"madv-{secrets.token_hex(16)}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.ftruncate(descriptor, REGION_BYTES)
            self._memory = mmap.mmap(descriptor, REGION_BYTES)
            client.unregister_system_shared_memory(self._name, client_timeout=timeout_s)
            client.register_system_shared_memory(
                self._name, f"/{path.name}", REGION_BYTES, client_timeout=timeout_s
            )
        finally:
            os.close(descriptor)
            path.unlink()

    def place(self, tensors: Mapping[str, Tensor], inputs: list[InferInput]) -> bool:
        """Put tensors where the server finds them; False, and nothing done, where they are too big.

        They are overwritten by the next: one request at a time.
        """
        sizes = [-(-tensor.nbytes // _ALIGNMENT) * _ALIGNMENT for tensor in tensors.values()]
        if sum(sizes) > REGION_BYTES:
            return False
        starts = itertools.accumulate(sizes, initial=0)
        for declared, tensor, start in zip(inputs, tensors.values(), starts, strict=False):
            np.ndarray(tensor.shape, tensor.dtype, self._memory, start)[...] = tensor
            declared.set_shared_memory(self._name, tensor.nbytes, start)
        return True

    def close(self) -> None:
        """Give the memory back. A server that is gone has done so already."""
        with suppress(InferenceServerException):
            self._client.unregister_system_shared_memory(self._name, client_timeout=1.0)
        self._memory.close()
