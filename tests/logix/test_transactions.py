"""A transaction that lost a race is run again; one that failed is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, transaction

from logix.accounts.models import Merchant
from logix.common import transactions
from logix.common.transactions import again_on
from tests.factories import make_merchant

pytestmark = pytest.mark.django_db(transaction=True)


class Deadlock(DatabaseError):
    sqlstate = "40P01"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions.time, "sleep", lambda _s: None)


def failing(times: int, error: Exception) -> tuple[Callable[[], str], list[int]]:
    """Work that writes a merchant and fails so many times before it is done."""
    calls: list[int] = []

    def work() -> str:
        calls.append(len(calls))
        make_merchant(f"m{len(calls)}")
        if len(calls) <= times:
            raise error
        return "done"

    return work, calls


def clash() -> OperationalError:
    error = OperationalError("deadlock detected")
    error.__cause__ = Deadlock()
    return error


@pytest.mark.parametrize(
    "error", [clash(), OperationalError("database is locked"), IntegrityError("taken")]
)
def test_it_is_run_again_and_nothing_of_the_failed_runs_is_left(error: Exception) -> None:
    work, calls = failing(2, error)

    assert again_on(IntegrityError)(work) == "done"
    assert len(calls) == 3
    assert [m.slug for m in Merchant.objects.all()] == ["m3"]


@pytest.mark.parametrize(
    "error", [OperationalError("server closed the connection"), IntegrityError("taken")]
)
def test_what_is_no_clash_is_raised_at_once(error: Exception) -> None:
    work, calls = failing(1, error)

    with pytest.raises(type(error)):
        again_on()(work)
    assert len(calls) == 1


def test_the_last_failure_is_raised() -> None:
    work, calls = failing(9, clash())

    with pytest.raises(OperationalError, match="deadlock"):
        again_on(attempts=3)(work)
    assert len(calls) == 3


def test_inside_a_transaction_it_runs_once() -> None:
    work, calls = failing(1, clash())

    with pytest.raises(OperationalError), transaction.atomic():
        again_on()(work)
    assert len(calls) == 1
