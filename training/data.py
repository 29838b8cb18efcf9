"""Where the inputs of training lie: the folder named by MADV_DATA, or `../shared/data`."""

import os
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
MODEL_REPO = _ROOT / "model_repo"
DETECTOR = MODEL_REPO / "face" / "1" / "model.onnx"


def data_folder() -> Path:
    """The data folder; raises FileNotFoundError with what to do where it is absent."""
    folder = Path(os.environ.get("MADV_DATA", _ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        message = (
            f"{folder} is not a folder: set MADV_DATA to one with portraits/, face_model/, priors/"
        )
        raise FileNotFoundError(message)
    return folder


def portraits_folder() -> Path:
    """Portraits with `landmarks478.npz`."""
    return data_folder() / "portraits"


def face_model_folder() -> Path:
    """The 3D face and its landmark indices."""
    return data_folder() / "face_model"


def priors_file() -> Path:
    """Annotation statistics of real micro-expressions."""
    return data_folder() / "priors" / "me_annotation_statistics.json"
