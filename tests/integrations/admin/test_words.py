"""Pages speak plainly: names that tell rows apart, times of the store's own day, and no code where
there is a word.
"""

from __future__ import annotations

import ast
import dataclasses
import re
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from integrations.admin.auditwords import sentence_of
from integrations.admin.base import age
from integrations.models import FieldRule, Store
from inventory.models import Location, StockLevel, StockMovement
from logix.accounts.models import AuditEvent, Role
from orders.data import Address, Authority
from orders.importing import import_orders
from orders.models import Order
from tests.factories import NOW, make_line, make_merchant, make_order, make_store
from tests.integrations.admin.conftest import As, listed, text, words
from tests.integrations.admin.test_by_hand import address

pytestmark = pytest.mark.django_db


# -- names ----------------------------------------------------------------------------------------


def test_stores_of_one_name_are_told_apart_where_one_is_chosen(boss: Client, store: Store) -> None:
    make_store(make_merchant("other"), base_url="https://two.example", name=store.name)
    both = ("Example shop · Acme · shop.example", "Example shop · Other · two.example")

    for page in (
        listed(boss, "orders_order"),
        text(boss, reverse("admin:integrations_fieldrule_add")),
        text(boss, reverse("admin:inventory_stockrule_add")),
    ):
        assert all(name in page for name in both)


def test_places_of_one_name_are_told_apart_in_filters(boss: Client, store: Store) -> None:
    other = make_merchant("other")
    mine = Location.objects.get(merchant=store.merchant)
    Location.objects.create(merchant=other, name=mine.name, code="main")

    page = listed(boss, "inventory_stocklevel")

    assert f"{mine.name} · Acme" in page
    assert f"{mine.name} · Other" in page


def test_a_tab_says_what_is_in_it(boss: Client, store: Store) -> None:
    order = Order.objects.get(number="1001")
    level = StockLevel.objects.get(variant__sku="SKU-1")

    for url, title in (
        (reverse("admin:orders_order_changelist"), "Orders | Logix"),
        (address(order, "change"), "#1001 · Order | Logix"),
        (address(level, "count"), "Count SKU-1"),
        (reverse("admin:index"), "What needs you | Logix"),
    ):
        page = boss.get(url).content.decode()
        found = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
        assert found
        assert title in " ".join(unescape(found[1]).split())


def test_an_empty_list_nobody_can_add_to_offers_no_adding(boss: Client, store: Store) -> None:
    StockMovement.objects.all().delete()
    page = listed(boss, "inventory_stockmovement")
    assert "Nothing has moved yet." in page
    assert "new item" not in page

    page = listed(boss, "orders_order", "?q=nothing")
    assert "Nothing matches what you look for. Show everything" in page

    FieldRule.objects.all().delete()
    assert "Add field rule" in listed(boss, "integrations_fieldrule")


def test_a_length_of_time_knows_one() -> None:
    told = {0: "0 seconds", 1: "1 second", 119: "119 seconds", 120: "2 minutes", 7200: "2 hours"}

    assert {seconds: age(seconds) for seconds in told} == told


# -- orders ---------------------------------------------------------------------------------------


def test_times_of_a_page_about_one_store_are_its_own(boss: Client, store: Store) -> None:
    Store.objects.filter(pk=store.pk).update(timezone="Europe/Berlin")
    order = Order.objects.get(number="1001")

    page = text(boss, address(order, "change"))

    assert f"{order.placed_at:%Y-%m-%d}" in page
    assert "CET" in page
    assert "UTC" not in page
    assert "UTC" in listed(boss, "orders_order"), "a list is about several stores"
    Store.objects.filter(pk=store.pk).update(timezone="Nowhere/City")
    assert "UTC" in text(boss, address(order, "change"))


@pytest.mark.parametrize("is_told", [True, False])
def test_the_delivery_address_is_named(boss: Client, store: Store, is_told: bool) -> None:
    told = make_order(60)
    assert told.buyer is not None
    billing = Address(name="Zoë", line1="Billing street 1", city="Köln", country="DE")
    shipping = Address(name="Zoë", line1="Parcel lane 2", city="Bonn", country="DE")
    buyer = dataclasses.replace(
        told.buyer, billing=billing, shipping=shipping if is_told else Address()
    )
    import_orders(
        store,
        [dataclasses.replace(told, buyer=buyer)],
        authority=Authority.LIST_PAGE,
        observed_at=NOW,
        now=NOW,
    )

    page = text(boss, address(Order.objects.get(number=told.number), "change"))

    if is_told:
        assert page.index("Delivery address") < page.index("Parcel lane 2")
        assert page.index("Billing address") < page.index("Billing street 1")
    else:
        assert "Billing address; the store told none for the delivery Zoë Billing street 1" in page


