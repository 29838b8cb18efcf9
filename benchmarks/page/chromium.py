"""The browser in which the page is seen: in pictures of it, and in its tests."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, sync_playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGUMENTS: Final = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str:
    """The program of this machine; FileNotFoundError where there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise FileNotFoundError(f"none of {', '.join(NAMES)} is installed")
    return program


@contextmanager
def headless(program: str, *arguments: str) -> Iterator[Browser]:
    """A browser without a window, which asks nobody for anything by itself."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            # Root, as in containers, has no sandbox of its own.
            chromium_sandbox=False,
            args=[*_ARGUMENTS, *arguments],
        )
        yield browser
        browser.close()
