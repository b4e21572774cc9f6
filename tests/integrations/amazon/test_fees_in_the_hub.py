"""From what Amazon books for itself to what the order shows, and to what payouts settle later."""

from __future__ import annotations

import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from integrations import sync
from integrations.models import ParkedRecord, Store
from integrations.sandbox.amazon.finances import events
from integrations.sandbox.amazon.finances import transactions as finances
from integrations.sandbox.amazon.play import acts as account
from logix.accounts.models import Merchant
from orders import fees
from orders.models import Order, OrderFee, ToldPart
from tests.factories import make_merchant
from tests.integrations.amazon.conftest import MakeWorld
from tests.integrations.amazon.test_fees import kept
from tests.integrations.amazon.test_in_the_hub import fetched
from tests.integrations.amazon.test_money_in_the_hub import (
    merchant,
    opened,
    past,
    quiet_bell,
    read_payouts,
    store,
    walk,
)
from tests.integrations.amazon.test_payouts import settled
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.api.client import api_for
from tests.integrations.sync.conftest import run_to_end

__all__ = ["merchant", "quiet_bell", "store"]

pytestmark = pytest.mark.django_db(transaction=True)
DAY = 24 * 3600


def booked_of(order: Order) -> Decimal | None:
    return fees.sums(order, fees.of(order), []).booked


def sell(world: AmazonWorld) -> str:
    """Sent ten minutes ago."""
    order_id = world.place_order()
    with world.earlier(600):
        world.act("ship", order_id)
    return order_id


def test_fees_are_the_orders_whichever_came_first_and_no_order_is_read_for_them(
    world: AmazonWorld, store: Store
) -> None:
    known = sell(world)
    before = fetched(store, known)
    assert booked_of(before) is None
    unknown = sell(world)
    calls = world.calls("getOrder")

    assert walk(world, store, "refunds").last_error == ""

    assert booked_of(before) == kept(world)[known] > 0
    assert booked_of(fetched(store, unknown)) == kept(world)[unknown] > 0
    assert world.calls("getOrder") == calls + 1  # which was asked for just now
    assert not ToldPart.objects.filter(store=store).exists()


def test_another_reading_changes_nothing_and_a_refund_gives_a_part_back(
    world: AmazonWorld, store: Store
) -> None:
    order_id = sell(world)
    order = fetched(store, order_id)
    walk(world, store, "refunds")
    taken = booked_of(order)
    told = list(OrderFee.objects.order_by("pk").values())

    for _ in range(2):
        walk(world, store, "refunds")
    assert list(OrderFee.objects.order_by("pk").values()) == told

    world.refund_a_unit(order_id)
    walk(world, store, "refunds")

    rest = booked_of(order)
    assert taken is not None
    assert rest is not None
    assert 0 < rest < taken
    assert rest == kept(world)[order_id]
    order.refresh_from_db()
    assert order.refunded_total > 0
    # The buyer's data go, what Amazon took stays.
    api_for(order.merchant).post(f"/orders/{order.pk}/erase-buyer")
    assert booked_of(order) == rest


def test_what_was_booked_is_what_is_settled_to_the_cent(
    make_world: MakeWorld, merchant: Merchant
) -> None:
    world = make_world(orders=30)
    with world.shop.store.working():
        sent = [x for x in world.shop.store.state.orders.values() if x.status == "SHIPPED"]
    for one in sent[-4:]:
        world.refund_a_unit(one.id)
    account.move_clock(world.shop.store, 15 * DAY)
    store = opened(world, merchant)
    walk(world, store, "refunds")
    run = run_to_end(past(store, "refunds"))
    assert run.state == "completed", run.problem
    read_payouts(world, store)

    # Reports are kept for 90 days. The account's clock goes before ours: what it booked meanwhile
    # is not asked for yet.
    with world.shop.store.working():
        began = world.shop.store.clock.exact() - 70 * DAY
        ended = min(max(report.until or 0 for report in settled(world)), time.time() - 180)
        told = events.events(world.shop.store)
    others = {e.order.id for e in told if not began < e.at < ended}
    compared = 0
    for order in Order.objects.filter(store=store).exclude(external_id__in=others):
        sums = fees.sums(order, fees.of(order), order.payout_lines.all())
        assert sums.booked == sums.settled
        compared += sums.booked is not None
    assert compared > 10
    assert fees.of(Order.objects.get(store=store, external_id=sent[-1].id)).count() > 1


def test_a_word_that_nobody_knows_is_set_aside_and_all_of_it_is_read_later(
    world: AmazonWorld, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = sell(world)
    world.refund_a_unit(order_id)
    order = fetched(store, order_id)
    monkeypatch.setitem(finances._WORDS, events.REFUND_COMMISSION, ("Novelty", "Novelty"))

    walk(world, store, "refunds")

    (parked,) = ParkedRecord.objects.filter(store=store, state=ParkedRecord.State.PARKED)
    assert "“Novelty”" in parked.reason
    assert (parked.stream, parked.external_id.partition("/")[0]) == ("refunds", order_id)
    assert fees.of(order).count() == 1  # of the sale
    monkeypatch.undo()
    ParkedRecord.objects.update(next_at=timezone.now() - timedelta(seconds=1))
    assert sync.retry_due_parked() == 1
    assert booked_of(order) == kept(world)[order_id]
    assert ToldPart.objects.filter(store=store, external_order_id=order_id).count() == 1


def test_the_api_shows_them_to_their_merchant_alone(world: AmazonWorld, store: Store) -> None:
    order = fetched(store, sell(world))
    api = api_for(store.merchant)
    assert api.get(f"/orders/{order.pk}").json()["platform_fees_total"] is None

    walk(world, store, "refunds")

    shown = api.get(f"/orders/{order.pk}").json()
    assert shown["platform_fees_total"] == str(kept(world)[order.external_id])
    assert [x["word"] for x in shown["platform_fees"][0]["amounts"]] == ["Commission"]
    assert api_for(make_merchant("other")).get(f"/orders/{order.pk}").status_code == 404
