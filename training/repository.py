"""`config.pbtxt` and `preprocess.json` as text, from the tensor specs the worker checks."""

import hashlib
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import onnx

from worker.models.calibration import ABSTAIN_BELOW, TEMPERATURE
from worker.preprocess.spec import PREPROCESS
from worker.specs import (
    AU,
    AU_NAMES,
    DEPTH,
    EMOTION_NETWORKS,
    ENSEMBLES,
    FACE,
    LABELS,
    MADVNET,
    PICTURE_NETWORKS,
    RECOGNIZE,
    ModelSpec,
    TensorSpec,
)

VERSION = "1"
TRAINED_ON = {
    AU.name: "synthetic-me v3",
    DEPTH.name: "synthetic-me v2",
    MADVNET.name: "synthetic-me v3",
    **dict.fromkeys((network.name for network in PICTURE_NETWORKS), "synthetic-me v3"),
}
"""The state of the generator when the shipped weights were trained."""
LICENCE = "CC-BY-4.0"
"""Of the weights, as SPDX names it; `model_repo/LICENSE.md` says more."""
METRICS_FILE = "metrics.json"
"""Beside the card of MADV-Net: what was measured, and on which weights."""
CALIBRATION_FILE = "calibration.json"
"""The same for its temperature and its threshold; `training.calibrate` writes it."""
_WARM_FRAMES = 16
_ONE_INSTANCE = "instance_group [ { count: 1 } ]\n"
"""onnxruntime uses all cores by itself: more instances of a model would only compete."""
_QUEUE = """dynamic_batching {
  default_queue_policy { max_queue_size: 256 timeout_action: REJECT }
}
"""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where weights come from, and under which licence (SPDX)."""

    trained_on: str
    licence: str = LICENCE


def write_model(folder: Path, spec: ModelSpec, origin: Origin | None = None) -> None:
    """Configuration of a model whose `1/model.onnx` is already there; ours unless said."""
    origin = origin or Origin(TRAINED_ON.get(spec.name, ""))
    weights = digest([folder / "1" / "model.onnx"])
    own = {} if spec is FACE else parameters(weights, origin)
    if spec is AU:  # a recognizer by itself, too
        own["metrics"] = metrics(folder / METRICS_FILE, weights)
    if spec in EMOTION_NETWORKS:
        own |= calibration(folder / CALIBRATION_FILE, weights)
    text = [
        f'name: "{spec.name}"\nbackend: "onnxruntime"\nmax_batch_size: {spec.max_batch}\n',
        "version_policy { specific { versions: [ 1 ] } }\n",
        _tensors("input", spec.inputs, spec.max_batch),
        _tensors("output", _outputs(folder / "1" / "model.onnx", spec), spec.max_batch),
        _ONE_INSTANCE,
        _QUEUE if spec.max_batch else "",
        "" if spec is FACE else _warmup(spec),
        _parameters(own),
    ]
    _write(folder, "".join(text))


def write_ensemble(folder: Path, repository: Path, spec: ModelSpec = RECOGNIZE) -> None:
    """An ensemble: in one request crops to AUs, to depth where it is asked for, and to emotions.

    What was measured and fitted lies with its network of emotions, or with itself if it has more.
    """
    parts = [repository / step.name for step in spec.steps]
    weights = ensemble_digest(repository, spec)
    own = _own_folder(repository, spec)
    about = {
        **parameters(weights, _joint_origin(parts)),
        **_fitted(repository, spec),
        "metrics": metrics(own / METRICS_FILE, weights),
    }
    given = replace(spec, outputs=_given(spec, repository))
    steps = [_step(step, given) for step in spec.steps]
    (folder / "1").mkdir(parents=True, exist_ok=True)
    (folder / "1" / ".gitkeep").touch()  # Triton wants the folder, git keeps no empty one
    text = [
        f'name: "{spec.name}"\nplatform: "ensemble"\nmax_batch_size: 0\n',
        "version_policy { specific { versions: [ 1 ] } }\n",
        _tensors("input", spec.inputs, 0),
        _tensors("output", given.outputs, 0),
        "ensemble_scheduling {\n  step [\n" + ",\n".join(steps) + "\n  ]\n}\n",
        _parameters(about),
    ]
    _write(folder, "".join(text))


def ensemble_digest(repository: Path, spec: ModelSpec = RECOGNIZE) -> str:
    """What a result of an ensemble names: all that its answers depend on."""
    files = [repository / step.name / "1" / "model.onnx" for step in spec.steps]
    # Another calibration gives other answers.
    also = [_own_folder(repository, spec) / CALIBRATION_FILE] if _fitted(repository, spec) else []
    return digest([*files, *also])


def _fitted(repository: Path, spec: ModelSpec) -> dict[str, str]:
    """Parameters of the calibration of an ensemble, if there is one."""
    judges = [repository / step.name for step in spec.steps if step in EMOTION_NETWORKS]
    weights = digest([network / "1" / "model.onnx" for network in judges])
    return calibration(_own_folder(repository, spec) / CALIBRATION_FILE, weights)


def _own_folder(repository: Path, spec: ModelSpec) -> Path:
    """Where that lies which was measured and fitted: with the one network of emotions, if one."""
    networks = [step for step in spec.steps if step in EMOTION_NETWORKS]
    return repository / (networks[0] if len(networks) == 1 else spec).name


def write_ensembles(repository: Path) -> None:
    """Every ensemble whose parts are all there."""
    for spec in ENSEMBLES:
        if all((repository / step.name / "config.pbtxt").is_file() for step in spec.steps):
            write_ensemble(repository / spec.name, repository, spec)


def parameters(weights: str, origin: Origin) -> dict[str, str]:
    """What the worker verifies against its own code, and what a result or a model list names."""
    return {
        "version": VERSION,
        "digest": weights,
        "trained_on": origin.trained_on,
        "licence": origin.licence,
        "preprocess_digest": PREPROCESS.digest(),
        "labels": ",".join(LABELS),
        "action_units": ",".join(AU_NAMES),
    }


def metrics(file: Path, weights: str) -> str:
    """The figures in a file as a JSON list; none where they were measured on other weights.

    The digest of the weights does not cover them: measuring changes no answer.
    """
    measured = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    figures = measured["metrics"] if measured.get("weights") == weights else []
    return json.dumps(figures, separators=(",", ":"))


def calibration(file: Path, weights: str) -> dict[str, str]:
    """Temperature and threshold in a file as parameters; none where fitted on other weights."""
    fitted = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    if fitted.get("weights") != weights:
        return {}
    return {name: str(fitted[name]) for name in (TEMPERATURE, ABSTAIN_BELOW)}


def digest(files: list[Path]) -> str:
    """`sha256:` over the files' digests, in order."""
    whole = hashlib.sha256()
    for file in files:
        whole.update(hashlib.sha256(file.read_bytes()).digest())
    return "sha256:" + whole.hexdigest()


