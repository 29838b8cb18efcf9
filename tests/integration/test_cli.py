import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.cli import app
from service.embedded.ports import free_ports
from service.embedded.stack import EmbeddedStack
from worker.contract import AnalysisReport

pytestmark = pytest.mark.integration


@pytest.fixture
def cli() -> CliRunner:
    return CliRunner()


def test_recognize_shows_and_writes_the_answer(
    cli: CliRunner, stack: EmbeddedStack, demo_clip: Path, tmp_path: Path
) -> None:
    out = tmp_path / "result.json"
    arguments = ["recognize", str(demo_clip), "--url", stack.gateway_url, "--json", str(out)]
    ran = cli.invoke(app, arguments)
    assert ran.exit_code == 0, ran.output
    report = AnalysisReport.model_validate(json.loads(out.read_text(encoding="utf-8")))
    assert report.prediction.label in ran.output
    assert "AU12" in ran.output


def test_a_refused_clip_shows_its_code(
    cli: CliRunner, stack: EmbeddedStack, tmp_path: Path
) -> None:
    path = tmp_path / "words.mp4"
    path.write_text("words, words, words", encoding="utf-8")
    ran = cli.invoke(app, ["recognize", str(path), "--url", stack.gateway_url])
    assert ran.exit_code == 1
    assert "not-a-video" in ran.output


def test_an_unreachable_service_is_told_from_a_bad_clip(cli: CliRunner, demo_clip: Path) -> None:
    (port,) = free_ports(1)
    ran = cli.invoke(app, ["recognize", str(demo_clip), "--url", f"http://127.0.0.1:{port}"])
    assert ran.exit_code == 3


def test_a_missing_file_is_a_usage_error(cli: CliRunner) -> None:
    assert cli.invoke(app, ["recognize", "nowhere.mp4"]).exit_code == 2


def test_analyze_without_a_server_gives_the_numbers_of_the_service(
    cli: CliRunner, stack: EmbeddedStack, demo_clip: Path, tmp_path: Path
) -> None:
    served, local = tmp_path / "served.json", tmp_path / "local.json"
    for command, out in ((["recognize", "--url", stack.gateway_url], served), (["analyze"], local)):
        arguments = [*command, str(demo_clip), "--explain", "--json", str(out)]
        assert cli.invoke(app, arguments).exit_code == 0
    one, other = (
        AnalysisReport.model_validate(json.loads(path.read_text(encoding="utf-8")))
        for path in (served, local)
    )
    assert one.prediction.probabilities == pytest.approx(other.prediction.probabilities, abs=1e-4)
    for event in (*one.events, *other.events):
        assert event.explanation is not None
    for row, same in zip(one.action_units.frames, other.action_units.frames, strict=True):
        assert row.intensity == pytest.approx(same.intensity, abs=1e-4)


def test_a_video_has_a_rate_of_its_own(cli: CliRunner, demo_clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    ran = cli.invoke(app, ["analyze", str(demo_clip), "--json", str(out), "--fps", "25"])
    assert ran.exit_code == 0, ran.output
    (warning,) = json.loads(out.read_text(encoding="utf-8"))["decode"]["warnings"]
    assert "fps" in warning


def test_doctor_finds_everything_the_demo_needs(cli: CliRunner) -> None:
    ran = cli.invoke(app, ["doctor", "--json"])
    assert ran.exit_code == 0, ran.output
    assert {part["ok"] for part in json.loads(ran.output)} == {True}
