"""Records that are stored just as they are cost no mapping, until something they were made by
changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from integrations import connect, sync
from integrations.base import Unreadable
from integrations.models import RunKind, Store, Stream, SyncRun
from integrations.sync import fieldrules, parking
from integrations.woocommerce import mapper
from orders.models import Order
from tests.factories import make_merchant
from tests.integrations.sync.conftest import before_the_first_order, run_to_end
from tests.integrations.woocommerce.world import WooWorld, woo_world

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Mapped:
    ids: list[str] = field(default_factory=list)

    def take(self) -> list[str]:
        found, self.ids = self.ids, []
        return sorted(found)


@pytest.fixture
def world() -> Iterator[WooWorld]:
    with woo_world(orders=30, serves_plain_http_as_tls=True) as made:
        yield made


@pytest.fixture
def mapped(monkeypatch: pytest.MonkeyPatch) -> Mapped:
    """Which orders were mapped."""
    told = Mapped()
    real = mapper.to_order

    def to_order(*args: Any, **options: Any) -> Any:
        found = real(*args, **options)
        told.ids.append(found.external_id)
        return found

    monkeypatch.setattr(mapper, "to_order", to_order)
    return told


@pytest.fixture
def store(world: WooWorld, mapped: Mapped) -> Store:
    """All orders read once."""
    made = connect.connect_store(
        merchant=make_merchant(),
        platform="woocommerce",
        base_url=world.url,
        credentials=world.credentials,
        options={"calls_per_s": 100},
        auto_sync=False,
        import_since=before_the_first_order(),
        actor="user:anna",
    )
    for name in ("products", "orders"):
        while sync.run_stream(Stream.objects.get(store=made, name=name).pk):
            pass
    run_to_end(SyncRun.objects.get(store=made, kind=RunKind.BACKFILL))
    assert set(mapped.take()) == world.order_ids()
    return made


def read_all_again(store: Store) -> SyncRun:
    run = sync.request_run(store, kind=RunKind.BACKFILL, actor="user:anna")
    assert run is not None
    return run_to_end(run)


def test_what_is_stored_as_it_is_is_counted_and_not_mapped(
    store: Store, world: WooWorld, mapped: Mapped
) -> None:
    run = read_all_again(store)

    assert mapped.take() == []
    assert (run.unchanged, run.changed, run.created) == (len(world.order_ids()), 0, 0)


def test_only_what_changed_is_mapped(store: Store, world: WooWorld, mapped: Mapped) -> None:
    chosen = max(world.order_ids())
    world.edit_order(chosen)

    run = read_all_again(store)

    assert mapped.take() == [chosen]
    assert (run.changed, run.unchanged) == (1, len(world.order_ids()) - 1)


def test_a_new_rule_counts_for_orders_that_did_not_change(
    store: Store, world: WooWorld, mapped: Mapped
) -> None:
    fieldrules.save_rule(
        store,
        actor="user:anna",
        stream="orders",
        direction="in",
        path="created_via",
        target="custom.channel",
    )

    read_all_again(store)

    assert set(mapped.take()) == world.order_ids()
    assert not Order.objects.filter(store=store).exclude(custom__has_key="channel").exists()
    read_all_again(store)
    assert mapped.take() == []


def test_a_status_given_a_meaning_counts_for_orders_that_did_not_change(
    store: Store, world: WooWorld, mapped: Mapped
) -> None:
    connect.change_store(
        store, actor="user:anna", options={"status_words": {"partial-shipped": "processing"}}
    )

    read_all_again(Store.objects.get(pk=store.pk))

    assert set(mapped.take()) >= world.order_ids()


def test_a_parked_order_is_looked_at_again(store: Store, world: WooWorld, mapped: Mapped) -> None:
    chosen = max(world.order_ids())
    parking.park(store, stream="orders", unreadable=Unreadable(external_id=chosen, reason="why"))

    read_all_again(store)

    assert mapped.take() == [chosen]
    assert not store.parked.filter(state="parked").exists()
