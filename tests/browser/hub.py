"""A hub in the middle of a working week: stores in every mood, and orders, stock, deliveries and
writes in every state. Made through the services, so the pages show what they will show.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from integrations import authentication, connect, outbox, schedule, sync
from integrations.base import Unreadable
from integrations.errors import AuthenticationFailed
from integrations.models import (
    Endpoint,
    FieldRule,
    RunKind,
    RunState,
    Store,
    StoreStatus,
    Stream,
    SyncGap,
    SyncRun,
)
from inventory import ledger
from inventory.catalogue import import_products
from inventory.data import ProductKind, VariantData
from inventory.models import Location, StockLevel, StockRule
from logix.accounts import tokens
from logix.accounts.models import Membership, Merchant, Role
from logix.common.ids import uuid7
from orders import services
from orders.data import Authority
from orders.importing import import_orders
from orders.models import Order
from orders.status import OrderStatus
from tests.browser.goods import GOODS, an_order, partly_shipped, refunded
from tests.browser.shop import Shop
from tests.factories import make_product
from tests.integrations.wordpress import KEYS
from webhooks import inbox
from webhooks.models import Delivery

PASSWORD = "correct horse battery staple"
ACTOR = "user:anna"


@dataclass
class Hub:
    """What the tests reach for. ``shops`` are the simulated sites behind the stores."""

    merchant: Merchant
    store: Store
    shops: list[Shop] = field(default_factory=list)
    token: str = ""

    def order(self, number: str) -> Order:
        return Order.objects.get(store=self.store, number=number)


@contextmanager
def busy_hub() -> Iterator[Hub]:
    """Nordlicht Keramik's hub, and a stranger's store beside it."""
    shops = [Shop() for _ in range(5)]
    try:
        yield _fill(shops)
    finally:
        for shop in shops:
            shop.server.close()


def member(merchant: Merchant, name: str, role: Role | None) -> User:
    """A staff user with ``role``; None makes a superuser."""
    if role is None:
        return User.objects.create_superuser(name, password=PASSWORD)
    user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
    Membership.objects.create(merchant=merchant, user=user, role=role)
    return user


def _fill(shops: Sequence[Shop]) -> Hub:
    merchant = Merchant.objects.create(name="Nordlicht Keramik", slug="nordlicht")
    stranger = Merchant.objects.create(name="Hansen Teekontor", slug="hansen")
    member(merchant, "anna", None)
    member(merchant, "olaf", Role.OPERATOR)
    member(merchant, "vera", Role.VIEWER)
    schedule.ensure()

    store = _connect(merchant, shops[0], "Nordlicht Keramik DE", writes=True)
    hub = Hub(merchant=merchant, store=store, shops=list(shops))
    now = timezone.now()
    _moods(merchant, stranger, shops)
    _catalogue(store, now)
    _orders(store, now)
    _warehouse(merchant, store)
    _streams_and_runs(store, now)
    _parked_and_gaps(store, now)
    _writes(store)
    _deliveries(store)
    _settings(merchant, store)
    _, hub.token = tokens.issue(merchant, name="Warehouse app", scopes=["read", "orders:write"])
    old, _ = tokens.issue(merchant, name="Old scanner", scopes=["read"])
    tokens.revoke(old, actor=ACTOR)
    store.refresh_from_db()
    return hub


def _connect(merchant: Merchant, shop: Shop, name: str, *, writes: bool = False) -> Store:
    return connect.connect_store(
        merchant=merchant,
        platform="woocommerce",
        base_url=shop.url,
        credentials=KEYS,
        name=name,
        writes_enabled=writes,
        actor=ACTOR,
    )


def _moods(merchant: Merchant, stranger: Merchant, shops: Sequence[Shop]) -> None:
    paused = _connect(merchant, shops[1], "Sklep Łódź")
    connect.pause(paused, actor=ACTOR, reason="Stocktaking until Friday")
    refused = _connect(merchant, shops[2], "Nordlicht B2B")
    authentication.note_failure(refused, AuthenticationFailed("The store refused the keys."))
    gone = _connect(merchant, shops[3], "Old outlet")
    connect.disconnect(gone, actor=ACTOR)
    _connect(stranger, shops[4], "Hansen Tee")
    read = timezone.now() - timedelta(minutes=2)
    Stream.objects.filter(store__status=StoreStatus.ACTIVE).update(last_success_at=read)


def _catalogue(store: Store, now: datetime) -> None:
    goods = [
        make_product(
            number,
            title=title,
            variants=(VariantData(external_id=f"p{number}", sku=sku, title="", stock=stock),),
        )
        for number, (sku, title, _price, stock) in enumerate(GOODS, start=1)
    ]
    goods.append(
        make_product(
            90,
            title="T-Shirt „Hafen“",
            kind=ProductKind.VARIABLE,
            variants=tuple(
                VariantData(external_id=f"v{size}", sku=f"SHIRT-{size}", title=size, stock=20)
                for size in ("S", "M", "L", "XL")
            ),
        )
    )
    goods.append(
        make_product(91, title="Blank", variants=(VariantData(external_id="p91", stock=4),))
    )
    import_products(store, goods, observed_at=now, now=now, adopt_stock=True)


def _orders(store: Store, now: datetime) -> None:
    rows = [an_order(number, now) for number in range(1, 61)]
    import_orders(store, rows, authority=Authority.LIST_PAGE, observed_at=now, now=now)
    later = now + timedelta(seconds=2)
    changed = [refunded(rows[8], later), partly_shipped(rows[10], later)]
    import_orders(store, changed, authority=Authority.BY_ID, observed_at=later, now=later)


def _warehouse(merchant: Merchant, store: Store) -> None:
    location = Location.objects.filter(merchant=merchant).first()
    assert location is not None
    level = StockLevel.objects.get(merchant=merchant, variant__sku="MUG-BLAU-300")
    ledger.adjust(
        variant=level.variant, location=location, set_to=118, reason="Yearly count", actor=ACTOR
    )
    tight = StockLevel.objects.get(merchant=merchant, variant__sku="KANNE-12")
    ledger.adjust(
        variant=tight.variant, location=location, set_to=1, reason="Two broken", actor=ACTOR
    )
    StockRule.objects.create(merchant=merchant, buffer=1)
    StockRule.objects.create(merchant=merchant, store=store, buffer=2, percent=90)


def _streams_and_runs(store: Store, now: datetime) -> None:
    orders = store.streams.get(name="orders")
    products = store.streams.get(name="products")
    store.streams.update(last_success_at=now - timedelta(minutes=3), next_at=now)
    ended = {"started_at": now - timedelta(hours=5), "finished_at": now - timedelta(hours=4)}
    common = {"store": store, "stream": orders, "kind": RunKind.BACKFILL, "requested_by": ACTOR}
    SyncRun.objects.create(
        **common,
        **ended,
        state=RunState.COMPLETED,
        seen=4210,
        expected=4210,
        created=4210,
        pages=43,
    )
    SyncRun.objects.create(
        **common,
        **ended,
        state=RunState.FAILED,
        seen=800,
        expected=4210,
        created=800,
        pages=8,
        problem=f"{store.name} answered 503 to every try. Check the store, then let the run go on.",
    )
    SyncRun.objects.create(
        **{**common, "kind": RunKind.DELTA, "requested_by": ""},
        **ended,
        state=RunState.COMPLETED_WITH_GAPS,
        seen=12,
        changed=11,
        parked=1,
        pages=1,
    )
    SyncRun.objects.create(
        **{**common, "stream": products},
        state=RunState.RUNNING,
        dry_run=True,
        seen=1200,
        expected=3000,
        created=1180,
        unchanged=20,
        pages=12,
        started_at=now,
        lease_until=now + timedelta(hours=1),
        lease_owner="worker",
    )
    run = sync.request_run(store, kind=RunKind.BACKFILL, actor=ACTOR)
    assert run is not None
    sync.pause_run(run, actor=ACTOR)


def _parked_and_gaps(store: Store, now: datetime) -> None:
    for number, reason in enumerate(
        (
            "The total “1e1000000” is not an amount. Correct it in the store, then try again.",
            "The order has no id at $.id. Logix cannot keep what it cannot name.",
            "“Geschenkkarte” is required, and nothing was found at meta_data[?key=='gift'].value.",
        )
    ):
        told = Unreadable(
            external_id=str(9000 + number),
            reason=reason,
            path="$.total",
            raw=b'{"total": "1e1000000"}',
        )
        sync.park(store, stream="orders", unreadable=told)
    dismissed = store.parked.get(external_id="9001")
    sync.dismiss_parked(dismissed, actor=ACTOR, reason="a test order")
    SyncGap.objects.create(
        stream=store.streams.get(name="orders"),
        window_from=now - timedelta(hours=9),
        window_to=now - timedelta(hours=8),
        reason="Page 3 was an HTML error page.",
        next_at=now,
    )


def _writes(store: Store) -> None:
    shippable = Order.objects.filter(store=store, order_status="open", import_state="accepted")
    first, second, third, fourth = shippable.order_by("-placed_at")[:4]
    services.add_shipment(first, carrier="DHL", tracking_number="JJD0001", actor="user:olaf")
    services.cancel_order(second, reason="Doppelt bestellt", actor="user:olaf")
    services.request_status(third, status=OrderStatus.ON_HOLD, actor="user:olaf")
    outbox.send_commands(store.pk)
    services.add_note(fourth, text="Glasur braucht zwei Tage länger", actor="user:olaf")
    outbox.mark_store(store.pk)
    outbox.send_pushes(store.pk)


def _deliveries(store: Store) -> None:
    endpoint = Endpoint.objects.select_related("store").get(store=store, status="active")
    bodies: tuple[tuple[str, bytes], ...] = (
        ("order.deleted", b'{"id": 4001}'),
        ("order.updated", b'{"id": 4002, "billing": {"first_name": "Zo\xc3\xab"}}'),
        ("order.created", b"<html>maintenance</html>"),
        ("coupon.created", b'{"id": 77}'),
    )
    for topic, body in bodies:
        _deliver(endpoint, topic, body)
    inbox.process_ready()
    for number in range(4010, 4014):
        _deliver(endpoint, "order.updated", json.dumps({"id": number}).encode())


def _deliver(endpoint: Endpoint, topic: str, body: bytes) -> Delivery | None:
    headers = {"x-wc-webhook-topic": topic, "user-agent": "WooCommerce/11.0.1 Hookshot"}
    delivery, _ = inbox.accept(
        endpoint, topic=topic, headers=headers, body=body, dedupe_key=str(uuid7())
    )
    return delivery


def _settings(merchant: Merchant, store: Store) -> None:
    FieldRule.objects.create(
        store=store, path="meta_data[?key=='gift'].value | [0]", target="custom.gift"
    )
    FieldRule.objects.create(
        store=store,
        direction=FieldRule.Direction.OUT,
        path="shipments[0].carrier",
        target="_carrier",
        position=1,
    )
    assert Store.objects.filter(merchant=merchant, status=StoreStatus.NEEDS_MERCHANT).exists()
