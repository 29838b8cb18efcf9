"""Alert rules and dashboard: they parse, do what they say, and ask for figures there are."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from service.state import Settlement
from service.store.standings import Standings
from service.telemetry.exposition import expose
from service.telemetry.meters import Meters
from service.telemetry.requests import Answered
from worker.contract import JobState
from worker.telemetry.figures import FIGURES, Count, Tally

FOLDER = Path(__file__).parents[2] / "docker" / "telemetry"
NEIGHBOURS = ("nv_", "redis_", "process_")
"""What Triton, Redis' exporter and the process itself tell."""
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def promtool() -> str:
    found = os.environ.get("MADV_PROMTOOL") or shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian's package prometheus carries it)")
    return found


def scraped() -> str:
    """A scrape in which every figure of gateway and workers has been counted."""
    tally = Tally()
    for figure in FIGURES:
        labels = ["x"] * len(figure.labels)
        if figure.bounds:
            tally.observe(figure, 1.0, *labels)
        else:
            tally.add(figure, *labels)
    sums = {Count.of(field): amount for field, amount in tally.counts().items()}
    meters = Meters()
    meters.requests.of(Answered("GET", "/v1/limits", "200", "no")).note(0.1)
    meters.attempt_delivery("delivered")
    meters.end_job(
        Settlement(state=JobState.CANCELED, started_at=None, finished_at=NOW, expires_at=NOW)
    )
    return expose(meters, Standings(1, 2.0, 3, 4, 5, sums), "")[0].decode()


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        (FOLDER / "dashboard.json").read_text(encoding="utf-8")
    )["panels"]
    return found


def queries() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    for panel in panels():
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$__rate_interval", "1m")


def names_in(query: str) -> set[str]:
    names: set[str] = set()

    def visit(expression: object) -> None:
        if isinstance(expression, promql_parser.VectorSelector):
            names.add(expression.name or "")

    promql_parser.walk(promql_parser.parse(query), pre_visit=visit)
    return names


def test_every_query_asks_for_figures_there_are() -> None:
    families = text_string_to_metric_families(scraped())
    there = {sample.name for family in families for sample in family.samples}
    there |= {rule["record"] for rule in rules() if "record" in rule} | {"up"}
    asked = set().union(*(names_in(query) for query in queries()))
    assert {name for name in asked - there if not name.startswith(NEIGHBOURS)} == set()


def test_every_figure_of_ours_is_on_the_dashboard() -> None:
    shown = " ".join(target["expr"] for panel in panels() for target in panel.get("targets", ()))
    families = [family.name for family in text_string_to_metric_families(scraped())]
    ours = {name for name in families if name.startswith("madv_")}
    unseen = {name for name in ours if name not in shown and not name.endswith("_created")}
    assert unseen == set()


def test_every_alert_says_what_it_means() -> None:
    for rule in rules():
        if "alert" in rule:
            assert rule["labels"]["severity"] in {"info", "warning", "critical"}
            assert set(rule["annotations"]) == {"summary", "description"}


def test_every_alert_is_tried() -> None:
    tried = yaml.safe_load((FOLDER / "alerts_test.yaml").read_text(encoding="utf-8"))["tests"]
    fired = {
        case["alertname"]
        for test in tried
        for case in test["alert_rule_test"]
        if case.get("exp_alerts")
    }
    assert fired == {rule["alert"] for rule in rules() if "alert" in rule}


def test_panels_do_not_lie_on_each_other() -> None:
    places = [panel["gridPos"] for panel in panels()]
    assert len({panel["id"] for panel in panels()}) == len(places)
    for one, other in combinations(places, 2):
        is_beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        is_above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert is_beside or is_above


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "alerts.yaml"),
        ("test", "rules", "alerts_test.yaml"),
        ("check", "config", "--syntax-only", "prometheus.yaml"),
    ],
    ids=lambda arguments: "-".join(arguments[:2]),
)
def test_promtool_finds_nothing_wrong(promtool: str, arguments: tuple[str, ...]) -> None:
    ran = subprocess.run(
        [promtool, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_promtool_finds_nothing_wrong_with_a_scrape(promtool: str) -> None:
    ran = subprocess.run(
        [promtool, "check", "metrics"],
        input=scraped(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
