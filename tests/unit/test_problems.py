import httpx
import pytest
from fastapi import FastAPI

from service.errors import KINDS, GatewayCode, ProblemError, install_handlers, problem_of
from service.request_id import RequestId
from worker.contract import ErrorCode, Failure


class NeighbourDown(Exception):
    pass


@pytest.fixture
def http() -> httpx.AsyncClient:
    app = FastAPI()
    install_handlers(app, (NeighbourDown,))
    app.add_middleware(RequestId)

    @app.get("/bug")
    async def bug() -> None:
        raise ValueError("a secret detail")

    @app.get("/outage")
    async def outage() -> None:
        raise NeighbourDown("host and port")

    @app.get("/number/{value}")
    async def number(value: int) -> int:
        return value

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://test")


def test_every_code_has_a_status_and_a_title() -> None:
    assert set(KINDS) == {*ErrorCode, *GatewayCode}


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (ErrorCode.EMPTY_FILE, 400),
        (ErrorCode.TOO_LARGE, 413),
        (ErrorCode.NOT_A_VIDEO, 415),
        (ErrorCode.UNSUPPORTED_CODEC, 415),
        (ErrorCode.NO_FACE, 422),
        (ErrorCode.TOO_LONG, 422),
        (ErrorCode.INTERNAL, 500),
        (GatewayCode.JOB_NOT_FOUND, 404),
        (GatewayCode.RESULT_NOT_READY, 409),
        (GatewayCode.EXPIRED, 410),
        (GatewayCode.UNAVAILABLE, 503),
    ],
)
def test_statuses_are_those_of_the_contract(code: ErrorCode | GatewayCode, status: int) -> None:
    assert problem_of(ProblemError(code, "why"), "req_1").status == status


def test_a_failure_keeps_its_limit_and_what_was_measured() -> None:
    failure = Failure(code=ErrorCode.TOO_LONG, detail="too long", limit=10, measured=12.5)
    problem = problem_of(ProblemError.of_failure(failure), "req_1")
    assert (problem.code, problem.limit, problem.measured) == ("too-long", 10, 12.5)
    assert problem.type == "urn:madv:problem:too-long"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("POST", "/bug", 405, "method-not-allowed"),
        ("GET", "/number/seven", 422, "invalid-request"),
        ("GET", "/outage", 503, "unavailable"),
        ("GET", "/bug", 500, "internal"),
    ],
)
async def test_every_error_is_a_problem(
    http: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    async with http:
        answer = await http.request(method, path, headers={"X-Request-ID": "mine-1"})
    problem = answer.json()
    assert answer.status_code == problem["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["code"] == code
    assert problem["request_id"] == answer.headers["x-request-id"] == "mine-1"
    assert {"type", "title", "detail", "retryable"} <= set(problem)
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    assert "host and port" not in answer.text


@pytest.mark.anyio
async def test_an_insane_request_id_is_replaced(http: httpx.AsyncClient) -> None:
    async with http:
        answer = await http.get("/nowhere", headers={"X-Request-ID": "x" * 200})
    assert answer.headers["x-request-id"].startswith("req_")
