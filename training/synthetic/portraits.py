"""Portraits with landmarks, and which identities may train, validate and test."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import onnxruntime as ort

from training.synthetic.canvas import Picture
from training.synthetic.face_model import FaceModel, Floats
from training.synthetic.landmarks import FacialPoints, facial_points
from training.synthetic.rig import Rig, build_rig
from worker.models import face
from worker.preprocess.align import similarity
from worker.preprocess.spec import PREPROCESS
from worker.specs import FACE

SPLITS = ("train", "validation", "test")
_VALIDATION_BELOW = 12
_TEST_BELOW = 32
_LANDMARKS: Final = ("landmarks478.npz", "landmarks189.npz")
_IMAGES: Final = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class Portrait:
    """A still face, RGB uint8 [H, W, 3], and the points on it (pixels)."""

    name: str
    image: Picture
    points: FacialPoints


def split_of(identity: str) -> str:
    """Which split an identity belongs to: by hash of its name, about 68/12/20 per cent.

    A name decides for ever and on every machine, so no later run can leak an identity.
    """
    bucket = int(hashlib.sha256(identity.encode()).hexdigest(), 16) % 100
    if bucket < _VALIDATION_BELOW:
        return "validation"
    return "test" if bucket < _TEST_BELOW else "train"


def portrait_names(folder: Path, split: str) -> list[str]:
    """Identities of one split, sorted; `all` gives every identity."""
    names = sorted(path.stem for path in folder.iterdir() if path.suffix.lower() in _IMAGES)
    return [name for name in names if split in ("all", split_of(name))]


def load_portrait(folder: Path, name: str) -> Portrait:
    """One portrait with its landmarks.

    They come from `landmarks478.npz` beside the images, else from `landmarks189.npz`. Raises
    FileNotFoundError where neither has this name.
    """
    file = next(path for path in folder.glob(f"{name}.*") if path.suffix.lower() in _IMAGES)
    image = cv2.imread(str(file), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise FileNotFoundError(f"{file} is not a readable image")
    return Portrait(name, image.astype(np.uint8, copy=False), _landmarks(folder, name))


def _landmarks(folder: Path, name: str) -> FacialPoints:
    for file in (folder / name for name in _LANDMARKS):
        if file.exists():
            with np.load(file) as sets:
                if name in sets:
                    return facial_points(sets[name])
    raise FileNotFoundError(f"{folder} has no {' or '.join(_LANDMARKS)} with a row {name!r}")


def load_rigs(portraits: Path, face_model: Path, split: str, detector: Path) -> list[Rig]:
    """Gray rigs of every identity of a split, aligned by the production face detector."""
    model = FaceModel.load(face_model)
    aligner = Aligner(detector)
    return [
        _gray_rig(load_portrait(portraits, name), model, aligner)
        for name in portrait_names(portraits, split)
    ]


def _gray_rig(portrait: Portrait, model: FaceModel, aligner: "Aligner") -> Rig:
    gray = cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    return build_rig(portrait.name, gray, portrait.points, aligner.alignment(portrait), model)


class Aligner:
    """Portraits to crops as production does it, by the face detector's five points."""

    def __init__(self, detector: Path) -> None:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        self._session = ort.InferenceSession(str(detector), options)

    def alignment(self, portrait: Portrait) -> Floats:
        """f32 [2, 3], image to crop; by the portrait's own landmarks where no face is detected."""
        image, scale = face.prepare(portrait.image)
        names = [tensor.name for tensor in FACE.outputs]
        values = self._session.run(names, {FACE.inputs[0].name: image})
        found = face.main_face(face.interpret(dict(zip(names, values, strict=True)), scale))
        five = five_points(portrait.points.points68) if found is None else found.landmarks
        return similarity(five, PREPROCESS)


def five_points(points68: Floats) -> Floats:
    """Eye centres, nose tip and mouth corners f32 [5, 2], as the face detector names them."""
    eyes = [points68[36:42].mean(axis=0), points68[42:48].mean(axis=0)]
    return np.stack([*eyes, *points68[[30, 48, 54]]]).astype(np.float32)
