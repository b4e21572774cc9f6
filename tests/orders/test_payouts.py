"""Payouts: each is the sum of its lines, or what is missing is said; told again nothing changes;
its lines find their orders, whichever comes first.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from integrations.models import ParkedRecord, Store
from integrations.sync import apply_payouts
from logix.common import bulk
from orders import payouts
from orders.data import PayoutData, PayoutLineData, PayoutLineKind, PayoutStatus
from orders.models import Order, Payout, PayoutLine
from orders.payouts import (
    PayoutChangedMeanwhile,
    PayoutImport,
    import_payouts,
    link_orders,
    link_waiting,
)
from tests.factories import NOW, make_order, make_payout, make_payout_line, make_store
from tests.orders.shop import bring

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=6)


@pytest.fixture
def store() -> Store:
    return make_store()


def pay(store: Store, *records: PayoutData, at: datetime = NOW) -> PayoutImport:
    return import_payouts(store, records, observed_at=at, now=at)


def line(number: int, net: str, **changes: Any) -> PayoutLineData:
    told = {"amount": Decimal(net), "fee": Decimal(0), "net": Decimal(net), **changes}
    return make_payout_line(number, **told)


def only() -> Payout:
    return Payout.objects.get()


# -- does it add up?


def test_a_payout_is_the_sum_of_its_lines(store: Store) -> None:
    lines = (
        make_payout_line(1),
        make_payout_line(2),
        line(3, "-10.00", kind=PayoutLineKind.REFUND),
        line(4, "-0.35", kind=PayoutLineKind.FEE, external_order_id=""),
        line(5, "-15.00", kind=PayoutLineKind.DISPUTE),
        line(6, "2.50", kind=PayoutLineKind.ADJUSTMENT, external_order_id=""),
    )

    pay(store, make_payout(amount=Decimal("32.35"), lines=lines))

    payout = only()
    assert (payout.amount, payout.net_total, payout.remainder) == (
        Decimal("32.35"),
        Decimal("32.35"),
        0,
    )
    assert (payout.gross_total, payout.fee_total) == (Decimal("34.65"), Decimal("2.30"))
    assert (payout.problem, payout.adds_up, payout.line_count) == ("", True, 6)
    assert [x.external_id for x in payout.lines.all()] == ["t1", "t2", "t3", "t4", "t5", "t6"]


@pytest.mark.parametrize(
    ("currency", "amount", "nets", "remainder", "words"),
    [
        ("EUR", "97.10", ["90.00", "7.10"], "0", ""),
        ("EUR", "97.11", ["90.00", "7.10"], "0.01", "add up to 97.10 EUR, 0.01 EUR less"),
        ("EUR", "-5.00", ["-4.00"], "-1.00", "add up to -4.00 EUR, 1.00 EUR more"),
        ("EUR", "12.00", [], "12.00", "add up to 0.00 EUR, 12.00 EUR less"),
        ("JPY", "12000", ["11000", "1000"], "0", ""),
        ("JPY", "12000", ["11999"], "1", "add up to 11999 JPY, 1 JPY less"),
        ("KWD", "1.235", ["1.000", "0.235"], "0", ""),
        ("KWD", "1.235", ["1.000", "0.236"], "-0.001", "add up to 1.236 KWD, 0.001 KWD more"),
    ],
)
def test_what_no_line_explains_is_kept_and_said_in_the_currencys_own_decimals(
    store: Store, currency: str, amount: str, nets: list[str], remainder: str, words: str
) -> None:
    lines = tuple(line(n, net, currency=currency) for n, net in enumerate(nets))

    pay(store, make_payout(currency=currency, amount=Decimal(amount), lines=lines))

    assert only().remainder == Decimal(remainder)
    assert words in only().problem
    assert only().adds_up == (not words)
    assert Payout.objects.unexplained().exists() == bool(words)


def test_a_payout_whose_lines_are_incomplete_says_that_and_names_no_remainder(
    store: Store,
) -> None:
    pay(store, make_payout(amount=Decimal("500.00"), lines_complete=False))

    assert only().remainder is None
    assert only().problem == (
        "The store has not told all lines of this payout, so they cannot be added up yet."
    )


def test_lines_in_another_currency_are_in_no_sum(store: Store) -> None:
    lines = (make_payout_line(1), line(2, "5.00", currency="USD"), line(3, "6.00", currency="USD"))

    pay(store, make_payout(lines=lines))

    assert (only().net_total, only().remainder) == (Decimal("27.60"), None)
    assert only().problem == "2 lines are in USD and cannot be added to a payout in EUR."


def test_the_database_takes_no_unexplained_payout_that_does_not_say_why(store: Store) -> None:
    pay(store, make_payout())

    for changes in ({"remainder": Decimal(1)}, {"remainder": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Payout.objects.update(**changes)


def test_an_amount_that_is_no_number_parks_its_payout_alone(store: Store) -> None:
    strange = (make_payout_line(4, fee=Decimal("Infinity")),)
    records = [
        make_payout(1),
        make_payout(2, amount=Decimal("NaN")),
        make_payout(3),
        make_payout(4, lines=strange),
    ]

    done = apply_payouts(store, records, observed_at=NOW)

    assert (done.created, sorted(done.parked)) == (2, ["po2", "po4"])
    assert set(Payout.objects.values_list("external_id", flat=True)) == {"po1", "po3"}
    assert set(ParkedRecord.objects.values_list("stream", flat=True)) == {"payouts"}


# -- told again


def test_the_same_payout_again_changes_nothing(store: Store) -> None:
    pay(store, make_payout())
    before = list(Payout.objects.values()), list(PayoutLine.objects.values())

    done = pay(store, make_payout(), at=LATER)

    assert (done.created, done.changed, done.unchanged, done.stale) == ([], [], 1, 0)
    assert (list(Payout.objects.values()), list(PayoutLine.objects.values())) == before


def test_a_status_that_moves_on_leaves_the_lines_as_they_are(store: Store) -> None:
    told = {"status": PayoutStatus.SCHEDULED, "raw_status": "SCHEDULED", "paid_at": None}
    pay(store, make_payout(**told))
    before = list(PayoutLine.objects.values())

    done = pay(store, make_payout(), at=LATER)

    assert (len(done.changed), only().status, only().paid_at) == (1, "paid", NOW)
    assert (only().revision, only().observed_at) == (1, LATER)
    assert list(PayoutLine.objects.values()) == before


def test_newer_lines_replace_the_older_ones_as_a_set(store: Store) -> None:
    first = (make_payout_line(1), line(2, "5.00"), line(3, "-5.00"))
    pay(store, make_payout(lines=first))
    now = (make_payout_line(1), line(3, "-7.00"), line(4, "9.00"))

    pay(store, make_payout(amount=Decimal("29.60"), lines=now), at=LATER)

    told = list(only().lines.values_list("external_id", "net"))
    assert told == [("t1", Decimal("27.60")), ("t3", Decimal("-7.00")), ("t4", Decimal("9.00"))]
    assert (only().remainder, only().line_count) == (0, 3)


def test_a_remainder_goes_when_the_missing_line_is_told(store: Store) -> None:
    pay(store, make_payout(amount=Decimal("30.00")))
    assert only().remainder == Decimal("2.40")

    pay(
        store,
        make_payout(amount=Decimal("30.00"), lines=(make_payout_line(1), line(2, "2.40"))),
        at=LATER,
    )

    assert (only().remainder, only().problem) == (0, "")


def test_what_was_read_earlier_and_arrives_later_is_left_aside(store: Store) -> None:
    pay(store, make_payout(), at=LATER)

    done = pay(store, make_payout(status=PayoutStatus.IN_TRANSIT, raw_status="IN_TRANSIT"), at=NOW)

    assert (done.stale, only().status) == (1, "paid")


def test_lines_told_in_part_take_nothing_from_lines_told_in_full(store: Store) -> None:
    lines = (make_payout_line(1), line(2, "5.00"))
    whole = make_payout(
        amount=Decimal("32.60"), lines=lines, status=PayoutStatus.SCHEDULED, raw_status="SCHEDULED"
    )
    pay(store, whole)

    part = replace(whole, status=PayoutStatus.PAID, lines=lines[:1], lines_complete=False)
    pay(store, part, at=LATER)

    assert (only().status, only().problem, only().lines_complete) == ("paid", "", True)
    assert (only().line_count, only().lines.count()) == (2, 2)
    # Of another amount, the old lines say nothing any more.
    pay(store, replace(part, amount=Decimal("40.00")), at=LATER + timedelta(hours=6))
    assert (only().lines.count(), only().remainder) == (1, None)


def test_one_payout_told_twice_in_a_page_is_one_as_it_was_told_last(store: Store) -> None:
    first = make_payout(status=PayoutStatus.IN_TRANSIT, raw_status="IN_TRANSIT")

    pay(store, first, make_payout())

    assert only().status == "paid"


def test_two_stores_may_have_a_payout_of_the_same_id(store: Store) -> None:
    other = make_store(store.merchant, base_url="https://other.example")

    pay(store, make_payout())
    pay(other, make_payout(amount=Decimal("27.70")))

    assert sorted(Payout.objects.values_list("amount", flat=True)) == [
        Decimal("27.60"),
        Decimal("27.70"),
    ]


def test_a_payout_that_another_process_writes_at_the_same_moment_is_tried_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = bulk.insert

    def beaten(model: Any, rows: Any, **options: Any) -> Any:
        if model is Payout and rows:
            real(model, [{**rows[0], "id": Payout().pk}])
        return real(model, rows, **options)

    monkeypatch.setattr(payouts.bulk, "insert", beaten)

    with pytest.raises(PayoutChangedMeanwhile):
        pay(store, make_payout())

    assert not Payout.objects.exists()


# -- the orders that lines are about


def linked() -> dict[str, str | None]:
    """Number of the order by line."""
    return dict(PayoutLine.objects.values_list("external_id", "order__number"))


def test_a_line_leads_to_its_order(store: Store) -> None:
    bring(store, make_order(1))
    lines = (make_payout_line(1), line(2, "0.00", external_order_id=""))

    pay(store, make_payout(lines=lines))

    assert linked() == {"t1": "1001", "t2": None}


def test_a_line_is_linked_when_its_order_comes_later(store: Store) -> None:
    pay(store, make_payout(lines=(make_payout_line(1), line(2, "0.00"))))
    bring(store, make_order(1), make_order(2), make_order(3))
    assert linked() == {"t1": None, "t2": None}

    with CaptureQueriesContext(connection) as queries:
        found = link_orders(store.pk, ["1001", "1003"])

    assert (found, len(queries)) == (1, 1)
    assert linked() == {"t1": "1001", "t2": None}


def test_orders_whose_coming_was_missed_are_found_in_one_look(store: Store) -> None:
    pay(store, *(make_payout(n) for n in (1, 2, 3)))
    bring(store, make_order(1), make_order(3))

    with CaptureQueriesContext(connection) as queries:
        found = link_waiting(store.pk)

    assert (found, len(queries)) == (2, 1)
    assert linked() == {"t1": "1001", "t2": None, "t3": "1003"}


def test_another_stores_order_of_the_same_id_is_not_meant(store: Store) -> None:
    other = make_store(store.merchant, base_url="https://other.example")
    bring(other, make_order(1))

    pay(store, make_payout())

    assert linked() == {"t1": None}
    assert link_orders(other.pk, ["1001"]) == 0


def test_a_line_that_is_told_anew_stays_with_its_order(store: Store) -> None:
    bring(store, make_order(1))
    pay(store, make_payout())

    pay(store, make_payout(amount=Decimal("30.00"), lines=(line(1, "30.00"),)), at=LATER)

    assert linked() == {"t1": "1001"}


# -- what it costs


def page(lines: int, start: int = 0) -> list[PayoutData]:
    return [
        make_payout(
            start + n,
            lines=tuple(line(100 * n + k, "1.00") for k in range(lines)),
            amount=Decimal(lines),
        )
        for n in range(50)
    ]


def cost(store: Store, records: list[PayoutData], at: datetime = NOW) -> int:
    with CaptureQueriesContext(connection) as queries:
        pay(store, *records, at=at)
    return len(queries)


def test_a_page_of_payouts_costs_the_same_whatever_its_lines(store: Store) -> None:
    bring(store, *(make_order(n) for n in range(50)))

    few, many = cost(store, page(2)), cost(store, page(60, start=100))

    assert PayoutLine.objects.count() == 50 * 62
    assert few <= 8
    # SQLite takes its rows in portions of 16,000 values.
    assert many - few <= (3 if connection.vendor == "sqlite" else 0)
    assert Order.objects.filter(payout_lines__isnull=False).exists()


def test_unchanged_payouts_cost_one_look_and_changed_ones_are_written_as_a_set(
    store: Store,
) -> None:
    records = page(5)
    pay(store, *records)

    assert cost(store, records, LATER) <= 3
    moved = [replace(r, raw_status="DONE") for r in records]
    assert cost(store, moved, LATER) <= 5
    relined = [replace(r, lines=r.lines[:4], amount=Decimal(4)) for r in moved]
    assert cost(store, relined, LATER) <= 8
    assert PayoutLine.objects.count() == 200
