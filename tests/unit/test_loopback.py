import httpx
import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from service.loopback import LoopbackGuard
from service.request_id import RequestId
from service.settings import GatewaySettings


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = FastAPI()

    @app.api_route("/", methods=["GET", "POST", "DELETE"])
    async def answer() -> str:
        return "done"

    app.add_middleware(LoopbackGuard)
    app.add_middleware(RequestId)
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8000", "localhost:8000", "LocalHost", "[::1]", "[::1]:8000"]
)
async def test_loopback_names_are_answered(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/", headers={"Host": host})).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize(
    "host",
    [
        "example.org",
        "example.org:8000",
        "127.0.0.1.example.org",
        "localhost.example.org",
        "127.0.0.1@example.org",
        "127.0.0.1:80:80",
        "192.168.1.7",
        "0.0.0.0",  # noqa: S104  # not bound to
        "[::ffff:8.8.8.8]",
        "",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_other_names_are_misdirected(
    client: httpx.AsyncClient, host: str, method: str
) -> None:
    answer = await client.request(method, "/", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (421, "misdirected")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "origin",
    ["https://example.org", "null", "http://localhost:3000", "https://127.0.0.1:8000", ""],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_pages_of_other_origins_change_nothing(
    client: httpx.AsyncClient, origin: str, method: str
) -> None:
    answer = await client.request(method, "/", headers={"Origin": origin})
    assert (answer.status_code, answer.json()["code"]) == (403, "origin-refused")


@pytest.mark.anyio
async def test_own_pages_and_programs_may_change_things(client: httpx.AsyncClient) -> None:
    own = {"Origin": "http://127.0.0.1:8000"}
    assert (await client.post("/", headers=own)).status_code == 200
    assert (await client.post("/")).status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.org"])  # noqa: S104  # refused
def test_without_keys_only_loopback_can_be_listened_on(host: str) -> None:
    with pytest.raises(ValidationError, match="loopback"):
        GatewaySettings(blob_url="memory:///", auth="off", host=host)
    GatewaySettings(blob_url="memory:///", auth="required", host=host)
    GatewaySettings(blob_url="memory:///", auth="off", host="::1")
