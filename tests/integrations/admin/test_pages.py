"""Every admin page opens, answers "is it well?", asks the database a bounded number of times, and
acts through services.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from integrations.models import Store, StoreStatus
from inventory.models import Listing, StockLevel
from logix.accounts.models import AuditEvent
from orders.data import Authority
from orders.importing import import_orders
from orders.models import Order
from tests.factories import NOW, OPEN, make_order

pytestmark = pytest.mark.django_db


def ours() -> list[type[Any]]:
    apps = {"accounts", "inventory", "orders", "integrations", "webhooks", "auth"}
    return [m for m in admin.site._registry if m._meta.app_label in apps]


def test_every_list_opens(boss: Client, store: Store) -> None:
    for model in ours():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        answer = boss.get(reverse(name))
        assert answer.status_code == 200, name


def test_every_row_opens(boss: Client, store: Store) -> None:
    opened = 0
    for model in ours():
        row = model._default_manager.first()
        if row is None:
            continue
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
        assert boss.get(reverse(name, args=[row.pk])).status_code == 200, name
        opened += 1
    assert opened >= 12


def test_history_cannot_be_changed(boss: Client, store: Store) -> None:
    order = Order.objects.first()
    assert order is not None
    url = reverse("admin:orders_order_change", args=[order.pk])

    answer = boss.post(url, {"number": "999"})

    assert answer.status_code == 403
    order.refresh_from_db()
    assert order.number != "999"


def test_a_store_page_names_the_statuses_nobody_knows(boss: Client, store: Store) -> None:
    url = reverse("admin:integrations_store_change", args=[store.pk])
    sentence = "these orders then finish by themselves"
    assert sentence not in boss.get(url).content.decode()
    told = {"raw_status": "packed<b>", "status": replace(OPEN, known=False)}
    import_orders(
        store,
        [make_order(n, **told) for n in (71, 72)],
        authority=Authority.LIST_PAGE,
        observed_at=NOW,
        now=NOW,
    )

    page = boss.get(url).content.decode()

    assert "“<bdi>packed&lt;b&gt;</bdi>”: 2 orders wait" in page
    assert sentence in page


def test_an_order_page_shows_lines_money_and_timeline(boss: Client, store: Store) -> None:
    order = Order.objects.get(number="1001")

    page = boss.get(reverse("admin:orders_order_change", args=[order.pk])).content.decode()

    for text in ("SKU-1", "28.75", "Imported from Example shop", "zoe@buyers.example"):
        assert text in page


def test_an_order_is_found_by_the_buyers_exact_mail(boss: Client, store: Store) -> None:
    url = reverse("admin:orders_order_changelist")

    assert b"#1001" in boss.get(url, {"q": "ZOE@buyers.example"}).content
    assert b"#1001" not in boss.get(url, {"q": "zoe@other.example"}).content


def test_counting_a_level_leaves_a_movement(boss: Client, store: Store) -> None:
    level = StockLevel.objects.get(variant__sku="SKU-1")
    url = reverse("admin:inventory_stocklevel_count", args=[level.pk])

    boss.post(url, {"set_to": "42", "reason": "Yearly count"})

    level.refresh_from_db()
    assert level.on_hand == 42
    movement = level.variant.movements.get(kind="count")
    assert (movement.actor, movement.reason) == ("user:boss", "Yearly count")


def test_pausing_asks_first_then_goes_through_the_service(boss: Client, store: Store) -> None:
    url = reverse("admin:integrations_store_act", args=[store.pk, "pause"])

    assert b"stops reading and writing" in boss.get(url).content
    store.refresh_from_db()
    assert store.status == StoreStatus.ACTIVE

    boss.post(url)
    store.refresh_from_db()
    assert store.status == StoreStatus.PAUSED
    assert AuditEvent.objects.filter(object_id=str(store.pk), actor="boss").exists()


def test_the_listing_page_explains_its_figure(boss: Client, store: Store) -> None:
    listing = Listing.objects.get(sku="SKU-1")

    page = boss.get(reverse("admin:inventory_listing_change", args=[listing.pk]))

    assert b"Computed from stock" in page.content
