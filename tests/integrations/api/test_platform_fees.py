"""What a platform takes of an order, over the API: as it was booked, beside what was settled."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.api.order_schema import OrderSerializer, PlatformFeesSerializer
from integrations.models import Store
from logix.accounts.models import Scope
from orders import fees
from orders.models import Order
from tests import factories
from tests.factories import NOW
from tests.integrations.api.client import Api, api_for, import_orders, import_payouts
from tests.orders.test_fees import booked


def tell(store: Store, order: Order, number: int = 1, **words: str) -> None:
    part = booked(number, order=order.external_id, currency=order.currency, **words)
    fees.tell(store, [part], observed_at=NOW)


def test_an_order_has_none_until_some_were_booked(api: Api, order: Order) -> None:
    shown = api.get(f"/orders/{order.pk}").json()

    assert shown["platform_fees"] == []
    assert (shown["platform_fees_total"], shown["platform_fees_settled"]) == (None, None)


def test_each_booking_is_shown_with_its_words_and_their_sum(
    api: Api, store: Store, order: Order
) -> None:
    tell(store, order, 2, Commission="-1.2")
    tell(store, order)

    shown = api.get(f"/orders/{order.pk}").json()

    assert shown["platform_fees_total"] == "2.40"
    assert shown["platform_fees_settled"] is None
    first, second = shown["platform_fees"]
    assert set(first) == set(PlatformFeesSerializer().fields)
    assert first["amounts"] == [
        {"word": "Commission", "amount": "3.00"},
        {"word": "ClosingFee", "amount": "0.60"},
    ]
    assert (first["external_id"], first["currency"], first["total"]) == ("T1", "EUR", "3.60")
    assert (second["total"], second["posted_at"]) == ("-1.20", "2026-11-20T14:00:00Z")
    # What the buyer was charged is another thing.
    assert shown["fee_total"] == "0.00"
    assert set(shown) == set(OrderSerializer().fields)


def test_what_was_settled_stands_beside_it_and_is_not_added(
    api: Api, store: Store, order: Order
) -> None:
    tell(store, order)
    line = factories.make_payout_line(1, external_order_id=order.external_id)
    import_payouts(store, [factories.make_payout(1, lines=(line,))])

    shown = api.get(f"/orders/{order.pk}").json()

    assert (shown["platform_fees_total"], shown["platform_fees_settled"]) == ("3.60", "1.15")


@pytest.mark.parametrize(("currency", "shown"), [("JPY", "360"), ("KWD", "360.000")])
def test_amounts_have_the_decimals_of_their_currency(
    api: Api, store: Store, currency: str, shown: str
) -> None:
    (order,) = import_orders(store, [factories.make_order(5, currency=currency)])
    tell(store, order, Commission="360")

    found = api.get(f"/orders/{order.pk}").json()

    assert (found["platform_fees_total"], found["platform_fees"][0]["total"]) == (shown, shown)


def test_they_are_another_merchants_business(store: Store, order: Order) -> None:
    other = factories.make_merchant("other")
    theirs = factories.make_store(other, base_url="https://other.example")
    (same_id,) = import_orders(theirs, [factories.make_order(1)])
    tell(store, order)

    assert same_id.external_id == order.external_id
    assert api_for(other).get(f"/orders/{same_id.pk}").json()["platform_fees"] == []
    assert api_for(other).get(f"/orders/{order.pk}").status_code == 404


def test_an_order_without_fees_costs_no_statement_for_them(store: Store, order: Order) -> None:
    (with_fees,) = import_orders(store, [factories.make_order(2)])
    tell(store, with_fees)
    reader = api_for(store.merchant, Scope.READ)
    reader.get("/platforms")
    counts = []

    for one in (order, with_fees):
        with CaptureQueriesContext(connection) as captured:
            assert reader.get(f"/orders/{one.pk}").status_code == 200
        counts.append(len(captured))

    assert counts[1] == counts[0] + 1
    assert counts[0] <= 9
    assert Decimal(reader.get(f"/orders/{with_fees.pk}").json()["platform_fees_total"]) > 0
