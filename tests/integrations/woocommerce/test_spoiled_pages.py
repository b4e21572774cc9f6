"""Pages that plugins spoil, and pages that the store cannot give: only the bad record is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from integrations.errors import ContractBroken, Unavailable
from tests.integrations.woocommerce.lists import (
    NOTICE,
    ORDERS,
    START,
    numbers,
    shelf,
    since,
    window,
)
from tests.integrations.woocommerce.make import at, order
from tests.integrations.woocommerce.site import Call, Site, adapter_for, page, refused, told

# -- pages that plugins spoil ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (NOTICE, b""),
        (b"\xef\xbb\xbf", b"\n"),
        (b'PHP Notice: [] is {odd} ["here"]\n', b""),
        (b"", b'<!-- cached by Some Plugin {"in": 3} -->'),
        (NOTICE * 3, b"\n<br />\n<b>Deprecated</b>: x"),
    ],
)
@pytest.mark.parametrize("count", [0, 2])
def test_what_php_prints_around_a_page_is_not_part_of_it(
    site: Site, before: bytes, after: bytes, count: int
) -> None:
    rows = [order(n) for n in range(1, count + 1)]
    shelf(site, *rows, spoil=lambda _call, body: before + body + after)

    pages = list(adapter_for(site).read_orders(since()))

    assert numbers(pages) == [str(n) for n in range(1, count + 1)]
    assert not any(found.unreadable for found in pages)


def test_a_warning_that_was_sent_as_a_web_page_is_still_a_warning(site: Site) -> None:
    body = NOTICE + b'[{"id": 1}]'
    site.on("GET", ORDERS, b"".join(_as_page(body)))

    (found, *_) = adapter_for(site).read_orders(since())

    # The order lacks nearly everything, but it was seen.
    assert [bad.external_id for bad in found.unreadable] == ["1"]


def _as_page(body: bytes) -> list[bytes]:
    whole = told([])
    head = whole.replace(b"application/json", b"text/html; charset=UTF-8")
    return [head.replace(b"Content-Length: 2", b"Content-Length: %d" % len(body))[:-2], body]


def test_a_web_page_in_place_of_orders_is_asked_again_later(site: Site) -> None:
    site.on("GET", ORDERS, page('Sold out <script>var x = [{"id": 1}]</script>'))

    with pytest.raises(Unavailable) as caught:
        list(adapter_for(site).read_orders(since()))

    assert caught.value.code == "html_answer"


def test_a_record_that_cannot_be_mapped_costs_only_itself(site: Site) -> None:
    shelf(site, order(1), order(2, total="a lot"), order(3, line_items=None))

    pages = list(adapter_for(site).read_orders(since()))

    assert numbers(pages) == ["1", "3"]
    (bad,) = pages[0].unreadable
    assert (bad.external_id, bad.path, bad.code) == ("2", "$.total", "bad_amount")
    assert b"a lot" in bad.raw
    assert bad.changed_at == START + timedelta(minutes=2)


def broken_for(marker: bytes) -> Any:
    """A plugin that dies within the JSON of one record, unless only ids and times are asked."""

    def spoil(call: Call, body: bytes) -> bytes:
        if "_fields" in call.query:
            return body
        return body.replace(marker, b'"total": <b>Fatal</b>')

    return spoil


def test_a_page_that_is_no_json_is_read_in_halves_until_the_bad_one_stands_alone(
    site: Site,
) -> None:
    rows = [order(n) for n in range(1, 21)]
    rows[12]["total"] = "66.66"
    shelf(site, *rows, spoil=broken_for(b'"total": "66.66"'))

    pages = list(adapter_for(site).read_orders(since()))

    assert numbers(pages) == [str(n) for n in range(1, 21) if n != 13]
    (bad,) = [b for found in pages for b in found.unreadable]
    assert (bad.external_id, bad.code, bad.raw) == ("13", "not_json", b"")
    assert bad.changed_at == START + timedelta(minutes=13)
    assert len(site.asked(ORDERS)) < 15


def test_a_record_that_goes_while_it_is_looked_for_is_told_as_lost(site: Site) -> None:
    rows = [order(1, total="66.66"), order(2)]

    def delete(question: int) -> None:
        if question == 3:
            del rows[1]

    made = shelf(site, before=delete, spoil=broken_for(b'"total": "66.66"'))
    made.rows = rows

    (found, *_) = adapter_for(site).read_orders(since())

    assert [(b.external_id, "gone" in b.reason) for b in found.unreadable] == [
        ("1", False),
        ("2", True),
    ]


def test_a_list_that_never_is_json_is_a_matter_for_a_developer(site: Site) -> None:
    site.on("GET", ORDERS, told(b'[{"id": 1, oops'))

    with pytest.raises(ContractBroken):
        list(adapter_for(site).read_orders(since()))


def test_rows_without_id_or_time_stand_where_the_store_put_them(site: Site) -> None:
    nameless = [{"status": "processing"}, ["x"], None]
    rows = [order(1), *nameless, {"id": "oops"}, {"id": 5, "date_modified_gmt": "soon"}, order(9)]
    site.on("GET", ORDERS, told(rows), told([]))

    (found, *_) = adapter_for(site).read_orders(since())

    assert numbers([found]) == ["1", "9"]
    assert len({bad.external_id for bad in found.unreadable}) == 5
    assert found.unreadable[-1].external_id == "5"
    assert {bad.changed_at for bad in found.unreadable} == {START + timedelta(minutes=1)}


# -- pages that the store cannot give ------------------------------------------------------------


def stops_at(*ids: int, most: int = 1000, lean: bool = True) -> Any:
    """PHP that dies at these records, or over more than ``most`` at once; ``lean``: only when they
    are asked for whole.
    """

    def gate(call: Call) -> bytes | None:
        if lean and "_fields" in call.query:
            return None
        wanted = [int(n) for n in call.query.get("include", "").split(",") if n]
        is_long = int(call.query["per_page"]) > most
        is_first_page = not wanted and call.query.get("modified_after", "") < at(0)
        is_hit = set(ids) & set(wanted) or (is_first_page and call.query["status"] == "any")
        if is_long or is_hit:
            return refused(500, "internal_server_error", "There has been a critical error.")
        return None

    return gate


@pytest.mark.parametrize("number", [1, 64, 99, 100])
def test_an_order_at_which_php_dies_does_not_hold_up_the_others(site: Site, number: int) -> None:
    """Nor does the breaker, which sees that the store is well in between."""
    shelf(site, *(order(n) for n in range(1, 101)))
    site.gate = stops_at(number)

    pages = list(adapter_for(site, retries=0).read_orders(since(until=START + timedelta(hours=3))))

    assert numbers(pages) == [str(n) for n in range(1, 101) if n != number]
    (bad,) = [b for found in pages for b in found.unreadable]
    assert (bad.external_id, bad.changed_at) == (str(number), START + timedelta(minutes=number))
    assert "critical error" in bad.reason
    assert pages[0].total == 100


def test_a_store_without_the_memory_for_a_page_gives_smaller_ones(site: Site) -> None:
    shelf(site, *(order(n, minute=5) for n in range(1, 101)))
    site.gate = stops_at(most=15)

    pages = list(adapter_for(site, retries=0).read_orders(window(size=100)))

    assert numbers(pages) == [str(n) for n in range(1, 101)]
    assert not any(found.unreadable for found in pages)


def test_a_page_larger_than_is_taken_is_read_in_parts(site: Site) -> None:
    rows = [order(n, note="x" * 400_000) for n in range(1, 29)]
    shelf(site, *rows)

    pages = list(adapter_for(site).read_orders(window(size=40)))

    assert numbers(pages) == [str(n) for n in range(1, 29)]


@pytest.mark.parametrize("lean", [True, False])
def test_a_store_that_fails_at_everything_sets_nothing_aside(site: Site, lean: bool) -> None:
    shelf(site, *(order(n) for n in range(1, 13)))
    site.gate = stops_at(*range(1, 13), lean=lean)

    with pytest.raises(Unavailable):
        list(adapter_for(site, retries=0).read_orders(since()))


def test_a_gateway_that_fails_is_not_asked_for_less(site: Site) -> None:
    site.on("GET", ORDERS, refused(504, "timeout"))

    with pytest.raises(Unavailable):
        list(adapter_for(site, retries=0).read_orders(since()))
    assert len(site.calls) == 1
