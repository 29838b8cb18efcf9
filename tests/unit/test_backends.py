"""The in-process backend on tiny networks made here, and the maps of foreign errors."""

from pathlib import Path

import grpc
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnxruntime.capi import onnxruntime_pybind11_state as runtime
from tritonclient.utils import InferenceServerException

from worker.backend import Deadline
from worker.errors import BackendError, BackendTimeout, BackendUnavailable, ContractMismatch
from worker.triton.client import TritonBackend
from worker.triton.inprocess import FAILURES, MISMATCHES, InProcessBackend
from worker.triton.repository import model_file, read_config
from worker.triton.status import ERRORS, backend_error

FREE = ["n", 3]
ENSEMBLE = """
name: "both" platform: "ensemble"
input { name: "pixels" data_type: TYPE_UINT8 dims: [ -1, 3 ] }
output [ { name: "sum" data_type: TYPE_FP32 dims: [ -1, 3 ] },
         { name: "scaled" data_type: TYPE_FP32 dims: [ -1, 3 ] } ]
ensemble_scheduling { step [
  { model_name: "add" model_version: -1
    input_map { key: "a" value: "scaled" } input_map { key: "b" value: "scaled" }
    output_map { key: "y" value: "sum" } },
  { model_name: "scale" model_version: -1
    input_map { key: "x" value: "pixels" } output_map { key: "y" value: "scaled" } }
] }
"""


def soon() -> Deadline:
    return Deadline.after(30.0)


def write_model(
    folder: Path, nodes: list[onnx.NodeProto], inputs: dict[str, int], text: str
) -> None:
    """A network with float output `y` and its configuration."""
    tensors = [helper.make_tensor_value_info(name, kind, FREE) for name, kind in inputs.items()]
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, FREE)
    graph = helper.make_graph(nodes, folder.name, tensors, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (folder / "1").mkdir(parents=True)
    onnx.save(model, folder / "1" / "model.onnx")
    (folder / "config.pbtxt").write_text(f'name: "{folder.name}" backend: "onnxruntime" {text}')


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """`scale` divides bytes by 255, `add` adds, `both` chains them in the wrong order."""
    constant = helper.make_tensor("whole", TensorProto.FLOAT, [], [255.0])
    write_model(
        tmp_path / "scale",
        [
            helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
            helper.make_node("Constant", [], ["c"], value=constant),
            helper.make_node("Div", ["f", "c"], ["y"]),
        ],
        {"x": TensorProto.UINT8},
        """max_batch_size: 64
        input { name: "x" data_type: TYPE_UINT8 dims: [ 3 ] }
        output { name: "y" data_type: TYPE_FP32 dims: [ 3 ] }
        parameters { key: "intra_op_thread_count" value { string_value: "1" } }""",
    )
    write_model(
        tmp_path / "add",
        [helper.make_node("Add", ["a", "b"], ["y"])],
        {"a": TensorProto.FLOAT, "b": TensorProto.FLOAT},
        """input [ { name: "a" data_type: TYPE_FP32 dims: [ -1, 3 ] },
                   { name: "b" data_type: TYPE_FP32 dims: [ -1, 3 ] } ]
        output { name: "y" data_type: TYPE_FP32 dims: [ -1, 3 ] }""",
    )
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / "config.pbtxt").write_text(ENSEMBLE)
    return tmp_path


PIXELS = np.arange(12, dtype=np.uint8).reshape(4, 3)


def test_a_model_gives_what_numpy_gives(repository: Path) -> None:
    with InProcessBackend(repository) as backend:
        outputs = backend.infer("scale", {"x": PIXELS}, ["y"], soon())

    assert outputs["y"].dtype == np.float32
    assert outputs["y"] == pytest.approx(PIXELS / 255)


