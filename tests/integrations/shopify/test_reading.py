"""Walks over lists that move, windows, ids, numbers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.base import Filters, ReadBy
from integrations.errors import ContractBroken, NotFound, PermissionMissing, Unavailable
from integrations.kit.ratelimit import MemoryLimiter
from integrations.platform import RateLimit
from integrations.shopify import reading, records
from integrations.shopify.orders import OrderReader
from tests.integrations.shopify.shelves import (
    EVERYTHING,
    START,
    an_order,
    at,
    ids_of,
    lean,
    shelf_of,
)
from tests.integrations.shopify.shop import (
    Call,
    Shop,
    adapter_for,
    data,
    error,
    errors,
    nodes,
)

# -- The walk along changes --------------------------------------------------------------------


def test_every_order_is_met_once_oldest_change_first(shop: Shop) -> None:
    shelf_of(shop, [an_order(n, 100 - n) for n in range(1, 24)])

    found = ids_of(adapter_for(shop).read_orders(lean(5)))

    assert found == [str(n) for n in range(23, 0, -1)]


def test_orders_edited_during_the_walk_are_met_again_and_none_is_skipped(shop: Shop) -> None:
    rows = [an_order(n, n) for n in range(1, 31)]

    def edit(question: int) -> None:
        if question < 8:
            rows[question]["updatedAt"] = at(1000 + question)

    shelf_of(shop, rows, before=edit)
    found = ids_of(adapter_for(shop).read_orders(lean(4)))

    assert set(found) == {str(n) for n in range(1, 31)}
    assert len(found) <= 30 + 7


def test_a_walk_cut_anywhere_goes_on_from_the_second_it_saw(shop: Shop) -> None:
    shelf_of(shop, [an_order(n, n // 6) for n in range(1, 32)])
    adapter = adapter_for(shop)
    pages = list(adapter.read_orders(lean(4)))

    for cut, page in enumerate(pages[:-1]):
        rest = ids_of(adapter.read_orders(lean(4, position=page.position)))
        before = ids_of(pages[: cut + 1])
        assert sorted(before + rest, key=int) == [str(n) for n in range(1, 32)]


def test_a_walk_from_within_a_second_takes_what_changed_in_that_second(shop: Shop) -> None:
    """Searches know whole seconds, so what is found may be older than what was asked for."""
    shelf_of(shop, [an_order(n, 100) for n in range(1, 4)])
    since = START + timedelta(seconds=101, milliseconds=700)

    found = ids_of(adapter_for(shop).read_orders(Filters(since=since, page_size=2)))

    assert found == ["1", "2", "3"]


def test_the_position_is_plain_and_small(shop: Shop) -> None:
    shelf_of(shop, [an_order(n, n) for n in range(1, 12)])

    *_, last = adapter_for(shop).read_orders(lean(5))

    assert last.last
    assert json.loads(json.dumps(last.position)) == {
        "second": "2026-11-01T00:00:11+00:00",
        "seen": ["11"],
    }


def test_changes_are_looked_for_from_a_second_before(shop: Shop) -> None:
    shelf_of(shop, [])

    list(adapter_for(shop).read_orders(Filters(since=START, until=START + timedelta(days=1))))

    (call,) = shop.asked("Orders")
    assert call.variables["query"] == (
        "updated_at:>='2026-10-31T23:59:59Z' updated_at:<'2026-11-02T00:00:00Z'"
    )
    assert call.variables["sortKey"] == "UPDATED_AT"


def test_a_list_that_ends_at_the_most_it_gives_is_asked_for_anew(shop: Shop) -> None:
    shelf_of(shop, [an_order(n, n) for n in range(1, 31)])
    source = adapter_for(shop)._orders.source

    walk = reading.Walk(source, lean(4), reading.CHANGED, records.batch, most_listed=10)
    found = [item.external_id for step in walk.steps() for item in step.items]

    assert found == [str(n) for n in range(1, 31)]
    assert {call.variables["query"] for call in shop.asked("Orders")} > {
        "updated_at:>='2019-12-31T23:59:59Z'",
        "updated_at:>='2026-11-01T00:00:10Z'",
    }


def test_a_second_that_fills_a_whole_list_is_a_gap_and_no_endless_walk(shop: Shop) -> None:
    shelf_of(shop, [an_order(n, 5) for n in range(1, 31)] + [an_order(40, 9)])
    source = adapter_for(shop)._orders.source

    steps = list(
        reading.Walk(source, lean(4), reading.CHANGED, records.batch, most_listed=10).steps()
    )

    assert [step.gap for step in steps if step.gap]
    assert steps[-1].last
    assert "40" in {item.external_id for step in steps for item in step.items}


def test_a_filter_that_is_ignored_is_noticed(shop: Shop) -> None:
    rows = [an_order(n, n) for n in range(1, 31)]
    shop.on("Orders", data(orders=nodes(rows[:3], "c")))

    with pytest.raises(ContractBroken) as caught:
        list(adapter_for(shop).read_orders(Filters(since=START + timedelta(days=2))))

    assert caught.value.code == "filter_ignored"


def test_an_empty_list_is_a_whole_read(shop: Shop) -> None:
    shelf_of(shop, [])

    (page,) = adapter_for(shop).read_orders(EVERYTHING)

    assert (page.records, page.last) == ((), True)
    assert page.store_time == datetime(2026, 11, 24, 10, tzinfo=UTC)


@pytest.mark.parametrize(("each", "size"), [(15.0, 59), (4.0, 150)])
def test_pages_grow_to_what_one_query_may_cost(shop: Shop, each: float, size: int) -> None:
    shelf_of(shop, [an_order(n, n) for n in range(1, 200)], each=each)

    list(adapter_for(shop).read_orders(EVERYTHING))

    sizes = [call.variables["first"] for call in shop.asked("Orders")]
    assert sizes[0] == 3
    assert set(sizes[1:]) == {size}


def test_what_is_known_is_not_mapped_again(shop: Shop) -> None:
    shelf_of(shop, [an_order(n, n) for n in range(1, 5)])
    seen: dict[str, bytes] = {}

    def known(raw: Any) -> list[str]:
        seen.update(raw)
        return ["2", "3"]  # what is not in the page is no harm

    pages = list(adapter_for(shop).read_orders(Filters(since=START, known=known)))

    assert ids_of(pages) == ["1", "4"]
    assert [number for page in pages for number in page.known] == ["2", "3"]
    assert json.loads(seen["2"])["legacyResourceId"] == "2"


# -- Windows, ids, numbers ---------------------------------------------------------------------


def test_windows_of_creation_divide_the_past_without_a_seam(shop: Shop) -> None:
    shelf_of(shop, [an_order(n, 500 - n) for n in range(1, 21)])
    adapter = adapter_for(shop)
    found: list[str] = []
    for since, until in [(0, 7), (7, 15), (15, 21)]:
        window = Filters(
            since=START + timedelta(seconds=since),
            until=START + timedelta(seconds=until),
            by=ReadBy.PLACED,
            page_size=3,
        )
        found += ids_of(adapter.read_orders(window))

    assert found == [str(n) for n in range(1, 21)]


def test_the_ids_of_a_window_are_read_without_the_orders(shop: Shop) -> None:
    shelf_of(shop, [an_order(n, n) for n in range(1, 21)])

    found = list(adapter_for(shop).order_ids(Filters(since=START)))

    assert found == [str(n) for n in range(1, 21)]
    assert shop.asked("Orders") == []


def test_orders_are_read_by_their_ids_and_those_that_are_gone_are_left_out(shop: Shop) -> None:
    shelf_of(shop, [an_order(n, n) for n in range(1, 9)])

    found = ids_of(adapter_for(shop).read_orders(Filters(ids=("3", "77", "x", "5"))))

    assert found == ["3", "5"]


def test_an_order_read_by_its_id_is_the_one_of_the_list(shop: Shop) -> None:
    shelf_of(shop, [an_order(n, n) for n in range(1, 4)])
    adapter = adapter_for(shop)

    (listed,) = [o for p in adapter.read_orders(EVERYTHING) for o in p.records if o.number == "#2"]

    assert adapter.read_order("2") == listed
    assert adapter.read_order("2").raw == listed.raw


@pytest.mark.parametrize("order_id", ["77", "x", "", "gid://shopify/Order/1"])
def test_an_order_that_is_not_there_is_not_found(shop: Shop, order_id: str) -> None:
    shelf_of(shop, [an_order(1, 1)])

    with pytest.raises(NotFound):
        adapter_for(shop).read_order(order_id)


def test_an_order_that_is_too_old_to_be_seen_is_not_taken_for_gone(shop: Shop) -> None:
    shelf_of(shop, [an_order(n, n) for n in (50, 52)])

    with pytest.raises(PermissionMissing) as caught:
        adapter_for(shop).read_order("49")
    assert caught.value.scopes == ("read_all_orders",)

    with pytest.raises(NotFound):
        adapter_for(shop).read_order("51")
    with pytest.raises(NotFound):
        adapter_for(shop, options={"all_orders": True}).read_order("49")


@pytest.mark.parametrize("number", ["#12", "12"])
def test_an_order_is_found_by_the_number_its_buyer_knows(shop: Shop, number: str) -> None:
    shelf_of(shop, [an_order(n, n) for n in (1, 12, 120, 112)])

    found = ids_of(adapter_for(shop).read_orders(Filters(number=number)))

    assert found == ["12"]
    assert shop.calls[0].variables["query"] == f'name:"{number}"'


# -- Bad nodes ---------------------------------------------------------------------------------


def test_a_node_that_breaks_the_contract_is_set_aside_alone(shop: Shop) -> None:
    rows = [an_order(n, n) for n in range(1, 6)]
    rows[2]["tags"] = "no list"
    shelf_of(shop, rows)

    pages = list(adapter_for(shop).read_orders(lean(50)))

    assert ids_of(pages) == ["1", "2", "4", "5"]
    (bad,) = [bad for page in pages for bad in page.unreadable]
    assert (bad.external_id, bad.path) == ("3", "$.tags")
    assert bad.changed_at == START + timedelta(seconds=3)
    assert json.loads(bad.raw)["tags"] == "no list"


def test_broken_text_costs_neither_page_nor_node(shop: Shop) -> None:
    shelf_of(shop, [an_order(1, 1, note="\ud800 there"), an_order(2, 2)])

    first, second = adapter_for(shop).sync_orders(lean(50))

    assert first.buyer is not None
    assert (first.buyer.note, second.external_id) == ("\ufffd there", "2")


def test_a_node_shopify_stumbles_over_is_found_and_set_aside(shop: Shop) -> None:
    shelf = shelf_of(shop, [an_order(n, n) for n in range(1, 4)])
    fails = errors(error("INTERNAL_SERVER_ERROR"), data=None)

    def by_id(call: Call) -> bytes:
        asked = call.variables["ids"]
        return fails if "gid://shopify/Order/2" in asked else shelf.by_id(call)

    shop.on("Orders", fails)
    shop.on("OrdersById", by_id)
    (page,) = adapter_for(shop, retries=0).read_orders(lean(50))

    assert ids_of([page]) == ["1", "3"]
    assert [bad.external_id for bad in page.unreadable] == ["2"]
    assert page.unreadable[0].changed_at == START + timedelta(seconds=2)


def test_a_platform_in_trouble_is_no_bad_node(shop: Shop) -> None:
    shelf = shelf_of(shop, [an_order(n, n) for n in range(1, 12)])
    fails = errors(error("INTERNAL_SERVER_ERROR"), data=None)
    shop.on("Orders", shelf, fails)
    shop.on("OrdersById", fails)

    adapter = adapter_for(shop, retries=0)
    # An error tells no cost, so all that a call might have cost stays taken.
    adapter.connection.http.limiter = MemoryLimiter({"default": RateLimit(rate=1e4, burst=10**6)})
    with pytest.raises(Unavailable, match="internal error"):
        list(adapter.read_orders(lean(8)))


# -- What is asked for -------------------------------------------------------------------------


def test_customers_are_left_out_where_they_may_not_be_read(shop: Shop) -> None:
    shelf_of(shop, [])

    list(adapter_for(shop, missing=("read_customers",)).read_orders(EVERYTHING))
    list(adapter_for(shop).read_orders(EVERYTHING))

    assert [call.variables["customers"] for call in shop.calls] == [False, True]


@pytest.mark.parametrize(
    ("about", "assigned"),
    [
        ({}, False),
        ({"locations": ("61",)}, False),
        ({"locations": ("61", "62")}, True),
        (
            {
                "locations": ("61", "62"),
                "missing": ("read_merchant_managed_fulfillment_orders",),
            },
            False,
        ),
    ],
)
def test_where_units_are_assigned_is_asked_for_where_it_matters(
    shop: Shop, about: dict[str, Any], assigned: bool
) -> None:
    shelf_of(shop, [])

    list(adapter_for(shop, **about).read_orders(EVERYTHING))

    assert shop.calls[0].variables["assigned"] is assigned


def test_returns_are_left_out_where_they_may_not_be_read(shop: Shop) -> None:
    shelf_of(shop, [])

    list(adapter_for(shop, missing=("read_returns",)).read_orders(EVERYTHING))
    list(adapter_for(shop).read_orders(EVERYTHING))

    assert [call.variables["returns"] for call in shop.calls] == [False, True]


def test_metafields_are_read_where_somebody_asks_for_them(shop: Shop) -> None:
    shelf_of(shop, [])

    list(adapter_for(shop, options={"order_metafields": ["erp.ref"]}).read_orders(EVERYTHING))
    list(adapter_for(shop, options={"order_metafields": "erp.ref"}).read_orders(EVERYTHING))

    told = [(call.variables["keys"], call.variables["withKeys"]) for call in shop.calls]
    assert told == [(["erp.ref"], True), ([], False)]


def test_a_source_reads_no_more_than_it_is_asked(shop: Shop) -> None:
    shelf_of(shop, [an_order(n, n) for n in range(1, 31)])
    reader = OrderReader(adapter_for(shop).client, sees_customers=True)

    next(iter(reader.read(lean(5))))

    assert len(shop.calls) == 1
    assert records.MOST == 250
