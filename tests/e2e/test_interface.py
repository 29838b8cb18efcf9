"""Made-up requests of every kind against the live stack: what comes back is what is documented."""

import json
from collections import Counter
from pathlib import Path

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


@pytest.fixture(scope="module", autouse=True)
def _uploads(demo_clip: Path) -> None:
    """What is sent as a file: sometimes a real clip, sometimes any bytes."""
    files = st.one_of(st.just(demo_clip.read_bytes()), st.binary(max_size=64))
    schemathesis.openapi.media_type("application/octet-stream", files)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_answers_are_as_documented(operation: APIOperation, stack: EmbeddedStack) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def check(case: Case) -> None:
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
