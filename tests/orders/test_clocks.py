"""A store whose clock is or was wrong: no order freezes, and no old answer passes for a new one."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orders.data import Authority, OrderData
from orders.importing import OrderImport, import_orders
from orders.models import Order, OrderEvent
from tests.factories import CANCELLED, NOW, make_order, make_store
from tests.orders.shop import bring

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
IN_2030 = datetime(2030, 1, 1, tzinfo=UTC)
ORDER = make_order()
CANCEL = {"status": CANCELLED, "raw_status": "cancelled"}
AHEAD = timedelta(hours=2)


def at(moment: datetime, **changes: Any) -> OrderData:
    return dataclasses.replace(ORDER, changed_at=moment, **changes)


def told(
    store: Any,
    *records: OrderData,
    by: Authority = Authority.WEBHOOK,
    seen: datetime = NOW,
    ahead: timedelta = timedelta(),
) -> OrderImport:
    return import_orders(store, records, authority=by, observed_at=seen, now=seen, ahead=ahead)


def stored() -> tuple[str, datetime]:
    return Order.objects.values_list("order_status", "changed_at").get()


def test_news_from_the_future_are_asked_for_and_not_believed() -> None:
    store = make_store()
    bring(store, ORDER)

    done = told(store, at(IN_2030, **CANCEL), seen=NOW + MINUTE)

    assert done.reread == ["1001"]
    assert stored() == ("open", NOW)


def test_an_order_told_with_a_wrong_time_is_mended_by_the_stores_present_word() -> None:
    store = make_store()
    told(store, at(IN_2030, **CANCEL))
    assert stored() == ("cancelled", IN_2030), "kept as told, for people"

    page = told(store, at(NOW + MINUTE), by=Authority.LIST_PAGE, seen=NOW + 2 * MINUTE)
    assert (page.stale, page.reread) == (0, ["1001"])
    answer = told(store, at(NOW + MINUTE), by=Authority.BY_ID, seen=NOW + 2 * MINUTE)
    assert len(answer.changed) == 1
    assert stored() == ("open", NOW + MINUTE)

    told(store, at(NOW + 3 * MINUTE, **CANCEL), seen=NOW + 3 * MINUTE)
    assert stored() == ("cancelled", NOW + 3 * MINUTE)


def test_a_store_whose_clock_stays_wrong_is_followed_answer_by_answer() -> None:
    store = make_store()
    told(store, at(IN_2030))

    told(store, at(IN_2030 - MINUTE, **CANCEL), by=Authority.BY_ID, seen=NOW + MINUTE)
    assert stored() == ("cancelled", IN_2030 - MINUTE)
    late = told(store, at(IN_2030 + MINUTE), by=Authority.BY_ID, seen=NOW + MINUTE / 2)

    assert late.stale == 1
    assert stored() == ("cancelled", IN_2030 - MINUTE)


def test_the_right_time_on_the_same_content_takes_the_place_of_the_wrong_one() -> None:
    store = make_store()
    told(store, at(IN_2030))

    told(store, at(NOW), by=Authority.LIST_PAGE, seen=NOW + MINUTE)
    told(store, at(IN_2030), seen=NOW + 2 * MINUTE)

    assert stored() == ("open", NOW)
    assert OrderEvent.objects.count() == 1


def test_the_stores_answer_by_id_outranks_a_later_time_that_was_told_before() -> None:
    """It was put back from a backup, or its clock was some minutes fast for a while."""
    store = make_store()
    bring(store, at(NOW, **CANCEL))

    told(store, at(NOW - MINUTE), by=Authority.BY_ID, seen=NOW + MINUTE)

    assert stored() == ("open", NOW - MINUTE)


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        (NOW, NOW - MINUTE),  # asked before the change was made
        (NOW, NOW + timedelta(seconds=2)),  # read from a copy that lags
        (NOW + 3 * MINUTE, NOW + MINUTE),  # a page asked for earlier, answered late
    ],
)
def test_an_older_answer_by_id_that_comes_late_does_not_win(
    changed: datetime, seen: datetime
) -> None:
    store = make_store()
    bring(store, at(changed, **CANCEL))

    late = told(store, at(NOW - 2 * MINUTE), by=Authority.BY_ID, seen=seen)

    assert late.stale == 1
    assert stored() == ("cancelled", changed)


def test_a_clock_that_is_known_to_be_fast_orders_its_own_news() -> None:
    store = make_store()
    fast = NOW + AHEAD
    told(store, at(fast), ahead=AHEAD)

    newer = told(store, at(fast + MINUTE, **CANCEL), seen=NOW + MINUTE, ahead=AHEAD)
    older = told(store, at(fast - MINUTE), seen=NOW + 2 * MINUTE, ahead=AHEAD)

    assert (len(newer.changed), older.stale) == (1, 1)
    assert stored() == ("cancelled", fast + MINUTE)


def test_two_news_in_one_batch_of_which_one_is_from_the_future_are_asked_for() -> None:
    store = make_store()

    done = told(store, at(NOW, **CANCEL), at(IN_2030))

    assert done.reread == ["1001"]


def test_an_older_record_of_the_same_content_does_not_set_the_time_back() -> None:
    """Else a record from between the two would pass for newer."""
    store = make_store()
    bring(store, ORDER)

    told(store, at(NOW - 5 * MINUTE, raw=b"{}"), by=Authority.LIST_PAGE)
    between = told(store, at(NOW - MINUTE, **CANCEL))

    assert between.stale == 1
    assert stored() == ("open", NOW)
