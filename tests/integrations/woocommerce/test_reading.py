"""Lists of orders over real HTTP: four ways to read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from integrations.base import Filters
from tests.integrations.woocommerce.lists import (
    ORDERS,
    START,
    numbers,
    shelf,
    since,
    window,
)
from tests.integrations.woocommerce.make import at, order
from tests.integrations.woocommerce.site import Site, adapter_for

# -- along changes -----------------------------------------------------------------------------


def test_a_walk_reads_what_changed_oldest_first_and_asks_in_gmt(site: Site) -> None:
    shelf(site, *(order(n) for n in (3, 1, 2, 4)))

    pages = list(adapter_for(site).read_orders(since(page_size=2)))

    assert numbers(pages) == ["1", "2", "3", "4"]
    assert [found.last for found in pages] == [False] * (len(pages) - 1) + [True]
    asked = site.asked(ORDERS)[0].query
    assert asked["modified_after"] == "2026-11-20T09:59:59"
    assert (asked["dates_are_gmt"], asked["orderby"], asked["order"]) == ("true", "modified", "asc")
    assert "dp" not in asked
    assert pages[0].store_time == datetime(2026, 11, 24, 10, tzinfo=UTC)


def test_the_second_asked_for_is_part_of_the_walk_and_the_end_is_not(site: Site) -> None:
    shelf(site, order(0), order(1), order(2))

    found = adapter_for(site).read_orders(since(until=START + timedelta(minutes=2)))

    assert numbers(found) == ["0", "1"]


def test_what_was_thrown_away_meanwhile_is_met_in_the_trash(site: Site) -> None:
    shelf(site, order(1), order(2, minute=5, status="trash"))

    pages = list(adapter_for(site).read_orders(since()))

    assert [(o.external_id, o.gone) for p in pages for o in p.records] == [
        ("1", False),
        ("2", True),
    ]
    assert [call.query["status"] for call in site.asked(ORDERS)] == ["any", "trash"]


def test_a_walk_that_was_cut_in_the_trash_goes_on_there(site: Site) -> None:
    shelf(site, order(1), *(order(n, status="trash") for n in (2, 3, 4)))
    adapter = adapter_for(site)
    pages = list(adapter.read_orders(since(page_size=1)))
    cut = next(p for p in pages if "2" in numbers([p]))
    site.calls.clear()

    rest = numbers(adapter.read_orders(since(page_size=1, position=cut.position)))

    assert rest == ["3", "4"]
    assert {call.query["status"] for call in site.calls} == {"trash"}


def test_a_first_reading_of_all_leaves_the_trash_alone(site: Site) -> None:
    shelf(site, order(1), order(2, status="trash"))

    assert numbers(adapter_for(site).read_orders(Filters())) == ["1"]


def test_a_second_that_fills_whole_pages_is_read_to_its_end(site: Site) -> None:
    shelf(site, *(order(n, minute=3) for n in range(1, 8)), order(9, minute=4))

    pages = list(adapter_for(site).read_orders(since(page_size=3)))

    assert sorted(numbers(pages)) == ["1", "2", "3", "4", "5", "6", "7", "9"]
    assert not any(found.gap for found in pages)


def test_an_order_edited_during_the_walk_pushes_nobody_out_of_it(site: Site) -> None:
    rows = [order(n) for n in range(1, 7)]

    def edit(question: int) -> None:
        if question == 2:
            rows[0]["date_modified_gmt"] = at(50)

    shelf(site, before=edit).rows = rows

    found = numbers(adapter_for(site).read_orders(since(page_size=2)))

    assert set(found) == {"1", "2", "3", "4", "5", "6"}


def test_an_old_store_without_the_filter_is_read_whole_by_id(site: Site) -> None:
    shelf(site, order(2), order(1))

    pages = list(adapter_for(site, options={"modified_filter": False}).read_orders(since()))

    assert numbers(pages) == ["1", "2"]
    assert site.calls[0].query["orderby"] == "id"
    assert "after" not in site.calls[0].query


# -- windows, ids, numbers ---------------------------------------------------------------------


def test_a_window_of_creation_takes_its_begin_and_leaves_its_end(site: Site) -> None:
    shelf(site, order(0), order(1), order(2), order(30), order(31))

    pages = list(adapter_for(site).read_orders(window()))

    assert numbers(pages) == ["0", "1", "2"]
    assert [found.total for found in pages] == [3, 3]
    assert pages[-1].last


def test_a_window_goes_on_from_where_it_was(site: Site) -> None:
    shelf(site, *(order(n) for n in range(1, 6)))
    adapter = adapter_for(site)
    first = next(iter(adapter.read_orders(window())))

    assert numbers(adapter.read_orders(window(position=first.position))) == ["3", "4", "5"]


def test_a_deletion_during_a_window_skips_nobody(site: Site) -> None:
    rows = [order(n) for n in range(1, 7)]

    def delete(question: int) -> None:
        if question == 2:
            del rows[0]

    shelf(site, before=delete).rows = rows

    found = numbers(adapter_for(site).read_orders(window()))

    assert set(found) == {"1", "2", "3", "4", "5", "6"}


def test_ids_of_a_window_cost_no_more_than_the_ids(site: Site) -> None:
    shelf(site, *(order(n) for n in range(1, 4)))

    assert list(adapter_for(site).order_ids(window())) == ["1", "2", "3"]
    assert {call.query["_fields"] for call in site.calls} == {"id"}


def test_ids_are_asked_for_by_the_hundred_and_also_in_the_trash(site: Site) -> None:
    shelf(site, *(order(n) for n in range(1, 121)), order(200, status="trash"))
    wanted = (*map(str, range(1, 121)), "200", "999", "unnamed-00ff", "", "1,2")

    found = numbers(adapter_for(site).read_orders(Filters(ids=wanted)))

    assert sorted(map(int, found)) == [*range(1, 121), 200]
    assert [len(call.query["include"].split(",")) for call in site.calls] == [100, 22, 100, 22]


def test_what_is_no_id_is_not_asked_for(site: Site) -> None:
    shelf(site, order(1))

    pages = list(adapter_for(site).read_orders(Filters(ids=("unnamed-1", ""))))

    assert numbers(pages) == []
    assert pages[-1].last
    assert site.calls == []


def test_an_order_is_found_by_its_number_where_a_plugin_numbers_them(site: Site) -> None:
    shelf(site, order(77, number="2026-5"), order(5, number="2026-77"), order(6))
    adapter = adapter_for(site)

    assert numbers(adapter.read_orders(Filters(number="2026-5"))) == ["77"]
    assert numbers(adapter.read_orders(Filters(number="6"))) == ["6"]
    assert numbers(adapter.read_orders(Filters(number="77"))) == []
