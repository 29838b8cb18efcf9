"""Licensed clips as networks see them: onset to offset, registered, with depth and AUs as served.

What was observed is kept beside other generated data, clip by clip: it holds faces of the data set
and falls under its licence.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from training import data, repository
from training.datasets.clip import ClipRow
from training.datasets.tree import frame_files
from training.served import ServedModels
from worker.backend import Deadline
from worker.domain import Clip, EventSpan, Frame
from worker.errors import ClipError
from worker.observation import Observer
from worker.preprocess.sampling import sample_indices
from worker.preprocess.spec import PREPROCESS
from worker.specs import AU, CLIP_FRAMES, CROP_SIZE, DEPTH
from worker.stopwatch import Stopwatch
from worker.strip import joined
from worker.task import Task

_TIMEOUT_S: Final = 600.0
_USUAL_RATE: Final = 100.0
"""Where a data set tells none: only the spacing of frames matters, and it is even."""


@dataclass(frozen=True)
class Seen:
    """One clip: gray crops uint8 [T, S, S], depth f16 [T, S/2, S/2], AU change f32 [T, 2, K]."""

    crops: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.float16]
    action_units: npt.NDArray[np.float32]


class Eye:
    """Observes clips as the service does, and remembers them in a folder."""

    def __init__(self, folder: Path, model_repo: Path = data.MODEL_REPO) -> None:
        self._folder = folder
        self._served = ServedModels(model_repo)
        self._observer = Observer(self._served)
        models = [model_repo / spec.name / "1" / "model.onnx" for spec in (AU, DEPTH)]
        self._key = repository.digest(models) + PREPROCESS.digest()

    def see(self, row: ClipRow) -> Seen | None:
        """A clip of the manifest; None where no face is found, or it is too short."""
        told = json.dumps([row.clip_id, str(row.path), row.onset, row.apex, row.offset, self._key])
        file = self._folder / f"{hashlib.sha256(told.encode()).hexdigest()[:24]}.npz"
        if not file.is_file():
            seen = self._look(row)
            if seen is None:
                return None
            self._folder.mkdir(parents=True, exist_ok=True)
            np.savez(file, **asdict(seen))
        with np.load(file) as arrays:
            return Seen(arrays["crops"], arrays["depth"], arrays["action_units"])

    def _look(self, row: ClipRow) -> Seen | None:
        task = Task(row.clip_id, Deadline.after(_TIMEOUT_S), Stopwatch())
        try:
            seen = joined(self._observer.observe(clip_of(row), task))
        except ClipError:
            return None
        whole = EventSpan(0, 0, len(seen.pts_s) - 1)
        crops = seen.crops[sample_indices(seen.pts_s, whole, CLIP_FRAMES)]
        side = CROP_SIZE // 2
        blocks = self._served.depth(crops).reshape(CLIP_FRAMES, side, 2, side, 2)
        return Seen(
            _gray(crops),
            blocks.mean(axis=(2, 4)).astype(np.float16),
            self._served.action_units(crops, crops[:1]),
        )


def clip_of(row: ClipRow) -> Clip:
    """The frames from onset to offset (to the apex where there is no offset) as a decoded clip."""
    if row.path is None:
        raise FileNotFoundError(f"{row.clip_id} has no frames")
    files = frame_files(row.path)
    first = files[0][0] if row.onset is None else row.onset
    last = next((n for n in (row.offset, row.apex) if n is not None), files[-1][0])
    rate = row.fps or _USUAL_RATE
    chosen = [(number, file) for number, file in files if first <= number <= last]
    return Clip(
        tuple(
            Frame(index, (number - first) / rate, _read(file))
            for index, (number, file) in enumerate(chosen)
        ),
        container="frames",
        codec="images",
        rotation=0,
        nominal_fps=Fraction(rate).limit_denominator(1000),
    )


def _read(file: Path) -> npt.NDArray[np.uint8] | None:
    """RGB; None where it is no readable image, as a frame that did not decode."""
    image: npt.NDArray[np.uint8] | None = cv2.imread(str(file), cv2.IMREAD_COLOR_RGB)  # type: ignore[assignment]  # stubs know no None
    return image


def _gray(crops: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """RGB crops [T, 3, S, S] as [T, S, S]."""
    gray: Sequence[npt.NDArray[np.uint8]] = [
        cv2.cvtColor(crop.transpose(1, 2, 0), cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
        for crop in crops
    ]
    return np.stack(gray)
