"""Receipts of deletions, and the log of who did what when."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from service.audit.chain import Action
from service.cli import app
from service.client import MadvClient
from service.embedded.processes import Command
from service.embedded.stack import EmbeddedStack
from service.embedded.wiring import Wiring
from service.receipts import HEADER, JsonWebKeySet, verified
from service.schemas import Job, RecognizeOptions

pytestmark = pytest.mark.integration

CLIP = b"\x00\x00\x00\x20ftypisom" + bytes(100)
GENUINE = re.compile(r"genuine: nothing of (job_\w+) was kept on")


def submit(http: httpx.Client, key: str = "none", **options: object) -> str:
    sent = http.post(
        "/v1/recognize",
        files={"file": CLIP},
        data={"options": json.dumps(options)},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert sent.status_code == 202, sent.text
    return str(sent.json()["id"])


def test_a_deletion_is_receipted_and_the_receipt_verified_by_a_command(
    lone_gateway: httpx.Client, tmp_path: Path
) -> None:
    job_id = submit(lone_gateway)
    early = lone_gateway.get(f"/v1/receipts/{job_id}")
    assert (early.status_code, early.json()["code"]) == (409, "not-deleted")

    answer = lone_gateway.delete(f"/v1/jobs/{job_id}")
    assert (answer.status_code, answer.content) == (204, b"")
    again = lone_gateway.delete(f"/v1/jobs/{job_id}")
    later = lone_gateway.get(f"/v1/receipts/{job_id}").json()
    keys = lone_gateway.get("/.well-known/jwks.json")
    (tmp_path / "keys.json").write_bytes(keys.content)
    assert "d" not in keys.json()["keys"][0]
    for receipt in (answer.headers[HEADER], again.headers[HEADER], later["receipt"]):
        for where in (
            ["--keys", str(tmp_path / "keys.json")],
            ["--url", str(lone_gateway.base_url)],
        ):
            checked = CliRunner().invoke(app, ["receipt", "verify", receipt, *where])
            assert checked.exit_code == 0, checked.output
            assert GENUINE.search(checked.output)[1] == job_id

    forged = later["receipt"][:-6] + "AAAAAA"
    checked = CliRunner().invoke(
        app, ["receipt", "verify", forged, "--keys", str(tmp_path / "keys.json")]
    )
    assert checked.exit_code == 1
    assert "not genuine" in checked.output


def test_nobody_else_gets_a_receipt(
    locked_gateway: httpx.Client, new_key: Callable[..., str]
) -> None:
    own, other = new_key("lab"), new_key("stranger")
    job_id = submit(locked_gateway, own)
    mine = {"Authorization": f"Bearer {own}"}
    theirs = {"Authorization": f"Bearer {other}"}
    assert locked_gateway.delete(f"/v1/jobs/{job_id}", headers=theirs).status_code == 404
    assert HEADER in locked_gateway.delete(f"/v1/jobs/{job_id}", headers=mine).headers
    refused = locked_gateway.get(f"/v1/receipts/{job_id}", headers=theirs)
    assert (refused.status_code, refused.json()["code"]) == (404, "job-not-found")


def test_a_receipt_is_given_once_the_worker_has_let_go(
    client: MadvClient,
    http: httpx.Client,
    demo_clip: Path,
    eventually: Callable[..., None],
) -> None:
    """Deleted in mid-analysis: the receipt waits until no worker holds the clip."""
    job = client.submit(demo_clip, RecognizeOptions(deduplicate=False))
    eventually(lambda: client.job(job.id).started_at is not None)
    http.delete(f"/v1/jobs/{job.id}").raise_for_status()
    eventually(lambda: http.get(f"/v1/receipts/{job.id}").is_success)
    receipt = http.get(f"/v1/receipts/{job.id}").json()["receipt"]
    keys = JsonWebKeySet.model_validate_json(http.get("/.well-known/jwks.json").content).keys
    assert verified(receipt, keys)[0] == job.id


@pytest.fixture
def quick(wiring: Wiring) -> Wiring:
    """Seals at once, and asks for keys."""
    settings = {"MADV_AUDIT_SEAL_S": "0.1", "MADV_AUTH": "required"}
    return replace(wiring, settings={**wiring.settings, **settings})


def verify(wiring: Wiring, *more: str) -> tuple[int, str]:
    url = (wiring.data_dir / "audit").as_uri()
    arguments = ["audit", "verify", "--url", url, "--redis-url", wiring.redis_url, *more]
    ran = CliRunner().invoke(app, arguments)
    return ran.exit_code, ran.output


def lines_of(wiring: Wiring) -> list[dict[str, object]]:
    url = (wiring.data_dir / "audit").as_uri()
    shown = CliRunner().invoke(app, ["audit", "show", "--url", url])
    assert shown.exit_code == 0, shown.output
    return [json.loads(line) for line in shown.stdout.splitlines()]


def test_what_was_done_is_written_down_and_cannot_be_changed_unnoticed(
    quick: Wiring,
    run_gateway: Callable[[Command], object],
    new_key: Callable[..., str],
    eventually: Callable[..., None],
) -> None:
    key = new_key("lab")
    key_id = key.split("_")[1]
    headers = {"Authorization": f"Bearer {key}"}
    with run_gateway(quick.gateway()) as gateway:
        first = submit(gateway.http, key, client_ref="Anna", tags=["ward 3"])
        eventually(lambda: len(lines_of(quick)) == 2)
        second = submit(gateway.http, key, deduplicate=False)
        gateway.http.post(f"/v1/jobs/{second}/cancel", headers=headers).raise_for_status()
        for _ in range(3):  # looking at a job's state is not written down
            gateway.http.get(f"/v1/jobs/{first}", headers=headers).raise_for_status()
        gateway.http.delete(f"/v1/jobs/{first}", headers=headers).raise_for_status()
        eventually(lambda: len(lines_of(quick)) == 5)
        eventually(lambda: "0 acts wait" in verify(quick)[1])

    lines = lines_of(quick)
    assert [(line["action"], line["subject"]) for line in lines] == [
        (Action.CREATE_KEY, key_id),
        (Action.SUBMIT, first),
        (Action.SUBMIT, second),
        (Action.CANCEL, second),
        (Action.DELETE, first),
    ]
    assert {(line["tenant"], line["key_id"]) for line in lines[1:]} == {("lab", key_id)}
    segments = sorted((quick.data_dir / "audit").iterdir())
    content = b"".join(segment.read_bytes() for segment in segments)
    assert b"Anna" not in content
    assert b"ward" not in content
    assert b"sha256" not in content

    noted = str(lines[-1]["hash"])
    code, said = verify(quick, "--expect", noted)
    assert (code, noted in said) == (0, True), said
    assert verify(quick, "--expect", "0" * 64)[0] == 1
    _tamper_and_verify(quick, segments)


def _tamper_and_verify(wiring: Wiring, segments: list[Path]) -> None:
    last = segments[-1].read_bytes()
    segments[-1].write_bytes(last.replace(b'"delete"', b'"submit"'))
    code, said = verify(wiring)
    assert (code, "broken" in said) == (1, True), said
    segments[-1].write_bytes(last[: last.rstrip().rfind(b"\n") + 1])
    code, said = verify(wiring)
    assert (code, "ends with line" in said) == (1, True), said
    segments[-1].write_bytes(last)
    assert verify(wiring)[0] == 0


def test_reading_a_result_is_written_down(
    client: MadvClient,
    http: httpx.Client,
    stack: EmbeddedStack,
    short_clip: Path,
    finished: Callable[[str], Job],
    eventually: Callable[..., None],
) -> None:
    job = client.submit(short_clip)
    finished(job.id)
    client.result(job.id)
    waited = http.post(
        "/v1/recognize", files={"file": short_clip.read_bytes()}, headers={"Prefer": "wait=60"}
    )
    assert waited.status_code == 200
    wanted = {
        (Action.SUBMIT, job.id),
        (Action.READ_RESULT, job.id),
        (Action.READ_RESULT, waited.json()["job_id"]),
    }

    def is_told() -> bool:
        return wanted <= {(line["action"], line["subject"]) for line in lines_of(stack.wiring)}

    eventually(is_told, timeout_s=30.0)
