"""One moving shop, its store and streams, and short words for what the tests do with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from integrations import authentication, registry, sync
from integrations.models import RunKind, Store, Stream, SyncRun
from logix.common import bell
from orders.data import OrderData
from orders.models import Order
from tests.factories import make_line, make_order, make_store
from tests.integrations.sync import toy

Rung = list[tuple[str, tuple[Any, ...]]]


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> Rung:
    """What was rung for, with its arguments. No broker is spoken to."""
    heard: Rung = []

    def publish(task_name: str, args: Any, **_options: Any) -> bool:
        heard.append((task_name.rpartition(".")[2], args))
        return True

    monkeypatch.setattr(bell, "publish", publish)
    return heard


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> toy.MovingShop:
    shop = toy.MovingShop()
    monkeypatch.setitem(registry.BUILT_IN, "movingshop", "tests.integrations.sync.toy.CARD")
    monkeypatch.setattr(authentication, "adapter_for", shop.adapter)
    return shop


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """Errors the authentication manager was told about."""
    errors: list[Exception] = []
    monkeypatch.setattr(authentication, "note_failure", lambda store, error: errors.append(error))
    return errors


@pytest.fixture
def store(db: None, shop: toy.MovingShop) -> Store:
    """Active, its products read, its first back-fill done: only changes are left to follow."""
    return make_moving_store()


@pytest.fixture
def new_store(db: None, shop: toy.MovingShop) -> Store:
    """Just connected: nothing of it was read."""
    return make_moving_store(followed=False)


def make_moving_store(*, followed: bool = True, **changes: Any) -> Store:
    store = make_store(platform="movingshop", **changes)
    now = timezone.now()
    rows = Stream.objects.filter(store=store)
    rows.update(next_at=now)
    if followed:
        rows.update(read_through=now - timedelta(hours=2))
    return store


def stream_of(store: Store, name: str = "orders") -> Stream:
    return Stream.objects.get(store=store, name=name)


def walk(store: Store, name: str = "orders") -> int:
    """Read the stream to its end; return how many slices it took."""
    slices = 1
    while sync.run_stream(stream_of(store, name).pk):
        slices += 1
    return slices


def run_to_end(run: SyncRun) -> SyncRun:
    while sync.run_slice(run.pk):
        pass
    run.refresh_from_db()
    return run


def make_run(store: Store, **changes: Any) -> SyncRun:
    now = timezone.now()
    fields: dict[str, Any] = {
        "kind": RunKind.BACKFILL,
        "window_from": now - timedelta(days=30),
        "window_to": now + timedelta(minutes=10),
        "next_at": now,
        **changes,
    }
    return SyncRun.objects.create(store=store, stream=stream_of(store), **fields)


def ago(**parts: float) -> datetime:
    """So long ago, whole seconds as platforms tell them."""
    return (timezone.now() - timedelta(**parts)).replace(microsecond=0)


def before_the_first_order() -> datetime:
    """From here on the simulators' three months of orders are read. Reading from the first day of
    all asks each store for twenty-five more years of nothing (``windows``).
    """
    return ago(days=100)


def orders(
    count: int, at: datetime, *, first: int = 1, apart_s: int = 0, **changes: Any
) -> list[OrderData]:
    """``count`` small orders, placed and last changed at ``at`` and each ``apart_s`` later."""
    made = []
    for number in range(count):
        moment = at + timedelta(seconds=apart_s * number)
        times = {"placed_at": moment, "changed_at": moment, "paid_at": moment}
        made.append(make_order(first + number, **{**times, "lines": (make_line(),), **changes}))
    return made


def in_hub(store: Store) -> dict[str, tuple[str, datetime]]:
    """Status and time of what is stored, by external id. An order that is there twice fails."""
    rows = Order.objects.filter(store=store).values_list("external_id", "raw_status", "changed_at")
    told = {external_id: (word, at) for external_id, word, at in rows}
    assert len(told) == len(rows)
    return told


def in_shop(shop: toy.MovingShop) -> dict[str, tuple[str, datetime]]:
    return {key: (x.raw_status, x.changed_at) for key, x in shop.orders.items()}


class Killed(BaseException):
    """What SIGKILL looks like from inside: nothing after it runs, the open transaction is lost."""


@contextmanager
def killed_at(statement: int) -> Iterator[None]:
    """Let ``statement - 1`` statements of this thread through."""
    tried = 0

    def count(execute: Any, *args: Any) -> Any:
        nonlocal tried
        tried += 1
        if tried >= statement:
            raise Killed
        return execute(*args)

    with connection.execute_wrapper(count):
        yield


def leases_run_out() -> None:
    """Two minutes later: what a dead worker held is free."""
    past = timezone.now() - timedelta(seconds=1)
    for model in (Stream, SyncRun):
        model.objects.exclude(lease_until=None).update(lease_until=past)


def failing_at(page: int, error: BaseException) -> Callable[[int], None]:
    """For ``MovingShop.before``: the n-th page of all is not answered."""

    def fail(number: int) -> None:
        if number == page:
            raise error

    return fail


def failing_from(page: int, error: BaseException) -> Callable[[int], None]:
    def fail(number: int) -> None:
        if number >= page:
            raise error

    return fail


def raising(error: BaseException) -> Callable[[Any], None]:
    def fail(_: Any) -> None:
        raise error

    return fail
