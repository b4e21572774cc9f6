"""The purge drill: 31 days after a parcel was delivered nothing of its buyer is anywhere, amounts
and stock are as they were, and the account telling of the order again brings nothing back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.conf import settings
from django.db import connection, models
from django.utils import timezone

from integrations import connect, outbox, privacy, sync, tasks
from integrations.amazon import mapper
from integrations.errors import ContractBroken
from integrations.models import (
    Credential,
    ParkedRecord,
    RunKind,
    Store,
    StoreStatus,
    Stream,
    SyncRun,
)
from inventory.models import StockLevel, StockMovement
from logix.accounts.models import AuditEvent
from logix.common import bell
from orders import services
from orders.models import Order, OrderEvent, OrderLine, OrderPayload, Payment, Shipment
from tests.factories import make_merchant
from tests.integrations.amazon.conftest import MakeWorld
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.sync.conftest import before_the_first_order, run_to_end
from tests.test_canaries import logs_at_debug

pytestmark = pytest.mark.django_db(transaction=True)

NAME, STREET, EMAIL = "Kanarie Vogelaar", "Kanariestraat 4711", "kanarie@vogels.example"
PHONE, GIFT, NUMBER = "+31 20 5550177", "Zing maar door, kanarie", "PO-KANARIE-9"
CANARIES = (NAME, STREET, EMAIL, PHONE, GIFT)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would travel through the broker."""
    messages: list[str] = []

    def publish(task: str, args: Any, **options: Any) -> bool:
        messages.append(json.dumps([task, args, options]))
        return True

    monkeypatch.setattr(bell, "publish", publish)
    return messages


@pytest.fixture
def world(make_world: MakeWorld) -> AmazonWorld:
    """Ninety days of orders, all of one buyer."""
    found = make_world(orders=16, history_days=90)
    name_buyer(found, found.order_ids())
    return found


def name_buyer(world: AmazonWorld, order_ids: Any) -> None:
    with world.shop.store.working():
        for order_id in order_ids:
            order = world.shop.store.state.orders[order_id]
            order.buyer_name, order.buyer_email, order.purchase_order = NAME, EMAIL, NUMBER
            order.address.name, order.address.line, order.address.phone = NAME, STREET, PHONE
            order.items[0].gift_message = GIFT


def connected(world: AmazonWorld, **options: Any) -> Store:
    store = connect.connect_store(
        merchant=make_merchant(),
        platform="amazon",
        base_url=world.url,
        credentials=world.credentials,
        options=options,
        auto_sync=False,
        import_since=before_the_first_order(),
        writes_enabled=True,
        actor="user:anna",
    )
    read(store, "products", "orders")
    run_to_end(SyncRun.objects.get(store=store, kind=RunKind.BACKFILL))
    read(store, "orders")
    store.refresh_from_db()
    return store


def read(store: Store, *streams: str) -> None:
    for name in streams:
        while sync.run_stream(Stream.objects.get(store=store, name=name).pk):
            pass


def hour_passes() -> None:
    """What the clock rings for every hour, and what it rings for in turn."""
    tasks.maintain.apply(throw=True)
    tasks.purge_buyers.apply(throw=True)


def amounts(store: Store) -> dict[str, Any]:
    """What the books, analytics and stock go by."""
    own = {"order__store": store}
    money = ("total", "tax_total", "discount_total", "shipping_total", "paid_total", "charges")
    places = ("number", "ship_country", "ship_region", "ship_city", "currency", "placed_at")
    state = ("order_status", "payment_status", "fulfillment_status", "completed_at")
    line = ("sku", "name", "quantity", "quantity_shipped", "unit_price", "total", "tax")
    return {
        "orders": list(
            Order.objects.filter(store=store).order_by("pk").values(*money, *places, *state)
        ),
        "lines": list(OrderLine.objects.filter(**own).order_by("pk").values(*line)),
        "payments": list(Payment.objects.filter(**own).order_by("pk").values("kind", "amount")),
        "parcels": list(
            Shipment.objects.filter(**own).order_by("pk").values("carrier", "tracking_number")
        ),
        "levels": list(StockLevel.objects.order_by("pk").values("on_hand", "reserved")),
        "movements": StockMovement.objects.count(),
    }


def sealed_rows() -> dict[str, set[Any]]:
    """Every sealed value of the database, by table and column: the keys of its rows."""
    found = {}
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, models.BinaryField):
                rows = model._default_manager.exclude(**{field.attname: None})
                found[f"{model.__name__}.{field.name}"] = set(rows.values_list("pk", flat=True))
    return {name: rows for name, rows in found.items() if rows}


def hunt(text: str, where: str) -> None:
    told = text.casefold()
    found = [canary for canary in CANARIES if canary.casefold() in told]
    assert not found, f"{found} in {where}"


def hunt_database() -> None:
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            for row in cursor.fetchall():
                for value in row:
                    is_raw = isinstance(value, bytes | memoryview)
                    hunt(bytes(value).decode("latin-1") if is_raw else str(value), table)


def files() -> Iterator[Path]:
    yield from (path for path in Path(settings.LOGIX_DATA).rglob("*") if path.is_file())