def test_an_ensemble_follows_the_data_not_the_order_of_its_steps(repository: Path) -> None:
    with InProcessBackend(repository) as backend:
        outputs = backend.infer("both", {"pixels": PIXELS}, ["sum", "scaled"], soon())

    assert outputs["scaled"] == pytest.approx(PIXELS / 255)
    assert outputs["sum"] == pytest.approx(2 * PIXELS / 255)


def test_a_description_includes_the_batch_axis(repository: Path) -> None:
    with InProcessBackend(repository) as backend:
        scale = backend.describe("scale", soon())
        both = backend.describe("both", soon())

    assert (scale.max_batch, both.max_batch) == (64, 0)
    assert scale.inputs[0].shape == (-1, 3)
    assert both.inputs[0].shape == (-1, 3)
    assert [tensor.dtype for tensor in (*scale.inputs, *scale.outputs)] == ["UINT8", "FP32"]
    assert scale.parameters == {"intra_op_thread_count": "1"}


@pytest.mark.parametrize(
    ("model", "inputs", "output"),
    [
        ("nothing", {"x": PIXELS}, "y"),
        ("scale", {"x": PIXELS}, "z"),
        ("scale", {}, "y"),
        ("scale", {"x": PIXELS.astype(np.float32)}, "y"),
        ("scale", {"x": PIXELS[:, :2]}, "y"),
        ("both", {"x": PIXELS}, "sum"),
    ],
)
def test_what_does_not_fit_is_a_mismatch(
    repository: Path, model: str, inputs: dict[str, np.ndarray], output: str
) -> None:
    with InProcessBackend(repository) as backend, pytest.raises(ContractMismatch):
        backend.infer(model, inputs, [output], soon())


def test_a_spent_deadline_stops_before_the_next_step(repository: Path) -> None:
    with InProcessBackend(repository) as backend, pytest.raises(BackendTimeout):
        backend.infer("both", {"pixels": PIXELS}, ["sum"], Deadline.after(0.0))


def test_the_version_policy_chooses_the_file(repository: Path) -> None:
    config = read_config(repository, "scale")
    (repository / "scale" / "1").rename(repository / "scale" / "10")
    (repository / "scale" / "9").mkdir()
    assert model_file(repository, config) == repository / "scale" / "10" / "model.onnx"

    config.version_policy.specific.versions.append(9)
    with pytest.raises(ContractMismatch, match="9"):
        model_file(repository, config)


def test_a_configuration_that_cannot_be_read_is_a_mismatch(repository: Path) -> None:
    (repository / "add" / "config.pbtxt").write_text("max_batch_size: many")

    with pytest.raises(ContractMismatch, match=r"config\.pbtxt"):
        read_config(repository, "add")


def test_every_error_of_onnxruntime_is_mapped() -> None:
    known = (*MISMATCHES, *FAILURES)
    errors = [kind for kind in vars(runtime).values() if _is_error(kind)]

    assert errors
    assert [kind for kind in errors if not issubclass(kind, known)] == []


def _is_error(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Exception)


def test_every_grpc_status_is_mapped() -> None:
    assert set(ERRORS) == {code.name for code in grpc.StatusCode} - {"OK"}
    for code in grpc.StatusCode:
        if code is not grpc.StatusCode.OK:
            error = backend_error(InferenceServerException("why", status=str(code)))
            assert type(error) is ERRORS[code.name]
            assert code.name in str(error)


def test_tensors_the_client_refuses_are_a_mismatch() -> None:
    assert isinstance(backend_error(InferenceServerException("why")), ContractMismatch)


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with TritonBackend("127.0.0.1:9") as backend, pytest.raises(BackendUnavailable):
        backend.describe("face", Deadline.after(5.0))


def test_a_backend_must_be_entered() -> None:
    with pytest.raises(RuntimeError, match="enter it first"):
        TritonBackend("127.0.0.1:9").describe("face", soon())


def test_all_errors_of_a_backend_have_one_root() -> None:
    assert all(issubclass(kind, BackendError) for kind in ERRORS.values())
