"""A Shopify order that Amazon sends, over HTTP at both ends: from the preview to the tracking that
Shopify shows; called off half-way; with answers lost at any call. It is sent once, or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from integrations import connect, outbox, sync
from integrations.errors import Rejected
from integrations.models import Command, ParkedRecord, RunKind, Store, Stream, SyncRun
from integrations.sandbox.amazon.play import acts
from integrations.sandbox.shopify.orders import placing
from inventory import links
from inventory.models import Listing, StockLevel, StockMovement, Variant
from logix.accounts.models import Merchant, Scope
from logix.common import bell
from orders import services
from orders.models import Order, OrderEvent, OutsideFulfillment, Shipment
from orders.status import Flag
from tests.factories import make_merchant
from tests.integrations.amazon.world import AmazonWorld, amazon_world
from tests.integrations.api.client import api_for
from tests.integrations.shopify.world import ShopifyWorld, shopify_world
from tests.integrations.sync.conftest import before_the_first_order, run_to_end
from tests.integrations.test_two_stores import parcels_there
from tests.orders.shop import assert_books_balance

pytestmark = pytest.mark.django_db(transaction=True)
ANNA = "user:anna"
State = OutsideFulfillment.State
_CREATE, _GET, _CANCEL = "createFulfillmentOrder", "getFulfillmentOrder", "cancelFulfillmentOrder"


@pytest.fixture(autouse=True)
def quiet_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker is spoken to."""
    monkeypatch.setattr(bell, "publish", lambda *_args, **_options: True)


@pytest.fixture
def merchant(transactional_db: None) -> Merchant:
    return make_merchant()


@pytest.fixture
def boutique() -> Iterator[ShopifyWorld]:
    with shopify_world(orders=1, products=6) as world:
        yield world


@pytest.fixture
def depot() -> Iterator[AmazonWorld]:
    with amazon_world(orders=0, products=5) as world:
        yield world


def connected(merchant: Merchant, world: ShopifyWorld | AmazonWorld) -> Store:
    store = connect.connect_store(
        merchant=merchant,
        platform=world.slug,
        base_url=world.url,
        credentials=world.credentials,
        auto_sync=False,
        import_since=before_the_first_order(),
        writes_enabled=True,
        actor=ANNA,
    )
    read(store)
    run_to_end(SyncRun.objects.get(store=store, kind=RunKind.BACKFILL))
    return store


def read(store: Store) -> None:
    for name in ("products", "orders"):
        while sync.run_stream(Stream.objects.get(store=store, name=name).pk):
            pass


class Hub:
    """A boutique at Shopify whose cup lies in Amazon's warehouses as well."""

    def __init__(self, merchant: Merchant, boutique: ShopifyWorld, depot: AmazonWorld) -> None:
        self.boutique, self.depot = boutique, depot
        self.shopify, self.amazon = connected(merchant, boutique), connected(merchant, depot)
        self.cup = self._cup()
        self.fba = self._kept_at_amazon()

    def _cup(self) -> str:
        mine = Listing.objects.filter(store=self.shopify, gone_at=None, seen_quantity__gte=5)
        return mine.exclude(variant=None).exclude(sku="").order_by("sku")[0].sku

    def _kept_at_amazon(self) -> str:
        listing = next(
            x for x in Listing.objects.filter(store=self.amazon) if x.custom.get("fulfilled_by")
        )
        links.unlink(listing, actor=ANNA)
        links.link(listing, Variant.objects.get(sku=self.cup), actor=ANNA)
        acts.set_stock(self.depot.shop.store, listing.sku, 20)
        return listing.sku

    def bought(self, units: int = 3) -> Order:
        name = str(placing.place_with(self.boutique.shop.store, Random(1), [(self.cup, units)]))
        sync.refetch_order(self.shopify, external_id=name, actor=ANNA)
        return Order.objects.get(store=self.shopify, external_id=name)

    def send(self, store: Store, *, times: int = 1) -> None:
        for _ in range(times):
            Command.objects.filter(store=store, state__in=["new", "unknown"]).update(next_at=Now())
            outbox.send_commands(store.pk)

    def look(self, *, times: int = 1) -> None:
        for _ in range(times):
            due = OutsideFulfillment.objects.filter(next_look_at__isnull=False)
            due.update(next_look_at=Now())
            outbox.look_outside(self.amazon.pk)

    def go_on(self, steps: int = 1) -> None:
        """With the one it was asked for last."""
        self.step(list(self.there())[-1], steps)

    def step(self, reference: str, steps: int = 1) -> None:
        for _ in range(steps):
            acts.on_outbound(self.depot.shop.store, "go_on", reference)

    def there(self) -> dict[str, str]:
        """What Amazon was asked to send: status by id."""
        with self.depot.shop.store.working():
            rows = self.depot.shop.store.state.outbound.values()
            return {row.id: row.status for row in rows}

    def cups_at_amazon(self) -> int:
        with self.depot.shop.store.working():
            return self.depot.shop.store.state.listings[self.fba].for_sale

    def shelf(self) -> tuple[int, int]:
        levels = StockLevel.objects.filter(variant__sku=self.cup)
        rows = list(levels.values_list("on_hand", "reserved"))
        return sum(row[0] for row in rows), sum(row[1] for row in rows)


