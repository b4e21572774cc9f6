"""Many rows in one statement, the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from logix.accounts.models import IdempotentRequest, Merchant
from logix.common import bulk
from logix.common.ids import uuid7
from tests.factories import make_merchant

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)


def row(number: int, **changes: Any) -> dict[str, Any]:
    return {"id": uuid7(), "name": f"Ñandú {number} “x” \\ 'y'", "slug": f"m{number}", **changes}


def test_no_rows_cost_no_statement(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert bulk.insert(Merchant, []) == set()
        assert bulk.update(Merchant, []) == set()


def test_rows_are_written_as_they_were_given(django_assert_num_queries: Any) -> None:
    rows = [row(number) for number in range(50)]

    with django_assert_num_queries(1):
        written = bulk.insert(Merchant, rows)

    assert written == {r["id"] for r in rows}
    assert {m.pk: m.name for m in Merchant.objects.all()} == {r["id"]: r["name"] for r in rows}


def test_a_row_that_is_there_is_left_and_missing_from_the_answer() -> None:
    make_merchant("m1")

    written = bulk.insert(Merchant, [row(1), row(2)], ignore_conflicts=True)

    assert set(Merchant.objects.filter(pk__in=written).values_list("slug", flat=True)) == {"m2"}
    assert Merchant.objects.count() == 2


def test_bytes_times_foreign_keys_and_nothing_survive_the_journey() -> None:
    merchant = make_merchant()
    fields = {
        "merchant_id": merchant.pk,
        "method": "POST",
        "path": "/x",
        "request_digest": "d",
        "state": "done",
        "locked_until": NOW,
        "created_at": NOW - timedelta(days=1),
    }
    bulk.insert(
        IdempotentRequest,
        [
            {**fields, "key": "1", "status": 201, "response": b"\x00\xff{}"},
            {**fields, "key": "2", "status": None, "response": None},
        ],
    )

    first, second = IdempotentRequest.objects.order_by("key")
    assert (bytes(first.response), first.status, first.locked_until) == (b"\x00\xff{}", 201, NOW)
    assert (second.response, second.status, second.merchant) == (None, None, merchant)


def test_an_update_answers_with_the_rows_that_were_there() -> None:
    there = make_merchant("m1")

    changed = bulk.update(
        Merchant, [{"id": there.pk, "name": "New"}, {"id": uuid7(), "name": "Nobody"}]
    )

    assert changed == {there.pk}
    assert Merchant.objects.get().name == "New"


def test_a_row_that_somebody_changed_meanwhile_is_not_overwritten() -> None:
    merchant = make_merchant()
    rows = [
        IdempotentRequest.objects.create(
            merchant=merchant, key=str(n), method="GET", path="/", locked_until=NOW, status=1
        )
        for n in range(3)
    ]
    IdempotentRequest.objects.filter(pk=rows[1].pk).update(status=7)

    changed = bulk.update(
        IdempotentRequest,
        [{"id": r.pk, "path": "/new", "status": 2} for r in rows],
        versioned="status",
    )

    assert changed == {rows[0].pk, rows[2].pk}
    paths = dict(IdempotentRequest.objects.values_list("key", "path"))
    assert paths == {"0": "/new", "1": "/", "2": "/new"}
