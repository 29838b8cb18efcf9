"""API keys at a real gateway: who may do what, and that a key opens no other tenant's jobs."""

import json
import os
import socket
import subprocess
from collections.abc import Callable

import httpx
import pytest
from typer.testing import CliRunner

from service.cli import app
from service.embedded.address import publish_redis
from service.embedded.wiring import Wiring
from service.store.accounts import in_days

pytestmark = pytest.mark.integration

CLIP = b"\x00\x00\x00\x20ftypisom" + bytes(1000)

NewKey = Callable[..., str]
Eventually = Callable[..., None]


@pytest.fixture
def madv(wiring: Wiring, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Runs a command on the data folder of the gateway's Redis and returns what it prints."""
    monkeypatch.delenv("MADV_REDIS_URL", raising=False)

    def run(*arguments: str) -> str:
        ran = CliRunner().invoke(app, [*arguments, "--data", str(wiring.data_dir)])
        assert ran.exit_code == 0, ran.output
        return ran.stdout

    return run


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def submit(http: httpx.Client, key: str, content: bytes = CLIP) -> httpx.Response:
    return http.post("/v1/recognize", files={"file": content}, headers=bearer(key))


def without_id(answer: httpx.Response) -> dict[str, object]:
    return {name: value for name, value in answer.json().items() if name != "request_id"}


def test_every_unusable_key_gets_the_same_answer(
    locked_gateway: httpx.Client, new_key: NewKey
) -> None:
    known, other = new_key(), new_key()
    sent: list[dict[str, str]] = [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": known},
        {"Authorization": f"Basic {known}"},
        bearer("madv_short"),
        bearer("madv_abcdefgh_" + "x" * 43),
        bearer(known[:14] + other[14:]),
        bearer(new_key(expires_at=in_days(-1))),
        {"X-API-Key": known},
    ]
    answers = [locked_gateway.get("/v1/jobs/job_none", headers=headers) for headers in sent]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}
    assert all(without_id(answer) == without_id(answers[0]) for answer in answers)
    assert answers[0].json()["code"] == "unauthenticated"


def test_an_upload_without_a_key_is_refused_before_it_arrives(
    locked_gateway: httpx.Client,
) -> None:
    url = locked_gateway.base_url
    head = (
        f"POST /v1/recognize HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: 1000000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    )
    with socket.create_connection((url.host, url.port or 80), timeout=10.0) as connection:
        connection.sendall(head.encode())
        assert connection.recv(12) == b"HTTP/1.1 401"


@pytest.mark.parametrize("name", ["key", "api_key", "token", "access_token", "authorization"])
def test_a_key_in_the_address_opens_nothing(
    locked_gateway: httpx.Client, new_key: NewKey, name: str
) -> None:
    answer = locked_gateway.get("/v1/jobs/job_none", params={name: new_key()})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/v1/recognize", "submit"),
        ("GET", "/v1/jobs", "read"),
        ("GET", "/v1/jobs/job_none", "read"),
        ("GET", "/v1/jobs/job_none/result", "read"),
        ("DELETE", "/v1/jobs/job_none", "delete"),
    ],
)
def test_each_operation_needs_its_scope(
    locked_gateway: httpx.Client, new_key: NewKey, method: str, path: str, scope: str
) -> None:
    others = {"submit", "read", "delete"} - {scope}
    refused = locked_gateway.request(method, path, headers=bearer(new_key(scopes=list(others))))
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert (refused.json()["scope"], f"`{scope}`" in refused.json()["detail"]) == (scope, True)
    for scopes in ([scope], ["admin"]):
        answer = locked_gateway.request(method, path, headers=bearer(new_key(scopes=scopes)))
        assert answer.status_code not in {401, 403}


def test_health_needs_no_key(locked_gateway: httpx.Client) -> None:
    assert locked_gateway.get("/v1/health/live").status_code == 200
    assert locked_gateway.get("/v1/health/ready").status_code == 503


def test_another_tenants_jobs_are_unknown(locked_gateway: httpx.Client, new_key: NewKey) -> None:
    mine, colleagues, strangers = new_key("lab"), new_key("lab"), new_key("other")
    job = submit(locked_gateway, mine).json()
    path = f"/v1/jobs/{job['id']}"
    calls = [
        ("GET", path),
        ("GET", f"{path}/result"),
        ("GET", f"{path}/events"),
        ("POST", f"{path}/cancel"),
        ("DELETE", path),
    ]
    for method, address in calls:
        answer = locked_gateway.request(method, address, headers=bearer(strangers))
        assert (answer.status_code, answer.json()["code"]) == (404, "job-not-found")
    assert locked_gateway.get("/v1/jobs", headers=bearer(strangers)).json()["data"] == []
    assert locked_gateway.get(path, headers=bearer(colleagues)).json()["status"] == "queued"


