"""The 3D face with blendshapes, and the displacement of each action unit on it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from worker.specs import AU_NUMBERS, SIDES

Floats = npt.NDArray[np.float32]

BLENDSHAPES_OF_AU: Final[dict[int, dict[str, float]]] = {
    1: {"browInnerUp": 1.0},
    2: {"browOuterUp": 1.0},
    4: {"browDown": 1.0},
    5: {"eyeWide": 1.0},
    6: {"cheekRaiser": 1.0, "cheekSquint": 1.0},
    7: {"eyeSquint": 1.0},
    9: {"noseSneer": 1.0},
    10: {"mouthUpperUp": 1.0},
    12: {"mouthSmile": 1.0},
    14: {"mouthDimple": 1.0},
    15: {"mouthFrown": 1.0},
    17: {"mouthShrugLower": 1.0},
    20: {"mouthStretch": 1.0},
    23: {"mouthRollLower": 0.5, "mouthRollUpper": 0.5, "mouthPucker": 0.25},
    24: {"mouthPress": 1.0, "mouthRollLower": 0.3},
    25: {"mouthLowerDown": 0.6, "mouthUpperUp": 0.3},
    26: {"jawOpen": 0.7},
    45: {"eyeBlink": 1.0},
}
"""Weights of ARKit-style blendshapes that make one AU at full activation (FACS 5).

AU23 has no blendshape of its own: lips rolled in and slightly pursed come nearest.
"""

_MIDLINE_BLEND = 0.6
"""Model units over which a midline shape is shared between its left and right half."""


@dataclass(frozen=True)
class FaceModel:
    """Vertices in model units (x image-right, y up, z towards the camera)."""

    neutral: Floats
    """f32 [V, 3]"""
    identity: Floats
    """f32 [M, V, 3], modes in falling order of size"""
    triangles: npt.NDArray[np.int32]
    landmarks68: npt.NDArray[np.intp]
    action_units: Floats
    """f32 [K, 2, V, 3]: displacement at FACS 5 of the person's left and right half"""

    @classmethod
    def load(cls, folder: Path) -> "FaceModel":
        """Read `ict_face_f16.npz` and `ict68.json`."""
        with np.load(folder / "ict_face_f16.npz") as data:
            neutral = data["neutral"].astype(np.float32)
            names, values = data["bs_names"].tolist(), data["bs"].astype(np.float32)
            shapes = dict(zip(names, values, strict=True))
            identity = data["ident"].astype(np.float32)
            triangles = data["faces"]
        landmarks68 = np.array(json.loads((folder / "ict68.json").read_text()), dtype=np.intp)
        actions = np.stack([_action_unit(number, shapes, neutral) for number in AU_NUMBERS])
        return cls(neutral, identity, triangles, landmarks68, actions)


def _action_unit(number: int, shapes: dict[str, Floats], neutral: Floats) -> Floats:
    """f32 [2, V, 3]: left and right half of one AU at full activation."""
    left_share = 1 / (1 + np.exp(-neutral[:, :1] / (_MIDLINE_BLEND / 2)))
    shares = {"L": left_share, "R": 1 - left_share}
    halves = np.zeros((len(SIDES), *neutral.shape), dtype=np.float32)
    for name, weight in BLENDSHAPES_OF_AU[number].items():
        for row, side in enumerate(("L", "R")):
            shape = shapes.get(f"{name}_{side}")
            halves[row] += weight * (shares[side] * shapes[name] if shape is None else shape)
    return halves