@pytest.fixture
def hub(merchant: Merchant, boutique: ShopifyWorld, depot: AmazonWorld) -> Hub:
    return Hub(merchant, boutique, depot)


def only() -> OutsideFulfillment:
    return OutsideFulfillment.objects.get()


def test_a_shopify_order_is_sent_from_amazon_s_warehouse_end_to_end(
    hub: Hub, boutique: ShopifyWorld, depot: AmazonWorld, merchant: Merchant
) -> None:
    order = hub.bought()
    on_hand, reserved = hub.shelf()
    api = api_for(merchant)
    asked = {"store": str(hub.amazon.pk)}

    preview = api.post(f"/orders/{order.pk}/outside/preview", asked)
    assert preview.status_code == 200, preview.content
    standard = preview.json()["offers"][0]
    assert (standard["speed"], standard["can_send"]) == ("standard", True)
    assert sum(float(fee["amount"]) for fee in standard["fees"]) == 9.1
    assert standard["arrives_until"]
    first = api.post(f"/orders/{order.pk}/outside", asked, Idempotency_Key="once")
    again = api.post(f"/orders/{order.pk}/outside", asked, Idempotency_Key="once")
    assert (first.status_code, again.json()) == (202, first.json())
    assert hub.shelf() == (on_hand, reserved - 3)
    refused = api.post(f"/orders/{order.pk}/shipments", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "sent_outside")
    assert hub.there() == {}

    searches = depot.calls("searchOrders")
    hub.send(hub.amazon)
    hub.send(hub.amazon)
    assert hub.there() == {only().reference: "New"}
    hub.go_on(3)
    hub.look()
    assert (only().state, only().raw_status) == (State.SENDING, "Processing")
    assert hub.cups_at_amazon() == 17
    hub.go_on()
    hub.look()
    hub.look()
    hub.send(hub.shopify)
    hub.send(hub.shopify)

    assert only().state == State.SENT
    parcel = Shipment.objects.get(order=order)
    assert parcel.tracking_number
    ((_, units, number),) = parcels_there(boutique, order.external_id)
    assert (units, number) == ({hub.cup: 3}, parcel.tracking_number)
    sync.refetch_order(hub.shopify, external_id=order.external_id, actor=ANNA)
    order.refresh_from_db()
    assert (order.order_status, order.fulfillment_status) == ("completed", "fulfilled")
    assert Shipment.objects.filter(order=order).count() == 1
    assert hub.shelf() == (on_hand, reserved - 3)
    assert depot.calls(_CREATE) == 1
    assert depot.calls("searchOrders") == searches
    (listed,) = api.get(f"/orders/{order.pk}/outside").json()["results"]
    assert (listed["state"], listed["lines"][0]["sent"]) == ("sent", 3)
    hidden = str(list(Command.objects.values())) + str(list(OrderEvent.objects.values()))
    buyer = services.buyer_of(order)
    assert buyer is not None
    assert buyer.shipping.line1
    assert buyer.shipping.line1 not in hidden
    assert_books_balance()


def test_what_amazon_lists_of_an_order_that_it_sends_for_another_store_is_no_sale_of_amazon_s(
    hub: Hub, depot: AmazonWorld
) -> None:
    order = hub.bought()
    services.request_outside(order, hub.amazon, actor=ANNA)
    hub.send(hub.amazon)
    (listed,) = depot.order_ids()
    before, cups = hub.shelf(), hub.cups_at_amazon()

    for _ in range(5):
        read(hub.amazon)
        with pytest.raises(Rejected, match="another shop"):
            sync.refetch_order(hub.amazon, external_id=listed, actor=ANNA)
        if list(hub.there().values()) != ["Complete"]:
            hub.go_on()

    assert depot.order(listed).status == "SHIPPED"
    assert not Order.objects.filter(store=hub.amazon).exists()
    assert not ParkedRecord.objects.exists()
    assert not SyncRun.objects.filter(store=hub.amazon, parked__gt=0).exists()
    assert (hub.shelf(), hub.cups_at_amazon()) == (before, cups - 3)
    assert_books_balance()


