"""Units that lie there and are not sold: held back, damaged, mended, written off."""

from __future__ import annotations

import pytest

from integrations.models import Store
from inventory import condition, ledger, verifying
from inventory.errors import LedgerRefused
from inventory.ledger import Demand
from inventory.models import Bucket, Location, Reservation, StockLevel, StockMovement, Variant
from logix.common.ids import uuid7
from tests.factories import NOW, make_store
from tests.orders.shop import level, stock

pytestmark = pytest.mark.django_db


@pytest.fixture
def item() -> Variant:
    """Ten on hand."""
    stock(make_store(), units=10)
    return Variant.objects.get()


def keep_back(item: Variant, bucket: Bucket, **how: int) -> StockMovement:
    return condition.keep_back(
        variant=item,
        location=Location.objects.get(),
        bucket=bucket,
        reason="Wet",
        actor="user:anna",
        **how,
    )


def write_off(item: Variant, units: int, cause: str = "") -> StockMovement:
    return condition.write_off(
        variant=item,
        location=Location.objects.get(),
        units=units,
        reason="Thrown away",
        actor="user:anna",
        cause=cause,
    )


def an_order(item: Variant, units: int) -> Demand:
    line = uuid7()
    return Demand(
        line_ref=line,
        order_ref=line,
        store_id=Store.objects.get().pk,
        variant_id=item.pk,
        outstanding=units,
        shipped=0,
        placed_at=NOW,
    )


def numbers() -> tuple[int, int, int, int]:
    found = StockLevel.objects.get()
    return found.on_hand, found.held, found.damaged, found.free


def test_what_is_held_back_or_damaged_is_there_and_not_free(item: Variant) -> None:
    held = keep_back(item, Bucket.HELD, delta=2)
    damaged = keep_back(item, Bucket.DAMAGED, set_to=3)

    assert numbers() == (10, 2, 3, 5)
    assert (held.kind, held.bucket, held.before, held.after) == ("hold", "held", 0, 2)
    assert (damaged.kind, damaged.bucket, damaged.delta) == ("damage", "damaged", 3)
    assert (held.actor, held.reason) == ("user:anna", "Wet")
    assert verifying.differences([item.pk]) == []


def test_what_is_let_go_of_serves_the_orders_that_wait(item: Variant) -> None:
    keep_back(item, Bucket.HELD, set_to=4)
    ledger.settle(item.merchant_id, [an_order(item, 8)])
    waiting = Reservation.objects.get()
    assert (waiting.quantity, waiting.short) == (6, 2)

    mended = keep_back(item, Bucket.HELD, delta=-3)

    waiting.refresh_from_db()
    assert (waiting.quantity, waiting.short) == (8, 0)
    assert (mended.kind, numbers()) == ("unhold", (10, 1, 0, 1))
    assert verifying.differences([item.pk]) == []


def test_orders_keep_what_they_hold_of_what_is_found_damaged(item: Variant) -> None:
    ledger.settle(item.merchant_id, [an_order(item, 9)])

    keep_back(item, Bucket.DAMAGED, delta=2)

    assert Reservation.objects.get().quantity == 9
    assert numbers() == (10, 0, 2, -1)


def test_written_off_units_are_gone_and_change_nothing_that_is_sold(item: Variant) -> None:
    keep_back(item, Bucket.DAMAGED, set_to=3)
    free = level().free

    gone = write_off(item, 2, cause="off:1")
    again = write_off(item, 2, cause="off:1")

    assert numbers() == (8, 0, 1, free)
    assert (gone.pk, gone.kind, gone.bucket, gone.delta) == (again.pk, "write_off", "on_hand", -2)
    assert verifying.differences([item.pk]) == []


@pytest.mark.parametrize(
    ("bucket", "how", "words"),
    [
        (Bucket.HELD, {"delta": 11}, "10 lie there"),
        (Bucket.DAMAGED, {"set_to": 9}, "2 of them held back or damaged already"),
        (Bucket.DAMAGED, {"delta": -1}, "0 are damaged there"),
        (Bucket.HELD, {}, "either a change or a number"),
        (Bucket.HELD, {"delta": 1, "set_to": 1}, "either a change or a number"),
        (Bucket.RESERVED, {"delta": 1}, "held back or damaged"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    item: Variant, bucket: Bucket, how: dict[str, int], words: str
) -> None:
    keep_back(item, Bucket.HELD, set_to=2)
    before = numbers()

    with pytest.raises(LedgerRefused, match=words):
        keep_back(item, bucket, **how)

    assert numbers() == before


@pytest.mark.parametrize("units", [0, -1, 4])
def test_no_more_is_written_off_than_is_damaged(item: Variant, units: int) -> None:
    keep_back(item, Bucket.DAMAGED, set_to=3)

    with pytest.raises(LedgerRefused, match="3 are damaged there"):
        write_off(item, units)

    assert numbers() == (10, 0, 3, 7)


def test_a_level_changed_beside_the_ledger_is_found(item: Variant) -> None:
    keep_back(item, Bucket.DAMAGED, set_to=3)
    StockLevel.objects.update(damaged=2)

    [found] = verifying.differences([item.pk])

    assert found.what == "damaged is 2, its movements add up to 3."
