"""A back-fill by the whole engine: an export and pages come to the same rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from integrations import authentication, sync
from integrations.models import RunState, Store, SyncRun
from integrations.shopify.service import ShopifyIntegration
from integrations.sync import backfill
from logix.common import bell
from tests.factories import make_merchant, make_store
from tests.integrations.shopify.exports import OWN_FIELD, Exporting, exporting
from tests.integrations.shopify.rows import columns_of, rows_of
from tests.integrations.sync.conftest import before_the_first_order

pytestmark = pytest.mark.django_db(transaction=True)

ORDERS = 250


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker is spoken to, and slices are short."""
    monkeypatch.setattr(bell, "publish", lambda *args, **options: True)
    monkeypatch.setattr(backfill, "SLICE_S", 0.0)


@pytest.fixture
def shop() -> Iterator[Exporting]:
    with exporting(orders=ORDERS, products=30) as made:
        for number, order_id in enumerate(list(made.by_pages())[::9]):
            made.adapter.write_order_fields(order_id, {OWN_FIELD: f"A-{number}"})
        yield made


def connected(shop: Exporting, monkeypatch: pytest.MonkeyPatch, *, whole_from: int) -> Store:
    """A store of its own merchant whose products were read."""
    card = dataclasses.replace(ShopifyIntegration.card, whole_from=whole_from)
    monkeypatch.setattr(ShopifyIntegration, "card", card)

    @contextmanager
    def adapter_for(_store: Store, **_options: Any) -> Iterator[ShopifyIntegration]:
        yield shop.adapter_with(fields=(OWN_FIELD,))

    monkeypatch.setattr(authentication, "adapter_for", adapter_for)
    since = datetime(2000, 1, 1, tzinfo=UTC)
    merchant = make_merchant(f"m{whole_from}")
    store = make_store(merchant, platform="shopify", base_url=shop.url, stock_since=since)
    products = store.streams.get(name="products")
    while sync.run_stream(products.pk):
        pass
    return store


def backfilled(store: Store) -> SyncRun:
    """By the clock and its workers."""
    run = sync.request_run(
        store, kind="backfill", since=before_the_first_order(), actor="user:anna"
    )
    assert run is not None
    for _ in range(200):
        sync.run_slice(run.pk)
        run.refresh_from_db()
        if not run.is_live:
            return run
        SyncRun.objects.update(next_at=timezone.now())
    raise AssertionError((run.state, run.problem))


def test_an_export_and_pages_come_to_the_same_rows(
    shop: Exporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    paged = connected(shop, monkeypatch, whole_from=0)
    first = backfilled(paged)
    exported = connected(shop, monkeypatch, whole_from=100)
    second = backfilled(exported)

    assert [one.status for one in shop.operations] == ["COMPLETED"]
    for run in (first, second):
        assert (run.state, run.problem) == (RunState.COMPLETED, "")
        assert (run.expected, run.seen, run.created) == (ORDERS, ORDERS, ORDERS)
    one, other = rows_of(paged), rows_of(exported)
    for table, rows in one.items():
        assert other[table] == rows, table
    assert len(one["Order"]) == ORDERS
    assert columns_of() > 140
    for table in (
        "OrderLine",
        "Shipment",
        "ShipmentLine",
        "Payment",
        "Refund",
        "Return",
        "Reservation",
    ):
        assert one[table], table
    assert any(row["custom"].get(OWN_FIELD) for row in one["Order"])
    assert any(row["assigned"] for row in one["OrderLine"])
    assert any(row["removed_at"] or row["quantity_refunded"] for row in one["OrderLine"])


def test_a_second_reading_of_an_export_changes_nothing(
    shop: Exporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = connected(shop, monkeypatch, whole_from=100)
    backfilled(store)
    before = rows_of(store)

    again = backfilled(store)

    assert (again.seen, again.created, again.changed, again.unchanged) == (ORDERS, 0, 0, ORDERS)
    assert rows_of(store) == before


def test_orders_that_change_while_they_are_exported_end_as_they_are_in_the_store(
    shop: Exporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Live polling follows beside the export and may be first; newer wins."""
    store = connected(shop, monkeypatch, whole_from=100)
    stream = store.streams.get(name="orders")
    sync.run_stream(stream.pk)
    run = store.runs.get(kind="backfill")
    sync.run_slice(run.pk)
    assert len(shop.operations) == 1
    shop.shop.store.finish(3600)
    shop.later(60)
    is_open = {key: x.status.reserve and not x.shipments for key, x in shop.by_pages().items()}
    early, late, gone, *_ = (key for key, value in is_open.items() if value)
    shop.act("cancel", early)
    sync.run_stream(stream.pk)
    shop.act("cancel", late)
    shop.forget(gone)

    for _ in range(100):
        SyncRun.objects.update(next_at=timezone.now())
        sync.run_slice(run.pk)
        run.refresh_from_db()
        if not run.is_live:
            break

    assert run.state == RunState.COMPLETED
    exported = rows_of(store)
    paged = connected(shop, monkeypatch, whole_from=0)
    backfilled(paged)
    told = {row["external_id"]: row for row in exported["Order"]}
    assert gone not in told
    for row in rows_of(paged)["Order"]:
        mine = told[row["external_id"]]
        assert mine["changed_at"] == row["changed_at"]
        assert mine["digest"] == row["digest"]
        assert mine["order_status"] == row["order_status"]
    assert told[early]["order_status"] == told[late]["order_status"] == "cancelled"
