"""A seller account is connected and its channels are chosen, in a real browser."""

from __future__ import annotations

import pytest
from django.urls import reverse

from integrations.models import Store
from tests.browser.conftest import Watched
from tests.browser.hub import Hub
from tests.integrations.amazon.world import KEYS, amazon_world

pytestmark = pytest.mark.browser

FRANCE = "A13V1IB3VIYZZH"


def test_an_account_is_connected_and_one_of_its_channels_switched_off(
    window: Watched, hub: Hub
) -> None:
    with amazon_world(orders=2) as world:
        window.sign_in("anna")
        window.open(f"{reverse('admin:integrations_store_add')}?platform=amazon")
        window.page.select_option("#id_merchant", value=str(hub.merchant.pk))
        window.page.fill("#id_store_url", world.url)
        for name, value in KEYS.items():
            window.page.fill(f"#id_{name}", value)
        window.page.fill("#id_queue", "arn:aws:sqs:eu-central-1:123456789012:news")
        window.look("seller-to-connect")
        _save(window)
        assert "Missing for the queue: AWS access key ID" in window.text()
        window.look("seller-half-a-queue")

        window.page.fill("#id_queue", "")
        for name in ("client_secret", "refresh_token"):
            window.page.fill(f"#id_{name}", KEYS[name])
        _save(window)
        assert "and all of them are connected" in window.text()
        window.look("seller-connected")

        window.press("Channels")
        boxes = window.page.locator("input[type=checkbox][name^=on_]")
        for number in range(boxes.count()):
            boxes.nth(number).uncheck(force=True)
        window.confirm("Keep")
        assert "has to stay on" in window.text()
        window.look("seller-no-channel")

        for number in range(boxes.count()):
            boxes.nth(number).check(force=True)
        window.page.uncheck(f"#id_on_{FRANCE}", force=True)
        window.confirm("Keep")
        assert "The choice is kept" in window.text()
        window.look("seller-without-france")

    store = Store.objects.get(platform="amazon")
    assert FRANCE not in store.options["marketplaces"]
    assert len(store.options["marketplaces"]) == len(store.features["channels"]) - 1


def _save(window: Watched) -> None:
    with window.page.expect_navigation():
        window.page.locator("[name=_save]").click()
