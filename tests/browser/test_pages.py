"""Every page of the admin in a real browser: it opens, looks as it should, and speaks to nobody
else.
"""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.db import models
from django.urls import reverse

from integrations.models import Store
from orders.models import Order
from tests.browser.conftest import Watched
from tests.browser.hub import Hub

pytestmark = pytest.mark.browser

PHONES = {"store", "order", "stocklevel", "delivery"}


def test_every_page_opens(window: Watched, hub: Hub) -> None:
    window.open("/admin/login/")
    window.picture("login", phone=True)
    window.sign_in("anna")
    window.picture("home", phone=True)

    opened = 0
    for model in sorted(admin.site._registry, key=lambda m: m._meta.label):
        opened += _walk(window, hub, model)

    assert opened >= 50


def _walk(window: Watched, hub: Hub, model: type[models.Model]) -> int:
    """The list, the newest row and the add page of one model; how many pages that was."""
    name = f"{model._meta.app_label}_{model._meta.model_name}"
    phone = model._meta.model_name in PHONES
    window.open(reverse(f"admin:{name}_changelist"))
    window.picture(f"{name}-list", phone=phone)
    opened = 1
    row = _row(hub, model)
    if row is not None:
        window.open(reverse(f"admin:{name}_change", args=[row.pk]))
        window.picture(f"{name}-one", whole=True, phone=phone)
        opened += 1
    if window.page.locator(f'a[href$="/{model._meta.model_name}/add/"]').count():
        window.open(reverse(f"admin:{name}_add"))
        window.picture(f"{name}-add")
        opened += 1
    return opened


def _row(hub: Hub, model: type[models.Model]) -> models.Model | None:
    if model is Store:
        return hub.store
    if model is Order:
        return hub.order("4011")
    return model._default_manager.order_by("pk").first()


def test_the_address_of_the_hub_alone_leads_to_the_login(window: Watched, hub: Hub) -> None:
    window.open("/")

    assert "/admin/login/" in window.page.url


def test_the_api_documentation_is_drawn_without_the_network(window: Watched, hub: Hub) -> None:
    window.open("/api/docs")
    window.page.wait_for_selector(".opblock")
    window.page.locator(".operation-filter-input").fill("Orders")
    window.page.locator(".opblock-summary-path", has_text="shipments").first.wait_for()
    window.picture("api-docs")

    assert "/orders/{id}/shipments" in window.text()
