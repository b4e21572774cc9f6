"""What a platform takes of an order, on the order's page."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Store
from logix.accounts.models import Role
from orders import fees
from orders.models import Order
from orders.payouts import import_payouts
from tests.factories import NOW, make_merchant, make_order, make_payout, make_payout_line
from tests.integrations.admin.conftest import As
from tests.integrations.api.client import import_orders
from tests.orders.test_fees import booked

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(store: Store) -> Order:
    return import_orders(store, [make_order(60)])[0]


def tell(store: Store, order: Order, **words: str) -> None:
    part = booked(order=order.external_id, currency=order.currency, **words)
    fees.tell(store, [part], observed_at=NOW)


def page(client: Client, order: Order) -> str:
    url = reverse("admin:orders_order_change", args=[order.pk])
    return client.get(url).content.decode()


def test_an_order_without_any_has_no_section(boss: Client, order: Order) -> None:
    assert "Platform fees" not in page(boss, order)


def test_words_amounts_and_their_sum_are_shown(boss: Client, store: Store, order: Order) -> None:
    tell(store, order, Commission="3.00", Closing="-0.60")

    html = page(boss, order)

    assert "Platform fees" in html
    assert "never add the two" in html
    for words in ("<bdi>Commission</bdi>: 3.00 EUR", "<bdi>Closing</bdi>: -0.60 EUR"):
        assert words in html
    assert "Booked: 2.40 EUR" in html
    assert "Settled: nothing yet" in html
    assert "Difference" not in html


@pytest.mark.parametrize(("fee", "differs"), [("3.60", False), ("1.15", True)])
def test_what_payouts_settled_is_compared(
    boss: Client, store: Store, order: Order, fee: str, differs: bool
) -> None:
    tell(store, order)
    line = make_payout_line(1, external_order_id=order.external_id, fee=Decimal(fee))
    import_payouts(store, [make_payout(60, lines=(line,))], observed_at=NOW, now=NOW)

    html = page(boss, order)

    assert f"Settled: {fee} EUR" in html
    assert ("Difference: 2.45 EUR. A part of it may not be settled yet." in html) is differs


def test_a_word_cannot_hurt_the_page(boss: Client, store: Store, order: Order) -> None:
    tell(store, order, **{"<script>": "3.00"})

    assert "<bdi>&lt;script&gt;</bdi>: 3.00 EUR" in page(boss, order)


def test_a_stranger_sees_none(store: Store, order: Order, signed_in: As) -> None:
    tell(store, order)
    stranger = signed_in(Role.OWNER, make_merchant("other"))

    assert "Platform fees" not in page(stranger, order)
    assert "Platform fees" in page(signed_in(Role.VIEWER), order)
