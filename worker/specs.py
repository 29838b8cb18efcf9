"""Label order, AU order and every tensor that crosses the model server: a leaf, stated once.

Training, export, serving and verification all read this file. `-1` is a free dimension.
"""

from dataclasses import dataclass
from typing import Final, Literal

CROP_SIZE: Final = 112
CLIP_FRAMES: Final = 16
FLOW_SIDE: Final = 56
"""Of a picture of optical flow."""

LABELS: Final = (
    "happiness",
    "sadness",
    "surprise",
    "fear",
    "anger",
    "disgust",
    "contempt",
    "neutral",
)
NEUTRAL: Final = LABELS.index("neutral")
COARSE_LABELS: Final = ("positive", "negative", "surprise")
COARSE_OF: Final = {
    "happiness": "positive",
    "sadness": "negative",
    "surprise": "surprise",
    "fear": "negative",
    "anger": "negative",
    "disgust": "negative",
    "contempt": "negative",
}

AU_NUMBERS: Final = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 24, 25, 26, 45)
AU_NAMES: Final = tuple(f"AU{number:02d}" for number in AU_NUMBERS)
AU_COUNT: Final = len(AU_NUMBERS)
AU_MAX: Final = 5.0
Side = Literal["left", "right"]
SIDES: Final[tuple[Side, Side]] = ("left", "right")
"""The person's own left and right."""

LEVELS: Final = ("low", "mid", "high")
GATES: Final = (*LEVELS, "au")
PLACES: Final = 14
"""Along one side of an attention map: 8 pixels of the crop each."""

DType = Literal["UINT8", "FP32"]


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name, type and dimensions of one tensor, batch axis included."""

    name: str
    dtype: DType
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One served model. `max_batch > 0` means the first axis of every tensor is a batch axis."""

    name: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    max_batch: int = 0
    optional: tuple[TensorSpec, ...] = ()
    """Outputs that a model may have besides; asked for where an answer is to be explained."""
    steps: tuple["ModelSpec", ...] = ()
    """The models an ensemble runs. A tensor keeps its name, or gets that of its model before it."""


_CROPS = TensorSpec("crops", "UINT8", (-1, 3, CROP_SIZE, CROP_SIZE))
_CLIP = TensorSpec("crops", "UINT8", (CLIP_FRAMES, 3, CROP_SIZE, CROP_SIZE))
_REFERENCE = TensorSpec("reference", "UINT8", (1, 3, CROP_SIZE, CROP_SIZE))
_ACTION_UNITS = TensorSpec("action_units", "FP32", (-1, len(SIDES), AU_COUNT))
_RECOGNITION = (
    TensorSpec("probabilities", "FP32", (len(LABELS),)),
    TensorSpec("level_probabilities", "FP32", (len(LEVELS), len(LABELS))),
    TensorSpec("gate", "FP32", (len(GATES),)),
)

FACE = ModelSpec(
    "face",
    (TensorSpec("image", "FP32", (-1, 3, -1, -1)),),
    (
        TensorSpec("heatmap", "FP32", (-1, 1, -1, -1)),
        TensorSpec("scale", "FP32", (-1, 2, -1, -1)),
        TensorSpec("offset", "FP32", (-1, 2, -1, -1)),
        TensorSpec("landmarks", "FP32", (-1, 10, -1, -1)),
    ),
)
DEPTH = ModelSpec(
    "depth",
    (_CROPS,),
    (TensorSpec("depth", "FP32", (-1, 1, CROP_SIZE, CROP_SIZE)),),
    max_batch=64,
)
AU = ModelSpec("au", (_CROPS, _REFERENCE), (_ACTION_UNITS,))
MADVNET = ModelSpec(
    "madvnet",
    (
        _CLIP,
        TensorSpec("depth", "FP32", (CLIP_FRAMES, 1, CROP_SIZE, CROP_SIZE)),
        TensorSpec("action_units", "FP32", (CLIP_FRAMES, len(SIDES), AU_COUNT)),
    ),
    _RECOGNITION,
    optional=(TensorSpec("attention", "FP32", (CLIP_FRAMES, len(LEVELS), PLACES, PLACES)),),
)
"""`attention`: where the class token of each frame and level looks; a picture sums to 1."""
RECOGNIZE = ModelSpec(
    "recognize",
    (_CROPS, _REFERENCE),
    (*_RECOGNITION, _ACTION_UNITS),
    optional=MADVNET.optional,
    steps=(AU, DEPTH, MADVNET),
)
MSJFN = ModelSpec(
    "msjfn",
    (TensorSpec("flow", "UINT8", (3, FLOW_SIDE, FLOW_SIDE)),),
    _RECOGNITION[:1],
)
"""`flow`: u, v and strain from onset to apex."""
AFFECTIVENET = ModelSpec(
    "affectivenet",
    (TensorSpec("affective_motion", "UINT8", (1, CROP_SIZE, CROP_SIZE)),),
    _RECOGNITION[:1],
)
AFN = ModelSpec(
    "afn",
    (TensorSpec("ranked_motion", "UINT8", (2, CROP_SIZE, CROP_SIZE)),),
    _RECOGNITION[:1],
)


def _with_action_units(network: ModelSpec) -> ModelSpec:
    """The ensemble that measures what moves beside what a network infers from pictures."""
    return ModelSpec(
        f"{RECOGNIZE.name}_{network.name}",
        (_CROPS, _REFERENCE, *network.inputs),
        (*network.outputs, _ACTION_UNITS),
        steps=(AU, network),
    )


def _together(networks: tuple[ModelSpec, ...]) -> ModelSpec:
    """The ensemble that asks all networks of emotions at once."""
    made = {tensor.name for network in (AU, DEPTH) for tensor in network.outputs}
    inputs = {tensor.name: tensor for network in networks for tensor in network.inputs}
    given = tuple(tensor for name, tensor in inputs.items() if name not in {"crops", *made})
    answers = tuple(
        TensorSpec(f"{network.name}_{tensor.name}", tensor.dtype, tensor.shape)
        for network in networks
        for tensor in _RECOGNITION[:1]
    )
    return ModelSpec(
        f"{RECOGNIZE.name}_ensemble",
        (_CROPS, _REFERENCE, *given),
        (*answers, _ACTION_UNITS),
        steps=(AU, DEPTH, *networks),
    )


PICTURE_NETWORKS: Final = (MSJFN, AFFECTIVENET, AFN)
"""What they see is made of the crops before they are asked."""
EMOTION_NETWORKS: Final = (MADVNET, *PICTURE_NETWORKS)
RECOGNIZE_PICTURES: Final = {
    network.name: _with_action_units(network) for network in PICTURE_NETWORKS
}
"""The ensemble around each of them."""
RECOGNIZE_ENSEMBLE = _together(EMOTION_NETWORKS)
ENSEMBLES: Final = (RECOGNIZE, *RECOGNIZE_PICTURES.values(), RECOGNIZE_ENSEMBLE)

MODELS: Final = {spec.name: spec for spec in (FACE, DEPTH, AU, *EMOTION_NETWORKS, *ENSEMBLES)}
