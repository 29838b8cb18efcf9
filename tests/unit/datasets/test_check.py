"""The check against the published counts, and the command."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from training.datasets.__main__ import app
from training.datasets.check import Report, check
from training.datasets.clip import DatasetName, read_manifest
from training.datasets.finding import SEVERITY, Kind
from training.datasets.published import PUBLISHED
from training.datasets.registry import ADAPTERS
from training.protocols.composite import megc2019
from training.protocols.five_class import COUNTS as FIVE_COUNTS
from training.protocols.five_class import five_class
from training.protocols.sample import count


@pytest.fixture(scope="module")
def report(megc_root: Path) -> Report:
    return check(megc_root)


def test_every_data_set_has_counts_and_every_kind_a_severity() -> None:
    assert set(ADAPTERS) == set(PUBLISHED) == set(DatasetName)
    assert set(SEVERITY) == set(Kind)


def test_published_classes_add_up() -> None:
    for published in PUBLISHED.values():
        if published.emotions:
            assert sum(published.emotions.values()) == published.clips


def test_whole_data_sets_meet_the_published_counts(report: Report) -> None:
    assert set(report.readings) == {DatasetName.SMIC_HS, DatasetName.CASME2, DatasetName.SAMM}
    assert {finding.kind for finding in report.findings} == {Kind.ROW_FIXED}
    assert not report.has_errors


def test_the_composite_has_442_clips_of_68_people(report: Report) -> None:
    counts = count(megc2019(report.clips))
    assert counts.classes == {"negative": 250, "positive": 109, "surprise": 83}
    assert (counts.total, counts.subjects) == (442, 68)


def test_five_classes_have_the_published_counts(report: Report) -> None:
    for dataset, expected in FIVE_COUNTS.items():
        counts = count(five_class(report.clips, dataset))
        assert counts.classes == expected.classes
        assert counts.subjects == expected.subjects


def test_a_clip_too_few_is_told_for_the_data_set_and_the_composite(tmp_path: Path) -> None:
    clip = tmp_path / "HS" / "s1" / "micro" / "negative" / "s1_ne_01"
    clip.mkdir(parents=True)
    (clip / "image1.jpg").touch()

    findings = check(tmp_path).findings

    told = {(f.about, f.where): f.detail for f in findings if f.kind is Kind.COUNT_DIFFERS}
    assert told["smic-hs", "negative"] == "1 found, 70 published"
    assert told["smic-hs", "subjects"] == "1 found, 16 published"
    assert told["megc2019/smic-hs", "surprise"] == "0 found, 43 published"


@pytest.fixture
def runner() -> Iterator[CliRunner]:
    return CliRunner()


def test_the_command_prints_counts_and_leaves_with_0(runner: CliRunner, megc_root: Path) -> None:
    outcome = runner.invoke(app, ["check", str(megc_root), "--subjects"])

    assert outcome.exit_code == 0
    assert "442 of 68" in outcome.output
    assert "samm:006" in outcome.output
    assert "row-fixed" in outcome.output


def test_the_command_leaves_with_1_on_errors(runner: CliRunner, tmp_path: Path) -> None:
    outcome = runner.invoke(app, ["check", str(tmp_path)])

    assert outcome.exit_code == 1
    assert "nothing-found" in outcome.output


def test_the_command_leaves_with_2_without_a_folder(runner: CliRunner, tmp_path: Path) -> None:
    assert runner.invoke(app, ["check", str(tmp_path / "nowhere")]).exit_code == 2


def test_the_report_as_json(runner: CliRunner, megc_root: Path) -> None:
    outcome = runner.invoke(app, ["check", str(megc_root), "--dataset", "samm", "--json"])

    document = json.loads(outcome.output)
    assert set(document["datasets"]) == {"samm"}
    assert document["datasets"]["samm"]["emotions"]["anger"] == 57
    assert document["megc2019"]["samm"]["classes"]["negative"] == 92
    assert {finding["severity"] for finding in document["findings"]} == {"note"}


def test_the_manifest_holds_the_clips_with_frames(
    runner: CliRunner, megc_root: Path, tmp_path: Path
) -> None:
    out = tmp_path / "manifest.jsonl"

    outcome = runner.invoke(app, ["manifest", str(megc_root), "--out", str(out)])

    assert outcome.exit_code == 0
    assert len(read_manifest(out)) == 164 + 255 + 159


def test_the_module_runs_as_the_command_does(megc_root: Path) -> None:
    command = [sys.executable, "-m", "training.datasets", "check", str(megc_root), "--json"]
    outcome = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(outcome.stdout)["datasets"]["casme2"]["clips"] == 255
