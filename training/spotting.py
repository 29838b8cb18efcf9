"""Long films and real clips watched as the service does it, and every micro-expression spotted.

Rendering and watching a minute takes half a minute of one core; both are kept, so that another
spotter on the same films costs nothing.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

from training import data
from training.judges.judge import Report, rounded
from training.judges.real import real_clips
from training.judges.spotting import ENOUGH, Interval, SpottingJudge
from training.served import ServedModels
from training.synthetic.long_films import FPS, LENGTH_S, LongFilm, films, shoot
from training.synthetic.studio import Inputs
from worker.backend import Deadline
from worker.domain import FloatArray
from worker.observation import Observer
from worker.preprocess.intervals import spot_all, strongest_apart
from worker.specs import AU, FACE
from worker.stopwatch import Stopwatch
from worker.strip import Observation
from worker.task import Task
from worker.video.footage import open_footage
from worker.video.limits import DecodeLimits

SEEDS: Final = {"validation": 11, "test": 20_250}
_TIMEOUT_S: Final = 3600.0


@dataclass(frozen=True)
class Stretch:
    """What events are spotted in: one window of a film."""

    pts_s: npt.NDArray[np.float64]
    trace: FloatArray
    """f32 [N, sides, K]"""
    turns: FloatArray
    """f32 [N, 2]"""
    peaks: slice

    @classmethod
    def of(cls, seen: Observation) -> "Stretch":
        """Without its pictures."""
        turns = np.array([placement.turn for placement in seen.placements], dtype=np.float32)
        start, stop, _ = seen.peaks.indices(len(seen.pts_s))
        return cls(seen.pts_s, seen.trace, turns, slice(start, stop))


class Viewer:
    """Watches videos, and keeps what it has seen beside them if told where.

    Args:
        repository: Of models.
    """

    def __init__(self, repository: Path) -> None:
        self._observer = Observer(ServedModels(repository, threads=1))
        models = [(repository / spec.name / "1" / "model.onnx") for spec in (FACE, AU)]
        self._mark = hashlib.sha256(b"".join(file.read_bytes() for file in models)).hexdigest()[:12]

    def watch(self, video: Path, kept: Path | None = None) -> list[Stretch]:
        """The windows of the main face; those of the same models are taken from a folder."""
        file = None if kept is None else kept / f"{video.stem}-{self._mark}.npz"
        if file is not None and file.is_file():
            return _load(file)
        task = Task(video.name, Deadline.after(_TIMEOUT_S), Stopwatch())
        with open_footage(video, DecodeLimits()) as footage:
            seen = [Stretch.of(window) for window in self._observer.observe(footage, task)]
        if file is not None:
            _save(file, seen)
        return seen


def found_in(stretches: Iterable[Stretch]) -> list[Interval]:
    """The events that the service would list, strongest first."""
    intervals, heights = [], []
    for each in stretches:
        for bump in spot_all(each.trace, each.pts_s, each.turns, each.peaks):
            span = bump.span
            times_s = each.pts_s[[span.onset, span.apex, span.offset]].tolist()
            intervals.append(Interval(*times_s))
            heights.append(bump.height)
    ends = [(each.onset_s, each.offset_s) for each in intervals]
    return [intervals[number] for number in strongest_apart(ends, heights)]


def evaluate_spotting(kept: Path | None, split: str, minutes: float, repository: Path) -> Report:
    """Figures on long films of a split's identities, and on the real clips where there are any.

    Args:
        kept: Folder of the films, those that are missing are made; None makes all, and keeps none.
        split: Whose identities.
        minutes: Of film; each film is one.
        repository: Of models.
    """
    cv2.setNumThreads(1)
    viewer, judge = Viewer(repository), SpottingJudge()
    with TemporaryDirectory() as made:
        folder = kept or Path(made)
        for film in _films(folder, split, round(minutes * 60 / LENGTH_S)):
            judge.see(film, found_in(viewer.watch(film.video, folder)))
    real = data.data_folder() / "clips"
    return {
        "protocol": {"split": split, "seed": SEEDS[split], "fps": FPS, "overlap": ENOUGH},
        "films": judge.report(),
        "real_clips": judge_real(real, viewer) if real.is_dir() else {},
    }


def judge_real(folder: Path, viewer: Viewer) -> Report:
    """Events found in each clip of a folder that shows a face, and how many that are a minute.

    Nobody has marked any micro-expression in these clips: whatever is found counts as false.
    """
    return {video.stem: _rate(viewer.watch(video)) for video, _ in real_clips(folder)}


def _rate(stretches: Sequence[Stretch]) -> Report:
    found = found_in(stretches)
    length_s = float(stretches[-1].pts_s[-1] - stretches[0].pts_s[0])
    return {
        "seconds": rounded(length_s),
        "found": len(found),
        "false_per_minute": rounded(60 * len(found) / length_s),
    }


def _films(folder: Path, split: str, count: int) -> Iterator[LongFilm]:
    known = films(folder)[:count]
    there: Iterable[LongFilm] = known
    if len(known) < count:
        places = data.portraits_folder(), data.face_model_folder(), data.priors_file()
        there = shoot(Inputs(*places, split), count, SEEDS[split], folder)
    yield from track(there, "spotting", count, console=Console(stderr=True))


def _save(file: Path, stretches: Sequence[Stretch]) -> None:
    rows: dict[str, npt.NDArray[np.generic]] = {}
    for number, each in enumerate(stretches):
        rows[f"pts_s_{number}"] = each.pts_s
        rows[f"trace_{number}"] = each.trace
        rows[f"turns_{number}"] = each.turns
        rows[f"peaks_{number}"] = np.array([each.peaks.start, each.peaks.stop])
    np.savez(file, **rows)


def _load(file: Path) -> list[Stretch]:
    with np.load(file) as rows:
        return [
            Stretch(
                rows[f"pts_s_{number}"],
                rows[f"trace_{number}"],
                rows[f"turns_{number}"],
                slice(*rows[f"peaks_{number}"].tolist()),
            )
            for number in range(len(rows.files) // 4)
        ]
