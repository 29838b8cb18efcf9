"""What a terminal shows of results in which no emotion was inferred."""

import pytest
from rich.console import Console

from service.client.tables import summary
from worker.contract import AnalysisReport


@pytest.mark.parametrize(
    ("mode", "said"), [("clip", "action units alone"), ("spot", "no micro-expression")]
)
def test_it_says_why_there_is_no_answer(report: AnalysisReport, mode: str, said: str) -> None:
    found = AnalysisReport.model_validate(
        {**report.model_dump(), "mode": mode, "prediction": None, "events": []}
    )
    console = Console(width=120)
    with console.capture() as shown:
        console.print(summary(found))
    assert shown.get().startswith(said)
