"""The backend that asks a Triton Inference Server over gRPC."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self

import grpc._channel  # noqa: F401  # loaded on first use otherwise: anew in every forked child
import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from worker.backend import Deadline, ModelDescription, Tensor
from worker.domain import FloatArray
from worker.errors import ContractMismatch
from worker.triton.description import describe_config
from worker.triton.shared_memory import SharedInputs
from worker.triton.status import backend_error

_CHANNEL: Final = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # A proxy for the web has no business between a worker and its model server.
    ("grpc.enable_http_proxy", 0),
    # A server that comes back is noticed within a second, one that has gone silent within twenty.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.ping_timeout_ms", 10_000),
)


class TritonBackend:
    """A connection to one server. Make it in the process that uses it, after any fork.

    Args:
        url: `host:port` of the server's gRPC endpoint.
        shares_memory: Whether inputs go through memory shared with the server. It then must see
            this process's /dev/shm, and calls come one at a time.
    """

    def __init__(self, url: str, *, shares_memory: bool = False) -> None:
        self._url = url
        self._shares_memory = shares_memory
        self._client: InferenceServerClient | None = None
        self._shared: SharedInputs | None = None

    def __enter__(self) -> Self:
        self._client = InferenceServerClient(self._url, channel_args=_CHANNEL)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._share_no_more()
        if self._client is not None:
            self._client.close()
            self._client = None

    def infer(
        self,
        model: str,
        inputs: Mapping[str, Tensor],
        outputs: Sequence[str],
        deadline: Deadline,
    ) -> dict[str, FloatArray]:
        """The named outputs of a model for these inputs."""
        with _mapped_errors():
            try:
                result = self._connected().infer(
                    model,
                    self._inputs(inputs, deadline),
                    outputs=[InferRequestedOutput(name) for name in outputs],
                    client_timeout=deadline.remaining_s(),
                )
            except InferenceServerException:
                # A server started anew knows nothing of the memory.
                self._share_no_more()
                raise
        return {name: _output(result.as_numpy(name), name) for name in outputs}

    def describe(self, model: str, deadline: Deadline) -> ModelDescription:
        """The tensors and parameters of a model, as the server has loaded it."""
        with _mapped_errors():
            answer = self._connected().get_model_config(
                model, client_timeout=deadline.remaining_s()
            )
        return describe_config(answer.config)

    def _inputs(self, tensors: Mapping[str, Tensor], deadline: Deadline) -> list[InferInput]:
        declared = [
            InferInput(name, list(tensor.shape), np_to_triton_dtype(tensor.dtype))
            for name, tensor in tensors.items()
        ]
        if self._shares_memory:
            if self._shared is None:
                self._shared = SharedInputs(self._connected(), deadline.remaining_s())
            if self._shared.place(tensors, declared):
                return declared
        for each, tensor in zip(declared, tensors.values(), strict=True):
            each.set_data_from_numpy(tensor)
        return declared

    def _share_no_more(self) -> None:
        if self._shared is not None:
            self._shared.close()
            self._shared = None

    def _connected(self) -> InferenceServerClient:
        if self._client is None:
            raise RuntimeError("a TritonBackend is a context manager: enter it first")
        return self._client


def _output(tensor: FloatArray | None, name: str) -> FloatArray:
    if tensor is None or tensor.dtype != np.float32:
        raise ContractMismatch(f"Triton answers without the float32 output {name}")
    return tensor


@contextmanager
def _mapped_errors() -> Iterator[None]:
    try:
        yield
    except InferenceServerException as error:
        raise backend_error(error) from error
