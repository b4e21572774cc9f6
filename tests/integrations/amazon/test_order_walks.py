"""Searches that take several pages: each page is asked for as the first one was, and a place that
Amazon has forgotten costs a search and no order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.db.models.functions import Now

from integrations import connect
from integrations.amazon import orders
from integrations.amazon.service import AmazonIntegration
from integrations.base import Filters, Page, ReadBy
from integrations.errors import Rejected, Unavailable
from integrations.models import RunKind, RunState, Stream, SyncRun
from integrations.sandbox.amazon.play import acts
from logix.common import bell
from orders.data import OrderData
from orders.models import Order
from tests.factories import make_merchant
from tests.integrations.amazon.conftest import MakeAdapter, MakeWorld
from tests.integrations.amazon.test_in_the_hub import connected, read
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.conformance.suite import EVERYTHING, orders_of
from tests.integrations.sync.conftest import run_to_end

PAGED = replace(EVERYTHING, page_size=5)
Wait = Callable[[timedelta], None]


@pytest.fixture
def wait(world: AmazonWorld, monkeypatch: pytest.MonkeyPatch) -> Wait:
    return waiting(world, monkeypatch)


def waiting(world: AmazonWorld, monkeypatch: pytest.MonkeyPatch) -> Wait:
    """So long goes by for Logix and for Amazon."""
    gone = timedelta()

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + gone

    def go(span: timedelta) -> None:
        nonlocal gone
        gone += span
        acts.move_clock(world.shop.store, int(span.total_seconds()))

    monkeypatch.setattr(orders, "datetime", Later)
    return go


def searches(world: AmazonWorld) -> list[dict[str, str]]:
    rows = [x for x in world.shop.asked if x.path == "/orders/2026-01-01/orders"]
    return [{name: values[0] for name, values in parse_qs(x.query).items()} for x in rows]


def ids_of(*pages: Page[OrderData]) -> set[str]:
    return {record.external_id for page in pages for record in page.records}


def forgotten(place: dict[str, Any]) -> dict[str, Any]:
    return {**place, "token": "long-forgotten"}


@pytest.mark.parametrize("is_resumed", [False, True])
def test_a_window_whose_end_grows_old_while_it_is_read_is_read_to_its_end(
    make_world: MakeWorld,
    make_adapter: MakeAdapter,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_resumed: bool,
) -> None:
    world = make_world(orders=12, lag_s=120)
    wait = waiting(world, monkeypatch)
    now = datetime.now(UTC).replace(microsecond=0)
    window = Filters(since=now - timedelta(days=90), until=now, by=ReadBy.PLACED, page_size=5)
    walk = make_adapter(world).read_orders(window)
    first = next(walk)
    wait(timedelta(minutes=4))

    if is_resumed:
        walk = make_adapter(world).read_orders(replace(window, position=first.position))
    rest = list(walk)

    assert ids_of(first, *rest) == world.order_ids()
    *paged, last = searches(world)
    told = [{k: v for k, v in x.items() if k != "paginationToken"} for x in paged]
    assert all(one == told[0] for one in told)
    assert "createdBefore" not in told[0]
    # What was placed in the last two minutes before its end is told by now.
    assert last["createdBefore"] == now.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert "paginationToken" not in last


def test_a_window_that_had_an_end_for_amazon_keeps_it_in_its_place(
    world: AmazonWorld, make_adapter: MakeAdapter
) -> None:
    until = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=3)
    window = Filters(since=until - timedelta(days=90), until=until, by=ReadBy.PLACED, page_size=5)
    first = next(iter(make_adapter(world).read_orders(window)))

    rest = list(make_adapter(world).read_orders(replace(window, position=first.position)))

    assert first.position["before"] == until.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert {x["createdBefore"] for x in searches(world)} == {first.position["before"]}
    assert ids_of(first, *rest) == world.order_ids()


def test_an_order_that_is_placed_while_a_window_is_read_is_read_as_well(
    world: AmazonWorld, adapter: AmazonIntegration, wait: Wait
) -> None:
    now = datetime.now(UTC)
    window = Filters(
        since=now - timedelta(days=90),
        until=now + timedelta(minutes=3),
        by=ReadBy.PLACED,
        page_size=5,
    )
    walk = adapter.read_orders(window)
    first = next(walk)
    wait(timedelta(minutes=1))
    young = world.place_order()
    wait(timedelta(minutes=5))

    assert young in ids_of(first, *walk)


@pytest.mark.parametrize("by", list(ReadBy))
def test_a_place_that_amazon_forgot_begins_again_from_where_the_search_began(
    world: AmazonWorld, adapter: AmazonIntegration, by: ReadBy
) -> None:
    asked = replace(PAGED, by=by)
    first = next(iter(adapter.read_orders(asked)))

    again = list(adapter.read_orders(replace(asked, position=forgotten(dict(first.position)))))

    assert ids_of(*again) == world.order_ids()
    refused, fresh = searches(world)[1:3]
    assert refused["paginationToken"] == "long-forgotten"
    assert "paginationToken" not in fresh
    assert {x.get("lastUpdatedAfter", x.get("createdAfter")) for x in (refused, fresh)} == {
        first.position["after"]
    }


def test_a_token_that_is_never_taken_is_told_and_not_tried_for_ever(
    world: AmazonWorld, adapter: AmazonIntegration, wait: Wait
) -> None:
    place: dict[str, Any] = dict(next(iter(adapter.read_orders(PAGED))).position)
    place = dict(
        next(iter(adapter.read_orders(replace(PAGED, position=forgotten(place))))).position
    )

    with pytest.raises(Unavailable, match="forgot twice"):
        next(iter(adapter.read_orders(replace(PAGED, position=forgotten(place)))))

    wait(timedelta(minutes=61))
    told = orders_of(adapter.read_orders(replace(PAGED, position=forgotten(place))))
    assert {order.external_id for order in told} == world.order_ids()


def test_a_search_that_is_refused_without_a_token_says_so(
    world: AmazonWorld, make_adapter: MakeAdapter
) -> None:
    adapter = make_adapter(world)
    asked = Filters(since=datetime.now(UTC) + timedelta(days=1), position={"after": "2099-01-01"})

    with pytest.raises(Rejected):
        list(adapter.read_orders(asked))

    assert len(searches(world)) == 1


# --- in the hub -----------------------------------------------------------------------------------


@pytest.fixture
def quiet_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker is spoken to."""
    monkeypatch.setattr(bell, "publish", lambda *_args, **_options: True)


