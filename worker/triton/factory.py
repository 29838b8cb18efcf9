"""Which backend a process uses."""

from collections.abc import Callable
from pathlib import Path

from worker.backend import Backend

OpenBackend = Callable[[], Backend]


def backend_factory(
    triton_url: str, model_repo: Path, *, shares_memory: bool = False
) -> OpenBackend:
    """Makes backends: Triton's clients where there is a URL, else in-process ones.

    Imports what they need at once, so that it is loaded before any fork, and nothing else:
    onnxruntime is large, and beside a server not even installed.
    """
    if triton_url:
        from worker.triton.client import TritonBackend  # noqa: PLC0415  # see above

        return lambda: TritonBackend(triton_url, shares_memory=shares_memory)
    from worker.triton.inprocess import InProcessBackend  # noqa: PLC0415  # see above

    return lambda: InProcessBackend(model_repo)
