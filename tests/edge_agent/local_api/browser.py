"""A real Chromium as the cabinet's screen; where it is missing, tests skip with that reason."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SMALL = (800, 480)
LARGE = (1280, 800)
WAIT_MS = 15_000
REFUSED = "Failed to load resource"
"""What a browser logs of every answer that is a problem; the page words those itself."""


@contextmanager
def started_browser() -> Iterator["Browser"]:
    """One browser with a new profile, without any service of its maker."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser")
    if not Path(CHROMIUM).exists():
        pytest.skip("chromium is not installed")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Visitor:
    """One screen that shows the page. `close` fails when the page logged an error or left home."""

    def __init__(
        self, browser: "Browser", port: int, size: tuple[int, int] = SMALL, language: str = "zh"
    ) -> None:
        self._context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, has_touch=True
        )
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.home = f"127.0.0.1:{port}"
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", self._hear)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.add_init_script(f"localStorage.language ??= {language!r}")
        self.page.goto(f"http://{self.home}/")
        self.see("#lost[hidden]", state="attached")

    def _hear(self, said: "ConsoleMessage") -> None:
        if said.type == "error" and not said.text.startswith(REFUSED):
            self.wrong.append(said.text)

    def see(self, selector: str, state: Literal["visible", "attached"] = "visible") -> str:
        """Wait for something; its text."""
        found = self.page.locator(selector).first
        found.wait_for(state=state)
        return found.text_content() or ""

    def tap(self, selector: str) -> None:
        """Touch something, as soon as it is there and enabled."""
        self.page.locator(selector).first.tap()

    def switch_language(self) -> None:
        """Touch the language button."""
        self.tap("#bar .bar")

    def scan(self, text: str) -> None:
        """Type as a USB scanner does: GS as Ctrl+], Enter at the end."""
        *first, last = text.split("\x1d")
        for part in first:
            self.page.keyboard.type(part)
            self.page.keyboard.press("Control+]")
        self.page.keyboard.type(last)
        self.page.keyboard.press("Enter")

    def enter_pin(self, pin: str) -> None:
        """Open the service side and give a PIN on the pad."""
        if not self.page.locator(".login").count():
            self.tap("#bar .bar >> nth=1")
        for digit in pin:
            self.tap(f".pad [aria-label='{digit}']")
        self.tap(".pad .primary")

    def told(self, text: str) -> None:
        """Wait until the service side tells this."""
        self.see(f".told:has-text({text!r})")

    def close(self) -> None:
        self._context.close()
        assert self.wrong == []
        assert {urlsplit(url).netloc for url in self.asked} <= {self.home, ""}
