"""Whether one set of models answers as another does: a precision or a runtime against FP32.

    python benchmarks/agreement.py model_repo 127.0.0.1:9001 --report docker/triton/fp16.json

Each side is a model repository, run in this process, or the address of a Triton. Every clip goes
the whole way on both, so that what is compared is what a caller would get. Motions of a pixel are
what rounding hides first: the demo clip is also judged at a quarter of its strength.
Ends with 0 where the answers agree, with 1 where they do not, with 3 where a side cannot be run.
"""

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from worker.backend import Backend, Deadline
from worker.contract import RECOGNIZERS, AnalysisReport, ErrorCode
from worker.demo.clip import FPS, demo_frames
from worker.domain import FloatArray
from worker.errors import BackendError, ClipError
from worker.models.registry import recognizer
from worker.pipeline import Pipeline
from worker.specs import AU, DEPTH, MADVNET
from worker.stopwatch import Stopwatch
from worker.task import Task
from worker.triton.client import TritonBackend
from worker.triton.inprocess import InProcessBackend
from worker.video.decode import decode
from worker.video.encode import write_clip
from worker.video.limits import DecodeLimits

STRENGTHS: Final = (1.0, 0.25)
TIMEOUT_S: Final = 600.0
SUFFIXES: Final = frozenset({".mp4", ".mov", ".webm", ".mkv", ".avi"})
EXIT_APART: Final = 1
EXIT_UNUSABLE: Final = 3

Answer = AnalysisReport | ErrorCode
"""A report, or why there is none."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two answers about a clip are apart; the larger of each over several clips."""

    au_tail: float
    """FACS units; one in a thousand values may differ by more.

    Where the halves of a face move as much, but in opposite ways, a rounding decides which is told.
    """
    au_mean: float
    """FACS units, over all AUs and frames."""
    probability: float
    """Of any class."""
    frames: float
    """Of onset, apex or offset."""

    def within(self, limits: "Difference") -> bool:
        """Whether no part is larger than its limit."""
        return all(mine <= limit for mine, limit in zip(_parts(self), _parts(limits), strict=True))


LIMITS: Final = Difference(au_tail=0.1, au_mean=0.01, probability=0.02, frames=1)
"""A third of the AU network's own mean error (0.03) and less; see its card."""


def largest(differences: Sequence[Difference]) -> Difference:
    """The worst of each part."""
    return Difference(*map(max, zip(*map(_parts, differences), strict=True)))


def _parts(difference: Difference) -> tuple[float, ...]:
    return tuple(getattr(difference, part.name) for part in fields(Difference))


def difference(one: Answer, other: Answer) -> Difference:
    """How far two answers about the same clip are apart."""
    if isinstance(one, ErrorCode) or isinstance(other, ErrorCode):
        return Difference(*[0.0 if one == other else inf] * len(fields(Difference)))
    au = np.abs(_trace(one) - _trace(other))
    return Difference(
        au_tail=float(np.nanquantile(au, 0.999)),
        au_mean=float(np.nanmean(au)),
        probability=_doubt(one, other),
        frames=_shift(one, other),
    )


def _trace(report: AnalysisReport) -> FloatArray:
    """AU intensities [frames, AUs]; NaN where a frame was not analysed."""
    names = report.action_units.names
    rows = [row.intensity or [np.nan] * len(names) for row in report.action_units.frames]
    return np.asarray(rows, dtype=np.float32)


def _doubt(one: AnalysisReport, other: AnalysisReport) -> float:
    if one.prediction is None or other.prediction is None:
        return 0.0 if one.prediction is other.prediction else inf
    ours, theirs = one.prediction.probabilities, other.prediction.probabilities
    return max(abs(ours[label] - theirs[label]) for label in ours)