@pytest.mark.usefixtures("quiet_bell")
@pytest.mark.django_db(transaction=True)
def test_a_forgotten_place_holds_no_new_order_up(make_world: MakeWorld) -> None:
    world = make_world(orders=2)
    store = connected(world, make_merchant())
    new, now = world.place_order(), datetime.now(UTC)
    at = {"after": (now - timedelta(hours=1)).isoformat(), "given": now.isoformat()}
    stream = Stream.objects.filter(store=store, name="orders")
    stream.update(
        position={"began": now.isoformat(), "asked": now.isoformat(), "at": forgotten(at)},
        next_at=Now(),
    )

    read(store)

    assert Order.objects.filter(store=store, external_id=new).exists()
    assert (stream.get().last_error, stream.get().failures) == ("", 0)


@pytest.mark.usefixtures("quiet_bell")
@pytest.mark.django_db(transaction=True)
def test_a_past_that_takes_half_an_hour_is_read_whole(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(orders=60, history_days=1)
    wait = waiting(world, monkeypatch)
    monkeypatch.setattr(orders, "ORDERS_ON_A_PAGE", 20)
    real = AmazonIntegration.read_orders

    def slow(adapter: AmazonIntegration, filters: Filters) -> Iterator[Page[OrderData]]:
        for page in real(adapter, filters):
            yield page
            wait(timedelta(minutes=8))

    monkeypatch.setattr(AmazonIntegration, "read_orders", slow)

    store = connect.connect_store(
        merchant=make_merchant(),
        platform="amazon",
        base_url=world.url,
        credentials=world.credentials,
        import_since=datetime.now(UTC) - timedelta(days=2),
        actor="user:anna",
    )
    read(store)
    run = SyncRun.objects.get(store=store, stream__name="orders", kind=RunKind.BACKFILL)

    run_to_end(run)

    run.refresh_from_db()
    assert (run.state, run.problem) == (RunState.COMPLETED, "")
    found = set(Order.objects.filter(store=store).values_list("external_id", flat=True))
    assert found == world.order_ids()
