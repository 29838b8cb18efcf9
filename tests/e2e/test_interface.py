"""Made-up requests of every kind against the live stack: what comes back is what is documented."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ensure_resource_availability,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    use_after_free,
)

from service.embedded.stack import EmbeddedStack, StackConfig
from service.principal import Scope
from service.store.accounts import KeyRequest, open_accounts

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OF_JOURNEYS = [*CHECKS, use_after_free, ensure_resource_availability, ignored_auth]
EXAMPLES = 15
JOURNEYS = 80
STEPS = 8
WRITTEN_DOWN = Path(__file__).parents[2] / "docs" / "openapi.json"
NOBODY = "http://127.0.0.1:9/hook"
"""A target of webhooks that is permitted and does not answer."""


def _without_defaults() -> dict[str, object]:
    """The document without its catch-all answers, with which every status would count as told."""
    document = json.loads(WRITTEN_DOWN.read_text(encoding="utf-8"))
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("default", None)
    return document


# Links are followed where they are written down, not where names suggest one; keys are not made up.
CONFIG = schemathesis.Config.from_dict(
    {
        "generation": {"with-security-parameters": False},
        "phases": {
            "stateful": {"generation": {"mode": "positive"}, "inference": {"algorithms": []}}
        },
    }
)
INTERFACE = schemathesis.openapi.from_dict(_without_defaults(), config=CONFIG)
OPERATIONS = [each.ok() for each in INTERFACE.get_all_operations()]
LOCKED = [operation for operation in OPERATIONS if operation.definition.raw.get("security")]
LINKED = {
    operation.label
    for operation in LOCKED
    if operation.label != "GET /v1/jobs"
    and any("links" in answer for answer in operation.definition.raw["responses"].values())
}
PATHS = sorted({operation.path for operation in OPERATIONS})
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
WAITS = ("wait", "prefer", "Prefer")
"""Left out: they only make the answer late."""
GENERATION = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


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
        self.fill_in_clip(case, {"tags": ["made-up"]})

    def fill_in_clip(self, case: Case, options: dict[str, object]) -> None:
        if case.operation.label == "POST /v1/recognize" and isinstance(case.body, dict):
            case.body.update(file=self._clip, options=json.dumps(options))


def without_waits(case: Case) -> None:
    for place in (case.query, case.headers):
        for name in WAITS:
            if place and name in place:
                del place[name]


@pytest.fixture
def known(http: httpx.Client, short_clip: Path) -> Known:
    return Known(http, short_clip.read_bytes())


@pytest.fixture(scope="module")
def locked_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStack]:
    """A stack that asks for keys, and may send webhooks to this machine."""
    config = StackConfig(
        tmp_path_factory.mktemp("locked"),
        backend="inprocess",
        settings={"MADV_AUTH": "required", "MADV_WEBHOOK_NETWORKS": '["127.0.0.1/32"]'},
    )
    with EmbeddedStack(config) as running:
        yield running


def bearer(stack: EmbeddedStack) -> dict[str, str]:
    """Headers with a new key."""

    async def create() -> str:
        async with open_accounts(stack.wiring.redis_url, timeout_s=5.0) as accounts:
            wanted = KeyRequest(tenant="lab", scopes=frozenset({Scope.ADMIN}))
            return (await accounts.create(wanted))[0]

    return {"Authorization": f"Bearer {asyncio.run(create())}"}


@pytest.fixture(scope="module")
def headers(locked_stack: EmbeddedStack) -> dict[str, str]:
    return bearer(locked_stack)


@pytest.fixture
def keyed(locked_stack: EmbeddedStack, headers: dict[str, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=locked_stack.gateway_url, headers=headers, timeout=60.0) as client:
        yield client


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_answers_are_as_documented(
    operation: APIOperation, stack: EmbeddedStack, known: Known
) -> None:
    @settings(GENERATION, max_examples=EXAMPLES)
    @given(case=operation.as_strategy(), is_known=st.booleans())
    def check(case: Case, is_known: bool) -> None:  # noqa: FBT001  # drawn by name
        if is_known:
            known.fill_in(case)
        without_waits(case)
        answer = case.call_and_validate(base_url=stack.gateway_url, checks=CHECKS, timeout=60)
        statuses[answer.status_code] += 1

    statuses: Counter[int] = Counter()
    check()
    print(f"{operation.label}: {dict(statuses)}")  # noqa: T201  # what was covered
    if operation.label == "POST /v1/recognize":
        assert statuses[202], "no upload was accepted"


@pytest.fixture
def ended_job(keyed: httpx.Client, short_clip: Path) -> Callable[[], str]:
    """Makes a job that has ended, and whose webhook could not be delivered."""

    def make() -> str:
        answer = keyed.post(
            "/v1/recognize",
            headers={"Prefer": "wait=60"},
            files={"file": short_clip.read_bytes()},
            data={"options": json.dumps({"webhook_url": NOBODY})},
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["job_id"])

    return make


def case_that_works(operation: APIOperation, keyed: httpx.Client, job_id: str, clip: bytes) -> Case:
    places = {"job_id": job_id, "delivery_id": f"msg_{job_id}"}
    if "batch_id" in operation.path:
        answer = keyed.post("/v1/batches", json={"items": [{"client_ref": "a"}]})
        places["batch_id"] = answer.raise_for_status().json()["id"]
    if "receipts" in operation.path:
        keyed.delete(f"/v1/jobs/{job_id}").raise_for_status()
    bodies: dict[str, dict[str, object]] = {
        "POST /v1/recognize": {
            "body": {"file": clip},
            "media_type": "multipart/form-data",
        },
        "POST /v1/batches": {
            "body": {"items": [{"client_ref": "a"}]},
            "media_type": "application/json",
        },
    }
    wanted = {name: value for name, value in places.items() if f"{{{name}}}" in operation.path}
    return operation.Case(path_parameters=wanted, **bodies.get(operation.label, {}))


@pytest.mark.parametrize("operation", LOCKED, ids=lambda operation: operation.label)
def test_a_key_is_asked_for(
    operation: APIOperation,
    keyed: httpx.Client,
    headers: dict[str, str],
    ended_job: Callable[[], str],
    short_clip: Path,
) -> None:
    """Without a key, and with a wrong one, what has just worked works no more."""
    case = case_that_works(operation, keyed, ended_job(), short_clip.read_bytes())
    answer = case.call_and_validate(
        base_url=str(keyed.base_url), headers=headers, checks=[*CHECKS, ignored_auth], timeout=60
    )
    assert 200 <= answer.status_code < 300


@pytest.mark.parametrize("path", PATHS)
def test_other_methods_are_refused_and_the_right_ones_named(path: str, keyed: httpx.Client) -> None:
    documented = {operation.method.upper() for operation in OPERATIONS if operation.path == path}
    address = path.format(job_id="job_1", batch_id="batch_1", delivery_id="msg_1")
    for method in METHODS:
        if method in documented:
            continue
        answer = keyed.request(method, address)
        assert answer.status_code == 405, f"{method} {address}"
        assert set(answer.headers["allow"].split(", ")) == documented
        assert answer.headers["content-type"] == "application/problem+json"
        if method != "HEAD":
            assert answer.json()["code"] == "method-not-allowed"


class Traveller:
    """One journey, with a key of its own: what others did under it would change its course."""

    def __init__(self, http: httpx.Client, clip: bytes) -> None:
        self._http = http
        self._known = Known(http, clip)
        self._awaiting: list[dict[str, object]] = []

    def prepare(self, case: Case) -> None:
        """Upload a clip, into a batch where one waits for it, with a webhook."""
        without_waits(case)
        if case.headers:
            case.headers.pop("accept", None)
        place = self._awaiting.pop() if self._awaiting else {}
        self._known.fill_in_clip(case, {"webhook_url": NOBODY, **place})

    def note(self, case: Case, response: Response) -> None:
        """Remember a batch's first item; wait for a job, so that what follows is not chance."""
        match case.operation.label, response.status_code:
            case "POST /v1/batches", 201:
                reference = case.body["items"][0]["client_ref"]
                place = {"batch_id": response.json()["id"], "client_ref": reference}
                self._awaiting.append(place)
            case "POST /v1/recognize", 202:
                path = response.headers["location"][0]
                self._http.get(path, params={"wait": 60}).raise_for_status()


