"""A hub and a whole simulated store: what is edited there after picking began is shown line by line
and holds the parcel; what is cancelled a second before is not shipped; and what Logix writes itself
is no edit.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations import sync
from integrations.models import Command, Store
from integrations.sandbox.shopify.orders import acts as boutique_acts
from integrations.sandbox.shopify.orders import editing
from integrations.sandbox.woocommerce import placing, selling
from orders import services
from orders.errors import OrderError
from orders.models import Conflict, Order, OrderEvent, OrderLine
from orders.status import Flag
from tests.integrations.shopify.world import ShopifyWorld, shopify_world
from tests.integrations.sync.test_refunds import World, read, send, store  # noqa: F401
from tests.integrations.woocommerce.world import woo_world
from tests.orders.shop import assert_books_balance

pytestmark = pytest.mark.django_db(transaction=True)
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
def order(world: World, store: Store) -> Order:  # noqa: F811
    """Two lines; one unit of the first has left in a parcel from here."""
    external_id = placed(world)
    sync.refetch_order(store, external_id=external_id, actor=ANNA)
    found = Order.objects.get(store=store, external_id=external_id)
    first = found.lines.order_by("position")[0]
    services.add_shipment(
        found, lines={first.pk: 1}, carrier="DHL", tracking_number="T1", actor=ANNA
    )
    send(store)
    read(store)
    return found


def placed(world: World) -> str:
    if isinstance(world, ShopifyWorld):
        return world.place_order()
    shop = world.shop.store
    skus = [p.sku for p in shop.products.values() if p.sku and p.manages_stock is True][:2]
    bought = [(skus[0], 3), (skus[1], 1)]
    return str(placing.place_with(shop, world.shop.chance, bought))


def edit(world: World, order: Order) -> None:
    """One more of the first, the second gone, something else come."""
    first, second = (int(x.external_id) for x in order.lines.order_by("position"))
    if isinstance(world, ShopifyWorld):
        shop, number = world.shop.store, int(order.external_id)
        boutique_acts.act(shop, "add", number)
        boutique_acts.act(shop, "edit", number)
        with shop.working(), shop.orders.changing(number) as (hand, there):
            editing.remove_units(hand, there, there.line(second), 1)
        return
    site, number = world.shop.store, int(order.external_id)
    known = {line.product_id for line in selling.existing(site, number).lines}
    counted = (p.id for p in site.products.values() if p.manages_stock is True)
    other = next(pk for pk in counted if pk not in known)
    selling.edit_order(site, number, quantities={first: 4, second: 0}, add=[(other, 0, 1)])


def differences(order: Order) -> dict[str, list[tuple[int, int]]]:
    """Units before and after, by what happened to a line."""
    found: dict[str, list[tuple[int, int]]] = {}
    for row in Conflict.objects.open().get(order=order).diff["lines"]:
        before, after = (side["quantity"] if side else 0 for side in (row["before"], row["after"]))
        found.setdefault(row["change"], []).append((before, after))
    return found


def test_an_edit_after_picking_is_shown_line_by_line_and_holds_the_parcel(
    world: World,
    store: Store,  # noqa: F811
    order: Order,
) -> None:
    edit(world, order)
    read(store)

    assert differences(order) == {"added": [(0, 1)], "changed": [(3, 4)], "removed": [(1, 0)]}
    order.refresh_from_db()
    assert Flag.EDITED_AFTER_IMPORT in order.flag_set
    with pytest.raises(OrderError) as refused:
        services.add_shipment(order, actor=ANNA)
    assert refused.value.code == "edited_after_import"
    assert "added 1 ×" in refused.value.message
    assert "removed 1 ×" in refused.value.message
    assert_books_balance()

    services.accept_edit(order, seen=1, actor=ANNA)
    order.refresh_from_db()
    services.add_shipment(order, actor=ANNA)
    send(store)
    read(store)

    assert order.events.get(kind="edit_accepted").actor == ANNA
    assert not Conflict.objects.open().exists()
    assert not Command.objects.filter(store=store, state="refused").exists()
    assert_books_balance()


def test_an_order_cancelled_a_second_before_its_parcel_is_told_is_not_shipped(
    world: World,
    store: Store,  # noqa: F811
) -> None:
    external_id = placed(world)
    sync.refetch_order(store, external_id=external_id, actor=ANNA)
    order = Order.objects.get(store=store, external_id=external_id)
    services.add_shipment(order, carrier="DHL", tracking_number="T1", actor=ANNA)

    world.cancel_order(external_id)
    send(store)

    command = Command.objects.get(store=store, order_ref=order.pk, kind="shipment")
    assert (command.state, command.problem_code) == ("refused", "cancelled_at_store")
    assert "cancelled at the store" in command.problem
    assert world.parcels(external_id) == []
    read(store)
    order.refresh_from_db()
    with pytest.raises(OrderError):
        services.add_shipment(order, actor=ANNA)


def test_what_logix_writes_itself_is_no_edit_and_no_news(
    world: World,
    store: Store,  # noqa: F811
    order: Order,
) -> None:
    line = OrderLine.objects.filter(order=order, quantity_shipped=1).get()
    services.add_shipment(order, lines={line.pk: 1}, tracking_number="T2", actor=ANNA)
    send(store)
    before = list(OrderEvent.objects.filter(order=order).values_list("pk", flat=True))

    read(store)
    sync.refetch_order(store, external_id=order.external_id, actor=ANNA)
    read(store)

    assert not Conflict.objects.exists()
    news = OrderEvent.objects.filter(order=order).exclude(pk__in=before)
    assert list(news.values_list("kind", "title")) == []
    order.refresh_from_db()
    assert Flag.EDITED_AFTER_IMPORT not in order.flag_set