def _shift(one: AnalysisReport, other: AnalysisReport) -> float:
    if len(one.events) != len(other.events):
        return inf
    moments = ("onset_frame", "apex_frame", "offset_frame")
    return float(
        max(
            (
                abs(getattr(ours, moment) - getattr(theirs, moment))
                for ours, theirs in zip(one.events, other.events, strict=True)
                for moment in moments
            ),
            default=0,
        )
    )


@contextmanager
def opened(side: str) -> Iterator[Backend]:
    """The backend of a side: a folder, or host:port of a Triton."""
    folder = Path(side)
    backend = InProcessBackend(folder) if folder.is_dir() else TritonBackend(side)
    with backend as ready:
        yield ready


def analyse(backend: Backend, path: Path) -> Answer:
    """The answer about a clip."""
    pipeline = Pipeline(backend, recognizer(RECOGNIZERS[0]))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    task = Task(sha256, Deadline.after(TIMEOUT_S), Stopwatch())
    try:
        return pipeline.analyse(decode(path, DecodeLimits()), task)
    except ClipError as error:
        return error.failure.code


def weights(backend: Backend) -> dict[str, str]:
    """Digest of each network's weights, as its server names it."""
    deadline = Deadline.after(TIMEOUT_S)
    return {
        spec.name: backend.describe(spec.name, deadline).parameters["digest"]
        for spec in (AU, DEPTH, MADVNET)
    }


def write_demo_clips(folder: Path) -> list[Path]:
    """The demo clip at several strengths: blends with its first frame, which is at rest."""
    frames = [frame.astype(np.float32) for frame in demo_frames()]
    paths = []
    for strength in STRENGTHS:
        images = [
            (frames[0] + strength * (frame - frames[0])).round().clip(0, 255).astype(np.uint8)
            for frame in frames
        ]
        paths.append(folder / f"demo-{strength}.mp4")
        write_clip(paths[-1], images, Fraction(FPS))
    return paths


def _videos(folder: Path | None) -> list[Path]:
    found = folder.iterdir() if folder is not None else ()
    return sorted(path for path in found if path.suffix.lower() in SUFFIXES)


def table(names: Sequence[str], differences: Sequence[Difference]) -> Table:
    """The result for people."""
    drawn = Table("clip", "AU, 99.9 %", "AU, mean", "probability", "frames")
    for name, found in zip(names, differences, strict=True):
        drawn.add_row(name, *(f"{part:.4f}" for part in _parts(found)))
    drawn.add_section()
    drawn.add_row("accepted", *(f"{part:.4f}" for part in _parts(LIMITS)))
    return drawn


def main(
    reference: Annotated[str, typer.Argument(help="A model repository, or host:port of a Triton.")],
    candidate: Annotated[str, typer.Argument(help="What is judged against it, likewise.")],
    clips: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="A folder of videos, beside the demo's."),
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Where the verdict goes as JSON.")] = None,
) -> None:
    """Analyse clips with both and compare the answers."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            with opened(reference) as ours, opened(candidate) as theirs:
                compared = weights(ours)
                is_same = weights(theirs) == compared
                paths = [*write_demo_clips(Path(folder)), *_videos(clips)]
                differences = [
                    difference(analyse(ours, path), analyse(theirs, path)) for path in paths
                ]
        except BackendError as error:
            print(error, file=sys.stderr)
            raise typer.Exit(EXIT_UNUSABLE) from error
    worst = largest(differences)
    passed = is_same and worst.within(LIMITS)
    Console().print(table([path.name for path in paths], differences))
    if not is_same:
        print("the two sides serve other weights")
    print("passed" if passed else "failed")
    if report is not None:
        verdict = {
            "passed": passed,
            "weights": compared,
            "clips": len(paths),
            "worst": asdict(worst),
            "limits": asdict(LIMITS),
        }
        report.write_text(json.dumps(verdict, indent=2) + "\n", encoding="utf-8")
    if not passed:
        raise typer.Exit(EXIT_APART)


if __name__ == "__main__":
    typer.run(main)
