"""The page in a real browser on the whole stack: clips sent, followed, looked at."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

OpenPage = Callable[..., Page]
Eventually = Callable[..., None]
Rest = Callable[[], AbstractContextManager[None]]

NOTE_PROGRESS = """
window.told = [];
new MutationObserver(() => {
  const told = document.querySelector('.told')?.textContent;
  if (told) window.told.push(told);
}).observe(document, { subtree: true, childList: true, characterData: true });
"""
NOTE_FRAMES = """
window.frames_seen = [];
const note = () => {
  const slider = document.querySelector('.scrub');
  if (slider) window.frames_seen.push(Number(slider.value));
  requestAnimationFrame(note);
};
requestAnimationFrame(note);
"""
PLACES = """heads => heads.map(head => {
  const over = head.parentElement.getBoundingClientRect();
  return Math.round(10 * (head.getBoundingClientRect().left - over.left)) / 10;
})"""


def send(page: Page, *clips: Path) -> None:
    page.get_by_label("Choose a clip").set_input_files(list(clips))


def send_anew(page: Page, *clips: Path) -> None:
    """Send clips that may have been answered before."""
    page.get_by_label("Analyse anew even if").check()
    send(page, *clips)


def answer(page: Page) -> Locator:
    return page.locator(".answer")


def shown(page: Page, clip: Path) -> None:
    """Send a clip and wait for its result."""
    send(page, clip)
    expect(answer(page)).to_be_visible()
    expect(page.locator(".faces canvas").first).to_be_visible()


def cursors(page: Page) -> list[float]:
    """Where the cursor of every chart is, in pixels from its left."""
    found: list[float] = page.locator(".playhead").evaluate_all(PLACES)
    return found


def seen(page: Page, first: int, last: int) -> bool:
    """Whether the cursor has been somewhere between two frames."""
    return any(first <= frame <= last for frame in page.evaluate("window.frames_seen"))


def test_a_clip_is_sent_followed_and_shown(open_page: OpenPage, demo_clip: Path) -> None:
    page = open_page(script=NOTE_PROGRESS)
    send_anew(page, demo_clip)
    expect(page.get_by_role("region", name="Progress")).to_be_visible()
    expect(answer(page)).to_contain_text("Happiness")
    expect(page.locator(".explained")).to_contain_text("apex at 0.6")
    expect(page.locator(".evidence")).to_contain_text("AU12 rises")
    expect(page.locator(".adequacy")).to_contain_text("17 ms between frames")
    expect(page.get_by_role("region", name="Probabilities")).to_contain_text("Calibrated")
    told: list[str] = page.evaluate("window.told")
    assert any("of 84 frames" in one for one in told)
    assert page.evaluate("document.querySelector('.screen video').videoWidth") == 512


def test_the_cursor_moves_in_all_charts(open_page: OpenPage, demo_clip: Path) -> None:
    page = open_page()
    shown(page, demo_clip)
    page.get_by_label("Show all 18").check()
    expect(page.locator(".playhead")).to_have_count(18)
    before = cursors(page)
    page.get_by_role("slider", name="Frame").fill("60")
    expect(page.locator(".where")).to_contain_text("1.00 s")
    after = cursors(page)
    assert len(set(before)) == len(set(after)) == 1
    assert after[0] > before[0] + 50
    expect(page.locator(".cursor-time")).to_have_text("1.00 s")
    # The picture is that of the same frame.
    shown_s = page.evaluate("document.querySelector('.screen video').currentTime")
    assert 60 / 60 < shown_s < 61 / 60


def test_dragging_in_a_chart_moves_the_cursor(open_page: OpenPage, demo_clip: Path) -> None:
    page = open_page()
    shown(page, demo_clip)
    over = page.locator(".strip .u-over").nth(1)
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20, steps=3)
    page.mouse.up()
    assert all(abs(place - box["width"] / 2) < box["width"] / 80 for place in cursors(page))
    expect(page.get_by_role("slider", name="Frame")).to_have_value("42")


def test_keys_step_through_frames(open_page: OpenPage, demo_clip: Path) -> None:
    page = open_page()
    shown(page, demo_clip)
    slider = page.get_by_role("slider", name="Frame")
    page.get_by_role("button", name="Onset").click()
    onset = int(slider.input_value())
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_value(str(onset + 2))
    page.keyboard.press("ArrowLeft")
    expect(slider).to_have_value(str(onset + 1))
    page.keyboard.press("End")
    expect(slider).to_have_value("83")
    slider.focus()
    page.keyboard.press("Home")
    expect(slider).to_have_value("0")
    page.keyboard.press("ArrowRight")
    spoken = slider.get_attribute("aria-valuetext")
    assert spoken is not None
    assert spoken.startswith("frame 1, 0.02 s, strongest AU")


def test_playing_moves_the_cursor_and_repeats_the_event(
    open_page: OpenPage, demo_clip: Path, eventually: Eventually
) -> None:
    page = open_page(script=NOTE_FRAMES)
    shown(page, demo_clip)
    page.get_by_role("slider", name="Frame").fill("80")
    page.get_by_role("button", name="Play").click()
    # From behind the event back to before it, and on from there.
    eventually(lambda: seen(page, 15, 24) and seen(page, 30, 40) and seen(page, 50, 60))
    page.get_by_role("button", name="Pause").click()
    assert len(set(cursors(page))) == 1


def test_a_waiting_job_is_canceled(
    open_page: OpenPage, demo_clip: Path, resting_worker: Rest
) -> None:
    page = open_page()
    with resting_worker():
        send_anew(page, demo_clip)
        expect(page.locator(".told")).to_contain_text("Waiting its turn")
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("alert")).to_contain_text("The job was canceled")
    expect(page.locator(".jobs li.is-current")).to_contain_text("canceled")


def test_a_clip_without_a_face_says_so_and_what_to_do(
    open_page: OpenPage, no_face_clip: Path
) -> None:
    page = open_page()
    send(page, no_face_clip)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("No face was found")
    expect(alert).to_contain_text("no-face")
    expect(alert).to_contain_text("Check that a face is seen from the front")
    expect(page.locator(".jobs li.is-current")).to_contain_text("no-face")


def test_two_jobs_at_once(
    open_page: OpenPage, demo_clip: Path, short_clip: Path, resting_worker: Rest
) -> None:
    page = open_page()
    with resting_worker():
        send_anew(page, demo_clip, short_clip)
        waiting = page.locator(".jobs li", has_text="Waiting its turn")
        expect(waiting).to_have_count(2)
        expect(waiting.filter(has_text="demo.mp4")).to_have_count(1)
        expect(waiting.filter(has_text="short.mp4")).to_have_count(1)
    mine = page.locator(".jobs li", has=page.locator("[data-state=succeeded]"))
    expect(mine.filter(has_text="demo.mp4").first).to_be_visible()
    expect(mine.filter(has_text="short.mp4").first).to_be_visible()
    page.locator(".jobs a", has_text="demo.mp4").first.click()
    expect(page.locator(".clip-name")).to_have_text("demo.mp4")
    expect(answer(page)).to_contain_text("Happiness")


def test_a_reload_takes_up_where_it_was(
    open_page: OpenPage, demo_clip: Path, resting_worker: Rest
) -> None:
    page = open_page()
    with resting_worker():
        send_anew(page, demo_clip)
        expect(page.locator(".told")).to_contain_text("Waiting its turn")
        page.reload()
        expect(page.locator(".told")).to_contain_text("Waiting its turn")
        expect(page.locator(".clip-name")).to_have_text("demo.mp4")
    expect(answer(page)).to_contain_text("Happiness")
    page.reload()
    expect(answer(page)).to_contain_text("Happiness")
    # The service has erased the clip by now; this browser has not.
    expect(page.locator(".screen video")).to_have_js_property("videoWidth", 512)


def test_erasing_erases_here_and_there(
    open_page: OpenPage, demo_clip: Path, http: httpx.Client
) -> None:
    page = open_page()
    shown(page, demo_clip)
    job_id = page.evaluate("location.hash").removeprefix("#")
    assert http.get(f"/v1/jobs/{job_id}").status_code == 200
    page.get_by_role("button", name="Erase …").click()
    page.get_by_role("button", name="Erase job, result and video").click()
    expect(page.get_by_role("heading", name="What moved in this face")).to_be_visible()
    assert http.get(f"/v1/jobs/{job_id}").status_code == 410
    expect(page.locator(".kept")).to_have_count(0)


def test_a_clip_no_browser_plays_has_its_traces(open_page: OpenPage, unplayable_clip: Path) -> None:
    page = open_page()
    send(page, unplayable_clip)
    expect(page.locator(".no-picture")).to_contain_text("cannot play this clip (avi, mjpeg)")
    expect(page.locator(".playhead").first).to_be_visible()
    page.get_by_role("slider", name="Frame").fill("10")
    assert len(set(cursors(page))) == 1


def test_a_stream_that_breaks_is_taken_up_again(
    open_page: OpenPage, demo_clip: Path, resting_worker: Rest
) -> None:
    def cut_short(route: Route) -> None:
        if "last-event-id" in route.request.headers:
            route.continue_()
        else:
            route.fulfill(
                content_type="text/event-stream",
                body='id: 1-0\nevent: progress\ndata: {"stage": "queued", "queue_position": 7}\n\n',
            )

    def is_resumed(request: Request) -> bool:
        return request.headers.get("last-event-id") == "1-0"

    page = open_page()
    page.route("**/events", cut_short)
    with resting_worker(), page.expect_request(is_resumed):
        send_anew(page, demo_clip)
    expect(answer(page)).to_contain_text("Happiness")


def test_every_event_of_every_face_can_be_chosen(open_page: OpenPage, pair_clip: Path) -> None:
    page = open_page()
    page.get_by_label("Look for").select_option("spot")
    page.get_by_label("Faces").select_option("all")
    send(page, pair_clip)
    faces = page.get_by_role("group", name="Face")
    expect(faces.get_by_role("radio")).to_have_count(2)
    events = page.get_by_role("group", name="Event, strongest first")
    expect(events.get_by_role("radio")).to_have_count(2)
    explained, box = page.locator(".explained"), page.locator(".face-box rect")
    first, first_box = explained.inner_text(), box.get_attribute("x")
    events.locator("span").nth(1).click()
    expect(explained).not_to_have_text(first)
    faces.get_by_text("2 (1 event)").click()
    expect(events).to_have_count(0)
    assert box.get_attribute("x") != first_box
    expect(page.locator(".evidence")).to_contain_text("AU01 rises")
