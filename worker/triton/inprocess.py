"""The backend that runs the model repository in this process, through onnxruntime.

For machines without a Triton and for `analyze`. Ensembles are followed step by step as their
configuration says, so the numbers are those of the server.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as runtime
from tritonclient.grpc.model_config_pb2 import ModelConfig

from worker.backend import Deadline, ModelDescription, Tensor
from worker.domain import FloatArray
from worker.errors import BackendError, ContractMismatch
from worker.triton.description import describe_config
from worker.triton.repository import model_file, read_config

THREADS_PARAMETER: Final = "intra_op_thread_count"
"""Triton's onnxruntime backend reads it from a model's parameters, and so does everything here."""

MISMATCHES: Final = (
    runtime.InvalidArgument,
    runtime.InvalidGraph,
    runtime.InvalidProtobuf,
    runtime.ModelRequiresCompilation,
    runtime.NoModel,
    runtime.NoSuchFile,
    runtime.NotFound,
    runtime.NotImplemented,
    ValueError,  # an input is missing
)
FAILURES: Final = (
    runtime.DeviceReset,
    runtime.EngineError,
    runtime.EPFail,
    runtime.Fail,
    runtime.ModelLoadCanceled,
    runtime.ModelLoaded,
    runtime.RuntimeException,
)


class InProcessBackend:
    """Sessions over one model repository, opened on first use. Make it after any fork.

    Args:
        repository: Folder with `<model>/config.pbtxt` and `<model>/<version>/model.onnx`.
    """

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._configs: dict[str, ModelConfig] = {}
        self._sessions: dict[str, onnxruntime.InferenceSession] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._sessions.clear()

    def infer(
        self,
        model: str,
        inputs: Mapping[str, Tensor],
        outputs: Sequence[str],
        deadline: Deadline,
    ) -> dict[str, FloatArray]:
        """The named outputs of a model for these inputs."""
        config = self._config(model)
        if config.HasField("ensemble_scheduling"):
            found = self._run_ensemble(config, inputs, deadline)
        else:
            found = self._run_model(config, inputs, deadline)
        if missing := set(outputs) - set(found):
            raise ContractMismatch(f"model {model} has no output {', '.join(sorted(missing))}")
        return {name: np.asarray(found[name], dtype=np.float32) for name in outputs}

    def describe(self, model: str, deadline: Deadline) -> ModelDescription:
        """The tensors and parameters a model's configuration declares."""
        deadline.remaining_s()
        return describe_config(self._config(model))

    def _run_ensemble(
        self, config: ModelConfig, inputs: Mapping[str, Tensor], deadline: Deadline
    ) -> Mapping[str, Tensor]:
        tensors = dict(inputs)
        waiting = list(config.ensemble_scheduling.step)
        while waiting:
            step = next((s for s in waiting if set(s.input_map.values()) <= set(tensors)), None)
            if step is None:
                raise ContractMismatch(f"ensemble {config.name} lacks inputs for its steps")
            waiting.remove(step)
            given = {name: tensors[source] for name, source in step.input_map.items()}
            found = self.infer(step.model_name, given, list(step.output_map), deadline)
            tensors |= {target: found[name] for name, target in step.output_map.items()}
        return tensors

    def _run_model(
        self, config: ModelConfig, inputs: Mapping[str, Tensor], deadline: Deadline
    ) -> Mapping[str, Tensor]:
        deadline.remaining_s()
        names = [output.name for output in config.output]
        try:
            session = self._session(config)
            return dict(zip(names, session.run(names, dict(inputs)), strict=True))
        except MISMATCHES as error:
            raise ContractMismatch(f"model {config.name}: {error}") from error
        except FAILURES as error:
            raise BackendError(f"model {config.name}: {error}") from error

    def _config(self, model: str) -> ModelConfig:
        if model not in self._configs:
            self._configs[model] = read_config(self._repository, model)
        return self._configs[model]

    def _session(self, config: ModelConfig) -> onnxruntime.InferenceSession:
        if config.name not in self._sessions:
            options = onnxruntime.SessionOptions()
            parameters = describe_config(config).parameters
            options.intra_op_num_threads = int(parameters.get(THREADS_PARAMETER, 0))
            # Every model has its own threads: idle ones must not keep the cores from the busy.
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            self._sessions[config.name] = onnxruntime.InferenceSession(
                model_file(self._repository, config), options, providers=["CPUExecutionProvider"]
            )
        return self._sessions[config.name]
