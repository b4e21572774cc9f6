"""Orders by a bulk operation: as pages would tell them, however the operation and its file go."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from integrations.base import Filters, ReadBy
from integrations.errors import OutcomeUnknown, RateLimited, Unavailable, Unsupported
from integrations.kit import files
from integrations.sandbox.shopify.bulk.reading import checked
from integrations.shopify import bulk_file, bulk_orders, orders
from integrations.shopify.bulk_orders import text_of
from integrations.shopify.platform import CARD
from tests.integrations.sandbox.shopify.official import official
from tests.integrations.shopify.exports import (
    OWN_FIELD,
    WINDOW,
    Exporting,
    exporting,
    records_of,
)
from tests.integrations.shopify.rows import without_cursors

DAY_S = 24 * 3600


@pytest.fixture
def store() -> Iterator[Exporting]:
    with exporting() as made:
        yield made


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many pieces and pages of few orders."""
    monkeypatch.setattr(files, "PIECE", 40_000)
    monkeypatch.setattr(orders, "_PAGE", 7)


def order_lines(lines: list[bytes]) -> list[int]:
    """Where orders stand in a file."""
    return [n for n, line in enumerate(lines) if b'"__parentId"' not in line]


# -- what comes of it --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "missing"), [((), ()), ((OWN_FIELD, "erp.second"), ()), ((), ("read_customers",))]
)
def test_an_export_tells_what_pages_tell(
    store: Exporting, fields: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    before = store.by_pages()
    store.act("return", next(k for k, x in before.items() if x.shipments and not x.refunds))
    for number, order_id in enumerate(list(before)[:6]):
        store.adapter.write_order_fields(order_id, {OWN_FIELD: f"A-{number}", "erp.second": "x"})
    store.adapter = store.adapter_with(fields=fields, missing=missing)

    pages = store.whole()

    paged, found = store.by_pages(), records_of(pages)
    assert found == paged
    assert {x.external_id for x in paged.values() if x.refunds}
    assert {x.external_id for x in paged.values() if x.shipments}
    assert {x.external_id for x in paged.values() if x.returns}
    assert {x.external_id for x in paged.values() if any(line.assigned for line in x.lines)}
    assert bool(any("erp.document" in x.custom for x in paged.values())) == bool(fields)
    assert bool(any(x.external_customer_id for x in paged.values())) != bool(missing)
    for key, record in paged.items():
        assert json.dumps(without_cursors(record.raw)) == json.dumps(
            without_cursors(found[key].raw)
        )
    assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
    assert len(pages) == 6


def test_the_position_of_each_page_brings_the_rest_of_them(store: Exporting) -> None:
    pages = store.whole()
    everything = records_of(pages)

    for cut, page in enumerate(pages):
        position = json.loads(json.dumps(page.position))
        rest = records_of(store.read(position))
        before = records_of(pages[: cut + 1])
        assert before | rest == everything
        assert not before.keys() & rest.keys()
    assert len(store.operations) == 1


def test_what_is_stored_already_is_left_unmapped(store: Exporting) -> None:
    pages = store.read(store.begin(), known=set)

    assert [page.records for page in pages] == [()] * 6
    assert sum(len(page.known) for page in pages) == 40


def test_a_window_without_orders_is_an_empty_page() -> None:
    with exporting(orders=0) as store:
        (page,) = store.whole()

    assert (page.records, page.last) == ((), True)


def test_orders_are_counted_where_that_is_asked_for(store: Exporting) -> None:
    counted, *_ = store.adapter.read_orders(Filters(page_size=1, counted=True))
    plain, *_ = store.adapter.read_orders(Filters(page_size=1))

    assert (counted.total, plain.total) == (40, None)


# -- the orders that changed since --------------------------------------------------------------


def test_orders_that_changed_since_the_file_was_written_are_told_as_they_are_now(
    store: Exporting,
) -> None:
    position = store.begin()
    before = store.by_pages()
    changed, gone, *_ = before
    store.later(60)
    store.act("touch", changed)
    store.forget(gone)

    found = records_of(store.whole(position))

    assert found == store.by_pages()
    assert found[changed].changed_at > before[changed].changed_at
    assert gone not in found


def test_orders_that_a_search_does_not_find_are_asked_for_by_their_ids(
    store: Exporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its index lags behind, or takes fewer words than were given."""
    position = store.begin()
    real = bulk_orders.records.batch

    def finds_some(source: Any, question: Any, wanted: int) -> Any:
        found = real(source, question, wanted)
        return replace(found, items=found.items[:2], rest=None)

    monkeypatch.setattr(bulk_orders.records, "batch", finds_some)
    found = records_of(store.whole(position))
    monkeypatch.undo()

    assert found == store.by_pages()


def test_a_search_that_is_ignored_costs_no_more_than_it_would_have_found(
    store: Exporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    position = store.begin()
    listed = 0
    real = bulk_orders.records.batch

    def ignoring(source: Any, question: Any, wanted: int) -> Any:
        nonlocal listed
        found = real(source, replace(question, query=""), wanted)
        listed += len(found.items)
        return found

    monkeypatch.setattr(bulk_orders.records, "batch", ignoring)
    found = records_of(store.whole(position))
    monkeypatch.undo()

    assert found == store.by_pages()
    assert listed == 40


# -- the operation -------------------------------------------------------------------------------


def test_the_store_is_left_alone_while_it_works() -> None:
    with exporting(bulk_s=1000.0) as store:
        (first,) = store.read()
        (second,) = store.read(first.position)
        store.operations[0].created_at -= 100
        (third,) = store.read(second.position)
        store.operations[0].created_at -= 3600
        (fourth,) = store.read(third.position)

        assert first.position == second.position == fourth.position
        waits = [page.wait_s for page in (first, second, third, fourth)]
        assert waits[:2] == [5.0, 5.0]
        assert 20 < (waits[2] or 0) < 60
        assert waits[3] == 60.0
        store.shop.store.finish(2000)
        assert records_of(store.whole(fourth.position)) == store.by_pages()


def test_one_that_never_ends_is_given_up() -> None:
    with exporting(bulk_s=10**6) as store:
        position = store.begin()
        store.operations[0].created_at -= 13 * 3600

        with pytest.raises(Unsupported, match=r"had not finished the export .* after 13 h"):
            store.read(position)
        assert store.operations[0].status == "CANCELING"


def test_an_export_that_was_begun_but_not_noted_is_taken_up(store: Exporting) -> None:
    """As after a crash between the answer and the commit, or an answer that was lost."""
    store.shop.faults.turn_on("truncated", route="bulkOperationRunQuery", count=1)
    with pytest.raises(OutcomeUnknown):
        store.read()

    again, once_more = store.begin(), store.begin()

    assert again == once_more
    assert len(store.operations) == 1
    assert records_of(store.whole(again)) == store.by_pages()


def test_one_of_another_window_is_not_taken_up(store: Exporting) -> None:
    store.begin()
    store.operations[0].query += " "

    store.begin()

    assert len(store.operations) == 2


def test_what_shopify_refuses_is_told_in_its_words() -> None:
    with exporting(bulk_s=1000.0) as store:
        for _ in range(5):
            store.begin()
            store.operations[-1].query += " "

        with pytest.raises(Unsupported, match="concurrent bulk query operations") as caught:
            store.read()
        assert caught.value.code == "bulk_refused"


def test_an_app_that_may_not_do_it_is_told_so(store: Exporting) -> None:
    position = store.begin()
    store.operations[0].status, store.operations[0].error_code = "FAILED", "ACCESS_DENIED"

    with pytest.raises(Unsupported, match="the app lacks a scope"):
        store.read(position)
    assert len(store.operations) == 1


def test_one_that_failed_is_begun_once_more_and_its_part_of_an_answer_is_no_answer() -> None:
    with exporting(orders=120) as store:
        store.shop.faults.turn_on("bulk_failed", count=1)
        position = store.begin()
        store.shop.store.finish(60)
        assert store.operations[0].partial_data_url

        found = records_of(store.whole(position))

        assert found == store.by_pages()
        assert [one.status for one in store.operations] == ["FAILED", "COMPLETED"]


def test_one_that_fails_again_is_left_to_pages() -> None:
    with exporting(orders=120) as store:
        store.shop.faults.turn_on("bulk_failed")
        position = store.begin()

        with pytest.raises(Unsupported, match="failed at Shopify: Shopify had an internal error"):
            store.whole(position)
        assert len(store.operations) == 2


@pytest.mark.parametrize("how", ["expired", "lost", "stopped", "forgotten"])
def test_a_file_that_is_gone_is_asked_for_anew_from_its_beginning(
    store: Exporting, how: str
) -> None:
    position = store.read(store.begin())[2].position
    _take_away(store, how)

    (page,) = store.read(position)

    assert page.wait_s is not None
    assert page.position["offset"] == 0
    assert page.position["operation"] != position["operation"]
    assert records_of(store.whole(page.position)) == store.by_pages()
    _take_away(store, how)
    with pytest.raises(Unsupported, match="The export of this store's orders"):
        store.whole(page.position)


def test_a_file_that_goes_while_it_is_read_is_asked_for_anew_at_the_next_reading(
    store: Exporting,
) -> None:
    filters = Filters(**WINDOW, by=ReadBy.PLACED, whole=True, position=store.begin())
    pages = store.adapter.read_orders(filters)
    first = next(pages)
    store.lose_files()

    with pytest.raises(Unavailable) as caught:
        list(pages)

    assert caught.value.code == files.GONE
    (again,) = store.read(first.position)
    assert again.wait_s is not None
    assert records_of(store.whole(again.position)) == store.by_pages()


def _take_away(store: Exporting, how: str) -> None:
    if how == "expired":
        store.later(8 * DAY_S)
    elif how == "lost":
        store.lose_files()
    elif how == "stopped":
        store.operations[-1].status = "CANCELED"
    else:
        store.shop.store.bulk.operations.clear()


def test_one_that_is_not_wanted_any_more_is_stopped() -> None:
    with exporting(bulk_s=1000.0) as store:
        position = store.begin()

        store.adapter.drop_whole(position)

        assert store.operations[0].status == "CANCELING"
        store.shop.store.finish(2000)
        store.adapter.drop_whole(position)
        assert store.operations[0].status == "CANCELED"


# -- the file ------------------------------------------------------------------------------------


def test_a_download_that_breaks_off_is_taken_up(store: Exporting) -> None:
    position = store.begin()
    store.shop.faults.turn_on("truncated", route="/_bulk/", count=2)

    assert records_of(store.whole(position)) == store.by_pages()


def test_a_download_that_breaks_off_for_long_goes_on_at_its_place(store: Exporting) -> None:
    position = store.begin()
    first, second, *_ = store.read(position)
    store.shop.faults.turn_on("server_error", route="/_bulk/")
    with pytest.raises(Unavailable):
        store.read(second.position)
    store.shop.faults.clear()

    rest = records_of(store.read(second.position))

    assert records_of([first, second]) | rest == store.by_pages()


def test_lines_that_are_there_twice_count_once(store: Exporting) -> None:
    position = store.begin()

    def repeat(lines: list[bytes]) -> list[bytes]:
        twice = [line for line in lines for _ in range(2)]
        # A whole order once more, and its own line alone.
        return twice + lines[: order_lines(lines)[1]] + lines[:1]

    store.change_file(repeat)

    pages = store.whole(position)

    found = [record for page in pages for record in page.records]
    assert {record.external_id: record for record in found} == store.by_pages()
    assert len(found) <= 42
    assert [page.unreadable for page in pages] == [()] * len(pages)


def test_what_the_file_tells_badly_is_asked_for_by_its_id(store: Exporting) -> None:
    position = store.begin()

    def spoil(lines: list[bytes]) -> list[bytes]:
        first, second, third, fourth, *_ = order_lines(lines)
        lines[first] = lines[first].replace(b'"updatedAt":"', b'"updatedAt":"x')
        lines[second] = lines[second][:-1]
        lines[third + 1] = lines[third + 1][:-1]
        lines[fourth + 1] = lines[fourth + 1].replace(b"/LineItem/", b"/Whatever/")
        return lines

    store.change_file(spoil)

    assert records_of(store.whole(position)) == store.by_pages()


def test_an_order_without_its_lines_is_asked_for_by_its_id(store: Exporting) -> None:
    position = store.begin()

    def drop(lines: list[bytes]) -> list[bytes]:
        first, second, *_ = order_lines(lines)
        return lines[: first + 1] + lines[second:]

    store.change_file(drop)

    assert records_of(store.whole(position)) == store.by_pages()


def test_a_bad_order_is_set_aside_alone(store: Exporting) -> None:
    position = store.begin()

    def spoil(lines: list[bytes]) -> list[bytes]:
        bad, nameless, *_ = order_lines(lines)
        told = json.loads(lines[bad])
        told["totalPriceSet"]["shopMoney"]["amount"] = "many"
        lines[bad] = json.dumps(told).encode()
        lines[nameless] = b'{"broken'
        return lines

    lines: list[bytes] = []
    store.change_file(lambda found: lines.__iadd__(found))
    bad, nameless = (json.loads(lines[n])["legacyResourceId"] for n in order_lines(lines)[:2])
    store.change_file(spoil)

    pages = store.whole(position)

    left = {k: x for k, x in store.by_pages().items() if k not in (bad, nameless)}
    assert records_of(pages) == left
    aside = {x.external_id: x for page in pages for x in page.unreadable}
    assert aside[bad].code == "bad_amount"
    assert json.loads(aside[bad].raw)["legacyResourceId"] == bad
    ((unnamed, other),) = [(k, x) for k, x in aside.items() if k != bad]
    assert unnamed.startswith("unnamed-")
    assert other.raw == b'{"broken'


def test_an_order_the_store_stumbles_over_is_set_aside_alone(store: Exporting) -> None:
    position = store.begin()
    bad = next(iter(store.by_pages()))
    store.shop.faults.turn_on("internal_error", route=r"orders\b", count=1)
    assert records_of(store.whole(position)) == store.by_pages()
    _break(store, bad)

    pages = store.whole(position)

    assert bad not in records_of(pages)
    ((aside,),) = [page.unreadable for page in pages if page.unreadable]
    assert (aside.external_id, aside.code) == (bad, "internal_error")
    assert "The store cannot give this record" in aside.reason
    assert aside.changed_at is not None


def _break(store: Exporting, order_id: str) -> None:
    """Its parcels cannot be told."""
    with store.shop.store.working():
        store.shop.store.orders.existing(int(order_id)).fulfillments = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: sorted(lines, key=lambda x: b"__parentId" in x), "do not stand below"),
        (lambda lines: lines[1:], "begins amid an order"),
        (lambda lines: [b" " * 300_000], "has no end"),
    ],
)
def test_a_file_that_is_not_as_promised_is_left_to_pages(
    store: Exporting, monkeypatch: pytest.MonkeyPatch, change: Any, words: str
) -> None:
    monkeypatch.setattr(bulk_orders.bulk_file, "LONGEST_LINE", 200_000)
    position = store.begin()
    store.change_file(change)

    with pytest.raises(Unsupported, match=f"cannot be used: .*{words}") as caught:
        store.whole(position)
    assert caught.value.code == "bulk_unusable"


def test_a_file_that_is_shorter_than_was_said_is_left_to_pages(store: Exporting) -> None:
    position = store.begin()
    store.change_file(lambda lines: lines[: order_lines(lines)[-1]])
    store.operations[0].file_size = 10**6

    with pytest.raises(Unsupported, match="not as long as it was said"):
        store.whole(position)


def test_a_file_on_a_strange_host_is_not_fetched(store: Exporting) -> None:
    position = store.begin()
    store.operations[0].url = "https://storage.googleapis.com.evil.example/f?Signature=s"

    with pytest.raises(Unsupported, match="where Logix does not fetch any") as caught:
        store.whole(position)
    assert "Signature" not in str(caught.value)


def test_a_store_that_wants_rest_is_no_reason_to_read_by_pages(store: Exporting) -> None:
    position = store.begin()
    store.shop.faults.turn_on("throttled", route=r"orders\b")

    with pytest.raises(RateLimited):
        store.whole(position)


class _Endless:
    """A file that is made up as it is read; ``size`` in bytes."""

    def __init__(self, size: int) -> None:
        parent = "gid://shopify/Order/%09d"
        order = {"id": parent, "legacyResourceId": "%09d", "note": "x" * 200}
        line = {"id": "gid://shopify/LineItem/%09d", "__parentId": parent}
        told = json.dumps(order) + "\n" + json.dumps(line) + "\n"
        self._told, self._length = told, len(told % (0, 0, 0, 0))
        self.size = size // self._length * self._length

    def piece(self, start: int) -> bytes:
        end = min(start + files.PIECE, self.size)
        first, last = start // self._length, -(-end // self._length)
        made = "".join(self._told % (n, n, n, n) for n in range(first, last))
        return made.encode()[start - first * self._length :][: end - start]


def test_a_file_of_any_length_takes_the_memory_of_a_piece() -> None:
    peaks = []
    for size in (400_000, 4_000_000):
        file = _Endless(size)
        tracemalloc.start()
        count = sum(1 for group in bulk_file.groups(file, 0) if group.below)  # type: ignore[arg-type]
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert count == file.size // file._length

    assert peaks[1] < 1.2 * peaks[0]


# -- the query -------------------------------------------------------------------------------------


@pytest.mark.parametrize("customers", [True, False])
@pytest.mark.parametrize("keys", [[], ["a.b", 'c."d']])
def test_the_query_is_one_that_shopify_takes(shared: Any, customers: bool, keys: Any) -> None:
    asked = {"customers": customers, "keys": keys, "withKeys": bool(keys)}

    text = text_of("created_at:>='2026-01-01T00:00:00Z' name:\"x\"", asked)

    assert checked(text, official(shared))
    assert ("customer" in text) is customers
    assert ("metafields" in text) is bool(keys)
    assert "$" not in text
    assert "@" not in text
    assert len(text) < 65_536


def test_the_card_says_from_when_on_and_from_where() -> None:
    assert replace(CARD).whole_from == 2000
    assert CARD.file_hosts == r"storage\.googleapis\.com"
