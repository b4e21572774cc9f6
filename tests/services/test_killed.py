"""Workers that die in the middle of their work lose nothing and do nothing twice."""

from __future__ import annotations

import time

import pytest

from integrations.models import RunState, SyncRun
from integrations.sandbox.woocommerce.shop import Shop
from orders.models import Order
from tests.services import invariants
from tests.services.conftest import connected
from tests.services.hub import Hub, until

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

KILLS = 4


def test_workers_killed_in_the_middle_of_a_first_import_lose_nothing(hub: Hub, shop: Shop) -> None:
    shop.faults.turn_on("slow", route="/orders$", seconds=0.2)
    store = connected(shop)
    until(lambda: Order.objects.exists(), 60, "the first orders are there")

    for number in range(KILLS):
        hub.kill("bulk" if number % 2 else "live")
        hub.start_worker("bulk" if number % 2 else "live")
        time.sleep(2)
    shop.faults.clear()

    until(lambda: not invariants.differing(shop, store), 240, "all orders are alike")
    run = SyncRun.objects.get(store=store, kind="backfill")
    until(lambda: SyncRun.objects.get(pk=run.pk).state not in ("queued", "running", "waiting"),
          240, "the run ends")  # fmt: skip
    assert SyncRun.objects.get(pk=run.pk).state in (
        RunState.COMPLETED,
        RunState.COMPLETED_WITH_GAPS,
    )
    assert invariants.no_order_twice(store)
    assert invariants.ledger_adds_up()
    until(lambda: invariants.nothing_waits(store), 120, "the outbox is empty")
