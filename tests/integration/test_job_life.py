"""Jobs from their submission to their end, without a worker: what the gateway alone sees to."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from redis import Redis

from service.embedded.wiring import Wiring
from service.store.names import AUDIT

pytestmark = pytest.mark.integration

CLIP = b"\x00\x00\x00\x20ftypisom" + bytes(1000)


def submit(
    http: httpx.Client, content: bytes = CLIP, key: str | None = None, **options: object
) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return http.post(
        "/v1/recognize",
        files={"file": content},
        data={"options": json.dumps(options)},
        headers=headers,
    )


def test_fifty_equal_requests_at_once_make_one_job(
    lone_gateway: httpx.Client, wiring: Wiring
) -> None:
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: submit(lone_gateway, key="k"), range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    replays = [answer for answer in answers if "idempotent-replayed" in answer.headers]
    assert len(replays) == 49
    assert len(lone_gateway.get("/v1/jobs").json()["data"]) == 1
    assert len(_files(wiring)) == 1


@pytest.mark.parametrize(
    ("content", "options"), [(CLIP + b"more", {}), (CLIP, {"tags": ["other"]})]
)
def test_a_key_of_another_payload_is_refused(
    lone_gateway: httpx.Client, wiring: Wiring, content: bytes, options: dict[str, object]
) -> None:
    assert submit(lone_gateway, key="k").status_code == 202
    refused = submit(lone_gateway, content, "k", **options)
    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency-key-reused")
    assert len(_files(wiring)) == 1


def test_canceling_twice_is_the_same_as_once(lone_gateway: httpx.Client) -> None:
    links = submit(lone_gateway).json()["links"]
    first, second = (lone_gateway.post(links["cancel"]).json() for _ in range(2))
    assert first["status"] == "canceled"
    assert first["finished_at"] == second["finished_at"]
    refused = lone_gateway.get(links["result"])
    assert (refused.status_code, refused.json()["code"]) == (409, "job-canceled")


def test_what_is_deleted_is_gone_from_everywhere(
    lone_gateway: httpx.Client, wiring: Wiring, eventually: Callable[..., None]
) -> None:
    job = submit(lone_gateway, key="secret-key", client_ref="secret-ref", tags=["mine"]).json()
    for _ in range(2):
        assert lone_gateway.delete(job["links"]["self"]).status_code == 204
    for address in ("self", "result", "events"):
        gone = lone_gateway.get(job["links"][address])
        assert (gone.status_code, gone.json()["code"]) == (410, "job-deleted")
    assert lone_gateway.get("/v1/jobs").json()["data"] == []
    assert _files(wiring) == []
    with closing(Redis.from_url(wiring.redis_url)) as redis:
        eventually(lambda: _keys_about(redis, job["id"]) == {f"madv:gone:{job['id']}"})
        assert _keys_about(redis, job["clip"]["sha256"]) == set()
        assert _keys_about(redis, "secret-ref") == set()


def test_a_job_nobody_works_on_fails_at_its_deadline(lone_gateway: httpx.Client) -> None:
    address = submit(lone_gateway, deadline_s=1).json()["links"]["self"]
    waited = lone_gateway.get(address, params={"wait": 20}).json()
    assert waited["status"] == "failed"
    assert waited["error"]["code"] == "deadline-exceeded"
    assert waited["error"]["limit"] == 1


def test_a_long_poll_ends_when_the_job_does(lone_gateway: httpx.Client) -> None:
    links = submit(lone_gateway).json()["links"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lone_gateway.get, links["self"], params={"wait": 20})
        lone_gateway.post(links["cancel"])
        assert waiting.result().json()["status"] == "canceled"


def test_an_unchanged_job_is_not_sent_again(lone_gateway: httpx.Client) -> None:
    links = submit(lone_gateway).json()["links"]
    etag = lone_gateway.get(links["self"]).headers["etag"]
    known = {"If-None-Match": etag}
    assert lone_gateway.get(links["self"], headers=known).status_code == 304
    assert lone_gateway.get(links["self"], headers=known, params={"wait": 1}).status_code == 304
    lone_gateway.post(links["cancel"])
    assert lone_gateway.get(links["self"], headers=known).json()["status"] == "canceled"


def test_events_end_with_the_job_and_resume_where_they_broke_off(
    lone_gateway: httpx.Client,
) -> None:
    links = submit(lone_gateway).json()["links"]
    lone_gateway.post(links["cancel"])
    told = _events(lone_gateway.get(links["events"]).text)
    assert [json.loads(event["data"])["status"] for event in told] == ["queued", "canceled"]
    rest = lone_gateway.get(links["events"], headers={"Last-Event-ID": told[0]["id"]}).text
    assert _events(rest) == told[1:]


def test_jobs_are_listed_newest_first_page_by_page(lone_gateway: httpx.Client) -> None:
    ids = [submit(lone_gateway, tags=["odd" if i % 2 else "even"]).json()["id"] for i in range(7)]
    lone_gateway.post(f"/v1/jobs/{ids[3]}/cancel")
    assert _listed(lone_gateway, limit=3) == ids[::-1]
    assert _listed(lone_gateway, limit=2, tag="odd") == ids[5:0:-2]
    assert _listed(lone_gateway, status="canceled") == [ids[3]]
    first = lone_gateway.get(f"/v1/jobs/{ids[0]}").json()["created_at"]
    assert _listed(lone_gateway, created_after=first) == ids[:0:-1]
    bad = lone_gateway.get("/v1/jobs", params={"cursor": "!"})
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid-request")


def test_a_batch_counts_its_items_and_tells_their_ends(lone_gateway: httpx.Client) -> None:
    manifest = {"items": [{"client_ref": ref} for ref in "abc"], "tags": ["night"]}
    batch = lone_gateway.post("/v1/batches", json=manifest).json()
    place = {"batch_id": batch["id"], "client_ref": "a"}
    job, again = (submit(lone_gateway, **place).json() for _ in range(2))
    assert job["id"] == again["id"]
    assert job["tags"] == ["night"]
    other = submit(lone_gateway, CLIP + b"more", **place)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    unknown = submit(lone_gateway, batch_id=batch["id"], client_ref="z")
    assert (unknown.status_code, unknown.json()["code"]) == (422, "invalid-request")

    counts = lone_gateway.get(batch["links"]["self"]).json()["counts"]
    assert (counts["total"], counts["awaiting"], counts["queued"]) == (3, 2, 1)
    page = lone_gateway.get(batch["links"]["items"], params={"limit": 2}).json()
    assert page["data"] == [
        {"client_ref": "a", "job_id": job["id"]},
        {"client_ref": "b", "job_id": None},
    ]
    rest = lone_gateway.get(batch["links"]["items"], params={"cursor": page["next_cursor"]}).json()
    assert [item["client_ref"] for item in rest["data"]] == ["c"]

    closed = lone_gateway.post(batch["links"]["cancel"]).json()
    assert closed["status"] == "canceled"
    late = submit(lone_gateway, batch_id=batch["id"], client_ref="b")
    assert (late.status_code, late.json()["code"]) == (409, "batch-closed")
    lines = lone_gateway.get(batch["links"]["results"], params={"wait": 5}).text.splitlines()
    (line,) = (json.loads(text) for text in lines)
    assert (line["client_ref"], line["job_id"], line["status"]) == ("a", job["id"], "canceled")
    after = lone_gateway.get(batch["links"]["results"], params={"cursor": line["cursor"]})
    assert after.text == ""


def test_the_same_name_twice_in_a_batch_is_refused(lone_gateway: httpx.Client) -> None:
    manifest = {"items": [{"client_ref": "a"}, {"client_ref": "a"}]}
    refused = lone_gateway.post("/v1/batches", json=manifest)
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid-request")


def _events(text: str) -> list[dict[str, str]]:
    blocks = [block.splitlines() for block in text.split("\n\n") if block]
    return [dict(line.split(": ", 1) for line in block) for block in blocks]


def _listed(http: httpx.Client, **query: object) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    while True:
        wanted = query | ({} if cursor is None else {"cursor": cursor})
        page = http.get("/v1/jobs", params=wanted).json()
        found += [job["id"] for job in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return found


def _files(wiring: Wiring) -> list[Path]:
    return [path for path in (wiring.data_dir / "blobs").rglob("*") if path.is_file()]


def _keys_about(redis: Redis, needle: str) -> set[str]:
    """Keys whose name or content has the text in it. What was done to a job stays written down."""
    found = set()
    for key in redis.scan_iter():
        kind = redis.type(key).decode()
        read = {
            "string": redis.get,
            "hash": redis.hgetall,
            "list": lambda name: redis.lrange(name, 0, -1),
            "set": redis.smembers,
            "zset": lambda name: redis.zrange(name, 0, -1),
            "stream": redis.xrange,
            "none": lambda _: b"",  # gone since it was listed
        }[kind]
        if (
            kind != "none"
            and key.decode() != AUDIT
            and (needle in key.decode() or needle in str(read(key)))
        ):
            found.add(key.decode())
    return found
