"""Made-up requests of every kind against the live stack: what comes back is what is documented."""

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import not_a_server_error
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
LONG_WAITS = ("wait", "prefer", "Prefer")


@pytest.fixture(scope="session")
def interface(stack: EmbeddedStack, demo_clip: Path) -> schemathesis.BaseSchema:
    clip = demo_clip.read_bytes()
    files = st.one_of(st.just(clip), st.binary(max_size=64))
    schemathesis.openapi.media_type("application/octet-stream", files)
    schemathesis.openapi.format("binary", files)
    return schemathesis.openapi.from_url(f"{stack.gateway_url}/openapi.json")


schema = schemathesis.pytest.from_fixture("interface")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_documented(case: Case) -> None:
    for place in (case.query, case.headers):
        for name in LONG_WAITS:
            if place and name in place:
                del place[name]
    case.call_and_validate(checks=CHECKS, timeout=60)
