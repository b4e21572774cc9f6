"""A month's end over HTTP: a shop sells, refunds and is paid out; each payout is the sum of its
lines and leads to its orders, or says by how much it is not.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations import connect, sync
from integrations.models import RunKind, RunState, Store, Stream, SyncRun
from integrations.sandbox.server import Server
from integrations.sandbox.shopify.options import StoreOptions
from integrations.sandbox.shopify.orders import acts, placing
from integrations.sandbox.shopify.payments.room import BalanceTransaction
from integrations.sandbox.shopify.shop import Shop
from orders.models import Order, Payout, PayoutLine
from tests.factories import make_merchant
from tests.integrations.api.client import api_for

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = "shpat_" + "7" * 32
DAY_S = 24 * 3600
ORDERS, REFUNDS, ADJUSTMENT = 40, 3, Decimal("-4.20")


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Ten days ago it sold 40 orders and refunded three in part, and Shopify took a little."""
    now = time.time()
    clock = [now - 10 * DAY_S]
    options = StoreOptions(orders=0, products=30, plan="enterprise", access_token=TOKEN)
    made = Shop(options, now=lambda: clock[0], webhook_delay_s=0, has_control=False)
    skus = [one.sku for one in made.store.catalogue.variants.values() if one.sku]
    sold = [
        placing.place_with(made.store, made.chance, [(skus[number % len(skus)], 1 + number % 3)])
        for number in range(ORDERS)
    ]
    for order_id in sold[:REFUNDS]:
        acts.act(made.store, "refund", order_id)
    with made.store.working():
        made.store.payments.adjust(ADJUSTMENT)
    clock[0] = now
    with Server(made):
        yield made


@pytest.fixture
def store(shop: Shop) -> Store:
    return connect.connect_store(
        merchant=make_merchant(),
        platform="shopify",
        base_url=shop.store.url,
        credentials={"access_token": TOKEN},
        auto_sync=False,
        actor="user:anna",
    )


def read_all(store: Store) -> None:
    """As the clock and the workers do: what changed, then what was before."""
    for name in ("products", "orders", "payouts"):
        while sync.run_stream(Stream.objects.get(store=store, name=name).pk):
            pass
    for run in SyncRun.objects.filter(store=store, kind=RunKind.BACKFILL):
        while sync.run_slice(run.pk):
            pass
        run.refresh_from_db()
        assert (run.state, run.parked, run.problem) == (RunState.COMPLETED, 0, "")


def paid_out(shop: Shop) -> tuple[BalanceTransaction, ...]:
    with shop.store.working():
        (payout,) = shop.store.payments.payouts()
    return payout.rows


def on_the_page(payout: Payout, user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.get(reverse("admin:orders_payout_change", args=[payout.pk])).content.decode()


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss", password="x")


def test_forty_orders_three_refunds_fees_and_an_adjustment_add_up_to_the_payout(
    shop: Shop, store: Store, boss: User
) -> None:
    read_all(store)

    payout, rows = Payout.objects.get(), paid_out(shop)
    lines = list(payout.lines.select_related("order"))
    charged = sum(row.amount for row in rows if row.kind == "CHARGE")
    fees, net = sum(row.fee for row in rows), sum(row.net for row in rows)
    assert Counter(line.kind for line in lines) == {"charge": 40, "refund": 3, "adjustment": 1}
    assert (payout.amount, payout.fee_total, payout.net_total) == (net, fees, net)
    assert fees >= ORDERS * Decimal("0.25")
    assert payout.gross_total < charged
    assert (payout.remainder, payout.problem, payout.line_count) == (Decimal("0.00"), "", 44)
    assert [
        (line.external_id, line.amount, line.fee, line.net, line.order and line.order.external_id)
        for line in sorted(lines, key=lambda line: int(line.external_id))
    ] == [
        (str(row.id), row.amount, row.fee, row.net, str(row.order_id) if row.order_id else None)
        for row in sorted(rows, key=lambda row: row.id)
    ]
    assert Order.objects.filter(payout_lines__payout=payout).distinct().count() == ORDERS

    shown = api_for(store.merchant).get(f"/payouts/{payout.pk}").json()
    assert (Decimal(shown["remainder"]), shown["adds_up"], shown["line_count"]) == (0, True, 44)
    assert sum(Decimal(line["net"]) for line in shown["lines"]) == Decimal(shown["amount"]) == net
    assert sum(line["order_id"] is None for line in shown["lines"]) == 1
    page = on_the_page(payout, boss)
    assert f"{net} EUR" in page
    assert all(line.order.number in page for line in lines if line.order)
    assert "not here yet" not in page


def test_a_payout_that_lacks_a_line_names_what_is_missing_until_the_line_comes(
    shop: Shop, store: Store, boss: User
) -> None:
    shop.faults.turn_on("payout_line_lost")
    read_all(store)

    payout, rows = Payout.objects.get(), paid_out(shop)
    lost = rows[0]
    net = sum(row.net for row in rows)
    assert (payout.amount, payout.net_total) == (net, net - lost.net)
    assert (payout.remainder, payout.line_count) == (lost.net, 43)
    said = (
        f"The lines add up to {net - lost.net} EUR, {lost.net} EUR less than the payout. "
        "No line explains it."
    )
    assert payout.problem == said
    shown = api_for(store.merchant).get("/payouts", {"adds_up": "false"}).json()["results"]
    assert [(row["external_id"], row["remainder"], row["problem"]) for row in shown] == [
        (payout.external_id, str(lost.net), said)
    ]
    assert said in on_the_page(payout, boss)

    shop.faults.clear()
    walk_again(store)

    payout.refresh_from_db()
    assert (payout.remainder, payout.problem, payout.line_count) == (Decimal("0.00"), "", 44)
    assert PayoutLine.objects.get(external_id=str(lost.id)).net == lost.net


def walk_again(store: Store) -> None:
    stream = Stream.objects.filter(store=store, name="payouts")
    stream.update(next_at=timezone.now())
    while sync.run_stream(stream.get().pk):
        pass
