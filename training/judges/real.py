"""Real clips against the traces of an independent landmark tracker (ARKit-style coefficients)."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from training.judges.judge import Report, rounded
from worker.domain import FloatArray
from worker.models.au import strongest_side
from worker.specs import AU_NAMES
from worker.strip import Observation

TRACES: Final = {
    "AU12": ("mouthSmileLeft", "mouthSmileRight"),
    "AU26": ("jawOpen",),
    "AU45": ("eyeBlinkLeft", "eyeBlinkRight"),
    "AU01": ("browInnerUp",),
    "AU02": ("browOuterUpLeft", "browOuterUpRight"),
    "AU04": ("browDownLeft", "browDownRight"),
    "AU05": ("eyeWideLeft", "eyeWideRight"),
}
"""The coefficients whose average an AU is compared with."""

GROUPS: Final = {"mouth_and_lids": ("AU12", "AU26", "AU45"), "brows": tuple(TRACES)[3:]}
"""The tracker is good on the first and coarse on the second."""

MOVES: Final = 0.15
"""A trace that spans less over a clip (of 0..1) is the tracker's own noise."""


class RealJudge:
    """Rank correlation per clip and AU, wherever the reference moves."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, float]] = {}
        self._strongest: dict[str, dict[str, float]] = {}

    def see(self, name: str, seen: Observation, traces: Path) -> None:
        """Compare one clip with its table of coefficients."""
        reference = read_traces(traces)
        both = seen.trace.mean(axis=1)
        strongest = strongest_side(seen.trace)
        self._found[name] = dict(_correlations(both, reference, seen.used))
        self._strongest[name] = dict(_correlations(strongest, reference, seen.used))

    def report(self) -> Report:
        """Spearman of each clip and AU, their mean per group, and the lowest of each group."""
        groups = {
            group: [found[au] for found in self._found.values() for au in aus if au in found]
            for group, aus in GROUPS.items()
        }
        means: Report = {
            f"{group}_{what}": rounded(pick(values)) if values else None
            for group, values in groups.items()
            for what, pick in (("mean", np.mean), ("lowest", np.min))
        }
        return {
            "clips": len(self._found),
            **means,
            "spearman": _nested(self._found),
            "spearman_of_the_stronger_side": _nested(self._strongest),
        }


def real_clips(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Videos of a folder that have a table of coefficients beside them, by name."""
    for traces in sorted(folder.glob("*.blendshapes.csv")):
        video = folder / traces.name.replace(".blendshapes.csv", ".mp4")
        if video.is_file():
            yield video, traces


def read_traces(file: Path) -> dict[str, FloatArray]:
    """Per AU the mean of its coefficients, f32 [frames], 0..1."""
    with file.open(newline="") as rows:
        table = list(csv.DictReader(rows))
    return {
        au: np.array(
            [np.mean([float(row[column]) for column in columns]) for row in table], np.float32
        )
        for au, columns in TRACES.items()
    }


def _correlations(
    intensity: FloatArray, reference: dict[str, FloatArray], used: npt.NDArray[np.intp]
) -> Iterator[tuple[str, float]]:
    """Spearman of each AU f32 [N, K] whose reference moves; 0 where the estimate does not."""
    for au, trace in reference.items():
        if np.ptp(trace) <= MOVES:
            continue
        estimate = intensity[:, AU_NAMES.index(au)]
        constant = np.ptp(estimate) == 0
        yield au, 0.0 if constant else float(spearmanr(estimate, trace[used]).statistic)


def _nested(found: dict[str, dict[str, float]]) -> Report:
    return {
        clip: {au: rounded(value) for au, value in by_au.items()} for clip, by_au in found.items()
    }
