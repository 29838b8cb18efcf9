"""A service that answers as it is told, over a real socket."""

import json
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from service.client import MadvClient, Retries
from service.embedded.ports import free_ports

NOW = datetime(2026, 7, 1, tzinfo=UTC).isoformat()


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived."""

    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Script:
    """Answers by address, one after the other; what was asked is kept."""

    url: str
    answers: dict[str, list[Response]] = field(default_factory=dict)
    asked: dict[str, list[Asked]] = field(default_factory=lambda: defaultdict(list))

    def tell(self, address: str, *answers: Response) -> None:
        self.answers.setdefault(address, []).extend(answers)

    async def __call__(self, scope: dict, receive: Callable, send: Callable) -> None:
        request = Request(scope, receive)
        address = f"{request.method} {request.url.path}"
        asked = Asked(dict(request.query_params), dict(request.headers), await request.body())
        self.asked[address].append(asked)
        left = self.answers.get(address)
        answer = left.pop(0) if left else Response(status_code=599)
        await answer(scope, receive, send)

    @staticmethod
    def job(status: str, **more: object) -> dict[str, object]:
        return {
            "id": "job_1",
            "status": status,
            "created_at": NOW,
            "started_at": None,
            "finished_at": None,
            "deadline_at": NOW,
            "expires_at": NOW,
            "progress": {"stage": status},
            "error": None,
            "links": dict.fromkeys(("self", "result", "events", "cancel", "deliveries"), "/"),
            "clip": {"sha256": "0", "bytes": 1},
            "options": {},
            "client_ref": None,
            "tags": [],
            "batch_id": None,
            "deduplicated_from": None,
            **more,
        }

    @staticmethod
    def batch(status: str) -> Response:
        counts = dict.fromkeys(
            ("total", "awaiting", "queued", "processing", "succeeded", "failed", "canceled"), 0
        )
        times = {"created_at": NOW, "finished_at": None, "expires_at": NOW}
        links = dict.fromkeys(("self", "items", "results", "cancel"), "/")
        rest = {"id": "batch_1", "options": {}, "client_ref": None, "tags": []}
        return JSONResponse({"status": status, "counts": counts, "links": links, **times, **rest})

    @staticmethod
    def problem(status: int, code: str, **headers: str) -> Response:
        body = {
            "type": "urn:x",
            "title": "",
            "status": status,
            "detail": "because",
            "code": code,
            "request_id": "req_1",
            "retryable": status in {429, 503},
        }
        return JSONResponse(body, status, headers)

    @staticmethod
    def broken(*chunks: bytes, media_type: str) -> Response:
        """A stream whose connection breaks before its end."""

        async def stream() -> AsyncIterator[bytes]:
            for chunk in chunks:
                yield chunk
            raise ConnectionAbortedError

        return StreamingResponse(stream(), media_type=media_type)

    @staticmethod
    def event(number: int, kind: str, document: object) -> bytes:
        return f"id: {number}\nevent: {kind}\ndata: {json.dumps(document)}\n\n".encode()

    @staticmethod
    def line(number: int) -> bytes:
        found = {
            "cursor": str(number),
            "client_ref": f"clip\u2028{number}",
            "job_id": "job_1",
            "status": "canceled",
            "error": None,
            "result": None,
        }
        return json.dumps(found, ensure_ascii=False).encode() + b"\n"


@pytest.fixture
def quick() -> Retries:
    """Pauses too short to notice."""
    return Retries(total_s=5.0, reconnects=2, first_pause_s=0.001, longest_pause_s=0.002)


@pytest.fixture
def script(eventually: Callable[..., None]) -> Iterator[Script]:
    (port,) = free_ports(1)
    told = Script(f"http://127.0.0.1:{port}")
    config = uvicorn.Config(told, port=port, log_level="critical", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    eventually(lambda: server.started)
    yield told
    server.should_exit = True
    thread.join()


@pytest.fixture
def client(script: Script, quick: Retries) -> Iterator[MadvClient]:
    with MadvClient(script.url, retries=quick) as connected:
        yield connected


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"frames")
    return path
