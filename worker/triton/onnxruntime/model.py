# ruff: noqa: INP001  # a package here would shadow the real onnxruntime for Triton's stub
"""Makes the Triton in the nvidia-pytriton wheel serve ONNX: a Python-based backend.

That build has no native onnxruntime backend. Triton takes a folder `<backends>/onnxruntime` with
this file for one, so models that ask for `backend: "onnxruntime"` need no other configuration than
in NVIDIA's container. It runs inside Triton's Python stub, where this project cannot be imported.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils

_THREADS_PARAMETER = "intra_op_thread_count"
_HAS_NUMPY_2 = int(np.__version__.split(".", maxsplit=1)[0]) > 1


class TritonPythonModel:
    """One loaded model. Triton finds this class by its name."""

    def initialize(self, args: dict[str, str]) -> None:
        """Open the model; Triton logs what is raised and calls the model unavailable."""
        config = json.loads(args["model_config"])
        file = config.get("default_model_filename") or "model.onnx"
        path = Path(args["model_repository"], args["model_version"], file)
        options = onnxruntime.SessionOptions()
        threads = config.get("parameters", {}).get(_THREADS_PARAMETER, {})
        options.intra_op_num_threads = int(threads.get("string_value", 0))
        # Every model has its own threads: idle ones must not keep the cores from the busy.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        self._inputs = [tensor["name"] for tensor in config["input"]]

    def execute(self, requests: list[Any]) -> list[Any]:
        """A response for each request; one that fails does not harm the others."""
        return [self._respond(request) for request in requests]

    def _respond(self, request: Any) -> Any:  # noqa: ANN401  # Triton's classes have no stubs
        inputs = {
            name: _array(pb_utils.get_input_tensor_by_name(request, name)) for name in self._inputs
        }
        names = request.requested_output_names()
        try:
            arrays = self._session.run(names, inputs)
        except Exception as error:  # noqa: BLE001  # onnxruntime's errors have no common base
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(str(error)))
        outputs = [_tensor(name, array) for name, array in zip(names, arrays, strict=True)]
        return pb_utils.InferenceResponse(output_tensors=outputs)


def _array(tensor: Any) -> Any:  # noqa: ANN401
    """A view of a tensor in Triton's shared memory. The stub's own `as_numpy` needs NumPy 1."""
    return np.from_dlpack(tensor) if _HAS_NUMPY_2 else tensor.as_numpy()


def _tensor(name: str, array: Any) -> Any:  # noqa: ANN401
    if _HAS_NUMPY_2:
        return pb_utils.Tensor.from_dlpack(name, array)
    return pb_utils.Tensor(name, array)
