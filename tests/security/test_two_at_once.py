"""Two of everything at once: requests, workers, clocks, callbacks. One of them does the work."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from integrations import authentication, connect, outbox, registry, upkeep
from integrations.models import Command, Push, RunState, ScheduleSlot, Store, Stream, SyncRun
from integrations.outbox import claims as pushes
from integrations.sync import leases
from inventory.models import StockMovement
from logix.accounts.models import IdempotentRequest
from logix.common import bell
from tests.factories import make_merchant, make_store
from tests.integrations.api.client import api_for, import_products
from tests.integrations.conftest import ADDRESS
from tests.integrations.fakeshop import world
from tests.integrations.outbox import toy
from tests.integrations.outbox.conftest import make_listings, make_toy_store, set_stock
from tests.integrations.outbox.test_commands import ship, take_in
from tests.inventory.test_races import together
from tests.webhooks.conftest import make_endpoint
from webhooks import accept
from webhooks import claims as deliveries

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def quiet_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell, "publish", lambda *_args, **_options: True)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> toy.ToyShop:
    shop = toy.ToyShop()
    monkeypatch.setattr(registry, "card", lambda slug: toy.CARD)
    monkeypatch.setattr(authentication, "adapter_for", shop.adapter)
    return shop


def all_do(count: int, job: Callable[[], object]) -> list[Any]:
    """What each of ``count`` got that did the job at once."""
    got: list[Any] = []
    assert together([lambda: got.append(job())] * count) == []
    return got


def test_one_write_sent_six_times_at_once_is_done_once() -> None:
    merchant = make_merchant()
    import_products(make_store(merchant), 1)
    api = api_for(merchant)
    before = StockMovement.objects.count()
    body = {"sku": "SKU-1", "delta": 1, "reason": "Found"}

    answers = all_do(6, lambda: api.post("/stock/adjust", body, Idempotency_Key="same"))

    assert StockMovement.objects.count() == before + 1
    assert IdempotentRequest.objects.count() == 1
    assert {a.status_code for a in answers} <= {200, 201, 409}
    done = {a.content for a in answers if a.status_code != 409}
    assert len(done) == 1


def test_no_delivery_is_claimed_by_two_workers() -> None:
    store = make_store()
    endpoint = make_endpoint(store)
    for number in range(40):
        accept.accept(endpoint, topic="t", headers={}, body=b"{}", dedupe_key=f"d{number}")

    got = all_do(4, lambda: [row.pk for row in deliveries.claim_fresh(store.pk, 15)])

    claimed = [pk for part in got for pk in part]
    assert len(claimed) == len(set(claimed))
    rest = deliveries.claim_fresh(store.pk, 100)
    assert len(claimed) + len(rest) == 40


def test_no_figure_is_claimed_by_two_workers(shop: toy.ToyShop) -> None:
    store = make_toy_store()
    listings = make_listings(store, 30)
    outbox.mark_store(store.pk)
    now = Push.objects.latest("next_at").next_at

    got = all_do(4, lambda: [c.id for c in pushes.take(store.pk, now, 10) or []])

    claimed = [pk for part in got for pk in part]
    assert len(claimed) == len(set(claimed))
    assert len(claimed) <= len(listings)
    assert claimed


def test_a_parcel_is_told_once_however_many_workers_are_rung_for(shop: toy.ToyShop) -> None:
    store = make_toy_store()
    order = take_in(store, shop)
    ship(order)

    all_do(4, lambda: outbox.send_commands(store.pk))
    outbox.send_commands(store.pk)

    assert len(shop.parcels) == 1
    assert Command.objects.get().state == Command.State.DONE


def test_a_figure_settles_on_the_last_count_whoever_sends_it(shop: toy.ToyShop) -> None:
    store = make_toy_store()
    (listing,) = make_listings(store, 1)
    for figure in (3, 8, 5):
        set_stock(listing, figure)
        Push.objects.update(next_at="2020-01-01T00:00:00Z")
        all_do(3, lambda: outbox.send_pushes(store.pk))
    Push.objects.update(next_at="2020-01-01T00:00:00Z")
    outbox.send_pushes(store.pk)

    assert shop.stock[listing.stock_ref] == 5


def test_a_stream_is_read_by_one_worker() -> None:
    stream = make_store().streams.get(name="orders")

    fences = all_do(6, lambda: leases.take(Stream.objects, stream.pk))

    assert len([fence for fence in fences if fence is not None]) == 1


def test_a_run_is_carried_on_by_one_worker() -> None:
    stream = make_store().streams.get(name="orders")
    run = SyncRun.objects.create(
        store=stream.store, stream=stream, kind="backfill", state=RunState.QUEUED
    )

    fences = all_do(6, lambda: leases.take(SyncRun.objects, run.pk))

    assert len([fence for fence in fences if fence is not None]) == 1


def test_of_many_clocks_one_strikes() -> None:
    struck = all_do(6, lambda: upkeep.take_slot("sweep", seconds=3600))

    assert sorted(struck) == [False] * 5 + [True]
    assert ScheduleSlot.objects.count() == 1


def test_a_callback_sent_twice_at_once_connects_one_store(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.LOGIX_PUBLIC_URL = "https://hub.example"
    monkeypatch.setitem(registry.BUILT_IN, "fakeshop", "tests.integrations.fakeshop.platform.CARD")
    monkeypatch.setattr(world, "SHOPS", {ADDRESS: world.Shop()})
    url, _ = connect.begin_one_click(
        merchant=make_merchant(), platform="fakeshop", base_url="fake.example", actor="user:anna"
    )
    reference = parse_qs(urlsplit(url).query)["ref"][0]
    body = json.dumps({"ref": reference, "key": "k_1", "secret": "s3cret"}).encode()

    raised = together([lambda: connect.finish_one_click("fakeshop", body)] * 4)

    assert [getattr(err, "code", repr(err)) for err in raised] == ["attempt_unknown"] * 3
    assert Store.objects.count() == 1
