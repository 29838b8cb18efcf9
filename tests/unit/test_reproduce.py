"""The synthetic table: runs that were logged are read, missing ones are trained."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training import shards
from training.benchmark import manifest
from training.benchmark.clips import NAME, TRACKS, Clips
from training.benchmark.manifest import Sizes
from training.reproduce import record, runs, synthetic
from training.reproduce.figures import spread
from training.reproduce.oracle import oracle
from training.reproduce.record import Entry
from training.reproduce.runs import Job
from training.reproduce.synthetic import Request
from training.reproduce.variants import CLAIMS, EQUAL, FULL, rows
from training.reproduce.verdicts import Line, ranked, targets, verdicts
from training.synthetic.portraits import SPLITS
from worker.specs import AU_COUNT, CLIP_FRAMES, CROP_SIZE, LABELS

COUNT = 32


def clips(split: str, count: int = COUNT) -> Clips:
    """Each label has an AU of its own; pictures are noise."""
    rng = np.random.default_rng(SPLITS.index(split))
    label = np.arange(count) % len(LABELS)
    code = np.zeros((count, 2, AU_COUNT), np.float32)
    code[np.arange(count), :, label] = 1 + rng.random((count, 1))
    shape = (count, CLIP_FRAMES, CROP_SIZE, CROP_SIZE)
    return Clips(
        rng.integers(0, 256, shape, dtype=np.uint8),
        rng.random((count, CLIP_FRAMES, 56, 56)).astype(np.float16),
        rng.normal(0, 1, (count, CLIP_FRAMES, 2, AU_COUNT)).astype(np.float32),
        code,
        label,
        np.arange(count) // len(LABELS) % len(TRACKS),
        np.array([f"{split}-{n % 9}" for n in range(count)]),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`runs/` with a benchmark of noise."""
    made = tmp_path_factory.mktemp("runs")
    (made / "data").mkdir()
    for split in SPLITS:
        shards.save(clips(split), made / "data" / f"{NAME}-{split}-000.npz")
    manifest.make(made / "data", Sizes(COUNT, COUNT, COUNT))
    return made


def line(name: str, group: str, mean: float, spread: float = 0.0, count: int = 3) -> Line:
    figure = {"mean": mean, "spread": spread}
    return Line(name, group, count, {"coarse_uf1": figure, "accuracy_8": figure})


def test_the_oracle_reads_what_the_codes_say() -> None:
    figures = oracle(*(clips(split, 160) for split in ("train", "validation", "test")))
    assert figures["accuracy_8"] == 1
    assert figures["coarse_uf1"] == 1


def test_one_command_trains_what_is_missing_and_reads_the_rest(folder: Path) -> None:
    command = [sys.executable, "-m", "training.reproduce", "synthetic", "--runs", str(folder)]
    flags = ["--only", "oracle", "texture", "videomae", "--budget", "16", "--seeds", "1"]
    made = subprocess.run(
        [*command, *flags, "--jobs", "1", "--threads", "1", "--json", "-"],
        check=True,
        capture_output=True,
    )
    table = json.loads(made.stdout)
    by_name = {row["name"]: row for row in table["rows"]}
    assert list(by_name) == ["oracle", "texture", "videomae"]
    assert table["test_clips"] == COUNT
    assert by_name["videomae"]["parameters_m"] > 0
    assert by_name["texture"]["mmacs"] > by_name["videomae"]["mmacs"] / 10
    assert by_name["texture"]["clips_seen"] == 16
    request = Request(folder, [1], ("texture", "videomae"), budget=16)
    again = synthetic.table(request)
    assert again["rows"] == [by_name["texture"], by_name["videomae"]]


def test_a_result_of_another_experiment_is_not_read(folder: Path) -> None:
    row = rows(replace(EQUAL, samples=16, epochs=1))[0]
    job = Job(row, 1, folder, manifest.made(folder / "data"))
    assert runs.logged(job) is None
    job.folder.mkdir(parents=True)
    told = {**job.told, "network": {"size": "another"}}
    (job.folder / runs.RESULT).write_text(json.dumps({"told": told, "figures": {}}))
    with pytest.raises(ValueError, match="another experiment"):
        runs.logged(job)


