"""Orders older than an app may see: a reading of the past says so instead of ending early in
silence.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations import connect, sync
from integrations.base import Filters, ReadBy
from integrations.models import RunState, Store, SyncGap, SyncRun
from integrations.sandbox.server import Server
from integrations.sandbox.shopify.options import ALL_SCOPES, StoreOptions
from integrations.sandbox.shopify.shop import Shop as SimulatedShop
from logix.common import bell
from orders.models import Order
from tests.factories import make_merchant
from tests.integrations.shopify.shop import Shop, adapter_for

SEEN_FOR = timedelta(days=60)
PAST = ReadBy.PLACED


def ago(**past: float) -> datetime:
    return datetime.now(UTC) - timedelta(**past)


@pytest.mark.parametrize(
    "filters",
    [Filters(by=PAST), Filters(by=PAST, since=ago(days=61)), Filters(by=PAST, until=ago(days=70))],
)
def test_a_reading_of_the_past_tells_what_is_withheld(shop: Shop, filters: Filters) -> None:
    said = adapter_for(shop).withheld(filters)

    assert said == (
        f"Orders placed before {ago(days=60):%d %B %Y}, if there are any, are not shown to this "
        "app: that takes the scope read_all_orders, which Shopify approves for an app. Once it "
        "has, connect the store again with it and read all orders."
    )
    assert adapter_for(shop, options={"all_orders": True}).withheld(filters) == ""
    assert shop.calls == []


@pytest.mark.parametrize(
    "filters",
    [
        Filters(by=PAST, since=ago(days=59)),
        Filters(since=ago(days=90)),
        Filters(by=PAST, ids=("1",)),
        Filters(by=PAST, number="#1001"),
    ],
)
def test_of_what_an_app_sees_nothing_is_withheld(shop: Shop, filters: Filters) -> None:
    assert adapter_for(shop).withheld(filters) == ""


@pytest.fixture
def quiet_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell, "publish", lambda *_args, **_options: True)


@pytest.fixture
def store(request: Any, transactional_db: None, quiet_bell: None) -> Iterator[Store]:
    """Of a shop with 90 days of orders; the parameter says whether the app may see all of them."""
    scopes = ALL_SCOPES if request.param else tuple(s for s in ALL_SCOPES if "all_orders" not in s)
    options = StoreOptions(orders=60, products=5, plan="enterprise", scopes=scopes)
    shop = SimulatedShop(options, webhook_delay_s=0, has_control=False)
    with Server(shop) as server:
        yield connect.connect_store(
            merchant=make_merchant(),
            platform="shopify",
            base_url=server.url,
            credentials={"access_token": options.access_token},
            auto_sync=False,
            actor="user:anna",
        )


def read_back(store: Store, since: datetime | None = None, *, dry_run: bool = False) -> SyncRun:
    run = sync.request_run(store, kind="backfill", since=since, dry_run=dry_run, actor="user:anna")
    assert run is not None
    while sync.run_slice(run.pk):
        pass
    return SyncRun.objects.get(pk=run.pk)


@pytest.mark.parametrize("store", [False], indirect=True)
def test_a_back_fill_without_the_scope_says_from_when_on_orders_are_here(store: Store) -> None:
    for run in (read_back(store, dry_run=True), read_back(store), read_back(store, ago(days=61))):
        assert run.state == RunState.COMPLETED_WITH_GAPS
        assert f"Orders placed before {ago(days=60):%d %B %Y}" in run.problem
    assert Order.objects.exists()
    assert not Order.objects.filter(placed_at__lt=timezone.now() - SEEN_FOR).exists()
    assert not SyncGap.objects.exists(), "reading again would bring no more"
    assert any("read_all_orders was not granted" in said for said in connect.warnings_of(store))

    young = read_back(store, ago(days=30))

    assert (young.state, young.problem) == (RunState.COMPLETED, "")


@pytest.mark.parametrize("store", [True], indirect=True)
def test_with_the_scope_the_whole_past_is_here(store: Store) -> None:
    run = read_back(store)

    assert (run.state, run.problem) == (RunState.COMPLETED, "")
    assert Order.objects.filter(placed_at__lt=timezone.now() - SEEN_FOR).exists()
    assert not any("read_all_orders" in said for said in connect.warnings_of(store))
