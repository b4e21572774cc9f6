"""Orders as they are read: every kind the simulator knows, and how few calls that takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest

from integrations.amazon import orders
from integrations.amazon.service import AmazonIntegration
from integrations.base import Filters, ReadBy
from integrations.errors import NotFound, RateLimited
from orders.data import ChargeKind, OrderData
from orders.status import Flag, FulfillmentStatus, OrderStatus, PaymentStatus
from tests.integrations.amazon.conftest import MakeAdapter, MakeWorld
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.conformance.suite import EVERYTHING, orders_of
from tests.integrations.sandbox.amazon.client import DE, FR


def read(world: AmazonWorld, adapter: AmazonIntegration, kind: str) -> OrderData:
    (order_id,) = world.place(kind)
    return adapter.read_order(order_id)


def test_a_paid_order_is_open_with_all_that_is_told(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    order = read(world, adapter, "plain")

    assert order.number == order.external_id
    assert (order.status.order, order.status.payment) == (OrderStatus.OPEN, PaymentStatus.PAID)
    assert order.status.reserve
    assert order.currency == "EUR"
    assert order.total > 0
    (payment,) = order.payments
    assert payment.amount == order.total
    assert order.buyer is not None
    assert order.buyer.email.endswith("@marketplace.amazon.de")
    assert order.buyer.shipping.line1
    assert order.buyer.shipping.country == "DE"
    assert order.custom["marketplace"] == "Amazon.de"
    assert order.custom["ship_by"]
    (line,) = order.lines
    assert line.external_variant_id == line.external_product_id == line.sku
    assert order.shipments == ()
    assert order.flags == frozenset()


@pytest.mark.parametrize(
    ("kind", "fulfillment"),
    [
        ("pending", FulfillmentStatus.UNFULFILLED),
        ("preorder", FulfillmentStatus.NOT_READY),
    ],
)
def test_an_unpaid_order_reserves_without_address_and_prices(
    world: AmazonWorld, adapter: AmazonIntegration, kind: str, fulfillment: FulfillmentStatus
) -> None:
    order = read(world, adapter, kind)

    assert order.status.order is OrderStatus.PENDING
    assert order.status.payment is PaymentStatus.UNPAID
    assert order.status.fulfillment is fulfillment
    assert order.status.reserve
    assert (order.buyer, order.payments) == (None, ())
    assert (order.total, order.currency) == (Decimal(0), "EUR")
    assert order.lines[0].quantity >= 1
    assert Flag.ADDRESS_PROBLEM not in order.flags


def test_what_amazon_sends_is_shown_and_never_reserved(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    for kind in ("fba", "fba_pending", "elsewhere"):
        order = read(world, adapter, kind)
        assert Flag.PLATFORM_FULFILLED in order.flags, kind
        assert not order.status.reserve
        assert order.shipments is None

    failed = read(world, adapter, "unfulfillable")
    assert failed.status.order is OrderStatus.ON_HOLD


def test_a_buyers_wish_to_cancel_is_a_flag(world: AmazonWorld, adapter: AmazonIntegration) -> None:
    order = read(world, adapter, "cancel_requested")

    assert Flag.CANCEL_REQUESTED in order.flags
    assert order.status.order is OrderStatus.OPEN
    world.act("cancel", order.external_id)
    after = adapter.read_order(order.external_id)
    assert after.status.order is OrderStatus.CANCELLED
    assert after.status.payment is PaymentStatus.VOIDED
    assert Flag.CANCEL_REQUESTED not in after.flags
    assert not after.status.reserve


def test_a_cancelled_item_is_no_longer_wanted(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    (order_id,) = world.place("several")
    world.act("cancel_item", order_id)

    order = adapter.read_order(order_id)

    assert [line.quantity > 0 for line in order.lines] == [True, True, False]


def test_a_gift_keeps_its_words_with_what_is_the_buyers(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    order = read(world, adapter, "gift")

    assert order.lines[0].attributes["gift_wrap"] == "Standard"
    assert order.buyer is not None
    assert order.buyer.note.startswith(f"Gift message for {order.lines[0].sku}: ")
    message = order.buyer.note.partition(": ")[2]
    assert message not in repr(order.lines) + repr(order.custom)
    wrapping = [c for c in order.charges if c.code == "GIFT_WRAP"]
    assert [c.kind for c in wrapping] == [ChargeKind.FEE]
    assert wrapping[0].amount > 0


@pytest.mark.parametrize("is_positive", [False, True])
def test_discounts_lower_lines_whatever_their_sign(
    make_world: MakeWorld, make_adapter: MakeAdapter, is_positive: bool
) -> None:
    world = make_world(orders=0, discounts_are_positive=is_positive)
    order = read(world, make_adapter(world), "discounted")

    (line,) = order.lines
    assert line.total == (line.subtotal * Decimal("0.85")).quantize(Decimal("0.01"))
    (discount,) = [c for c in order.charges if c.kind is ChargeKind.DISCOUNT]
    assert discount.informative
    assert discount.amount > 0
    assert discount.title == "PLM-SUMMER-15 Percentage Off"
    assert not any(c.kind is ChargeKind.ROUNDING for c in order.charges)


def test_tax_that_is_told_apart_stands_beside_what_it_is_of(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    order = read(world, adapter, "taxed")

    (line,) = order.lines
    assert line.tax == (line.subtotal * Decimal("0.19")).quantize(Decimal("0.01"))
    shipping = [c for c in order.charges if c.kind is ChargeKind.SHIPPING]
    assert order.tax_total == line.tax + sum((c.tax for c in shipping), Decimal(0))


def test_each_marketplace_has_its_money(make_world: MakeWorld, make_adapter: MakeAdapter) -> None:
    europe, japan = make_world(orders=60), make_world(orders=8, region="fe")

    told = orders_of(make_adapter(europe).read_orders(EVERYTHING))
    assert {order.currency for order in told} == {"EUR", "GBP"}
    yen = [x for x in orders_of(make_adapter(japan).read_orders(EVERYTHING)) if x.currency == "JPY"]
    assert yen
    assert all(order.total == order.total.to_integral_value() for order in yen)


def test_parcels_come_with_their_units_and_arrive(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    (order_id,) = world.place("many_units")
    world.act("ship_one", order_id)
    part = adapter.read_order(order_id)
    world.act("ship", order_id)
    sent = adapter.read_order(order_id)
    world.act("deliver", order_id)
    world.act("deliver", order_id)
    there = adapter.read_order(order_id)

    assert part.status.fulfillment is FulfillmentStatus.PARTIALLY_FULFILLED
    assert part.shipments is not None
    assert [line.quantity for parcel in part.shipments for line in parcel.lines] == [1]
    assert sent.status.order is OrderStatus.COMPLETED
    assert not sent.status.fulfilled_assumed
    assert sent.completed_at is not None
    assert there.status.fulfillment is FulfillmentStatus.DELIVERED


def test_an_address_in_part_is_a_problem_that_shows(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    world = make_world(orders=0, roles=("Inventory and Order Tracking", "Product Listing"))

    order = read(world, make_adapter(world), "plain")

    assert order.flags == {Flag.ADDRESS_PROBLEM}
    assert order.buyer is not None
    assert order.buyer.shipping.city
    assert (order.buyer.name, order.buyer.email, order.buyer.shipping.line1) == ("", "", "")


def test_a_status_nobody_announced_waits_for_a_person_or_for_the_word_it_counts_as(
    world: AmazonWorld, make_adapter: MakeAdapter
) -> None:
    (order_id,) = world.place("plain")
    strict = make_adapter(world)
    told = make_adapter(world, {"status_words": {"SANDBOX_NOVELTY": "UNSHIPPED"}})
    world.trouble("unknown_values")

    assert not strict.read_order(order_id).status.known
    assert strict.read_order(order_id).raw_status == "SANDBOX_NOVELTY"
    # Whose stock it takes is not known either, so it waits all the same.
    assert told.read_order(order_id).status.order is OrderStatus.OPEN
    assert not told.read_order(order_id).status.known


# --- how it is asked ------------------------------------------------------------------------------


def searches(world: AmazonWorld) -> list[dict[str, str]]:
    rows = [x for x in world.shop.asked if x.path == "/orders/2026-01-01/orders"]
    return [{name: values[0] for name, values in parse_qs(x.query).items()} for x in rows]


def test_a_poll_of_one_page_is_one_call(world: AmazonWorld, adapter: AmazonIntegration) -> None:
    since = datetime.now(UTC) - timedelta(minutes=12)

    pages = list(adapter.read_orders(Filters(since=since)))

    assert [page.last for page in pages] == [True]
    (asked,) = searches(world)
    assert asked["lastUpdatedAfter"] == since.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert "lastUpdatedBefore" not in asked
    assert asked["maxResultsPerPage"] == "100"
    assert {"PROCEEDS", "FULFILLMENT", "PACKAGES"} <= set(asked["includedData"].split(","))
    assert "marketplaceIds" not in asked


def test_only_chosen_marketplaces_are_read(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    world = make_world(orders=40)
    adapter = make_adapter(world, {"marketplaces": ["FR"]})

    found = orders_of(adapter.read_orders(EVERYTHING))

    assert found
    assert {order.custom["marketplace"] for order in found} == {"Amazon.fr"}
    assert searches(world)[0]["marketplaceIds"] == FR != DE


def test_a_window_that_ends_in_the_last_two_minutes_has_no_end_for_amazon(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    now = datetime.now(UTC)
    young = Filters(since=now - timedelta(days=9), until=now, by=ReadBy.PLACED)
    old = replace(young, until=now - timedelta(days=1))

    list(adapter.read_orders(young))
    list(adapter.read_orders(old))

    first, second = searches(world)
    assert "createdBefore" not in first
    assert second["createdBefore"] == old.until.strftime("%Y-%m-%dT%H:%M:%SZ")  # type: ignore[union-attr]


def test_a_page_token_that_is_over_begins_the_search_again_and_skips_nothing(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    first = next(iter(adapter.read_orders(replace(EVERYTHING, page_size=5))))
    yesterday = datetime.now(UTC) - timedelta(hours=24)
    place = {**first.position, "given": yesterday.isoformat()}

    rest = orders_of(adapter.read_orders(replace(EVERYTHING, page_size=5, position=place)))

    assert "token" in first.position
    assert {order.external_id for order in rest} == world.order_ids()


def test_known_orders_are_named_and_not_mapped(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    (page,) = adapter.read_orders(replace(EVERYTHING, known=lambda raws: list(raws)[:3]))

    assert len(page.known) == 3
    assert len(page.records) == len(world.order_ids()) - 3


def test_the_quota_is_kept_and_says_how_long_to_wait(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    world = make_world(orders=1, is_hurried=True)
    adapter = make_adapter(world, retries=0)
    for _ in range(20):
        list(adapter.read_orders(EVERYTHING))

    with pytest.raises(RateLimited) as caught:
        list(adapter.read_orders(EVERYTHING))

    assert caught.value.retry_after_s == pytest.approx(1 / 0.0056)


@pytest.mark.parametrize("word", ["", "1001", "123-12-9", "../../tokens", "999-9999999-9999999"])
def test_what_is_no_order_is_not_found(adapter: AmazonIntegration, word: str) -> None:
    with pytest.raises(NotFound):
        adapter.read_order(word)
    assert orders_of(adapter.read_orders(Filters(ids=(word,)))) == []


def test_what_amazon_keeps_back_is_said(adapter: AmazonIntegration) -> None:
    since = datetime.now(UTC) - timedelta(days=800)

    assert "two years" in adapter.withheld(Filters(since=since, by=ReadBy.PLACED))
    assert adapter.withheld(Filters(since=since + timedelta(days=200), by=ReadBy.PLACED)) == ""
    assert adapter.withheld(Filters(since=since)) == ""


def test_a_window_of_which_amazon_tells_nothing_costs_no_search(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    """Three minutes each: the past is read in windows of a year until there was no Amazon."""
    until = datetime.now(UTC) - timedelta(days=733)
    window = Filters(since=until - timedelta(days=365), until=until, by=ReadBy.PLACED)
    before = world.calls("searchOrders")

    assert list(adapter.read_orders(window)) == []
    assert world.calls("searchOrders") == before

    assert list(adapter.read_orders(replace(window, until=until + timedelta(days=5)))) != []
    assert world.calls("searchOrders") == before + 1


def test_positions_are_plain_json(adapter: AmazonIntegration) -> None:
    places: list[Any] = [
        dict(page.position) for page in adapter.read_orders(replace(EVERYTHING, page_size=5))
    ]

    assert all(isinstance(value, str) for place in places for value in place.values())
    assert orders.EPOCH.tzinfo is UTC
