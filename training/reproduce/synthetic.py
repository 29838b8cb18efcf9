"""The table of synthetic benchmark v1: oracle, MADV-Net S, ablations, peers."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from training import train
from training.benchmark import manifest
from training.benchmark.clips import halves, load_clips
from training.benchmark.manifest import Manifest
from training.experiment import Experiment
from training.recipe import Recipe
from training.reproduce import record, runs
from training.reproduce.figures import Figures, spread
from training.reproduce.oracle import oracle
from training.reproduce.record import Entry
from training.reproduce.runs import Job
from training.reproduce.variants import EQUAL, FULL, ORACLE, Row, rows
from training.reproduce.verdicts import Line, ranked, targets, verdicts
from training.size import measure_network


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for on the command line. An empty `only` is everything."""

    folder: Path
    seeds: Sequence[int]
    only: Collection[str] = ()
    budget: int | None = None
    processes: int = 1
    reads_only: bool = False

    def wants(self, name: str) -> bool:
        """Whether a row is asked for."""
        return not self.only or name in self.only


def names() -> tuple[str, ...]:
    """All rows."""
    return (ORACLE, FULL, *(row.name for row in rows(EQUAL)))


def within(budget: int | None) -> Recipe:
    """The equal recipe over about that many clips in all; None is its own number."""
    if budget is None:
        return EQUAL
    samples = min(budget, EQUAL.samples)
    return replace(EQUAL, samples=samples, epochs=max(1, round(budget / samples)))


def table(request: Request) -> dict[str, object]:
    """All lines, what of the paper's claims they show, and the ranks."""
    clips = _clips(request)
    lines: list[Line] = []
    if request.wants(ORACLE):
        lines.append(_line(ORACLE, "oracle", [_oracle(request.folder / "data", clips)]))
    for row, seeds in _asked(request):
        jobs = [Job(row, seed, request.folder, clips) for seed in seeds]
        found = [figures for job in jobs if (figures := runs.logged(job)) is not None]
        if found:
            lines.append(_line(row.name, row.group, found, row.experiment))
    return {
        "benchmark": clips.name,
        "digest": clips.digest,
        "test_clips": clips.splits["test"].clips,
        "rows": [asdict(line) for line in lines],
        "targets": targets(lines),
        "claims": verdicts(lines),
        "ranks": ranked(lines),
    }


def train_missing(request: Request) -> None:
    """Every run that is asked for and was not logged; seed by seed, MADV-Net S first."""
    if all(runs.logged(job) is not None for job in jobs(request, _clips(request))):
        return
    clips = manifest.made(request.folder / "data")
    wanted = jobs(request, clips)
    runs.ensure([job for job in wanted if job.row.name == FULL], 1)
    # An interrupted table has every row before any has two seeds.
    rest = sorted((job for job in wanted if job.row.name != FULL), key=lambda job: job.seed)
    runs.ensure(rest, request.processes)


def put_on_record(request: Request) -> None:
    """Keep what was logged with the code, so that the table can be printed anywhere."""
    clips = _clips(request)
    entries = [
        Entry(job.row.name, job.told, figures)
        for job in jobs(request, clips)
        if (figures := runs.logged(job)) is not None
    ]
    record.keep(clips, _oracle(request.folder / "data", clips), entries)


def _clips(request: Request) -> Manifest:
    """Of the clips here; where there are none, those on record if they are still current."""
    folder, known = request.folder / "data", record.kept()
    is_here = (folder / manifest.FILE).is_file()
    if not is_here and known is not None and manifest.is_current(known.manifest):
        return known.manifest
    return manifest.made(folder)


def jobs(request: Request, clips: Manifest) -> list[Job]:
    """Every run that is asked for, row by row."""
    return [Job(row, s, request.folder, clips) for row, seeds in _asked(request) for s in seeds]


def _asked(request: Request) -> list[tuple[Row, Sequence[int]]]:
    """Rows with their seeds; MADV-Net S has the one of its recipe, peers have the first."""
    experiment = Experiment.load(train.CONFIGS / "madvnet.toml")
    full = (Row(FULL, "served size", experiment), (experiment.recipe.seed,))
    equal = [
        (row, request.seeds[:1] if row.group == "peer" else request.seeds)
        for row in rows(within(request.budget))
    ]
    return [(row, seeds) for row, seeds in (full, *equal) if request.wants(row.name)]


def _oracle(folder: Path, clips: Manifest) -> Figures:
    known = record.kept()
    if known is not None and known.manifest.digest == clips.digest:
        return known.oracle
    parts = {split: load_clips(folder, split, part.clips) for split, part in clips.splits.items()}
    return oracle(parts["train"], halves(parts["validation"])[1], parts["test"])


def _line(
    name: str, group: str, found: list[Figures], experiment: Experiment | None = None
) -> Line:
    if experiment is None:
        return Line(name, group, len(found), spread(found))
    recipe = experiment.recipe
    seen = recipe.epochs * recipe.samples
    return Line(name, group, len(found), spread(found), seen, **measure_network(experiment.network))
