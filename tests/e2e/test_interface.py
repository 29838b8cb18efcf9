"""Made-up requests of every kind against the live stack: what comes back is what is documented."""

import json
from collections import Counter
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.embedded.stack import EmbeddedStack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 15
WRITTEN_DOWN = Path(__file__).parents[2] / "docs" / "openapi.json"


def _without_defaults() -> dict[str, object]:
    """The document without its catch-all answers, with which every status would count as told."""
    document = json.loads(WRITTEN_DOWN.read_text(encoding="utf-8"))
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("default", None)
    return document


INTERFACE = schemathesis.openapi.from_dict(_without_defaults())
OPERATIONS = [each.ok() for each in INTERFACE.get_all_operations()]
WAITS = ("wait", "prefer", "Prefer")
"""Left out: they only make the answer late."""


class Known:
    """Puts what the service knows into made-up requests: nobody guesses an id or a clip."""

    def __init__(self, http: httpx.Client, clip: bytes) -> None:
        self._http = http
        self._clip = clip

    def fill_in(self, case: Case) -> None:
        places = case.path_parameters
        if "job_id" in places:
            answer = self._http.post("/v1/recognize", files={"file": self._clip})
            places["job_id"] = answer.raise_for_status().json()["id"]
        if "batch_id" in places:
            answer = self._http.post("/v1/batches", json={"items": [{"client_ref": "a"}]})
            places["batch_id"] = answer.raise_for_status().json()["id"]
        if case.operation.label == "POST /v1/recognize" and isinstance(case.body, dict):
            case.body.update(file=self._clip, options=json.dumps({"tags": ["made-up"]}))


@pytest.fixture
def known(http: httpx.Client, demo_clip: Path) -> Known:
    return Known(http, demo_clip.read_bytes())


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_answers_are_as_documented(
    operation: APIOperation, stack: EmbeddedStack, known: Known
) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), is_known=st.booleans())
    def check(case: Case, is_known: bool) -> None:  # noqa: FBT001  # drawn by name
        if is_known:
            known.fill_in(case)
        for place in (case.query, case.headers):
            for name in WAITS:
                if place and name in place:
                    del place[name]
        answer = case.call_and_validate(base_url=stack.gateway_url, checks=CHECKS, timeout=60)
        statuses[answer.status_code] += 1

    statuses: Counter[int] = Counter()
    check()
    print(f"{operation.label}: {dict(statuses)}")  # noqa: T201  # what was covered
    if operation.label == "POST /v1/recognize":
        assert statuses[202], "no upload was accepted"
