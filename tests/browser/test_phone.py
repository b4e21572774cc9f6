"""The admin on a phone: every page names itself, nothing scrolls sideways but inside its own box,
and what strangers wrote stays in its place.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from django.contrib import admin
from django.db import models
from django.urls import reverse
from django.utils import timezone

from integrations.models import Endpoint, Store
from inventory.catalogue import import_products
from inventory.data import VariantData
from inventory.models import Product
from orders.data import Authority
from orders.importing import import_orders
from orders.models import Order
from tests.browser.conftest import PHONE, WIDE, Watched
from tests.browser.goods import an_order
from tests.browser.hub import Hub
from tests.factories import make_product
from webhooks import inbox
from webhooks.models import Delivery

pytestmark = pytest.mark.browser

LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen" * 3
BACKWARDS = "\u202egnp.exe Zoë"

_NAME = """() => {
  const name = document.querySelector('#header-inner h1 .logix-name');
  const box = name.getBoundingClientRect();
  const cut = name.scrollWidth > name.clientWidth + 1;
  return {text: name.innerText.trim(), shown: box.width > 0 && box.right <= innerWidth && !cut};
}"""


def _strange(store: Store) -> Order:
    """An order, a product and a delivery that try to disturb the page."""
    now = timezone.now()
    told = an_order(99, now)
    assert told.buyer is not None
    place = dataclasses.replace(told.buyer.shipping, line1=LONG, city=BACKWARDS)
    lines = tuple(dataclasses.replace(x, name=f"{BACKWARDS} {LONG}") for x in told.lines)
    buyer = dataclasses.replace(told.buyer, name=f"{BACKWARDS} {LONG}", shipping=place)
    told = dataclasses.replace(told, buyer=buyer, lines=lines)
    import_orders(store, [told], authority=Authority.BY_ID, observed_at=now, now=now)
    variants = (VariantData(external_id="p95", sku="LONG", title=LONG, stock=3),)
    product = make_product(95, title=f"{BACKWARDS} {LONG}", variants=variants)
    import_products(store, [product], observed_at=now, now=now, adopt_stock=True)
    endpoint = Endpoint.objects.select_related("store").get(store=store, status="active")
    body = json.dumps({"id": 5, "description": f"<p>{LONG} " * 20}).encode()
    inbox.accept(
        endpoint,
        topic="product.updated",
        headers={"x-wide": LONG},
        body=body,
        dedupe_key=LONG[:160],
    )
    return Order.objects.get(store=store, number=told.number)


def test_no_page_scrolls_sideways_and_each_names_itself(window: Watched, hub: Hub) -> None:
    order = _strange(hub.store)
    window.sign_in("anna")
    troubles = []

    for model in sorted(admin.site._registry, key=lambda m: m._meta.label):
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        row = _row(hub, order, model)
        pages = [("list", reverse(f"admin:{name}_changelist"))]
        if row is not None:
            pages.append(("one", reverse(f"admin:{name}_change", args=[row.pk])))
        for kind, path in pages:
            window.page.set_viewport_size(WIDE)
            window.open(path)
            troubles += _too_wide(window, f"{name} {kind}, on a screen")
            window.page.set_viewport_size(PHONE)
            window.page.screenshot(path=window.pictures / f"phone-{name}-{kind}.png")
            troubles += _too_wide(window, f"{name} {kind}, on a phone")
            troubles += _nameless(window, f"{name} {kind}, on a phone")

    window.page.set_viewport_size(WIDE)
    assert troubles == []


def _too_wide(window: Watched, where: str) -> list[str]:
    wider = window.too_wide()
    return [f"{where}: {wider} px too wide"] if wider else []


def _nameless(window: Watched, where: str) -> list[str]:
    name: dict[str, Any] = window.page.evaluate(_NAME)
    if name["text"] and name["shown"]:
        return []
    return [f"{where}: its name is not to be seen: {name}"]


def _row(hub: Hub, order: Order, model: type[models.Model]) -> models.Model | None:
    if model is Store:
        return hub.store
    if model is Order:
        return order
    if model is Product:
        return Product.objects.get(title__contains=LONG)
    if model is Delivery:
        return Delivery.objects.get(topic="product.updated")
    return model._default_manager.order_by("pk").last()


def test_a_wide_body_scrolls_in_its_own_box(window: Watched, hub: Hub) -> None:
    _strange(hub.store)
    window.sign_in("anna")
    row = Delivery.objects.get(topic="product.updated")

    window.open(reverse("admin:webhooks_delivery_change", args=[row.pk]))
    window.picture("wide-body", whole=True, phone=True)

    assert not window.too_wide()
    inside = "e => e.scrollWidth > e.clientWidth && getComputedStyle(e).overflowX === 'auto'"
    assert window.page.locator("pre.logix-wide").evaluate(inside)


def test_a_name_that_runs_backwards_ends_with_itself(window: Watched, hub: Hub) -> None:
    order = _strange(hub.store)
    window.sign_in("anna")

    window.open(reverse("admin:orders_order_change", args=[order.pk]))
    window.picture("strange-order", whole=True, phone=True)
    assert not window.too_wide()

    isolated = "e => getComputedStyle(e).unicodeBidi.includes('isolate')"
    names = window.page.locator("bdi", has_text="Zoë")
    assert names.count() >= 2
    assert all(names.nth(n).evaluate(isolated) for n in range(names.count()))
