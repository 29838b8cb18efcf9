"""A browser of this machine, and what it says while it looks at the page."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from chromium import find_chromium, headless
from playwright.sync_api import Browser, Page, expect

from service.embedded.stack import EmbeddedStack
from service.routes.page import BUILT
from worker.demo.clip import DemoEvent, demo_frames
from worker.video.decode import decode
from worker.video.encode import Encoding, write_clip
from worker.video.limits import DecodeLimits

CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
TIMEOUT_MS = 30_000
WIDE = (1280, 900)
PAIR_FPS = 30
POLICY_BROKEN = "Content Security Policy"
"""Stands in what a browser says where it has refused something."""

OpenPage = Callable[..., Page]


@dataclass
class Watch:
    """What a page must not do: break its policy, throw, or ask other hosts."""

    home: str
    complaints: list[str] = field(default_factory=list)

    def attend(self, page: Page) -> None:
        page.on("console", lambda said: self._hear(said.text))
        page.on("pageerror", lambda error: self.complaints.append(f"thrown: {error}"))
        page.on("request", lambda request: self._see(request.url))

    def _hear(self, text: str) -> None:
        if POLICY_BROKEN in text:
            self.complaints.append(text)

    def _see(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != self.home:
            self.complaints.append(f"asked {url}")


@pytest.fixture(scope="session")
def camera_film(tmp_path_factory: pytest.TempPathFactory, demo_clip: Path) -> Path:
    """The demo clip as the fake camera of a browser takes it, which plays it over and over."""
    path = tmp_path_factory.mktemp("camera") / "face.mjpeg"
    made = path.with_suffix(".avi")
    images = list(decode(demo_clip, DecodeLimits()).images())[::2]
    write_clip(made, images, Fraction(30), Encoding("mjpeg", "yuvj420p"))
    path.write_bytes(b"".join(_pictures(made.read_bytes())))
    return path


def _pictures(film: bytes) -> Iterator[bytes]:
    """The JPEGs in a film of them."""
    begin = film.find(b"\xff\xd8\xff")
    while begin >= 0:
        end = film.index(b"\xff\xd9", begin) + 2
        yield film[begin:end]
        begin = film.find(b"\xff\xd8\xff", end)


@pytest.fixture(scope="module")
def browser(camera_film: Path) -> Iterator[Browser]:
    """Chromium without a window. Of a module: while it runs, nothing else here may be asyncio."""
    try:
        program = find_chromium()
    except FileNotFoundError as missing:
        pytest.skip(str(missing))
    if not (BUILT / "index.html").exists():
        pytest.skip("the page has not been built: make page")
    expect.set_options(timeout=TIMEOUT_MS)
    film = f"--use-file-for-fake-video-capture={camera_film}"
    with headless(program, *CAMERA, film) as launched:
        yield launched


@pytest.fixture
def open_page(browser: Browser, stack: EmbeddedStack) -> Iterator[OpenPage]:
    """Opens pages that share nothing; at the end none may have complained."""
    contexts, watches = [], []

    def open_at(
        path: str = "/",
        *,
        url: str = stack.gateway_url,
        size: tuple[int, int] = WIDE,
        dark: bool = False,
        script: str = "",
        is_watched: bool = True,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
        )
        context.set_default_timeout(TIMEOUT_MS)
        contexts.append(context)
        page = context.new_page()
        watch = Watch(urlsplit(url).netloc)
        if is_watched:
            watch.attend(page)
        watches.append(watch)
        if script:
            page.add_init_script(script)
        page.goto(f"{url}{path}")
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert [complaint for watch in watches for complaint in watch.complaints] == []


@pytest.fixture
def resting_worker(stack: EmbeddedStack) -> Callable[[], AbstractContextManager[None]]:
    """Jobs wait as long as the block lasts: the workers are there, and do not move."""

    @contextmanager
    def rest() -> Iterator[None]:
        pids = stack.worker_pids
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    return rest


@pytest.fixture(scope="session")
def no_face_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shades of gray that move, and nobody."""
    path = tmp_path_factory.mktemp("faceless") / "no_face.mp4"
    ramp = np.linspace(0, 255, 320, dtype=np.uint8)
    rows = [np.roll(ramp, 4 * shift) for shift in range(30)]
    images = [np.broadcast_to(row[None, :, None], (240, 320, 3)).copy() for row in rows]
    write_clip(path, images, Fraction(30))
    return path


@pytest.fixture(scope="session")
def unplayable_clip(tmp_path_factory: pytest.TempPathFactory, demo_clip: Path) -> Path:
    """The demo clip in a container that browsers do not know."""
    path = tmp_path_factory.mktemp("unplayable") / "smile.avi"
    images = list(decode(demo_clip, DecodeLimits()).images())[::3]
    write_clip(path, images, Fraction(20), Encoding("mjpeg", "yuvj420p"))
    return path


@pytest.fixture(scope="session")
def pair_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two faces side by side: the left one smiles twice, the other raises its brows in between."""
    brows = DemoEvent(action_units={"AU01": 2.5, "AU02": 2.5, "AU05": 2.0})
    smile, raised = list(demo_frames(fps=PAIR_FPS)), list(demo_frames(brows, PAIR_FPS))
    pause = [smile[0]] * (PAIR_FPS // 2)
    left = [*smile, *pause, *smile]
    right = [*pause, *raised, *[raised[-1]] * len(smile)]
    images = [
        np.concatenate([one[40:360, 60:380], other[40:360, 379:59:-1]], axis=1)
        for one, other in zip(left, right, strict=False)
    ]
    path = tmp_path_factory.mktemp("pair") / "pair.mp4"
    write_clip(path, images, Fraction(PAIR_FPS))
    return path