def test_the_kind_of_a_payment_and_the_stores_word_are_said_plainly(
    boss: Client, store: Store
) -> None:
    page = text(boss, address(Order.objects.get(number="1001"), "change"))

    assert "capture" not in page
    assert "Status in the store's words processing" in page
    assert "see Statuses of plugins" in page


def test_what_a_buyer_wrote_is_isolated(boss: Client, store: Store) -> None:
    line = make_line(1, name="\u202egnp.exe")
    told = make_order(61, lines=(line,))
    import_orders(store, [told], authority=Authority.LIST_PAGE, observed_at=NOW, now=NOW)

    page = boss.get(address(Order.objects.get(number=told.number), "change")).content.decode()

    assert "<bdi>\u202egnp.exe</bdi>" in page
    assert "<bdi>zoe@buyers.example</bdi>" in page


# -- rules ----------------------------------------------------------------------------------------


def test_a_rule_is_tried_on_past_orders_from_its_page(store: Store, signed_in: As) -> None:
    told = make_order(62, raw=b'{"gift": "For you"}')
    import_orders(store, [told], authority=Authority.LIST_PAGE, observed_at=NOW, now=NOW)
    rule = FieldRule.objects.create(store=store, path="gift", target="custom.gift", enabled=False)
    owner, url = signed_in(Role.OWNER), address(rule, "preview")
    assert url in owner.get(address(rule, "change")).content.decode()

    assert owner.get(url)["Location"] == address(rule, "change"), "asked for, never just looked at"
    page = words(owner.post(url))

    assert "#1062 custom.gift – For you" in page
    assert Order.objects.get(number="1062").custom == {}
    event = AuditEvent.objects.get(action="rules.previewed")
    assert "1062" in event.details["orders"]
    for role in (Role.VIEWER, Role.OPERATOR):
        client = signed_in(role)
        assert client.post(url).status_code == 403
        assert url not in client.get(address(rule, "change")).content.decode()


def test_a_rule_that_would_park_orders_says_so_first(boss: Client, store: Store) -> None:
    told = make_order(63, raw=b'{"gift": "no number"}')
    import_orders(store, [told], authority=Authority.LIST_PAGE, observed_at=NOW, now=NOW)
    rule = FieldRule.objects.create(store=store, path="gift", target="custom.n", cast="integer")

    assert "The order would be parked:" in words(boss.post(address(rule, "preview")))


def test_a_second_rule_for_one_field_is_refused_in_words(boss: Client, store: Store) -> None:
    fields = {
        "store": store.pk,
        "stream": "orders",
        "direction": "in",
        "path": "number",
        "target": "custom.f1",
        "cast": "text",
        "mode": "set",
        "value_map": "{}",
        "default": "null",
        "position": 0,
        "enabled": "on",
    }

    page = boss.post(reverse("admin:integrations_fieldrule_add"), fields).content.decode()

    assert "Another rule of this store sets it already." in page
    assert "Constraint" not in page


# -- the audit log --------------------------------------------------------------------------------


def test_the_audit_log_speaks_in_sentences(boss: Client, store: Store) -> None:
    boss.post(address(Order.objects.get(number="1001"), "note"), {"text": "Hello"})

    page = listed(boss, "accounts_auditevent")

    assert "Wrote a note on an order" in page
    assert "order.note_requested" not in page
    event = AuditEvent.objects.get(action="order.note_requested")
    assert "order.note_requested" in text(boss, address(event, "change")), "for programs"


def test_every_action_the_hub_records_has_its_sentence() -> None:
    """Found in the source: a new action without words would be shown as a code."""
    recorded = {
        action
        for part in ("integrations", "inventory", "logix", "orders", "webhooks")
        for file in (Path(settings.ROOT) / part).rglob("*.py")
        if "sandbox" not in file.parts
        for action in _actions_in(file)
    }
    assert len(recorded) >= 40

    assert sorted(action for action in recorded if ": " in sentence_of(action)) == []


def _actions_in(file: Path) -> set[str]:
    """Literal actions given to ``record`` and to what wraps it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        name = node.func.id if isinstance(node.func, ast.Name) else name
        if name not in {"record", "_record", "audited", "_audited", "move"}:
            continue
        literals = [*node.args, *(k.value for k in node.keywords if k.arg == "action")]
        found |= {
            literal.value
            for literal in literals
            if isinstance(literal, ast.Constant)
            and isinstance(literal.value, str)
            and re.fullmatch(r"[a-z]+\.[a-z_]+", literal.value)
        }
    return found
