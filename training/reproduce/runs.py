"""Runs of the synthetic table: read where they were logged, trained where they were not."""

import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import torch

from training.benchmark.clips import Clips, halves, load_clips
from training.benchmark.manifest import Manifest
from training.clip_batch import tensors
from training.clip_task import answers, teach
from training.reproduce import record
from training.reproduce.figures import Figures, judged_after
from training.reproduce.variants import FULL, Row
from worker.specs import MADVNET

RESULT: Final = "result.json"
FOLDER: Final = "synthetic"


@dataclass(frozen=True, slots=True)
class Job:
    """One run: a row of the table under one seed."""

    row: Row
    seed: int
    runs: Path
    manifest: Manifest

    @property
    def folder(self) -> Path:
        """Another budget, or other clips, are other runs; MADV-Net S is the one to be served."""
        if self.row.name == FULL:
            return self.runs / MADVNET.name
        recipe = self.row.experiment.recipe
        data = self.manifest.digest.removeprefix("sha256:")[:8]
        budget = f"{recipe.epochs * recipe.samples}"
        return self.runs / FOLDER / data / budget / self.row.name / f"seed-{self.seed}"

    @property
    def told(self) -> dict[str, object]:
        """What a logged result must agree with."""
        experiment = self.row.experiment
        recipe = asdict(replace(experiment.recipe, seed=self.seed))
        whole = {**experiment.told(), "recipe": recipe, "data": self.manifest.digest}
        plain: dict[str, object] = json.loads(json.dumps(whole))
        return plain


def logged(job: Job) -> Figures | None:
    """The figures of a run that was finished, here or on record.

    Raises ValueError where what lies here is of another experiment.
    """
    file = job.folder / RESULT
    if not file.is_file():
        known = record.kept()
        return known.figures(job.row.name, job.told) if known else None
    result = json.loads(file.read_text(encoding="utf-8"))
    if result["told"] != job.told:
        raise ValueError(f"{file} is of another experiment: remove {job.folder}")
    figures: Figures = result["figures"]
    return figures


def ensure(jobs: Sequence[Job], processes: int) -> None:
    """Train what was not logged, that many at a time, a thread each."""
    missing = [job for job in jobs if logged(job) is None]
    if processes < 2 or len(missing) < 2:  # noqa: PLR2004  # then another process is no use
        for job in missing:
            run(job)
        return
    with ProcessPoolExecutor(
        processes, get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        list(pool.map(run, missing))


def run(job: Job) -> None:
    """Train, answer, judge, log."""
    experiment = replace(
        job.row.experiment, recipe=replace(job.row.experiment.recipe, seed=job.seed)
    )
    frames, data = experiment.network.frames, job.runs / "data"
    train = _loaded(data, "train", experiment.recipe.samples)
    told = {"benchmark": job.manifest.digest}
    curve, own = halves(_loaded(data, "validation", job.manifest.splits["validation"].clips))
    shown = tensors(curve, frames) if job.row.name == FULL else None
    network = teach(experiment, tensors(train, frames), job.folder, shown, told)
    test = _loaded(data, "test", job.manifest.splits["test"].clips)
    own_answers, test_answers = (
        answers(network, tensors(clips, frames)).softmax(dim=-1).numpy() for clips in (own, test)
    )
    figures = judged_after((own_answers, own.label), (test_answers, test.label, test.track))
    result = {"told": job.told, "figures": figures}
    partial = job.folder / f"{RESULT}.partial"
    partial.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    partial.replace(job.folder / RESULT)


@lru_cache(maxsize=3)
def _loaded(folder: Path, split: str, count: int) -> Clips:
    """Kept by a process: every run of a table learns from the same clips."""
    return load_clips(folder, split, count)