def test_what_is_on_record_is_read_where_there_are_no_runs(folder: Path, tmp_path: Path) -> None:
    clips = manifest.made(folder / "data")
    row = rows(replace(EQUAL, samples=16, epochs=1))[1]
    job = Job(row, 1, tmp_path, clips)
    file = tmp_path / "logged.json"
    record.keep(clips, {"accuracy_8": 1.0}, [Entry(row.name, job.told, {"ece": 0.1})], file)
    known = record.kept(file)
    assert known is not None
    assert known.manifest.digest == clips.digest
    assert known.oracle == {"accuracy_8": 1.0}
    assert known.figures(row.name, job.told) == {"ece": 0.1}
    assert known.figures(row.name, replace(job, seed=2).told) is None
    assert known.figures("another", job.told) is None


def test_the_record_has_every_run_of_the_table_as_it_is_configured(tmp_path: Path) -> None:
    known = record.kept()
    assert known is not None
    jobs = synthetic.jobs(Request(tmp_path, range(1, 4)), known.manifest)
    missing = [job.row.name for job in jobs if known.figures(job.row.name, job.told) is None]
    assert missing == []


def test_every_row_fits_together_and_every_claim_has_its_rows() -> None:
    names = synthetic.names()
    assert len(set(names)) == len(names)
    assert {name for pair in CLAIMS.values() for name in pair} <= set(names)
    assert FULL in names
    experiments = [row.experiment for row in rows(EQUAL)]
    assert len({str(experiment) for experiment in experiments}) == len(experiments)
    assert {replace(experiment.recipe, precision="float32") for experiment in experiments} == {
        replace(EQUAL, precision="float32")
    }


@pytest.mark.parametrize(
    ("budget", "samples", "epochs"), [(None, 2400, 3), (16, 16, 1), (4800, 2400, 2)]
)
def test_a_budget_is_clips_seen(budget: int | None, samples: int, epochs: int) -> None:
    recipe = synthetic.within(budget)
    assert (recipe.samples, recipe.epochs) == (samples, epochs)


@pytest.mark.parametrize(
    ("without", "wide", "runs_of_it", "verdict"),
    [
        (0.5, 0.01, 3, "holds"),
        (0.7, 0.01, 3, "reversed"),
        (0.59, 0.05, 3, "not shown"),
        (0.5, 0.0, 1, "not shown"),
    ],
)
def test_a_claim_holds_beyond_chance(
    without: float, wide: float, runs_of_it: int, verdict: str
) -> None:
    pair = [
        line("texture+depth", "ablation", 0.6, 0.01),
        line("texture", "ablation", without, wide, runs_of_it),
    ]
    (found,) = verdicts(pair)
    assert found["claim"] == "depth helps"
    assert found["accuracy_8"]["verdict"] == verdict


def test_targets_are_those_of_the_served_size() -> None:
    def row(name: str, uf1: float, accuracy: float, error: float) -> Line:
        figures = {"coarse_uf1": uf1, "accuracy_8": accuracy, "ece_calibrated": error}
        return Line(
            name, "", 1, {n: {"mean": value, "spread": 0.0} for n, value in figures.items()}
        )

    found = targets([row("oracle", 0.8, 1.0, 0.01), row(FULL, 0.74, 0.79, 0.04)])
    assert found["coarse_uf1_of_oracle"]["value"] == pytest.approx(0.925)
    assert [reached["met"] for reached in found.values()] == [True, False, True]
    assert targets([row("oracle", 0.8, 1.0, 0.01)]) == {}


def test_ranks_are_among_equals() -> None:
    lines = [
        line(FULL, "served size", 0.9),
        line("c3d", "peer", 0.5),
        line("all", "ablation", 0.6),
        line("texture", "ablation", 0.8),
        line("videomae", "peer", 0.7),
    ]
    assert ranked(lines)["accuracy_8"] == ["videomae", "all", "c3d"]


def test_spread_is_over_seeds() -> None:
    assert spread([{"a": 1.0}, {"a": 3.0}]) == {"a": {"mean": 2.0, "spread": 1.4142}}
    assert spread([{"a": 1.0}]) == {"a": {"mean": 1.0, "spread": 0.0}}
