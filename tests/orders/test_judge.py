"""New, newer, the same, older, or not to be trusted alone: the whole table."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from orders.data import Authority, OrderData
from orders.judge import Verdict, details_of, digest_of, judge
from orders.models import Order
from orders.status import OrderStatus
from tests.factories import CANCELLED, NOW, make_order
from tests.orders.shop import later, parcel, refund

MINUTE = timedelta(minutes=1)


def known(data: OrderData, **changes: Any) -> Order:
    fields: dict[str, Any] = {
        "order_status": data.status.order,
        "changed_at": data.changed_at,
        "source_version": data.version,
        "observed_at": NOW,
        "digest": digest_of(data),
        "details": details_of(data),
        **changes,
    }
    return Order(**fields)


def verdict(
    data: OrderData,
    stored: Order | None,
    authority: Authority = Authority.LIST_PAGE,
    observed_at: Any = NOW,
) -> Verdict:
    return judge(data, digest_of(data), details_of(data), stored, authority, observed_at)


ORDER = make_order()
OTHER = make_order(raw_status="other")


def test_what_we_do_not_have_is_new() -> None:
    assert verdict(ORDER, None) is Verdict.NEW


@pytest.mark.parametrize(
    ("data", "authority", "expected"),
    [
        (ORDER, Authority.WEBHOOK, Verdict.SAME),
        (later(ORDER, -1), Authority.LIST_PAGE, Verdict.SAME),
        (later(ORDER, 1), Authority.LIST_PAGE, Verdict.TOUCHED),
        (later(OTHER, 1), Authority.WEBHOOK, Verdict.NEWER),
        (later(OTHER, -1), Authority.BY_ID, Verdict.STALE),
        (OTHER, Authority.WEBHOOK, Verdict.REREAD),
        (OTHER, Authority.LIST_PAGE, Verdict.REREAD),
        (OTHER, Authority.BY_ID, Verdict.NEWER),
    ],
)
def test_time_decides_and_equal_times_are_asked_for(
    data: OrderData, authority: Authority, expected: Verdict
) -> None:
    assert verdict(data, known(ORDER), authority) is expected


def test_a_version_outranks_the_time() -> None:
    stored = known(make_order(version=5))

    assert verdict(later(make_order(version=4, raw_status="other"), 9), stored) is Verdict.STALE
    assert verdict(later(make_order(version=6, raw_status="other"), -9), stored) is Verdict.NEWER


def test_of_two_answers_by_id_at_one_second_the_one_asked_for_later_counts() -> None:
    assert verdict(OTHER, known(ORDER), Authority.BY_ID, NOW - MINUTE) is Verdict.STALE
    assert verdict(OTHER, known(ORDER), Authority.BY_ID, NOW + MINUTE) is Verdict.NEWER


@pytest.mark.parametrize("done", [OrderStatus.COMPLETED, OrderStatus.CANCELLED])
def test_a_finished_order_is_opened_only_by_id(done: OrderStatus) -> None:
    stored = known(ORDER, order_status=done)

    assert verdict(later(OTHER, 1), stored) is Verdict.REREAD
    assert verdict(later(OTHER, 1), stored, Authority.BY_ID) is Verdict.NEWER
    finished = later(make_order(status=CANCELLED), 1)
    assert verdict(finished, stored) is Verdict.NEWER


def test_details_only_some_answers_tell_are_compared_where_they_are_told() -> None:
    stored = known(make_order(shipments=(parcel(1, external_id="f1"),)))

    assert verdict(ORDER, stored) is Verdict.SAME
    more = make_order(shipments=(parcel(2, external_id="f1"),))
    assert verdict(more, stored) is Verdict.NEWER
    assert verdict(later(more, -1), stored) is Verdict.STALE


def test_lines_of_refunds_count_when_all_refunds_tell_them() -> None:
    assert "refunds" not in details_of(make_order(refunds=(refund(1), refund(2, units=None))))
    assert "refunds" in details_of(make_order(refunds=(refund(1), refund(2))))


def test_the_raw_payload_and_the_time_are_no_content() -> None:
    assert digest_of(ORDER) == digest_of(later(ORDER, 5, raw=b"{}"))


def test_the_stores_present_word_does_not_outrank_a_newer_version() -> None:
    stored = known(make_order(version=5))

    older = later(make_order(version=4, raw_status="other"), 9)
    assert verdict(older, stored, Authority.BY_ID, NOW + MINUTE) is Verdict.STALE
