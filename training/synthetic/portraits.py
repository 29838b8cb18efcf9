"""Portraits with landmarks, and which identities may train, validate and test."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from training.synthetic.face_model import FaceModel, Floats
from training.synthetic.rig import Rig, build_rig
from worker.models import face
from worker.preprocess.align import similarity
from worker.preprocess.spec import PREPROCESS
from worker.specs import FACE

SPLITS = ("train", "validation", "test")
_VALIDATION_BELOW = 12
_TEST_BELOW = 32


@dataclass(frozen=True)
class Portrait:
    """A still face and the 68 Multi-PIE points on it (pixels)."""

    name: str
    image: npt.NDArray[np.uint8]
    landmarks68: Floats


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
    names = sorted(path.stem for path in folder.glob("*.jpg"))
    return [name for name in names if split in ("all", split_of(name))]


def load_portrait(folder: Path, face_model_folder: Path, name: str) -> Portrait:
    """One portrait with its landmarks, from `landmarks478.npz` beside the images."""
    to_68 = json.loads((face_model_folder / "mesh478_to_68.json").read_text())
    with np.load(folder / "landmarks478.npz") as landmarks:
        points = landmarks[name][to_68, :2].astype(np.float32)
    image = cv2.imread(str(folder / f"{name}.jpg"), cv2.IMREAD_COLOR_RGB)
    if image is None:
        raise FileNotFoundError(folder / f"{name}.jpg")
    return Portrait(name, image.astype(np.uint8, copy=False), points)


def load_rigs(portraits: Path, face_model_folder: Path, split: str, detector: Path) -> list[Rig]:
    """Rigs of every identity of a split, aligned by the production face detector."""
    model = FaceModel.load(face_model_folder)
    session = ort.InferenceSession(str(detector), _quiet())
    return [
        _rig(load_portrait(portraits, face_model_folder, name), model, session)
        for name in portrait_names(portraits, split)
    ]


def _rig(portrait: Portrait, model: FaceModel, detector: ort.InferenceSession) -> Rig:
    image, scale = face.prepare(portrait.image)
    names = [tensor.name for tensor in FACE.outputs]
    outputs = dict(zip(names, detector.run(names, {FACE.inputs[0].name: image}), strict=True))
    found = face.main_face(face.interpret(outputs, scale))
    if found is None:
        raise ValueError(f"no face found in portrait {portrait.name}")
    gray = cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
    alignment = similarity(found.landmarks, PREPROCESS)
    return build_rig(portrait.name, gray, portrait.landmarks68, alignment, model)


def _quiet() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    return options