def _joint_origin(parts: list[Path]) -> Origin:
    """What holds for all parts of an ensemble: each origin once, licences as an SPDX expression."""
    origins = [_origin(part / "config.pbtxt") for part in parts]
    return Origin(
        ",".join(dict.fromkeys(origin.trained_on for origin in origins)),
        " AND ".join(dict.fromkeys(origin.licence for origin in origins)),
    )


def _origin(config: Path) -> Origin:
    """The origin a configuration written here names."""
    written = config.read_text(encoding="utf-8")
    pattern = r'key: "(trained_on|licence)" value \{ string_value: "([^"]*)" \}'
    return Origin(**dict(re.findall(pattern, written)))


def _write(folder: Path, config: str) -> None:
    (folder / "1").mkdir(parents=True, exist_ok=True)
    (folder / "config.pbtxt").write_text(config)
    if "preprocess_digest" in config:
        preprocess = {"preprocess": json.loads(PREPROCESS.to_json()), "digest": PREPROCESS.digest()}
        (folder / "preprocess.json").write_text(json.dumps(preprocess, indent=2) + "\n")


def _outputs(network: Path, spec: ModelSpec) -> tuple[TensorSpec, ...]:
    """Those of the specification, and the optional ones that the graph has."""
    if not spec.optional:
        return spec.outputs
    there = {output.name for output in onnx.load(network).graph.output}
    return (*spec.outputs, *(tensor for tensor in spec.optional if tensor.name in there))


def _given(ensemble: ModelSpec, repository: Path) -> tuple[TensorSpec, ...]:
    """What an ensemble gives: of the optional outputs those that one of its parts has."""
    there = {
        tensor
        for step in ensemble.steps
        for tensor in _outputs(repository / step.name / "1" / "model.onnx", step)
    }
    return (*ensemble.outputs, *(tensor for tensor in ensemble.optional if tensor in there))


def _tensors(kind: str, specs: tuple[TensorSpec, ...], max_batch: int) -> str:
    rows = ",\n".join(
        f'  {{ name: "{spec.name}" data_type: TYPE_{spec.dtype} dims: {_dims(spec, max_batch)} }}'
        for spec in specs
    )
    return f"{kind} [\n{rows}\n]\n"


def _dims(spec: TensorSpec, max_batch: int) -> str:
    """A batching model does not list its batch axis."""
    shape = spec.shape[1:] if max_batch else spec.shape
    return "[ " + ", ".join(str(size) for size in shape) + " ]"


def _warmup(spec: ModelSpec) -> str:
    """One request of typical size, so that the first user does not pay for lazy allocation."""
    inputs = "\n".join(
        f'    inputs {{ key: "{tensor.name}" value {{ data_type: TYPE_{tensor.dtype} '
        f"dims: {_warm_dims(tensor, spec.max_batch)} random_data: true }} }}"
        for tensor in spec.inputs
    )
    batch = _WARM_FRAMES if spec.max_batch else 0
    return f'model_warmup [\n  {{\n    name: "clip"\n    batch_size: {batch}\n{inputs}\n  }}\n]\n'


def _warm_dims(spec: TensorSpec, max_batch: int) -> str:
    shape = spec.shape[1:] if max_batch else spec.shape
    return "[ " + ", ".join(str(_WARM_FRAMES if size < 0 else size) for size in shape) + " ]"


def _step(spec: ModelSpec, ensemble: ModelSpec) -> str:
    """One step: of its outputs those that the ensemble gives or another step reads."""
    wanted = {tensor.name for tensor in ensemble.outputs}
    wanted |= {tensor.name for step in ensemble.steps for tensor in step.inputs}
    rows = [f'      model_name: "{spec.name}"', "      model_version: 1"]
    rows += [f'      input_map {{ key: "{t.name}" value: "{t.name}" }}' for t in spec.inputs]
    for tensor in (*spec.outputs, *spec.optional):
        names = (tensor.name, f"{spec.name}_{tensor.name}")
        rows += [
            f'      output_map {{ key: "{tensor.name}" value: "{name}" }}'
            for name in names
            if name in wanted
        ]
    return "    {\n" + "\n".join(rows) + "\n    }"


def _parameters(values: dict[str, str]) -> str:
    return "".join(
        f'parameters {{ key: "{key}" value {{ string_value: "{_escaped(value)}" }} }}\n'
        for key, value in values.items()
    )


def _escaped(value: str) -> str:
    """A value between the quotes of protobuf's text format."""
    return value.replace("\\", "\\\\").replace('"', '\\"')