def test_it_is_called_off_half_way(hub: Hub, merchant: Merchant) -> None:
    order = hub.bought()
    before = hub.shelf()
    made = services.request_outside(order, hub.amazon, actor=ANNA)
    hub.send(hub.amazon)
    hub.go_on(2)
    assert outbox.look_outside(hub.amazon.pk) == 0
    assert not outbox.look_outside_soon(hub.amazon.pk, "LGX-NOBODYS")
    assert outbox.look_outside_soon(hub.amazon.pk, made.reference)
    assert outbox.ring_looks() == 1
    assert outbox.look_outside(hub.amazon.pk) == 1
    assert (only().state, only().raw_status) == (State.ACCEPTED, "Planning")

    answer = api_for(merchant).post(f"/orders/{order.pk}/outside/{made.pk}/cancel", {})
    assert (answer.status_code, answer.json()["state"]) == (202, "cancelling")
    hub.send(hub.amazon)

    assert only().state == State.CANCELLED
    assert list(hub.there().values()) == ["Cancelled"]
    assert hub.cups_at_amazon() == 20
    assert hub.shelf() == before
    services.add_shipment(order, carrier="DHL", tracking_number="T1", actor=ANNA)
    over = api_for(merchant).post(f"/orders/{order.pk}/outside/{made.pk}/cancel", {})
    assert (over.status_code, over.json()["code"]) == (409, "outside_over")
    assert_books_balance()


def test_shopify_cancels_it_half_way_and_amazon_is_told(hub: Hub, boutique: ShopifyWorld) -> None:
    order = hub.bought()
    free = hub.shelf()
    services.request_outside(order, hub.amazon, actor=ANNA)
    hub.send(hub.amazon)
    hub.go_on()

    boutique.cancel_order(order.external_id)
    sync.refetch_order(hub.shopify, external_id=order.external_id, actor=ANNA)
    assert only().state == State.CANCELLING
    hub.send(hub.amazon)

    assert list(hub.there().values()) == ["Cancelled"]
    assert only().state == State.CANCELLED
    assert hub.shelf() == (free[0], free[1] - 3)
    assert_books_balance()


def test_shopify_cancels_it_when_it_is_too_late_and_people_are_told(
    hub: Hub, boutique: ShopifyWorld
) -> None:
    order = hub.bought()
    services.request_outside(order, hub.amazon, actor=ANNA)
    hub.send(hub.amazon)
    hub.go_on(3)

    boutique.cancel_order(order.external_id)
    sync.refetch_order(hub.shopify, external_id=order.external_id, actor=ANNA)
    hub.send(hub.amazon)
    order.refresh_from_db()
    assert Flag.CANCEL_REQUESTED in order.flag_set
    hub.go_on()
    hub.look()
    hub.send(hub.shopify)

    assert only().state == State.SENT
    told = Command.objects.get(store=hub.shopify, kind=Command.Kind.SHIPMENT)
    assert (told.state, told.problem_code) == ("refused", "cancelled_at_store")
    assert OrderEvent.objects.filter(kind="attention", title__contains="all the same").exists()
    assert_books_balance()


def test_an_order_cancelled_a_moment_before_is_not_sent(hub: Hub, boutique: ShopifyWorld) -> None:
    """Nobody has told us yet; its store is asked once more before Amazon is."""
    order = hub.bought()
    services.request_outside(order, hub.amazon, actor=ANNA)
    boutique.cancel_order(order.external_id)

    hub.send(hub.amazon)

    assert hub.there() == {}
    assert only().state == State.REFUSED
    assert "cancelled at its own store" in only().problem


