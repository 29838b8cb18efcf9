"""How the page behaves: what it loads, permits, reads out, writes and keeps to itself."""

import asyncio
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Response, expect

from service.embedded.ports import free_ports
from service.embedded.processes import Child
from service.embedded.stack import EmbeddedStack
from service.routes.page import BUILT, POLICY
from service.store.accounts import KeyRequest, open_accounts
from worker.video.decode import decode
from worker.video.limits import DecodeLimits

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

OpenPage = Callable[..., Page]
Eventually = Callable[..., None]
Rest = Callable[[], AbstractContextManager[None]]

AXE = BUILT.parent / "node_modules" / "axe-core" / "axe.min.js"
MOST_BYTES = 400_000
PHONE = (390, 844)
MARKUP = "<img src=x onerror=alert(1)>.mp4"


def shown(page: Page, clip: Path) -> None:
    page.get_by_label("Choose a clip").set_input_files(clip)
    expect(page.locator(".answer")).to_be_visible()


def serious(page: Page) -> list[str]:
    """What axe-core finds that is serious or worse."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make install")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("axe.run()")
    return [
        f"{one['id']}: {node['html']} {node.get('failureSummary', '')}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_serious_stands_in_anybodys_way(
    open_page: OpenPage, demo_clip: Path, no_face_clip: Path, *, dark: bool
) -> None:
    page = open_page(dark=dark)
    expect(page.get_by_label("Recognizer")).to_have_value("madvnet")
    found = {"empty": serious(page)}
    shown(page, demo_clip)
    page.get_by_label("Show all 18").check()
    for summary in page.locator("summary").all():
        summary.click()
    found["result"] = serious(page)
    page.get_by_role("button", name="Model card").click()
    found["card"] = serious(page)
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="New clip").click()
    page.get_by_label("Choose a clip").set_input_files(no_face_clip)
    expect(page.get_by_role("alert")).to_be_visible()
    found["error"] = serious(page)
    page.goto(page.url.partition("#")[0] + "gallery")
    expect(page.get_by_role("heading", name="Gallery")).to_be_visible()
    found["gallery"] = serious(page)
    assert found == {"empty": [], "result": [], "card": [], "error": [], "gallery": []}


def test_the_page_fits_a_phone(open_page: OpenPage, demo_clip: Path) -> None:
    page = open_page(size=PHONE, dark=True)
    widths = [page.evaluate("document.documentElement.scrollWidth")]
    shown(page, demo_clip)
    page.get_by_label("Show all 18").check()
    widths.append(page.evaluate("document.documentElement.scrollWidth"))
    assert widths == [PHONE[0]] * 2


def test_the_first_result_is_light_and_needs_the_interface_alone(
    open_page: OpenPage, demo_clip: Path
) -> None:
    page = open_page("/favicon.svg")
    loaded: list[Response] = []

    def note(response: Response) -> None:
        loaded.append(response)

    page.on("response", note)
    page.goto(page.url.removesuffix("favicon.svg"))
    shown(page, demo_clip)
    expect(page.locator(".faces canvas").first).to_be_visible()
    weights = {
        response.url.rpartition("/")[2]: response.request.sizes()["responseBodySize"]
        for response in loaded
        if "/v1/" not in response.url and not response.url.startswith("blob:")
    }
    assert {Path(name).suffix for name in weights} <= {"", ".js", ".css", ".svg"}
    assert 30_000 < sum(weights.values()) <= MOST_BYTES, weights


def test_the_policy_forbids_everything_inline_and_every_other_host(
    open_page: OpenPage, http: httpx.Client
) -> None:
    answer = http.get("/")
    assert answer.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    said: list[str] = []
    page = open_page(is_watched=False)
    page.on("console", lambda message: said.append(message.text))
    ran = page.evaluate(
        """() => {
          const script = document.createElement('script');
          script.textContent = 'window.ran = true';
          document.body.append(script);
          document.body.setAttribute('style', 'color: red');
          return [window.ran ?? false, getComputedStyle(document.body).color === 'rgb(255, 0, 0)'];
        }"""
    )
    assert ran == [False, False]
    # So other tests would have seen it.
    assert sum("Content Security Policy" in text for text in said) == 2


def test_markup_in_names_and_tags_is_text(
    open_page: OpenPage, demo_clip: Path, tmp_path: Path
) -> None:
    clip = tmp_path / MARKUP
    clip.write_bytes(demo_clip.read_bytes())
    page = open_page()
    page.get_by_label("Tags").fill("<b>bold</b>, <script>alert(1)</script>")
    shown(page, clip)
    expect(page.locator(".clip-name")).to_have_text(MARKUP)
    item = page.locator(".jobs li.is-current")
    expect(item.locator(".job-name")).to_have_text(MARKUP)
    expect(item.locator(".tags i")).to_have_text(["<b>bold</b>", "<script>alert(1)</script>"])
    assert page.locator("img, b").count() == 0


def test_five_seconds_from_the_camera(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_role("button", name="Record 5 seconds").click()
    page.get_by_role("button", name="Start recording").click()
    expect(page.locator(".on-air")).to_be_visible()
    expect(page.locator(".answer")).to_be_visible(timeout=60_000)
    expect(page.locator(".clip-name")).to_contain_text("webcam")
    expect(page.locator(".screen video")).to_have_js_property("videoWidth", 512)
    last = int(page.get_by_role("slider", name="Frame").get_attribute("max") or 0)
    assert 60 < last < 400


def test_everything_can_be_taken_away(open_page: OpenPage, demo_clip: Path, tmp_path: Path) -> None:
    page = open_page()
    shown(page, demo_clip)
    begins = {"JSON": b'{"schema"', "CSV": b"frame,", "Parquet": b"PAR1", "Plot (PNG)": b"\x89PNG"}
    for name, start in begins.items():
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        path = tmp_path / download.value.suggested_filename
        download.value.save_as(path)
        assert path.stem == "demo"
        assert path.read_bytes().startswith(start)


def test_the_annotated_video_has_all_frames_and_the_panel(
    open_page: OpenPage, demo_clip: Path, tmp_path: Path
) -> None:
    page = open_page()
    shown(page, demo_clip)
    with page.expect_download(timeout=60_000) as download:
        page.get_by_role("button", name="Annotated MP4").click()
    path = tmp_path / "annotated.mp4"
    download.value.save_as(path)
    frames = list(decode(path, DecodeLimits()).frames)
    assert len(frames) == 84
    assert abs(frames[-1].pts_s - 83 / 60) < 0.01
    images = [frame.image for frame in frames]
    assert images[0] is not None
    assert images[36] is not None
    assert images[0].shape == (672, 512, 3)
    # The cursor moves in the panel, and little else.
    assert abs(images[36][520:].astype(float) - images[0][520:]).max() > 60


@pytest.fixture
def locked_url(stack: EmbeddedStack, eventually: Eventually) -> Iterator[str]:
    """A second gateway of the stack, which asks for keys."""
    (port,) = free_ports(1)
    wiring = replace(
        stack.wiring,
        gateway_port=port,
        settings={**stack.wiring.settings, "MADV_AUTH": "required"},
    )
    gateway = Child(wiring.gateway())
    eventually(lambda: answers(wiring.gateway_url))
    yield wiring.gateway_url
    gateway.stop()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/v1/health/live").is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def api_key(stack: EmbeddedStack) -> str:
    """A key of a tenant of its own."""

    async def create() -> str:
        async with open_accounts(stack.wiring.redis_url, timeout_s=5.0) as accounts:
            return (await accounts.create(KeyRequest(tenant="page")))[0]

    # In a thread of its own: the browser's loop is running in this one.
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, create()).result()


def test_a_key_is_asked_for_and_sent(
    api_key: str, locked_url: str, open_page: OpenPage, demo_clip: Path
) -> None:
    page = open_page(url=locked_url)
    expect(page.get_by_role("heading", name="asks for an API key")).to_be_visible()
    page.get_by_role("textbox", name="API key").fill("madv_wrong_key")
    page.get_by_role("button", name="Use this key").click()
    expect(page.get_by_role("alert")).to_contain_text("not valid")
    page.get_by_role("textbox", name="API key").fill(api_key)
    page.get_by_role("button", name="Use this key").click()
    shown(page, demo_clip)
    expect(page.locator(".jobs li")).to_have_count(1)
    page.reload()
    expect(page.locator(".answer")).to_be_visible()
    assert api_key not in page.url
    page.get_by_role("button", name="Forget it").click()
    expect(page.get_by_role("heading", name="asks for an API key")).to_be_visible()
    expect(page.locator(".jobs li")).to_have_count(0)
    assert page.evaluate("sessionStorage.length") == 0
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]


def test_the_gallery_shows_results_without_a_job(open_page: OpenPage) -> None:
    page = open_page("/gallery")
    catalogue = json.loads((BUILT / "gallery/index.json").read_text(encoding="utf-8"))
    expect(page.locator(".wall li")).to_have_count(len(catalogue["exhibits"]))
    page.get_by_role("link", name="A smile", exact=True).click()
    expect(page.locator(".answer")).to_contain_text("Happiness")
    expect(page.locator(".faces canvas")).to_have_count(3)
    page.get_by_role("slider", name="Frame").fill("20")
    expect(page.locator(".where")).to_contain_text("0.20 s")
