"""Units set aside for one store by hand: made, changed, given back, and refused in words."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Push, Store
from inventory import allocating
from inventory.models import Allocation, Location, StockLevel, Variant
from logix.accounts.models import AuditEvent, Role
from tests.factories import make_store
from tests.integrations.admin.conftest import As, listed, text, words
from tests.integrations.admin.test_acts import press
from tests.integrations.admin.test_by_hand import address, level

pytestmark = pytest.mark.django_db

MODEL = "inventory_allocation"
ADD = reverse("admin:inventory_allocation_add")


@pytest.fixture(autouse=True)
def nothing_set_aside(store: Store) -> None:
    """Without those that came with the store."""
    Allocation.objects.all().delete()


def add(client: Client, shop: Store, **fields: Any) -> str:
    told = {"store": shop.pk, "location": Location.objects.get().pk, "sku": "sku-1", "units": 4}
    return words(client.post(ADD, {**told, **fields}, follow=True))


def make(store: Store, units: int = 4) -> Allocation:
    item, main = Variant.objects.get(sku="SKU-1"), Location.objects.get()
    return allocating.make(store, item, main, units=units, actor="user:anna")


def test_units_are_set_aside_changed_and_given_back(boss: Client, store: Store) -> None:
    free = level().free
    Push.objects.all().delete()

    add(boss, store, note="Summer")

    made = Allocation.objects.get()
    assert (made.store, made.units, made.left, made.note) == (store, 4, 4, "Summer")
    assert (level().allocated, level().free) == (4, free - 4)
    assert Push.objects.count() == 1
    page = listed(boss, MODEL)
    for word in ("SKU-1", "Example shop", "stands", "Main warehouse"):
        assert word in page
    change = address(made, "change")
    boss.post(change, {"units": 6, "note": "Autumn"}, follow=True)
    made.refresh_from_db()
    assert (made.units, made.left, made.note) == (6, 6, "Autumn")

    said = press(boss, MODEL, made, "end")

    made.refresh_from_db()
    assert "6 × SKU-1 are free to all stores again." in said
    assert made.ended_at
    assert (level().allocated, level().free) == (0, free)
    assert "ended" in text(boss, change)
    events = AuditEvent.objects.filter(action__startswith="allocation").order_by("pk")
    assert [(event.action, event.actor) for event in events] == [
        ("allocation.made", "boss"),
        ("allocation.changed", "boss"),
        ("allocation.ended", "boss"),
    ]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"units": 1000}, "Only 8 of SKU-1 are free at Main warehouse, not 1000."),
        ({"sku": "SKU-404"}, "There is no product with the SKU SKU-404."),
        ({"units": 0}, "greater than or equal to 1"),
        ({"until_0": "2020-01-01", "until_1": "10:00"}, "Its end lies in the past."),
    ],
)
def test_what_cannot_be_set_aside_is_said_in_the_form(
    boss: Client, store: Store, fields: dict[str, Any], sentence: str
) -> None:
    assert level().free == 8

    assert sentence in add(boss, store, **fields)
    assert not Allocation.objects.exists()


def test_a_change_that_cannot_be_is_said_in_the_form(boss: Client, store: Store) -> None:
    made = make(store)
    twice = add(boss, store)

    page = words(boss.post(address(made, "change"), {"units": 15}, follow=True))

    assert "4 of it are set aside for Example shop at Main warehouse already." in twice
    assert "Only 4 of SKU-1 are free at Main warehouse, not 11." in page
    assert Allocation.objects.get().units == 4


def test_the_page_of_a_level_and_explain_show_what_is_set_aside(boss: Client, store: Store) -> None:
    made = make(store)

    page = address(made.variant, "explain")
    explained = text(boss, page)

    assert "4 set aside for Example shop at Main warehouse, 0 of 4 used" in explained
    assert "4 of them are set aside for this store." in explained
    assert address(made, "change") in boss.get(page).content.decode()
    assert "Set aside for a store" in text(boss, address(level(), "change"))
    assert "Set aside" in listed(boss, "inventory_stockmovement")
    other = make_store(store.merchant, base_url="https://b.example", name="B")
    listing = store.listings.get(sku="SKU-1")
    listing.pk, listing.store = None, other
    listing.id = made.pk
    listing.save(force_insert=True)
    assert "4 set aside for other stores" in text(boss, page)


def test_what_is_set_aside_for_nobody_is_said(boss: Client, store: Store) -> None:
    make(store)
    assert "Set aside for nobody" not in listed(boss, MODEL).split("By ")[0]

    Store.objects.filter(pk=store.pk).update(status="disconnected")

    assert "Set aside for nobody: 1 item" in listed(boss, MODEL)
    assert "SKU-1" in listed(boss, MODEL, "?look=idle")


def test_only_owners_set_aside_and_strangers_see_nothing(signed_in: As, store: Store) -> None:
    made = make(store)
    for role in (Role.VIEWER, Role.OPERATOR):
        client = signed_in(role)
        assert client.get(ADD).status_code == 403
        assert client.post(address(made, "change"), {"units": 1}).status_code == 403
        press(client, MODEL, made, "end")
    owner, stranger = signed_in(Role.OWNER), signed_in(None)

    assert stranger.get(address(made, "change")).status_code in (302, 403, 404)
    assert "SKU-1" not in listed(stranger, MODEL)
    assert StockLevel.objects.get(variant=made.variant).allocated == 4
    press(owner, MODEL, made, "end")
    assert StockLevel.objects.get(variant=made.variant).allocated == 0