def test_links_lead_on(locked_stack: EmbeddedStack, short_clip: Path) -> None:
    """Whatever is done one after another, along the links of the document."""
    clip = short_clip.read_bytes()
    reached: Counter[tuple[str, int]] = Counter()

    # What a list shows depends on journeys before this one, and courses have to be repeatable.
    linked = INTERFACE.exclude(operation_id="list_jobs").as_state_machine()
    for name in linked.root_rules:
        if "_id" in name:  # nothing begins with an id that was made up
            delattr(linked, name)

    class Journeys(linked):  # type: ignore[misc, valid-type]  # made at run time
        def setup(self) -> None:
            self.headers = bearer(locked_stack)
            self.http = httpx.Client(
                base_url=locked_stack.gateway_url, headers=self.headers, timeout=90.0
            )
            self.traveller = Traveller(self.http, clip)

        def teardown(self) -> None:
            self.http.close()

        def before_call(self, case: Case) -> None:
            self.traveller.prepare(case)

        def get_call_kwargs(self, case: Case) -> dict[str, object]:  # noqa: ARG002  # its shape
            url = locked_stack.gateway_url
            return {"base_url": url, "headers": self.headers, "timeout": 60}

        def validate_response(self, response: Response, case: Case, **sent: object) -> None:
            reached[case.operation.label, response.status_code] += 1
            self.traveller.note(case, response)
            case.validate_response(
                response,
                checks=OF_JOURNEYS,
                headers=self.headers,
                transport_kwargs=sent,
                recorder=self.recorder,
            )

    Journeys.run(settings=settings(GENERATION, max_examples=JOURNEYS, stateful_step_count=STEPS))
    for (label, status), count in sorted(reached.items()):
        print(f"{label}: {status} x {count}")  # noqa: T201  # what was covered
    done = {label for label, status in reached if status < 300}
    assert done >= LINKED
