"""Label order, AU order and every tensor that crosses the model server: a leaf, stated once.

Training, export, serving and verification all read this file. `-1` is a free dimension.
"""

from dataclasses import dataclass
from typing import Final, Literal

CROP_SIZE: Final = 112
CLIP_FRAMES: Final = 16

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
SIDES: Final = ("left", "right")
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
    """Outputs that a model may have besides; nothing here asks for them."""


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
RECOGNIZE = ModelSpec("recognize", (_CROPS, _REFERENCE), (*_RECOGNITION, _ACTION_UNITS))

MODELS: Final = {spec.name: spec for spec in (FACE, DEPTH, AU, MADVNET, RECOGNIZE)}
