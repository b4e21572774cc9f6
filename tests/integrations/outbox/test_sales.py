"""A figure that the store's own sales lower is no figure that somebody changes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from integrations import outbox
from integrations.models import Push, Store, Stream
from integrations.outbox.reasons import Reason
from inventory import locations
from inventory.ledger import Demand, settle
from inventory.models import Listing, Reservation, Variant
from logix.common.ids import uuid7
from orders.data import Authority
from orders.importing import import_orders
from tests.factories import make_line, make_order
from tests.integrations.outbox import toy
from tests.integrations.outbox.conftest import (
    make_listing,
    make_listings,
    make_toy_store,
    push_of,
    set_stock,
)

Shift = Callable[[float], None]


def sell(listing: Listing, *, units: int = 1, store: Store | None = None, ago_s: float = 0) -> None:
    """An order of the store came in: its units are held, or short."""
    item = listing.variant.counted_as_id or listing.variant_id
    demand = Demand(
        line_ref=uuid7(),
        order_ref=uuid7(),
        store_id=(store or listing.store).pk,
        variant_id=item,
        outstanding=units,
        shipped=0,
        placed_at=timezone.now() - timedelta(seconds=ago_s),
        location_id=locations.default(listing.merchant_id).pk,
        is_new=True,
    )
    settle(listing.merchant_id, [demand])


def order(listing: Listing, number: int, *, units: int, word: str = "processing") -> None:
    """An order of the store as it is told today."""
    now = timezone.now()
    line = make_line(
        sku=listing.sku,
        external_product_id=listing.external_product_id,
        external_variant_id=listing.external_variant_id,
        quantity=units,
    )
    data = make_order(number, word=word, lines=(line,), placed_at=now, changed_at=now)
    import_orders(listing.store, [data], authority=Authority.BY_ID, observed_at=now, now=now)


def shows(listing: Listing, figure: int) -> None:
    """The store tells its figure, and what is to be done about it is done."""
    Listing.objects.filter(pk=listing.pk).update(seen_quantity=figure, seen_at=Now())
    outbox.note_store_figures([listing.pk])
    outbox.send_pushes(listing.store_id)


@pytest.fixture
def sold_out(store: Store, shop: toy.ToyShop) -> Listing:
    """Nothing is left, the store was told so, and it goes on taking orders."""
    listing = make_listings(store, 1)[0]
    set_stock(listing, 0)
    outbox.send_pushes(store.pk)
    return listing


def pass_between(pass_time: Shift) -> None:
    pass_time(30)
    past = timedelta(seconds=30)
    Reservation.objects.update(placed_at=F("placed_at") - past, updated_at=F("updated_at") - past)


def test_sales_of_what_is_sold_out_are_no_fight(
    sold_out: Listing, shop: toy.ToyShop, pass_time: Shift
) -> None:
    for units in (1, 2, 1, 1, 3):
        pass_between(pass_time)
        sell(sold_out, units=units)
        shows(sold_out, -units)

    push = push_of(sold_out)
    assert (push.state, push.problem_code) == (Push.State.IDLE, "")
    assert shop.stock_calls[1:] == [{sold_out.stock_ref: 0}] * 5


def test_orders_that_are_cancelled_are_no_fight(
    sold_out: Listing, shop: toy.ToyShop, pass_time: Shift
) -> None:
    """They stand beside others that still wait for units."""
    order(sold_out, 1, units=5)
    for number in range(2, 6):
        order(sold_out, number, units=2)
        pass_between(pass_time)
        order(sold_out, number, units=2, word="cancelled")
        shows(sold_out, 2)
        assert push_of(sold_out).problem_code == ""

    for _ in range(3):
        pass_between(pass_time)
        order(sold_out, number, units=2, word="cancelled")
        shows(sold_out, 2)
    assert push_of(sold_out).problem_code == Reason.FROZEN


def test_an_order_and_its_end_may_be_seen_between_the_two(
    store: Store, shop: toy.ToyShop, pass_time: Shift
) -> None:
    listing = make_listings(store, 1)[0]
    set_stock(listing, 9)
    outbox.send_pushes(store.pk)

    for number in range(4):
        pass_between(pass_time)
        order(listing, number, units=2)
        order(listing, number, units=2, word="cancelled")
        shows(listing, 7)
    assert push_of(listing).problem_code == ""
    pass_between(pass_time)
    order(listing, 9, units=2)
    order(listing, 9, units=2, word="cancelled")
    shows(listing, 6)
    assert push_of(listing).problem_code == f"{Reason.REVERTED}:1"


@pytest.mark.parametrize(
    ("change", "figure"),
    [
        ("nothing was sold", -1),
        ("less was sold", -2),
        ("another store sold", -1),
        ("it was sold before", -1),
        ("it went up", 40),
    ],
)
def test_what_sales_do_not_explain_is_stopped_at_the_third_time(
    sold_out: Listing, shop: toy.ToyShop, pass_time: Shift, change: str, figure: int
) -> None:
    other = make_toy_store(merchant=sold_out.merchant, base_url="https://two.example")
    for _ in range(5):
        pass_between(pass_time)
        if change == "another store sold":
            sell(sold_out, store=other)
        elif change == "it was sold before":
            sell(sold_out, ago_s=120)
        elif change != "nothing was sold":
            sell(sold_out)
        pass_between(pass_time)
        shows(sold_out, figure)

    push = push_of(sold_out)
    assert (push.state, push.problem_code) == (Push.State.BLOCKED, Reason.FROZEN)
    assert len(shop.stock_calls) == 3


def test_a_sale_ends_the_count_of_reversals(
    sold_out: Listing, shop: toy.ToyShop, pass_time: Shift
) -> None:
    for figure in (40, 40, -1, 40, 40):
        pass_between(pass_time)
        if figure < 0:
            sell(sold_out)
        shows(sold_out, figure)

    assert push_of(sold_out).problem_code == f"{Reason.REVERTED}:2"


def test_listings_of_one_item_share_their_sales(
    sold_out: Listing, shop: toy.ToyShop, pass_time: Shift
) -> None:
    set_item = Variant.objects.create(
        merchant=sold_out.merchant, product=sold_out.variant.product, counted_as=sold_out.variant
    )
    twin = make_listing(
        sold_out.store, set_item, external_variant_id="twin", stock_ref=sold_out.stock_ref
    )
    outbox.mark_listings([twin.pk])
    outbox.send_pushes(sold_out.store_id)

    for _ in range(4):
        pass_between(pass_time)
        sell(twin)
        shows(twin, -1)

    assert push_of(twin).state == Push.State.IDLE


def test_orders_are_placed_by_the_stores_clock(
    sold_out: Listing, shop: toy.ToyShop, pass_time: Shift
) -> None:
    Stream.objects.filter(store=sold_out.store).update(skew_ms=-600_000)

    for _ in range(4):
        pass_between(pass_time)
        sell(sold_out, ago_s=600)
        shows(sold_out, -1)

    assert push_of(sold_out).state == Push.State.IDLE


def test_looking_for_sales_costs_three_statements_however_many_figures_fell(
    store: Store, shop: toy.ToyShop, pass_time: Shift, django_assert_max_num_queries: Any
) -> None:
    listings = make_listings(store, 50, stock=0)
    outbox.mark_listings([x.pk for x in listings])
    outbox.send_pushes(store.pk)
    pass_between(pass_time)
    Listing.objects.update(seen_quantity=-1, seen_at=Now())
    outbox.note_store_figures([x.pk for x in listings])

    with django_assert_max_num_queries(37):
        assert outbox.send_pushes(store.pk) == 50
