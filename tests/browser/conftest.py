"""A headless Chromium that talks to the live server and to nobody else, and remembers what went
wrong.

``LOGIX_SCREENSHOTS`` names the folder that keeps a picture of each page, ``LOGIX_CHROMIUM`` the
browser when it is not on the path.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.browser.hub import PASSWORD, Hub, busy_hub

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response

_WIDER = "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"
WIDE = {"width": 1400, "height": 900}
PHONE = {"width": 390, "height": 844}


class Watched:
    """One page of the browser. ``troubles`` fills with script errors, refused resources, answers of
    400 and more, and requests to anybody but the hub.
    """

    def __init__(self, page: Page, base_url: str, pictures: Path) -> None:
        self.page, self.base_url, self.pictures = page, base_url, pictures
        self.troubles: list[str] = []
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.troubles.append(f"script error: {error}"))
        page.on("response", self._on_response)
        page.on("request", self._on_request)
        page.on("requestfailed", self._on_failed)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.base_url}{path}", wait_until="load")

    def sign_in(self, name: str) -> None:
        self.open("/admin/login/")
        self.page.fill("input[name=username]", name)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.click("button[type=submit]")
        self.page.wait_for_url("**/admin/")

    def press(self, label: str) -> None:
        """Press one of the page's own acts and wait for the page that answers."""
        with self.page.expect_navigation():
            acts = self.page.get_by_role("toolbar", name="Actions")
            acts.get_by_text(label, exact=True).click()

    def confirm(self, label: str) -> None:
        with self.page.expect_navigation():
            self.page.locator("#content").get_by_role("button", name=label, exact=True).click()

    def text(self) -> str:
        """What a person reads on the page."""
        return self.page.locator("body").inner_text()

    def picture(self, name: str, *, whole: bool = False, phone: bool = False) -> None:
        """Keep the page as a screen of 1400x900 shows it; all of it and as a phone shows it, when
        asked.
        """
        self._settle()
        self.page.screenshot(path=self.pictures / f"{name}.png")
        if whole:
            self.page.screenshot(path=self.pictures / f"{name}.whole.png", full_page=True)
        if phone:
            self.page.set_viewport_size(PHONE)
            self._settle()
            self.page.screenshot(path=self.pictures / f"{name}.phone.png")
            self.page.set_viewport_size(WIDE)

    def too_wide(self) -> int:
        """By how many pixels the page scrolls sideways."""
        wider: int = self.page.evaluate(_WIDER)
        return max(0, wider)

    def look(self, name: str) -> None:
        """Keep all of the page as a screen and a phone show it; nothing scrolls sideways there."""
        for size, kind in ((PHONE, ".phone"), (WIDE, "")):
            self.page.set_viewport_size(size)
            self.picture(f"{name}{kind}", whole=True)
            assert not self.too_wide(), f"{name}{kind}"

    def _settle(self) -> None:
        self.page.evaluate("document.fonts.ready")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.troubles.append(f"console {message.type} at {self.page.url}: {message.text}")

    def _on_response(self, response: Response) -> None:
        if response.status >= 400:
            self.troubles.append(f"{response.status} {response.request.method} {response.url}")

    def _on_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and not request.url.startswith(self.base_url):
            self.troubles.append(f"left the machine: {request.url}")

    def _on_failed(self, request: Request) -> None:
        self.troubles.append(f"failed: {request.url}: {request.failure}")


@pytest.fixture(scope="session")
def pictures() -> Path:
    folder = Path(os.environ.get("LOGIX_SCREENSHOTS") or tempfile.mkdtemp(prefix="logix-pages-"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        pytest.fail("Playwright is not installed: make .venv/.e2e")
    found = os.environ.get("LOGIX_CHROMIUM") or shutil.which("chromium")
    found = found or shutil.which("chromium-browser")
    if not found:
        pytest.fail("No Chromium is installed; name one in LOGIX_CHROMIUM.")
    # Django refuses queries where an event loop runs, and Playwright keeps one in this thread.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found, args=flags)
            yield browser
            browser.close()
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def hub(transactional_db: None) -> Iterator[Hub]:
    with busy_hub() as hub:
        yield hub


@pytest.fixture
def window(chromium: Browser, hub: Hub, live_server: object, pictures: Path) -> Iterator[Watched]:
    """A fresh window (no cookies) on the live server. Ends with the test that nothing went wrong
    in it.
    """
    context = chromium.new_context(viewport=WIDE, locale="en-GB", timezone_id="Europe/Berlin")
    context.set_default_timeout(20_000)
    watched = Watched(context.new_page(), str(live_server), pictures)
    yield watched
    context.close()
    assert watched.troubles == []
