"""`madv keys` on a real Redis."""

import json
import stat

import pytest
from typer.testing import CliRunner, Result

from service.cli import app
from service.embedded.address import publish_redis, published_redis, withdraw_redis
from service.embedded.ports import free_ports
from service.embedded.processes import Child, StackError
from service.embedded.wiring import Wiring

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _no_other_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MADV_REDIS_URL", raising=False)


@pytest.fixture
def url(wiring: Wiring, redis_server: Child) -> str:
    assert redis_server.returncode is None
    return wiring.redis_url


def keys(*arguments: str, url: str | None = None) -> Result:
    env = {} if url is None else {"MADV_REDIS_URL": url}
    return CliRunner(env=env).invoke(app, ["keys", *arguments])


def listed(url: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(keys("list", "--json", url=url).stdout)
    return found


def test_a_key_is_shown_once_and_listed_without_its_secret(url: str) -> None:
    made = keys("create", "--tenant", "lab", "--name", "[night] runs", url=url)
    assert made.exit_code == 0, made.output
    key = made.stdout.split()[0]
    shown = keys("list", url=url).stdout
    assert key not in shown + json.dumps(listed(url))
    assert key.split("_")[1] in shown
    (entry,) = listed(url)
    assert entry["prefix"] == key[:13]
    assert entry["name"] == "[night] runs"
    assert entry["scopes"] == ["submit", "read", "delete"]
    assert "digest" not in entry


def test_quiet_prints_the_key_alone(url: str) -> None:
    options = ["--scopes", "read, submit", "--rate", "600 per minute", "--concurrency", "4"]
    made = keys("create", "--tenant", "lab", "--quiet", *options, "--expires-days", "7", url=url)
    assert len(made.stdout) == len("madv_12345678_") + 43 + 1
    (entry,) = listed(url)
    assert (entry["scopes"], entry["rate"], entry["concurrency"]) == (
        ["submit", "read"],
        "600/minute",
        4,
    )
    assert str(entry["expires_at"]) > str(entry["created_at"])


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--tenant", "two words"], "tenant"),
        (["--tenant", "lab", "--scopes", "fly"], "scopes"),
        (["--tenant", "lab", "--scopes", ""], "scopes"),
        (["--tenant", "lab", "--rate", "often"], "rate"),
        (["--tenant", "lab", "--rate", "1/year"], "rate"),
        (["--tenant", "lab", "--concurrency", "0"], "concurrency"),
        (["--tenant", "lab", "--redis-url", "http://example.org"], "redis"),
        ([], "tenant"),
    ],
)
def test_what_cannot_be_is_a_usage_error(options: list[str], word: str) -> None:
    ran = keys("create", *options)
    assert ran.exit_code == 2
    assert word in ran.stderr.lower()


def test_revoking_an_unknown_key_fails(url: str) -> None:
    assert keys("revoke", "abcdefgh", url=url).exit_code == 1


def test_an_unreachable_redis_is_said_without_its_password() -> None:
    (port,) = free_ports(1)
    ran = keys("list", url=f"redis://:hush@127.0.0.1:{port}/0")
    assert ran.exit_code == 3
    assert "hush" not in ran.output


def test_a_wrong_password_is_said_too(url: str, wiring: Wiring) -> None:
    ran = keys("list", url=url.replace(wiring.redis_password, "hush"))
    assert ran.exit_code == 3
    assert "hush" not in ran.output


def test_a_running_stack_is_found_by_its_folder(url: str, wiring: Wiring) -> None:
    data = ["--data", str(wiring.data_dir)]
    assert keys("list", *data).exit_code == 1
    publish_redis(wiring.data_dir, url)
    assert keys("create", "--tenant", "lab", *data).exit_code == 0
    assert len(listed(url)) == 1


def test_the_address_is_private_and_goes_with_the_stack(wiring: Wiring) -> None:
    left_by_a_killed_stack = wiring.data_dir / "redis.url"
    left_by_a_killed_stack.write_text("redis://old")
    left_by_a_killed_stack.chmod(0o644)
    publish_redis(wiring.data_dir, wiring.redis_url)
    (published,) = wiring.data_dir.glob("redis.url")
    assert stat.S_IMODE(published.stat().st_mode) == 0o600
    assert published_redis(wiring.data_dir) == wiring.redis_url
    withdraw_redis(wiring.data_dir)
    withdraw_redis(wiring.data_dir)
    with pytest.raises(StackError, match="no stack runs"):
        published_redis(wiring.data_dir)