def test_31_days_after_delivery_nothing_is_left_of_the_buyer(
    world: AmazonWorld, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with logs_at_debug() as streams:
        store = connected(world)
        sold, waiting, called_off = (world.place_order() for _ in range(3))
        (by_amazon,) = world.place("fba")
        name_buyer(world, [sold, waiting, called_off, by_amazon])
        world.act("ship", by_amazon)
        read(store, "orders")
        services.add_shipment(
            Order.objects.get(external_id=sold),
            carrier="DHL",
            tracking_number="00340434161094042557",
            actor="user:anna",
        )
        outbox.send_commands(store.pk)
        assert world.order(sold).status == "SHIPPED"
        world.act("deliver", sold)
        world.act("cancel", called_off)
        unread = world.place_order()
        name_buyer(world, [unread])
        _read_badly(unread, monkeypatch)
        read(store, "orders")

        ended = [Order.objects.get(external_id=x) for x in (sold, called_off, by_amazon)]
        assert all(order.ended_at and order.erased_at is None for order in ended)
        for order in ended[:2]:
            buyer = services.buyer_of(order)
            assert buyer is not None
            assert (buyer.name, buyer.email, buyer.shipping.line1) == (NAME, EMAIL, STREET)
            assert order.custom["purchase_order"] == NUMBER
        assert ParkedRecord.objects.get(external_id=unread).raw_sealed is not None
        before = amounts(store)
        hour_passes()
        assert all(x.erased_at is None for x in Order.objects.filter(pk__in=[y.pk for y in ended]))

        with time_machine.travel(timezone.now() + 20 * DAY):
            # Amazon's last change moves; since when the order is over does not.
            world.act("touch", by_amazon)
            world.act("touch", sold)
            sync.refetch_order(store, external_id=by_amazon, actor="user:anna")
            hour_passes()
            assert services.buyer_of(Order.objects.get(external_id=sold)) is not None
        with time_machine.travel(timezone.now() + 31 * DAY):
            hour_passes()
            _nothing_is_left(store, waiting)
            assert amounts(store) == before

            world.edit_many([sold, called_off, by_amazon])
            for order_id in (sold, called_off, by_amazon):
                sync.refetch_order(store, external_id=order_id, actor="user:anna")
            hour_passes()
            _nothing_is_left(store, waiting)
            assert amounts(store) == before
    hunt_database()
    for path in files():
        hunt(path.read_bytes().decode("latin-1"), path.name)
    for stream in streams:
        assert stream.getvalue()
        hunt(stream.getvalue(), "the log")
    hunt("\n".join(sent), "the broker")


def _read_badly(order_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One order comes in a form that is not understood, and is set aside as it came."""
    real = mapper.to_order

    def to_order(raw: bytes, **more: Any) -> Any:
        if order_id.encode() in raw:
            raise ContractBroken("Not as it was agreed.", path="$")
        return real(raw, **more)

    monkeypatch.setattr(mapper, "to_order", to_order)


def _nothing_is_left(store: Store, waiting: str) -> None:
    """Of the one that is still to be sent, all is: the parcel has to find its buyer."""
    kept = Order.objects.get(external_id=waiting)
    buyer = services.buyer_of(kept)
    assert buyer is not None
    assert (buyer.name, buyer.shipping.line1) == (NAME, STREET)
    assert services.payload_of(kept) is None or GIFT in str(services.payload_of(kept))
    gone = Order.objects.filter(store=store, erased_at__isnull=False)
    over = Order.objects.filter(store=store, order_status__in=["completed", "cancelled"])
    assert set(gone) >= set(over)
    for order in gone:
        assert order.custom["marketplace"]
        assert NUMBER not in str(order.custom)
        assert (order.email_index, order.phone_index) == ("", "")
    sealed = sealed_rows()
    open_orders = set(Order.objects.filter(erased_at=None).values_list("pk", flat=True))
    assert sealed.pop("Credential.sealed") == set(Credential.objects.values_list("pk", flat=True))
    assert sealed.pop("Order.buyer_sealed") <= open_orders
    assert sealed.pop("OrderPayload.sealed", set()) <= open_orders
    assert not sealed


def test_an_old_order_comes_in_without_its_buyer(world: AmazonWorld) -> None:
    store = connected(world)

    long_ago = timezone.now() - 29 * DAY
    old = Order.objects.filter(store=store, ended_at__lt=long_ago)
    new = Order.objects.filter(store=store).exclude(pk__in=old)
    assert old.exists()
    assert new.exists()
    assert not old.filter(erased_at=None).exists()
    assert not old.exclude(buyer_sealed=None).exists()
    assert not OrderPayload.objects.filter(order__in=old).exists()
    assert set(old.values_list("email_index", "phone_index")) == {("", "")}
    assert not OrderLine.objects.filter(order__in=old).exclude(attributes={}).exists()
    assert not old.filter(ship_country="").exists()
    assert not new.exclude(erased_at=None).exists()
    assert not AuditEvent.objects.filter(action__contains="purged").exists()
    hunt_database()


def test_a_store_that_is_not_asked_any_more_keeps_no_open_order_either(
    world: AmazonWorld,
) -> None:
    store = connected(world)
    order_id = world.place_order()
    name_buyer(world, [order_id])
    read(store, "orders")
    connect.disconnect(store, actor="user:anna")
    store.refresh_from_db()
    assert store.status == StoreStatus.DISCONNECTED

    privacy.purge(timezone.now() + 20 * DAY)
    assert services.buyer_of(Order.objects.get(external_id=order_id)) is not None
    privacy.purge(timezone.now() + 30 * DAY)

    assert not Order.objects.filter(store=store, erased_at=None).exists()
    told = AuditEvent.objects.filter(action="privacy.purged").order_by("-id").first()
    assert told is not None
    assert told.details["orders"] >= 1
    erased = OrderEvent.objects.filter(kind="erased", order__external_id=order_id).get()
    assert erased.title.endswith("it is kept for 30 days at most")