@pytest.mark.parametrize("operation", [_CREATE, _GET, _CANCEL])
def test_no_answer_that_is_lost_sends_it_twice(
    hub: Hub, depot: AmazonWorld, operation: str
) -> None:
    """At the look before, the request, the looks after, the calling off; then it goes on."""
    for count, fault in enumerate(("dropped", "timeout_after_write", "internal_failure"), 1):
        before = hub.shelf()
        order = hub.bought(1)
        at_amazon = hub.cups_at_amazon()
        made = services.request_outside(order, hub.amazon, actor=ANNA)
        depot.trouble(fault, route=operation, count=4, seconds=0)

        hub.send(hub.amazon, times=5)
        assert len(hub.there()) == count
        hub.step(made.reference)
        if operation == _CANCEL:
            services.cancel_outside(made, actor=ANNA)
            hub.send(hub.amazon, times=5)
            hub.look()
            made.refresh_from_db()
            assert (made.state, hub.cups_at_amazon()) == (State.CANCELLED, at_amazon)
            assert hub.shelf() == (before[0], before[1] + 1)
        else:
            hub.step(made.reference, 3)
            hub.look(times=4)
            made.refresh_from_db()
            assert (made.state, hub.cups_at_amazon()) == (State.SENT, at_amazon - 1)
            assert Shipment.objects.filter(order=order).count() == 1
            assert hub.shelf() == before
        assert list(hub.there()).count(made.reference) == 1
        depot.peace()
    assert_books_balance()


def test_one_called_off_while_its_answer_was_lost_is_not_made_any_more(
    hub: Hub, depot: AmazonWorld
) -> None:
    order = hub.bought()
    before = hub.shelf()
    made = services.request_outside(order, hub.amazon, actor=ANNA)
    depot.trouble("dropped", route=_CREATE, count=3)
    hub.send(hub.amazon)
    assert Command.objects.get(store=hub.amazon).state == "unknown"

    services.cancel_outside(made, actor=ANNA)
    assert only().state == State.CANCELLING
    hub.send(hub.amazon)
    hub.send(hub.amazon)

    assert hub.there() == {}
    assert only().state == State.CANCELLED
    assert hub.shelf() == before
    assert_books_balance()


def test_what_amazon_cannot_send_is_to_be_sent_from_here(hub: Hub, depot: AmazonWorld) -> None:
    order = hub.bought()
    before = hub.shelf()
    for fault, steps in (("outbound_invalid", 1), ("outbound_unfulfillable", 3)):
        made = services.request_outside(order, hub.amazon, actor=ANNA)
        hub.send(hub.amazon)
        depot.trouble(fault, count=1)
        hub.step(made.reference, steps)
        hub.look()

        made.refresh_from_db()
        assert made.state == State.REFUSED
        assert made.problem.startswith("Amazon")
        assert hub.shelf() == before

    acts.on_listing(depot.shop.store, "delete", hub.fba)
    made = services.request_outside(order, hub.amazon, actor=ANNA)
    hub.send(hub.amazon)
    made.refresh_from_db()
    assert (made.state, hub.shelf()) == (State.REFUSED, before)
    assert "SellerSKU" in made.problem
    command = Command.objects.get(store=hub.amazon, external_order_id=made.reference)
    assert not outbox.retry_command(command, actor=ANNA)
    services.add_shipment(order, actor=ANNA)


def test_what_was_sent_in_part_is_told_and_the_rest_is_to_be_sent_from_here(
    hub: Hub, boutique: ShopifyWorld, depot: AmazonWorld
) -> None:
    order = hub.bought()
    services.request_outside(order, hub.amazon, actor=ANNA)
    hub.send(hub.amazon)
    depot.trouble("outbound_partial")
    hub.go_on(4)
    moved = StockMovement.objects.filter(bucket="on_hand").count()
    hub.look()
    hub.send(hub.shopify)

    assert only().state == State.PARTLY_SENT
    assert [units for _, units, _ in parcels_there(boutique, order.external_id)] == [{hub.cup: 2}]
    assert StockMovement.objects.filter(bucket="on_hand").count() == moved
    services.add_shipment(order, carrier="DHL", tracking_number="T2", actor=ANNA)
    hub.send(hub.shopify)
    assert [units for _, units, _ in parcels_there(boutique, order.external_id)] == [
        {hub.cup: 2},
        {hub.cup: 1},
    ]
    assert_books_balance()


