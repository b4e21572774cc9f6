"""Every page in headless Chromium: it loads, breaks no content policy, raises nothing and calls
nobody.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "correct-horse-battery-9"


class Watch:
    """What a page did that it should not have."""

    def __init__(self, page: Page, home: str) -> None:
        self.found: list[str] = []
        page.on("pageerror", lambda error: self.found.append(f"error: {error}"))
        page.on("console", lambda message: self._console(message))
        page.on("request", lambda request: self._request(request.url, home))

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.found.append(f"console: {message.text}")

    def _request(self, url: str, home: str) -> None:
        if not url.startswith((home, "data:", "blob:")):
            self.found.append(f"called: {url}")


@pytest.fixture
def page(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.fail("Chromium is not installed: apt install chromium")
    # The driver keeps an event loop on this thread, and Django would refuse its database there.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(base_url=live_server.url)
        page.set_default_timeout(15_000)
        yield page
        browser.close()


@pytest.fixture
def staff(page: Page) -> Page:
    User.objects.create_superuser("ada", "ada@example.com", PASSWORD)
    page.goto("/admin/login/")
    page.fill("#id_username", "ada")
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")
    return page


def test_staff_can_sign_in(page: Page, live_server: LiveServer) -> None:
    watch = Watch(page, live_server.url)
    User.objects.create_superuser("ada", "ada@example.com", PASSWORD)

    page.goto("/")
    page.fill("#id_username", "ada")
    page.fill("#id_password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")

    assert "Logix" in page.title()
    assert watch.found == []


def test_every_list_of_the_admin_opens(staff: Page, live_server: LiveServer) -> None:
    watch = Watch(staff, live_server.url)
    names = [f"{m._meta.app_label}_{m._meta.model_name}" for m in admin.site._registry]
    assert len(names) > 10

    for name in names:
        answer = staff.goto(reverse(f"admin:{name}_changelist"), wait_until="load")
        assert answer is not None
        assert answer.status == 200, name

    assert watch.found == []


def test_the_api_documentation_is_drawn_without_the_network(
    page: Page, live_server: LiveServer
) -> None:
    watch = Watch(page, live_server.url)

    page.goto("/api/docs")
    page.wait_for_selector(".opblock")

    assert watch.found == []
    assert os.path.basename(page.url) == "docs"
