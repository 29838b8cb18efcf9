"""Triton's model configuration in this project's terms."""

from collections.abc import Iterable

from tritonclient.grpc.model_config_pb2 import DataType, ModelConfig

from worker.backend import ModelDescription, TensorDescription


def describe_config(config: ModelConfig) -> ModelDescription:
    """Tensors (batch axis included) and parameters of a configuration."""
    batch_axis = (-1,) if config.max_batch_size > 0 else ()

    def tensors(declared: Iterable[ModelConfig]) -> tuple[TensorDescription, ...]:
        return tuple(
            TensorDescription(
                tensor.name,
                DataType.Name(tensor.data_type).removeprefix("TYPE_"),
                (*batch_axis, *tensor.dims),
            )
            for tensor in declared
        )

    return ModelDescription(
        config.name,
        tensors(config.input),
        tensors(config.output),
        config.max_batch_size,
        {name: value.string_value for name, value in config.parameters.items()},
    )
