"""A hub and a whole simulated store: a refund asked for here is made there once, comes back and is
no news, and goods are on the shelf once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db.models.functions import Now

from integrations import connect, outbox, sync
from integrations.models import Command, RunKind, Store, Stream, SyncRun
from integrations.sandbox.woocommerce import placing, selling
from inventory.models import StockLevel, StockMovement
from orders import services
from orders.errors import OrderError
from orders.models import Order, OrderLine, RefundRequest
from tests.factories import make_merchant
from tests.integrations.shopify.world import ShopifyWorld, shopify_world
from tests.integrations.sync.conftest import before_the_first_order, run_to_end
from tests.integrations.woocommerce.world import WooWorld, woo_world
from tests.inventory.test_races import together

pytestmark = pytest.mark.django_db(transaction=True)
World = WooWorld | ShopifyWorld
S = RefundRequest.State
ANNA = "user:anna"


@pytest.fixture(params=["woocommerce", "shopify"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "shopify":
        with shopify_world(orders=8) as boutique:
            yield boutique
    else:
        with woo_world(orders=8, serves_plain_http_as_tls=True) as shop:
            yield shop


@pytest.fixture
def store(world: World) -> Store:
    made = connect.connect_store(
        merchant=make_merchant(),
        platform=world.slug,
        base_url=world.url,
        credentials=world.credentials,
        options={"refunds": "gateway", **at_full_speed(world.slug)},
        auto_sync=False,
        import_since=before_the_first_order(),
        writes_enabled=True,
        actor=ANNA,
    )
    read(made)
    run_to_end(SyncRun.objects.get(store=made, kind=RunKind.BACKFILL))
    return made


def at_full_speed(platform: str) -> dict[str, Any]:
    """Shopify's simulator tells its own rate."""
    return {"calls_per_s": 100} if platform == "woocommerce" else {}


def read(store: Store) -> None:
    for name in ("products", "orders"):
        while sync.run_stream(Stream.objects.get(store=store, name=name).pk):
            pass


def send(store: Store) -> None:
    Command.objects.filter(store=store, state__in=["new", "unknown"]).update(next_at=Now())
    outbox.send_commands(store.pk)


@pytest.fixture
def line(world: World, store: Store) -> OrderLine:
    """Of a paid order, through a gateway that can pay back; all of it has left."""
    order_id = placed(world)
    sync.refetch_order(store, external_id=order_id, actor=ANNA)
    order = Order.objects.get(store=store, external_id=order_id)
    services.add_shipment(order, carrier="DHL", tracking_number="T1", actor=ANNA)
    send(store)
    read(store)
    return order.lines.exclude(variant=None).order_by("position")[0]


def placed(world: World) -> str:
    if isinstance(world, ShopifyWorld):
        return world.place_order()
    shop = world.shop.store
    sku = next(p.sku for p in shop.products.values() if p.sku and p.manages_stock is True)
    order_id = placing.place_with(shop, world.shop.chance, [(sku, 3)])
    with shop.working():
        selling.existing(shop, order_id).payment_method = "stripe"
    return str(order_id)


def on_hand(line: OrderLine) -> int:
    assert line.variant is not None
    rows = StockLevel.objects.filter(variant_id=line.variant.stock_item_id)
    return sum(rows.values_list("on_hand", flat=True))


def test_a_refund_with_goods_goes_there_once_and_comes_back_as_ours(
    world: World, store: Store, line: OrderLine
) -> None:
    order, before = line.order, on_hand(line)
    events = order.events.filter(kind="refund").count()
    request = services.request_refund(
        order, lines={line.pk: 2}, reason="Chipped", restock={line.pk: 1}, actor=ANNA
    )

    send(store)
    assert on_hand(line) == before + 1
    read(store)
    sync.refetch_order(store, external_id=order.external_id, actor=ANNA)

    assert world.refunds(order.external_id) == [
        (request.amount, f"Chipped [{request.reference}]", {line.external_id: 2})
    ]
    request.refresh_from_db()
    order.refresh_from_db()
    line.refresh_from_db()
    assert (request.state, request.external_id) == (S.DONE, order.refunds.get().external_id)
    assert (order.refunded_total, line.quantity_refunded) == (request.amount, 2)
    assert order.events.filter(kind="refund").count() == events
    assert on_hand(line) == before + 1
    assert StockMovement.objects.filter(kind="restock").count() == 1


def test_a_lost_answer_is_looked_up_and_refunds_once(
    world: World, store: Store, line: OrderLine
) -> None:
    world.trouble("truncated", route="refund", method="POST", count=1)
    request = services.request_refund(line.order, amount=Decimal("1.00"), actor=ANNA)

    send(store)
    request.refresh_from_db()
    assert (Command.objects.latest("pk").state, request.state) == ("unknown", S.ASKED)
    world.peace()
    send(store)

    request.refresh_from_db()
    assert (Command.objects.latest("pk").state, request.state) == ("done", S.TOLD)
    assert len(world.refunds(line.order.external_id)) == 1


def test_what_the_store_refuses_is_free_again(world: World, store: Store, line: OrderLine) -> None:
    """Somebody refunded a unit at the store a moment before."""
    order = line.order
    request = services.request_refund(order, amount=order.paid_total, actor=ANNA)
    world.refund_a_unit(order.external_id)

    send(store)
    read(store)

    request.refresh_from_db()
    order.refresh_from_db()
    assert request.state == S.REFUSED
    assert request.problem
    assert 0 < order.refunded_total < order.paid_total
    rest = order.paid_total - order.refunded_total
    services.request_refund(order, amount=rest, actor=ANNA)


def test_of_two_refunds_asked_for_at_once_one_exceeds(store: Store, line: OrderLine) -> None:
    order = line.order
    half = order.paid_total // 2 + 1

    raised = together([asking(order, half)] * 2)

    assert [getattr(err, "code", err) for err in raised] == ["too_much"]
    assert isinstance(raised[0], OrderError)
    assert RefundRequest.objects.get().amount == half


def asking(order: Order, amount: Decimal) -> Callable[[], object]:
    return lambda: services.request_refund(order, amount=amount, actor=ANNA)
