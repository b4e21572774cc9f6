"""Both directions at once, while a tenth of the webhooks is lost, a quarter comes twice and the
rest in any order, and workers die.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from integrations.models import Command, Push, Store
from integrations.sandbox.woocommerce import acts, placing, stocking
from integrations.sandbox.woocommerce.selling import Impossible
from integrations.sandbox.woocommerce.shop import Shop
from inventory import ledger
from inventory.models import StockLevel
from orders import services
from orders.errors import OrderError
from orders.models import Order, OrderEvent
from tests.services import invariants
from tests.services.conftest import connected
from tests.services.hub import Hub, until

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

ROUNDS = 12


def test_everything_arrives_both_ways_through_lossy_webhooks_and_dying_workers(
    hub: Hub, shop: Shop
) -> None:
    store = connected(shop)
    until(lambda: not invariants.differing(shop, store), 180, "the first import is complete")
    until(lambda: Store.objects.get(pk=store.pk).stock_opened_at, 60, "stock is opened")
    shop.faults.turn_on("webhook_lost", rate=0.10)
    shop.faults.turn_on("webhook_duplicated", rate=0.25)
    shop.faults.turn_on("webhook_shuffled", rate=0.5, seconds=2)
    chance = Random(7)
    shipped: list[Order] = []
    for number in range(ROUNDS):
        _the_store_lives(shop, chance)
        shipped += _the_hub_works(store, chance)
        if number % 4 == 1:
            victim = ("live", "push")[number // 4 % 2]
            hub.kill(victim)
            hub.start_worker(victim)
    shop.faults.clear()

    until(lambda: not invariants.differing(shop, store), 180, "all orders are alike")
    until(invariants.inbox_is_empty, 120, "every delivery was worked")
    until(lambda: invariants.nothing_waits(store), 180, "the outbox is empty")
    until(
        lambda: not invariants.stock_out_of_step(shop, store),
        120,
        f"stock is in step: {invariants.stock_out_of_step(shop, store)}",
    )
    assert invariants.no_order_twice(store)
    assert invariants.ledger_adds_up()
    assert invariants.gaps_open() == 0
    _each_parcel_was_told_once(shop, shipped)


def _the_store_lives(shop: Shop, chance: Random) -> None:
    """New orders, and something done with old ones."""
    placing.place(shop.store, shop.chance, count=3)
    for verb in ("edit", "cancel", "refund", "hold"):
        order_id = chance.choice(acts.newest(shop.store, 60, ("processing", "on-hold")))
        try:
            acts.act(shop.store, verb, order_id)
        except (acts.Refusal, Impossible):
            continue
    product_id = chance.choice(acts.counted_products(shop.store))
    stocking.set_stock(shop.store, product_id, chance.randrange(50))


def _the_hub_works(store: Store, chance: Random) -> list[Order]:
    """Parcels, tracking that comes later, and a count."""
    done: list[Order] = []
    open_orders = list(
        Order.objects.filter(
            store=store, order_status="open", fulfillment_status="unfulfilled"
        ).order_by("-placed_at")[:40]
    )
    for order in chance.sample(open_orders, min(2, len(open_orders))):
        try:
            _pack(order)
        except OrderError:
            continue
        done.append(order)
    level = chance.choice(list(StockLevel.objects.select_related("variant", "location")[:40]))
    ledger.adjust(
        variant=level.variant,
        location=level.location,
        set_to=chance.randrange(5, 60),
        reason="counted",
        actor="user:anna",
    )
    return done


def _pack(order: Order) -> None:
    """One unit in a parcel whose number comes later; what is left in a second one."""
    line = order.lines.filter(removed_at=None).first()
    assert line is not None
    parcel = services.add_shipment(order, lines={line.pk: 1}, carrier="DHL", actor="user:anna")
    services.update_tracking(parcel, tracking_number=f"A{order.number}", actor="user:anna")
    if order.unit_count > 1:
        services.add_shipment(
            order, carrier="DPD", tracking_number=f"B{order.number}", actor="user:anna"
        )


def _each_parcel_was_told_once(shop: Shop, orders: list[Order]) -> None:
    """Done ones exactly once; those the store's cancellation overtook were refused, not doubled."""
    assert len(orders) > ROUNDS
    done = 0
    for order in orders:
        rows = shop.store.trackings.get(int(order.external_id), [])
        numbers = Counter(row.number for row in rows)
        commands = Command.objects.filter(order_ref=order.pk, kind=Command.Kind.SHIPMENT)
        states = set(commands.values_list("state", flat=True))
        assert states <= {"done", "refused", "parked"}, (order.number, states)
        assert all(count == 1 for count in numbers.values()), (order.number, numbers)
        if states == {"done"}:
            wanted = {f"A{order.number}": 1}
            if order.unit_count > 1:
                wanted[f"B{order.number}"] = 1
            assert numbers == wanted
            assert OrderEvent.objects.filter(order=order, kind="store_told").exists()
            done += 1
    assert done > len(orders) / 2
    assert (
        not Push.objects.filter(state="blocked")
        .exclude(problem="")
        .filter(problem_code="too_many_attempts")
    )
