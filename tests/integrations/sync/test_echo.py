"""A hub and a whole simulated store: what the hub wrote comes back by list and by id, and is no
news.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations import connect, outbox, sync
from integrations.models import RunKind, Store, Stream, SyncRun
from integrations.sandbox.woocommerce import selling
from integrations.sync import fieldrules
from orders import services
from orders.models import Order, OrderEvent, OrderLine
from tests.factories import make_merchant
from tests.integrations.sync.conftest import before_the_first_order, run_to_end
from tests.integrations.woocommerce.world import WooWorld, woo_world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(
    params=[(), ("fulfillments",), ("shipment_tracking",)], ids=["bare", "core", "plugin"]
)
def world(request: pytest.FixtureRequest) -> Iterator[WooWorld]:
    with woo_world(orders=30, plugins=request.param, serves_plain_http_as_tls=True) as made:
        yield made


@pytest.fixture
def store(world: WooWorld) -> Store:
    made = connect.connect_store(
        merchant=make_merchant(),
        platform="woocommerce",
        base_url=world.url,
        credentials=world.credentials,
        options={"calls_per_s": 100},
        auto_sync=False,
        import_since=before_the_first_order(),
        writes_enabled=True,
        actor="user:anna",
    )
    read(made)
    run_to_end(SyncRun.objects.get(store=made, kind=RunKind.BACKFILL))
    return made


def read(store: Store) -> None:
    for name in ("products", "orders"):
        while sync.run_stream(Stream.objects.get(store=store, name=name).pk):
            pass


def touch_all(world: WooWorld) -> None:
    """Every order is saved again as it is, as plugins do."""
    shop = world.shop.store
    with shop.working():
        for order_id in list(shop.orders.ids()):
            shop.save_order(selling.existing(shop, order_id), moment=shop.clock.now() + 1)


def told(order: Order) -> list[str]:
    rows = order.events.filter(origin=OrderEvent.Origin.STORE).exclude(kind="imported")
    return list(rows.values_list("title", flat=True))


def several_units(store: Store) -> OrderLine:
    lines = OrderLine.objects.filter(
        order__store=store, order__order_status="open", quantity__gt=1, quantity_shipped=0
    )
    return lines.exclude(variant=None).order_by("pk")[0]


def test_a_parcel_and_fields_that_were_written_are_no_news(store: Store, world: WooWorld) -> None:
    fieldrules.save_rule(
        store,
        actor="user:anna",
        stream="orders",
        direction="out",
        path="shipments[0].tracking_number",
        target="parcel_number",
    )
    line = several_units(store)
    order = line.order
    before = told(order)
    services.add_shipment(
        order,
        lines={line.pk: 1},
        carrier="DHL",
        tracking_number="00340434161094042557",
        actor="token:warehouse",
    )
    outbox.send_commands(store.pk)
    assert world.parcels(order.external_id)
    assert world.fields(order.external_id)["parcel_number"] == "00340434161094042557"

    read(store)
    sync.refetch_order(store, external_id=order.external_id, actor="user:anna")

    order.refresh_from_db()
    assert order.custom["parcel_number"] == "00340434161094042557"
    assert told(order) == before


def test_touches_are_no_news(store: Store, world: WooWorld) -> None:
    rows = OrderEvent.objects.count()

    touch_all(world)
    changed_at = dict(Order.objects.values_list("pk", "changed_at"))
    read(store)
    for order in Order.objects.filter(store=store)[:5]:
        sync.refetch_order(store, external_id=order.external_id, actor="user:anna")

    assert all(changed_at[x.pk] < x.changed_at for x in Order.objects.filter(store=store))
    assert OrderEvent.objects.count() == rows
