"""What a worker can do, for whoever has to choose or to refuse before it is asked."""

from pydantic import TypeAdapter, ValidationError

from worker.backend import Backend, Deadline, ModelDescription
from worker.contract import Capabilities, ClipLimits, Metric, ModelCard
from worker.errors import ContractMismatch
from worker.models.registry import REGISTRY
from worker.specs import AU_NAMES, LABELS
from worker.video.allowed import CODECS
from worker.video.container import CONTAINERS
from worker.video.limits import DecodeLimits
from worker.video.numbering import ARCHIVE_IMAGES
from worker.watch import MIN_FRAMES

_METRICS = TypeAdapter(list[Metric])


def capabilities(backend: Backend, limits: DecodeLimits, deadline: Deadline) -> Capabilities:
    """The recognizers as they are served, and what a clip may be.

    Raises:
        BackendError: The models do not say what they are.
    """
    cards = [
        model_card(name, backend.describe(recognizer.spec.name, deadline), recognizer.labels)
        for name, recognizer in REGISTRY.items()
    ]
    return Capabilities(models=cards, limits=clip_limits(limits))


def model_card(name: str, served: ModelDescription, labels: tuple[str, ...] = LABELS) -> ModelCard:
    """The recognizer `name` as its served model describes itself.

    Raises:
        ContractMismatch: It does not.
    """
    about = served.parameters
    try:
        return ModelCard(
            name=name,
            version=about["version"],
            digest=about["digest"],
            preprocess=about["preprocess_digest"],
            labels=list(labels),
            action_units=list(AU_NAMES),
            trained_on=about["trained_on"].split(","),
            licence=about["licence"],
            metrics=_METRICS.validate_json(about["metrics"]),
        )
    except KeyError as error:
        raise ContractMismatch(f"{served.name} parameter {error}: missing") from error
    except ValidationError as error:
        raise ContractMismatch(f"{served.name} parameter metrics: {error}") from error


def clip_limits(limits: DecodeLimits) -> ClipLimits:
    """The limits in the terms of the contract."""
    return ClipLimits(
        max_bytes=limits.max_bytes,
        max_pixels=limits.max_pixels,
        min_frames=MIN_FRAMES,
        max_frames=limits.max_frames,
        max_duration_s=limits.max_duration_s,
        containers=list(CONTAINERS),
        codecs=list(CODECS),
        archive_images=list(ARCHIVE_IMAGES),
    )