def test_a_person_sees_the_price_asks_for_it_and_calls_it_off(
    hub: Hub, admin_client: Client
) -> None:
    order = hub.bought()
    page = reverse("admin:orders_order_change", args=[order.pk])
    asks = reverse("admin:orders_order_outside", args=[order.pk])
    assert f"Send from {hub.amazon}" in admin_client.get(page).content.decode()

    (line,) = order.lines.all()
    told = {"asked": "0", "store": str(hub.amazon.pk), f"units-{line.pk.hex}": "2"}
    assert "Show what it costs" in admin_client.get(asks).content.decode()
    priced = admin_client.post(asks, told)
    shown = priced.content.decode()
    assert "Standard: 7.90 EUR, arrives" in shown
    assert "Have it sent" in shown
    assert OutsideFulfillment.objects.count() == 0
    seen = priced.context["form"].data["seen"]
    chosen = {**told, "seen": seen, "speed": "expedited"}
    other = admin_client.post(asks, {**chosen, f"units-{line.pk.hex}": "3"})
    assert "12.50 EUR" in other.content.decode()
    assert "so the prices are new" in other.content.decode()
    assert "so the prices are new" not in shown
    assert OutsideFulfillment.objects.count() == 0
    assert admin_client.post(asks, chosen).status_code == 302
    twice = admin_client.post(asks, chosen)
    assert "since you opened this page" in twice.content.decode()

    made = only()
    assert (made.speed, made.lines.get().quantity) == ("expedited", 2)
    shown = admin_client.get(page).content.decode()
    assert made.reference in shown
    assert "0 of 2" in shown
    assert "Ship a parcel" in shown
    assert "Call it off" in shown
    off = reverse("admin:orders_order_outside_off", args=[order.pk, made.pk])
    answer = admin_client.post(off, {"reason": "Changed their mind"}, follow=True)
    assert "was never told of it" in answer.content.decode()
    assert only().state == State.CANCELLED
    hub.send(hub.amazon)
    assert hub.there() == {}
    assert [x.state for x in Command.objects.filter(store=hub.amazon)] == ["dropped"]


def test_what_another_store_is_to_send_whole_is_not_shipped_from_here_as_well(
    hub: Hub, admin_client: Client
) -> None:
    order = hub.bought()
    page = reverse("admin:orders_order_change", args=[order.pk])
    services.request_outside(order, hub.amazon, actor=ANNA)

    shown = admin_client.get(page).content.decode()

    for button in ("Ship a parcel", "Ship all that is left", f"Send from {hub.amazon}"):
        assert button not in shown
    services.cancel_outside(only(), actor=ANNA)
    assert "Ship a parcel" in admin_client.get(page).content.decode()


def test_of_an_order_with_nothing_left_no_price_is_asked(hub: Hub, admin_client: Client) -> None:
    order = hub.bought()
    services.add_shipment(order, carrier="DHL", tracking_number="JJD0001", actor=ANNA)

    answer = admin_client.get(reverse("admin:orders_order_outside", args=[order.pk]), follow=True)

    assert f"Nothing of {order} is left to be sent." in answer.content.decode()
    assert "Show what it costs" not in answer.content.decode()


def test_what_cannot_be_sent_is_said_before_it_is_asked_for(
    hub: Hub, admin_client: Client, merchant: Merchant
) -> None:
    order = hub.bought()
    acts.set_stock(hub.depot.shop.store, hub.fba, 1)
    (line,) = order.lines.all()
    told = {"asked": "0", "store": str(hub.amazon.pk), f"units-{line.pk.hex}": "3"}

    asks = reverse("admin:orders_order_outside", args=[order.pk])
    shown = admin_client.post(asks, told).content.decode()

    assert "too few units are in Amazon" in shown
    assert "Say fewer units, or send it from here." in shown
    api = api_for(merchant)
    ask = f"/orders/{order.pk}/outside"
    own = api.post(ask, {"store": str(hub.shopify.pk)})
    assert (own.status_code, own.json()["code"]) == (409, "cannot_send")
    assert "Shopify sends no goods itself" in own.json()["detail"]
    Store.objects.filter(pk=hub.amazon.pk).update(writes_enabled=False)
    off = api.post(ask, {"store": str(hub.amazon.pk)})
    assert (off.status_code, off.json()["code"]) == (409, "writes_off")
    assert (
        "Send from"
        not in admin_client.get(
            reverse("admin:orders_order_change", args=[order.pk])
        ).content.decode()
    )
    stranger = api_for(make_merchant("stranger"))
    assert stranger.post(ask, {"store": str(hub.amazon.pk)}).status_code == 404
    reader = api_for(merchant, Scope.READ)
    assert reader.post(ask, {"store": str(hub.amazon.pk)}).status_code == 403
