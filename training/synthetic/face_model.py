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
    7: {"eyeSquint": 1.0, "eyeBlink": 0.12},
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

AU23 has no blendshape of its own: lips rolled in and slightly pursed come nearest. AU7 tightens the
upper lid too, which its blendshape leaves out. AU26 is drawn with AU25: see `Expression.shares`.
"""

EXTRAS: Final[dict[str, dict[str, float]]] = {
    "lower_lip_depressor": {"mouthLowerDown": 1.0},
    "pucker": {"mouthPucker": 1.0},
    "funnel": {"mouthFunnel": 1.0},
    "lip_suck": {"mouthRollLower": 1.0, "mouthRollUpper": 1.0},
    "cheek_puff": {"cheekPuff": 1.0},
    "jaw_sideways": {"jawLeft": 1.0},
    "lips_closed": {"mouthClose": 0.7, "mouthShrugLower": 0.15},
}
"""Movements that are seen but not served: AU16, 18, 22, 28, 34, 30, and what holds the lips of a
dropped jaw together (AU26 alone). They disturb, as they do in life, or complete a prototype."""

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
    extras: Floats
    """f32 [E, 2, V, 3]: the same for `EXTRAS`"""

    @property
    def movements(self) -> Floats:
        """f32 [K + E, 2, V, 3]: all that moves a face."""
        return np.concatenate([self.action_units, self.extras])

    @classmethod
    def load(cls, place: Path) -> "FaceModel":
        """Read the model's `.npz` and `ict68.json` beside it; a folder holds `ict_face_f16.npz`."""
        file = place / "ict_face_f16.npz" if place.is_dir() else place
        with np.load(file) as data:
            neutral = data["neutral"].astype(np.float32)
            names, values = data["bs_names"].tolist(), data["bs"].astype(np.float32)
            shapes = dict(zip(names, values, strict=True))
            identity = data["ident"].astype(np.float32)
            triangles = data["faces"]
        landmarks68 = np.array(json.loads((file.parent / "ict68.json").read_text()), dtype=np.intp)
        actions = [_halves(BLENDSHAPES_OF_AU[number], shapes, neutral) for number in AU_NUMBERS]
        extras = [_halves(mixture, shapes, neutral) for mixture in EXTRAS.values()]
        return cls(neutral, identity, triangles, landmarks68, np.stack(actions), np.stack(extras))


def _halves(mixture: dict[str, float], shapes: dict[str, Floats], neutral: Floats) -> Floats:
    """f32 [2, V, 3]: left and right half of a mixture of blendshapes at full activation."""
    left_share = 1 / (1 + np.exp(-neutral[:, :1] / (_MIDLINE_BLEND / 2)))
    shares = {"L": left_share, "R": 1 - left_share}
    halves = np.zeros((len(SIDES), *neutral.shape), dtype=np.float32)
    for name, weight in mixture.items():
        for row, side in enumerate(("L", "R")):
            shape = shapes.get(f"{name}_{side}")
            halves[row] += weight * (shares[side] * shapes[name] if shape is None else shape)
    return halves
