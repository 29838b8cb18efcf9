"""Pictures of the page for the documentation, in docs/: real answers of the real service.

Needs chromium or google-chrome. The only face in them is the demo's public-domain portrait.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
import typer
from chromium import find_chromium, headless
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from rich.console import Console

from service.embedded.stack import EmbeddedStack, StackConfig
from worker.demo.clip import demo_frames, write_demo_clip
from worker.video.encode import write_clip

DOCS: Final = Path(__file__).parents[2] / "docs"
_PAGE_COLOURS: Final = 96
_PHOTOGRAPH_COLOURS: Final = 128
_MIDWAY: Final = re.compile(r"units: [2-9]\d\d of")
_REPEATS: Final = 8
"""Of the demo: long enough to be seen on its way."""


class Studio:
    """Takes pictures of one service with one browser."""

    def __init__(self, browser: Browser, url: str, out: Path) -> None:
        self._browser = browser
        self._url = url
        self._out = out

    @contextmanager
    def page(self, path: str, width: int, height: int, *, dark: bool = False) -> Iterator[Page]:
        """A page of its own, closed at the end of the block."""
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
        )
        page = context.new_page()
        page.goto(f"{self._url}{path}")
        yield page
        context.close()

    def keep(self, page: Page, name: str, *, of: str | None = None) -> tuple[str, int]:
        """Write what is seen, or one part of the page, with few colours; name and size in bytes."""
        shot = page.screenshot() if of is None else page.locator(of).screenshot()
        picture = Image.open(BytesIO(shot)).convert("RGB")
        path = self._out / f"page-{name}.png"
        few = picture.quantize(palette=_palette(picture), dither=Image.Dither.NONE)
        few.save(path, optimize=True)
        return path.name, path.stat().st_size


def _palette(picture: Image.Image) -> Image.Image:
    """The commonest colours, which are those of the page, then some of the photographs'.

    A median cut alone would give up the colours of thin lines for more shades of skin.
    """
    pixels = np.asarray(picture).reshape(-1, 3)
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    common = colours[counts.argsort()[::-1][:_PAGE_COLOURS]]
    others = picture.quantize(_PHOTOGRAPH_COLOURS, Image.Quantize.MEDIANCUT).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([*common.flatten().tolist(), *others[: 3 * _PHOTOGRAPH_COLOURS]])
    return palette


def main(out: Path = DOCS) -> None:
    """Take all pictures."""
    console = Console()
    with (
        tempfile.TemporaryDirectory(prefix="madv-pictures-") as folder,
        EmbeddedStack(StackConfig(Path(folder) / "data")) as stack,
        headless(find_chromium()) as browser,
    ):
        for name, size in _pictures(Studio(browser, stack.gateway_url, out), Path(folder)):
            console.print(f"{name}: {size / 1000:.0f} kB")


def _pictures(studio: Studio, folder: Path) -> Iterator[tuple[str, int]]:
    """One after the other: name and size."""
    smile, long_clip, nobody = _clips(folder)
    with studio.page("/", 1280, 800) as page:
        page.get_by_label("Recognizer").locator("option").first.wait_for(state="attached")
        yield studio.keep(page, "start")
        _send(page, long_clip)
        expect(page.locator(".told")).to_contain_text(_MIDWAY, timeout=30_000)
        yield studio.keep(page, "running")
        page.locator(".answer").wait_for()
    with studio.page("/", 1280, 1200) as page:
        _send(page, smile)
        _wait_for_result(page)
        yield studio.keep(page, "result")
        yield studio.keep(page, "why", of=".why")
    with studio.page("/", 1280, 800) as page:
        _send(page, nobody)
        page.get_by_role("alert").wait_for()
        yield studio.keep(page, "error")
    with studio.page("/gallery", 1280, 900) as page:
        page.wait_for_load_state("networkidle")
        yield studio.keep(page, "gallery")
    with studio.page("/", 390, 1500, dark=True) as page:
        _send(page, smile)
        _wait_for_result(page)
        yield studio.keep(page, "phone")


def _send(page: Page, clip: Path) -> None:
    page.get_by_label("Choose a clip").set_input_files(clip)


def _wait_for_result(page: Page) -> None:
    page.locator(".faces canvas").first.wait_for()
    expect(page.locator(".screen video")).to_have_js_property("readyState", 4)
    page.wait_for_load_state("networkidle")


def _clips(folder: Path) -> tuple[Path, Path, Path]:
    """A smile, the same for ten seconds, and a clip without anybody."""
    smile, long_clip = folder / "smile.mp4", folder / "interview.mp4"
    nobody = folder / "no_face.mp4"
    write_demo_clip(smile)
    frames = list(demo_frames())
    write_clip(long_clip, frames * _REPEATS, Fraction(60))
    write_clip(nobody, [np.full((240, 320, 3), gray, np.uint8) for gray in range(60)], Fraction(30))
    return smile, long_clip, nobody


if __name__ == "__main__":
    typer.run(main)
