"""Webhooks of a whole gateway."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import httpx
import pytest

from service.embedded.redis import send
from service.embedded.wiring import Wiring

if TYPE_CHECKING:
    from tests.integration.webhooks.conftest import Receiver

pytestmark = pytest.mark.integration

CLIP = b"\x00\x00\x00\x20ftypisom" + bytes(1000)
SIGNING = "/v1/webhooks/secret"
Eventually = Callable[..., None]


def submit(http: httpx.Client, **options: str) -> httpx.Response:
    data = {"options": json.dumps(options)}
    return http.post("/v1/recognize", files={"file": CLIP}, data=data)


def canceled(http: httpx.Client, webhook_url: str) -> dict[str, str]:
    """The links of a job that ended, and wants it told."""
    job = submit(http, webhook_url=webhook_url).raise_for_status().json()
    http.post(job["links"]["cancel"]).raise_for_status()
    return job["links"]


def test_the_end_of_a_job_is_told_logged_and_told_again(
    lone_gateway: httpx.Client, receiver: Receiver, eventually: Eventually
) -> None:
    receiver.will(500)
    links = canceled(lone_gateway, receiver.url)

    def log() -> dict[str, object]:
        (delivery,) = lone_gateway.get(links["deliveries"]).raise_for_status().json()["data"]
        return delivery

    eventually(lambda: log()["state"] == "delivered")
    told = receiver.received[-1].verified(lone_gateway.get(SIGNING).json()["secret"])
    assert told["type"] == "job.canceled"
    assert told["data"]["url"] == links["self"]
    assert [attempt["status"] for attempt in log()["attempts"]] == [500, 200]

    again = lone_gateway.post(f"{links['deliveries']}/{log()['id']}/redeliver")
    assert (again.status_code, again.json()["id"]) == (202, log()["id"])
    eventually(lambda: [attempt["status"] for attempt in log()["attempts"]] == [500, 200, 200])
    assert len({message.headers["webhook-id"] for message in receiver.received}) == 1


def test_a_job_without_webhook_has_no_deliveries(lone_gateway: httpx.Client) -> None:
    links = submit(lone_gateway).json()["links"]
    lone_gateway.post(links["cancel"])
    assert lone_gateway.get(links["deliveries"]).json() == {"data": []}
    missing = lone_gateway.post(f"{links['deliveries']}/msg_1/redeliver")
    assert (missing.status_code, missing.json()["code"]) == (404, "delivery-not-found")


def test_a_deleted_jobs_deliveries_are_gone_too(
    lone_gateway: httpx.Client, receiver: Receiver, wiring: Wiring, eventually: Eventually
) -> None:
    links = canceled(lone_gateway, receiver.url)
    eventually(lambda: len(receiver.received) == 1)
    assert lone_gateway.delete(links["self"]).status_code == 204
    assert lone_gateway.get(links["deliveries"]).status_code == 410
    job_id = links["self"].rpartition("/")[2]
    assert send(wiring, "KEYS", f"madv:webhooks:*{job_id}") == b"*0"
    assert send(wiring, "ZCARD", "madv:webhooks:due") == b":0"


def test_the_end_of_a_batch_is_told(
    lone_gateway: httpx.Client, receiver: Receiver, eventually: Eventually
) -> None:
    wanted = {"items": [{"client_ref": "a"}], "webhook_url": receiver.url}
    batch = lone_gateway.post("/v1/batches", json=wanted).raise_for_status().json()
    job = submit(lone_gateway, batch_id=batch["id"], client_ref="a").raise_for_status().json()
    lone_gateway.post(job["links"]["cancel"]).raise_for_status()
    eventually(lambda: len(receiver.received) == 1)
    told = receiver.received[0].verified(lone_gateway.get(SIGNING).json()["secret"])
    path = batch["links"]["self"]
    status = lone_gateway.get(path).json()["status"]
    assert status != "open"
    assert told["type"] == f"batch.{status}"
    assert told["data"] == {"id": batch["id"], "status": status, "url": path}


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "https://127.0.0.2/",
        "https://2130706434/",
        "https://[::ffff:127.0.0.1]/",
        "https://user:word@127.0.0.1/",
        "https://nobody.invalid/",
    ],
)
def test_bad_targets_are_refused_with_the_clip(lone_gateway: httpx.Client, url: str) -> None:
    batch = {"items": [{"client_ref": "a"}], "webhook_url": url}
    for refused in (
        submit(lone_gateway, webhook_url=url),
        lone_gateway.post("/v1/batches", json=batch),
    ):
        assert (refused.status_code, refused.json()["code"]) == (422, "webhook-target-refused")


def test_deliveries_and_secrets_are_the_tenants_own(
    locked_gateway: httpx.Client, new_key: Callable[..., str], receiver: Receiver
) -> None:
    mine = as_bearer(new_key(scopes=["admin"]))
    other = as_bearer(new_key(tenant="another", scopes=["admin"]))
    reader = as_bearer(new_key(scopes=["read"]))
    locked_gateway.headers.update(mine)
    links = canceled(locked_gateway, receiver.url)
    redeliver = f"{links['deliveries']}/msg_{links['self'].rpartition('/')[2]}/redeliver"

    assert locked_gateway.get(links["deliveries"], headers=reader).status_code == 200
    assert locked_gateway.post(redeliver, headers=reader).status_code == 403
    for method, path in (("GET", links["deliveries"]), ("POST", redeliver)):
        assert locked_gateway.request(method, path, headers=other).status_code == 404
    for method, path in (("GET", SIGNING), ("POST", f"{SIGNING}/rotate")):
        assert locked_gateway.request(method, path, headers=reader).status_code == 403

    first = locked_gateway.get(SIGNING).json()["secret"]
    assert locked_gateway.get(SIGNING, headers=other).json()["secret"] != first
    second = locked_gateway.post(f"{SIGNING}/rotate").json()["secret"]
    assert locked_gateway.get(SIGNING).json()["secret"] == second != first


def as_bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
