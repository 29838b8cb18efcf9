"""A model repository on disk, read as Triton reads it."""

from pathlib import Path
from typing import Final

from google.protobuf import text_format
from tritonclient.grpc.model_config_pb2 import ModelConfig

from worker.errors import ContractMismatch

_CONFIG: Final = "config.pbtxt"


def read_config(repository: Path, model: str) -> ModelConfig:
    """The configuration of a model.

    Raises:
        ContractMismatch: There is none, or it cannot be read.
    """
    path = repository / model / _CONFIG
    try:
        config: ModelConfig = text_format.Parse(path.read_text(encoding="utf-8"), ModelConfig())
    except FileNotFoundError as error:
        raise ContractMismatch(f"no model {model} in {repository}") from error
    except text_format.ParseError as error:
        raise ContractMismatch(f"{path} cannot be read: {error}") from error
    config.name = config.name or model
    return config


def model_file(repository: Path, config: ModelConfig) -> Path:
    """The ONNX file of the version served: the one the policy names, else the highest.

    Raises:
        ContractMismatch: It is not there.
    """
    folder = repository / config.name
    versions = list(config.version_policy.specific.versions) or sorted(
        int(entry.name) for entry in folder.iterdir() if entry.name.isdigit()
    )
    name: str = config.default_model_filename or "model.onnx"
    path: Path = folder / str(versions[-1] if versions else 1) / name
    if not path.is_file():
        raise ContractMismatch(f"model {config.name} lacks {path}")
    return path
