"""An Amazon order's page: no button that Amazon would refuse, what is decided in Seller Central,
and what else Amazon told; nothing of the buyer for who may not see buyers.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations import privacy
from integrations.models import Store
from logix.accounts.models import Role
from orders.data import Authority, Buyer
from orders.importing import import_orders
from orders.models import Order
from orders.status import Flag
from tests.factories import NOW, make_order, make_store
from tests.integrations.admin.conftest import As, text

pytestmark = pytest.mark.django_db

CUSTOM = {
    "marketplace": "Amazon.de",
    "ship_by": "2026-11-30T22:59:59Z",
    "purchase_order": "PO-4711",
}


@pytest.fixture
def seller(store: Store) -> Store:
    return make_store(store.merchant, platform="amazon", name="Musterhandel")


def page_of(seller: Store, number: int = 50, **changes: Any) -> str:
    """The page of an order of Amazon's as it is imported."""
    told = make_order(number, **changes)
    import_orders(seller, [told], authority=Authority.BY_ID, observed_at=NOW, now=NOW)
    order = Order.objects.get(store=seller, external_id=told.external_id)
    return reverse("admin:orders_order_change", args=[order.pk])


def test_what_amazon_takes_from_nobody_is_no_button_and_is_said(
    boss: Client, seller: Store, store: Store
) -> None:
    here = text(boss, page_of(seller))
    elsewhere = reverse("admin:orders_order_change", args=[Order.objects.get(number="1001").pk])

    assert "Ship a parcel" in here
    for button in ("Put on hold", "Complete at the store", "Cancel at the store", "Write a note"):
        assert button not in here
        assert button in text(boss, elsewhere)
    assert "refund/" not in boss.get(page_of(seller)).content.decode()
    assert "cancel the order in Seller Central." in here
    assert "refund the order in Seller Central." in here
    assert "Only at the store" not in text(boss, elsewhere)


def test_the_buyers_wish_to_cancel_says_who_decides_and_where(boss: Client, seller: Store) -> None:
    here = text(boss, page_of(seller, flags=frozenset({Flag.CANCEL_REQUESTED})))

    assert "a cancellation is open, so nothing is shipped: cancel the order at the store" in here
    assert "Mark as reviewed" in here


def test_an_order_that_names_nobody_says_so(boss: Client, seller: Store) -> None:
    assert "The store told no buyer." in text(boss, page_of(seller, buyer=Buyer()))


def test_what_else_was_told_is_shown_and_what_leads_to_the_buyer_to_few(
    boss: Client, seller: Store, signed_in: As
) -> None:
    page = page_of(seller, custom=CUSTOM)

    few, all_of_it = text(signed_in(Role.VIEWER), page), text(boss, page)

    for shown in (few, all_of_it):
        assert "marketplace : Amazon.de" in shown
        assert "ship by : 2026-11-30 22:59 UTC" in shown
    assert "purchase order : PO-4711" in all_of_it
    assert "PO-4711" not in few


def test_the_page_names_the_moment_the_buyers_data_go(boss: Client, seller: Store) -> None:
    ended = NOW - timedelta(hours=7)
    goes = ended + timedelta(days=29)

    waiting = text(boss, page_of(seller))
    page = page_of(seller, 51, word="completed", completed_at=ended)

    assert "Kept while something is to be sent; erased by themselves 29 days after that." in waiting
    assert "Erased by themselves 2026-12-19 05:00 UTC." in text(boss, page)
    assert not privacy.due(seller, goes - timedelta(seconds=1)).exists()
    assert privacy.due(seller, goes).get().ended_at == ended
    privacy.purge(goes)
    assert "Erased by themselves" not in text(boss, page)


def test_a_store_without_a_bound_says_nothing_of_an_end(boss: Client, store: Store) -> None:
    page = reverse("admin:orders_order_change", args=[Order.objects.get(number="1001").pk])

    assert "by themselves" not in text(boss, page)