def test_the_same_bytes_of_two_tenants_are_two_jobs(
    locked_gateway: httpx.Client, new_key: NewKey
) -> None:
    first, other = (submit(locked_gateway, new_key(tenant)).json() for tenant in ("lab", "other"))
    assert first["id"] != other["id"]
    assert other["deduplicated_from"] is None


def test_a_rate_answers_429_and_when_to_return(
    locked_gateway: httpx.Client, new_key: NewKey
) -> None:
    slow, other = new_key(rate="2/minute"), new_key()
    assert [submit(locked_gateway, slow).status_code for _ in range(2)] == [202, 202]
    refused = submit(locked_gateway, slow)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate-limited")
    assert 50 <= int(refused.headers["retry-after"]) <= 60
    assert refused.headers["ratelimit-policy"] == '"submissions";q=2;w=60'
    assert refused.json()["retryable"]
    assert submit(locked_gateway, other).status_code == 202
    assert locked_gateway.get("/v1/jobs", headers=bearer(slow)).status_code == 200


def test_revoking_by_command_ends_a_key(
    locked_gateway: httpx.Client,
    wiring: Wiring,
    madv: Callable[..., str],
    eventually: Eventually,
) -> None:
    publish_redis(wiring.data_dir, wiring.redis_url)
    key = madv("keys", "create", "--tenant", "lab", "--quiet").strip()
    headers = bearer(key)

    def status() -> int:
        return locked_gateway.get("/v1/jobs/job_none", headers=headers).status_code

    assert status() == 404
    madv("keys", "revoke", key.split("_")[1])
    eventually(lambda: status() == 401, timeout_s=5.0)
    (listed,) = json.loads(madv("keys", "list", "--json"))
    assert listed["revoked_at"] > listed["last_used_at"] > listed["created_at"]
    assert key not in madv("keys", "list", "--json") + madv("keys", "list")


def test_keys_are_written_nowhere(
    locked_gateway: httpx.Client, wiring: Wiring, new_key: NewKey
) -> None:
    keys = [new_key(), new_key(scopes=["read"]), "madv_abcdefgh_" + "x" * 43]
    for key in keys:
        submit(locked_gateway, key)
        locked_gateway.get("/v1/jobs/job_none", headers=bearer(key), params={"key": key})
    files = [path for path in wiring.data_dir.rglob("*") if path.is_file()]
    assert any(path.suffix == ".aof" for path in files)
    for key in keys:
        assert not [path for path in files if key[14:].encode() in path.read_bytes()]


def test_the_description_says_which_operations_need_a_key(locked_gateway: httpx.Client) -> None:
    document = locked_gateway.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["ApiKey"]["scheme"] == "bearer"
    for path, operations in document["paths"].items():
        for operation in operations.values():
            is_open = path.startswith(("/v1/health", "/.well-known/"))
            assert ("security" in operation) is not is_open, path


def test_without_keys_pages_in_a_browser_are_kept_out(lone_gateway: httpx.Client) -> None:
    def answer(headers: dict[str, str]) -> tuple[int, str | None]:
        got = lone_gateway.post("/v1/recognize", files={"file": CLIP}, headers=headers)
        return got.status_code, got.json().get("code")

    assert answer({"Host": "rebound.example.org"}) == (421, "misdirected")
    assert answer({"Origin": "https://example.org"}) == (403, "origin-refused")
    assert answer({"Origin": str(lone_gateway.base_url).rstrip("/")}) == (202, None)
    assert lone_gateway.get("/v1/jobs").json()["data"] != []


def test_with_keys_any_host_name_is_answered(locked_gateway: httpx.Client, new_key: NewKey) -> None:
    headers = {**bearer(new_key()), "Host": "madv.example.org", "Origin": "https://example.org"}
    assert locked_gateway.get("/v1/jobs/job_none", headers=headers).status_code == 404


def test_a_gateway_without_keys_refuses_other_addresses(wiring: Wiring) -> None:
    command = wiring.gateway()
    environment = {**os.environ, **command.env, "MADV_HOST": "0.0.0.0"}  # noqa: S104  # refused
    ended = subprocess.run(
        command.argv, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode != 0
    assert "only a loopback address" in ended.stderr
    assert wiring.redis_password not in ended.stdout + ended.stderr
