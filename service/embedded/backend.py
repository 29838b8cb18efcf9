"""Which backend answers the workers' inferences here, and why."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from service.embedded.processes import StackError
from service.embedded.triton import TritonInstall, TritonUnavailable, find_triton

Requested = Literal["auto", "triton", "inprocess"]


@dataclass(frozen=True, slots=True)
class BackendChoice:
    """Triton where it is not None, else onnxruntime inside the workers."""

    triton: TritonInstall | None
    why: str

    @property
    def name(self) -> str:
        """As `--backend` names it."""
        return "inprocess" if self.triton is None else "triton"


def choose_backend(requested: Requested) -> BackendChoice:
    """Triton where it can run, unless told otherwise. Raises StackError where it was demanded."""
    if requested == "inprocess":
        return BackendChoice(None, "asked for")
    try:
        return BackendChoice(find_triton(), "its binary runs here")
    except TritonUnavailable as unavailable:
        if requested == "triton":
            raise StackError(f"Triton was asked for, but {unavailable}") from unavailable
        return BackendChoice(None, f"Triton cannot be used: {unavailable}")


def default_model_repo() -> Path:
    """`MADV_MODEL_REPO`, else the `model_repo` beside the installed packages."""
    told = os.environ.get("MADV_MODEL_REPO")
    return Path(told) if told else Path(__file__).parents[2] / "model_repo"
