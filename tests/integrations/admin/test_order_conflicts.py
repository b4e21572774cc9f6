"""Edits after picking began in the admin: found from the first page, shown as a table, accepted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Store
from logix.accounts.models import AuditEvent, Role
from orders import services
from orders.models import Conflict, Order
from tests.factories import make_line, make_order
from tests.integrations.admin.conftest import As
from tests.orders.shop import bring, later

pytestmark = pytest.mark.django_db

TOLD = make_order(77, lines=(make_line(1), make_line(2)))


@pytest.fixture
def order(store: Store) -> Order:
    bring(store, TOLD)
    order = Order.objects.get(number="1077")
    line = order.lines.get(external_id="l1")
    services.add_shipment(order, lines={line.pk: 1}, actor="user:anna")
    added = make_line(4, quantity=1, name="<b>Pot</b>")
    buyer = replace(TOLD.buyer, shipping=replace(TOLD.buyer.shipping, line1="Allee 9"))  # type: ignore[union-attr, type-var]
    bring(store, later(TOLD, 1, lines=(make_line(1, quantity=3), added), buyer=buyer))
    return order


def page(order: Order, name: str = "change") -> str:
    return reverse(f"admin:orders_order_{name}", args=[order.pk])


def test_the_first_page_leads_to_the_orders_that_wait(boss: Client, order: Order) -> None:
    first = boss.get(reverse("admin:index")).content.decode()
    listed = boss.get(reverse("admin:orders_order_changelist") + "?look=edited")

    assert "1 order edited at the store after picking began" in first
    assert "look=edited" in first
    assert "#1077" in listed.content.decode()
    assert listed.context["cl"].result_count == 1


def test_an_order_shows_the_difference_as_a_table(boss: Client, order: Order) -> None:
    shown = boss.get(page(order)).content.decode()

    for words in ("Added", "Removed", "Changed", "10.00 EUR each", "1 left already"):
        assert words in shown
    assert "3 × <bdi>SKU-1</bdi>" in shown
    assert "&lt;b&gt;Pot&lt;/b&gt;" in shown
    assert "<b>Pot</b>" not in shown
    assert "Address" in shown
    assert page(order, "conflict") in shown


def test_an_edit_is_accepted_on_its_page(boss: Client, order: Order) -> None:
    asked = boss.get(page(order, "conflict")).content.decode()
    assert "SKU-1 2 → 3; added 1 × SKU-4; removed 2 × SKU-2" in asked

    answer = boss.post(page(order, "conflict"), {"edits": 1}, follow=True).content.decode()

    assert "is accepted; it goes on" in answer
    assert Conflict.objects.get().state == "accepted"
    assert AuditEvent.objects.get(action="order.edit_accepted").object_id == str(order.pk)
    assert page(order, "conflict") not in answer


def test_another_edit_since_the_page_was_opened_is_shown_first(
    boss: Client, order: Order, store: Store
) -> None:
    bring(store, later(TOLD, 2, lines=(make_line(1, quantity=9),)))

    answer = boss.post(page(order, "conflict"), {"edits": 1}).content.decode()

    assert "edited this order again since you looked" in answer
    assert Conflict.objects.get().state == "open"


def test_the_page_of_an_open_edit_offers_its_difference_and_no_review(
    boss: Client, order: Order
) -> None:
    assert "act/review" not in boss.get(page(order)).content.decode()

    boss.post(reverse("admin:orders_order_act", args=[order.pk, "review"]), {"why": ""})

    assert Conflict.objects.get().state == "open"


def test_deciding_takes_an_operator(store: Store, signed_in: As, order: Order) -> None:
    reader = signed_in(Role.VIEWER)

    assert reader.get(page(order, "conflict")).status_code == 403
    assert page(order, "conflict") not in reader.get(page(order)).content.decode()
    assert "Edited after picking began" in reader.get(page(order)).content.decode()
