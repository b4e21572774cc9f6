"""An Amazon account connected to the hub as a seller does it, to the parcel that Amazon shows."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from integrations import connect, outbox, sync
from integrations.connect import ConnectError
from integrations.models import (
    Command,
    NewsQueue,
    Push,
    RateBucket,
    RunKind,
    Store,
    StoreStatus,
    Stream,
    SyncRun,
)
from integrations.sandbox.amazon.play import acts as account
from inventory import ledger
from inventory.models import Listing, StockLevel, StockMovement
from logix.accounts import tokens
from logix.accounts.models import Merchant, Scope
from logix.common import bell
from orders import services
from orders.errors import OrderError
from orders.models import Order, Shipment
from orders.status import OrderStatus
from tests.factories import make_merchant
from tests.integrations.amazon.conftest import MakeWorld
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.sync.conftest import before_the_first_order, run_to_end
from webhooks import listening

pytestmark = pytest.mark.django_db(transaction=True)
ANNA = "user:anna"


@pytest.fixture(autouse=True)
def quiet_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker is spoken to."""
    monkeypatch.setattr(bell, "publish", lambda *_args, **_options: True)


@pytest.fixture
def merchant(transactional_db: None) -> Merchant:
    return make_merchant()


@pytest.fixture
def store(world: AmazonWorld, merchant: Merchant) -> Store:
    return connected(world, merchant)


def connected(world: AmazonWorld, merchant: Merchant, **options: Any) -> Store:
    """Read to the end and in step."""
    store = connect.connect_store(
        merchant=merchant,
        platform="amazon",
        base_url=world.url,
        credentials=world.credentials,
        options=options,
        auto_sync=False,
        import_since=before_the_first_order(),
        writes_enabled=True,
        actor=ANNA,
    )
    read(store)
    run_to_end(SyncRun.objects.get(store=store, stream__name="orders", kind=RunKind.BACKFILL))
    read(store)
    push(store)
    store.refresh_from_db()
    return store


def read(store: Store) -> None:
    for name in ("products", "orders"):
        while sync.run_stream(Stream.objects.get(store=store, name=name).pk):
            pass


def push(store: Store) -> None:
    for _ in range(5):
        Push.objects.filter(store=store, state=Push.State.READY).update(next_at=Now())
        outbox.send_pushes(store.pk)


def send(store: Store) -> None:
    Command.objects.filter(store=store, state__in=["new", "unknown"]).update(next_at=Now())
    outbox.send_commands(store.pk)


def fetched(store: Store, order_id: str) -> Order:
    sync.refetch_order(store, external_id=order_id, actor=ANNA)
    return Order.objects.get(store=store, external_id=order_id)


def on_hand(sku: str) -> int:
    variant = Listing.objects.get(sku=sku).variant
    return sum(StockLevel.objects.filter(variant=variant).values_list("on_hand", flat=True))


def test_an_account_is_connected_read_and_in_step(world: AmazonWorld, store: Store) -> None:
    assert store.status == StoreStatus.ACTIVE
    assert store.name == "Musterhandel"
    found = set(Order.objects.filter(store=store).values_list("external_id", flat=True))
    assert found == world.order_ids()
    with world.shop.store.working():
        listings = dict(world.shop.store.state.listings)
    sold = {sku for sku, row in listings.items() if not row.children}
    assert set(Listing.objects.filter(store=store).values_list("sku", flat=True)) == sold
    for listing in Listing.objects.filter(store=store):
        assert listing.stock_ref == listing.sku
    # What Amazon keeps is neither counted nor pushed.
    kept = {sku for sku, row in listings.items() if row.is_amazons}
    assert kept
    sent = [row.path.rpartition("/")[2] for row in world.shop.asked if row.method == "PATCH"]
    assert not kept & set(sent)
    assert not world.calls("confirmShipment")


def test_wrong_keys_are_refused_in_words_and_nothing_is_kept(
    world: AmazonWorld, merchant: Merchant
) -> None:
    for wrong, words in (
        ({"refresh_token": "Atzr|of-somebody-else"}, "revoked"),
        ({"client_secret": "amzn1.oa2-cs.v1.other"}, "client id and secret"),
        ({"refresh_token": "Atza|access"}, "Refresh token"),
        ({"seller_id": ""}, "Merchant token"),
    ):
        with pytest.raises(Exception, match=words) as caught:
            connect.connect_store(
                merchant=merchant,
                platform="amazon",
                base_url=world.url,
                credentials={**world.credentials, **wrong},
                actor=ANNA,
            )
        assert world.credentials["client_secret"] not in str(caught.value)
    assert not Store.objects.filter(merchant=merchant).exists()


def test_an_app_without_the_role_for_orders_is_not_connected(
    make_world: MakeWorld, merchant: Merchant
) -> None:
    world = make_world(orders=0, roles=("Product Listing",))

    with pytest.raises(ConnectError, match="Inventory and Order Tracking"):
        connected(world, merchant)


def test_an_account_that_nothing_confirms_says_what_to_compare(
    world: AmazonWorld, merchant: Merchant
) -> None:
    typed = {**world.credentials, "seller_id": "A3SOMEBODYELSE"}
    store = connect.connect_store(
        merchant=merchant,
        platform="amazon",
        base_url=world.url,
        credentials=typed,
        auto_sync=False,
        actor=ANNA,
    )

    off, unsure = connect.warnings_of(store)

    assert "Product Listing was not granted" in off
    assert "Nothing confirms the Merchant token A3SOMEBODYELSE yet" in unsure
    assert "Your Merchant Token" in unsure


def test_a_new_order_reserves_and_its_parcel_is_told_once(world: AmazonWorld, store: Store) -> None:
    order_id = world.place_order()
    order = fetched(store, order_id)
    line = order.lines.order_by("position")[0]
    before = on_hand(line.sku)

    parcel = services.add_shipment(
        order, carrier="DHL", tracking_number="00340434161000000017", actor=ANNA
    )
    send(store)
    send(store)
    again = fetched(store, order_id)

    assert world.parcels(order_id) == [("00340434161000000017",)]
    assert Shipment.objects.filter(order=order).count() == 1
    assert Shipment.objects.get(pk=parcel.pk).external_id
    assert (again.order_status, again.fulfillment_status) == ("completed", "fulfilled")
    assert on_hand(line.sku) == before - line.quantity
    assert world.calls("confirmShipment") == 1


def test_a_parcel_whose_answer_never_comes_is_looked_for_and_told_once(
    world: AmazonWorld, store: Store
) -> None:
    order = fetched(store, world.place_order())
    services.add_shipment(order, carrier="DHL", tracking_number="T-1", actor=ANNA)
    world.trouble("timeout_after_write", route="confirmShipment", seconds=0)

    send(store)
    assert Command.objects.get(store=store).state == Command.State.UNKNOWN
    world.peace()
    send(store)

    assert Command.objects.get(store=store).state == Command.State.DONE
    assert world.parcels(order.external_id) == [("T-1",)]
    assert fetched(store, order.external_id).fulfillment_status == "fulfilled"
    assert Shipment.objects.filter(order=order).count() == 1
    assert world.calls("confirmShipment") == 1


def test_a_parcel_without_tracking_is_refused_in_words(world: AmazonWorld, store: Store) -> None:
    order = fetched(store, world.place_order())
    services.add_shipment(order, actor=ANNA)

    send(store)

    command = Command.objects.get(store=store)
    assert command.state == Command.State.REFUSED
    assert "tracking number" in command.problem

    parcel = order.shipments.get()
    services.update_tracking(parcel, carrier="DHL", tracking_number="0034043416", actor=ANNA)
    send(store)

    states = (
        Command.objects.filter(store=store).order_by("sequence").values_list("state", flat=True)
    )
    assert list(states) == [Command.State.DROPPED, Command.State.DONE]
    command.refresh_from_db()
    assert (command.problem_code, "tracking number" in command.problem) == ("superseded", True)


def test_a_status_follows_by_itself_and_one_that_is_asked_for_is_refused_in_words(
    world: AmazonWorld, store: Store
) -> None:
    order = fetched(store, world.place_order())
    services.request_status(order, status=OrderStatus.COMPLETED, actor=ANNA)
    send(store)
    (asked,) = Command.objects.filter(store=store)
    assert (asked.kind, asked.state) == (Command.Kind.STATUS, Command.State.REFUSED)
    assert "sets an order's status itself" in asked.problem

    services.add_shipment(order, carrier="DHL", tracking_number="T-1", actor=ANNA)

    told = Command.objects.filter(store=store).exclude(pk=asked.pk)
    assert [command.kind for command in told] == [Command.Kind.SHIPMENT]


def test_only_chosen_marketplaces_come_and_the_first_names_the_money(
    world: AmazonWorld, merchant: Merchant
) -> None:
    store = connected(world, merchant, marketplaces=["FR", "GB"])

    assert (store.currency, store.timezone) == ("EUR", "Europe/Paris")
    places = {x.custom["marketplace"] for x in Order.objects.filter(store=store)}
    assert places <= {"Amazon.fr", "Amazon.co.uk"}
    assert 0 < Order.objects.filter(store=store).count() < len(world.order_ids())


def test_what_amazon_sends_moves_no_stock_of_ours_and_cannot_be_sent_from_here(
    world: AmazonWorld, store: Store
) -> None:
    moved = StockMovement.objects.count()
    (order_id,) = world.place("fba")
    order = fetched(store, order_id)
    with pytest.raises(OrderError, match="own stock"):
        services.add_shipment(order, actor=ANNA)

    world.act("ship", order_id)
    world.edit_order(order_id)
    sent = fetched(store, order_id)

    assert sent.fulfillment_status == "fulfilled"
    assert StockMovement.objects.count() == moved
    assert not sent.moves_stock


def test_a_pending_order_reserves_and_lets_go_when_it_is_cancelled(
    world: AmazonWorld, store: Store
) -> None:
    with world.shop.store.working():
        rows = world.shop.store.state.listings.values()
        sku = next(x.sku for x in rows if x.quantity and "A1PA6795UKMFR9" in x.offers)
    variant = Listing.objects.get(store=store, sku=sku).variant
    held = StockLevel.objects.filter(variant=variant)
    before = sum(held.values_list("reserved", flat=True))

    order = fetched(store, world.buy((sku, 1), status="PENDING"))
    assert order.order_status == "pending"
    assert sum(held.values_list("reserved", flat=True)) == before + 1
    world.cancel_order(order.external_id)
    fetched(store, order.external_id)

    assert sum(held.values_list("reserved", flat=True)) == before


def test_a_figure_that_changes_here_is_pushed_once_for_all_marketplaces(
    world: AmazonWorld, store: Store
) -> None:
    listing = next(
        x
        for x in Listing.objects.filter(store=store).exclude(variant=None)
        if x.seen_quantity and x.seen_quantity > 3
    )
    world.shop.asked.clear()
    level = StockLevel.objects.filter(variant=listing.variant).first()
    assert level is not None
    order = world.buy((listing.sku, 1))
    fetched(store, order)
    Push.objects.filter(listing=listing).update(want_version=F("want_version") + 1)

    push(store)

    patched = [row for row in world.shop.asked if row.method == "PATCH"]
    assert len(patched) == 1
    assert world.stock(listing.sku, listing.sku) == listing.seen_quantity - 1


def test_a_figure_whose_answer_never_comes_is_looked_for_and_settled(
    world: AmazonWorld, store: Store
) -> None:
    listings = Listing.objects.filter(store=store, seen_quantity__gt=3).exclude(variant=None)
    listing = listings.order_by("sku")[0]
    level = StockLevel.objects.filter(variant=listing.variant, location__kept_by=None)[0]
    ledger.adjust(
        variant=level.variant, location=level.location, set_to=3, reason="Count", actor=ANNA
    )
    world.trouble("timeout_after_write", route="patchListingsItem", seconds=0)
    Push.objects.filter(listing=listing).update(next_at=Now())

    outbox.send_pushes(store.pk)

    patched = [row for row in world.shop.requests if row.method == "PATCH"]
    assert (patched[-1].status, patched[-1].faults) == (0, ["timeout_after_write"])
    assert world.stock(listing.sku, listing.sku) == 3
    told = Push.objects.get(listing=listing)
    assert (told.state, told.pushed_value) == (Push.State.READY, None)
    world.peace()
    push(store)

    told.refresh_from_db()
    assert (told.state, told.pushed_value, told.problem) == (Push.State.IDLE, 3, "")
    assert world.stock(listing.sku, listing.sku) == 3


@pytest.mark.parametrize("is_told", [False, True])
def test_orders_of_an_account_that_throttles_are_all_here_afterwards(
    world: AmazonWorld, store: Store, is_told: bool
) -> None:
    world.trouble("throttled", route="searchOrders", count=2)
    if is_told:
        world.trouble("limit_told")
    placed = {world.place_order() for _ in range(3)}

    read(store)
    assert not Order.objects.filter(external_id__in=placed).exists()
    assert Stream.objects.get(store=store, name="orders").failures == 0
    for _ in range(2):
        RateBucket.objects.all().delete()
        read(store)

    assert Order.objects.filter(external_id__in=placed).count() == len(placed)


def test_an_access_that_was_revoked_stops_all_and_a_new_one_leaves_nothing_out(
    world: AmazonWorld, store: Store
) -> None:
    before = fetched(store, world.place_order())
    services.add_shipment(before, carrier="DHL", tracking_number="T-1", actor=ANNA)
    account.on_app(world.shop.store, "revoke")
    meanwhile = world.place_order()

    read(store)
    send(store)
    store.refresh_from_db()
    assert store.status == StoreStatus.NEEDS_MERCHANT
    assert world.parcels(before.external_id) == []

    account.on_app(world.shop.store, "authorise")
    fresh = {**world.credentials, "refresh_token": world.shop.refresh_token}
    connect.change_store(store, actor=ANNA, credentials=fresh)
    store.refresh_from_db()
    assert store.status == StoreStatus.ACTIVE
    read(store)
    send(store)

    assert Order.objects.filter(store=store, external_id=meanwhile).exists()
    assert world.parcels(before.external_id) == [("T-1",)]


def test_quiet_accounts_are_polled_within_their_quota(
    make_world: MakeWorld, merchant: Merchant
) -> None:
    """An hour of polls of an account where nothing happens: a search each."""
    world = make_world(orders=5)
    store = connected(world, merchant)
    stream = Stream.objects.get(store=store, name="orders")
    polls = int(timedelta(hours=1).total_seconds() / stream.every_s)
    RateBucket.objects.all().delete()
    before = world.calls("searchOrders")

    for _ in range(polls):
        sync.run_stream(stream.pk)

    assert world.calls("searchOrders") - before == polls == 12
    assert polls / 3600 < 0.0056


def test_that_it_sends_no_webhooks_is_said_and_none_are_offered(
    world: AmazonWorld, store: Store, admin_client: Client
) -> None:
    page = admin_client.get(reverse("admin:integrations_store_change", args=[store.pk]))
    _, text = tokens.issue(store.merchant, name="test", scopes=Scope.values)
    bearer = {"Authorization": f"Bearer {text}"}
    asked = f"/api/v1/integrations/{store.pk}/webhooks"

    shown = page.content.decode()
    answers = [
        admin_client.post(f"{asked}/check", headers=bearer),
        admin_client.post(f"{asked}/secret", headers=bearer),
        admin_client.get(asked, headers=bearer),
    ]

    assert "Check webhooks" not in shown
    assert "Amazon calls nobody" in shown
    assert "rescued" not in shown
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (422, "no_webhooks")
        assert "without one, orders are read by polling." in answer.json()["detail"]


def test_a_hub_without_boto3_says_so_and_polls(
    world: AmazonWorld, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "boto3.session", None)
    key = {"aws_access_key_id": "AKIA" + "T" * 16, "aws_secret_access_key": "s" * 40}
    url = "http://127.0.0.1:9/123456789012/no-boto-here"

    store = connect.connect_store(
        merchant=merchant,
        platform="amazon",
        base_url=world.url,
        credentials={**world.credentials, **key, "queue": url},
        actor=ANNA,
    )

    assert store.status == StoreStatus.ACTIVE
    problem = store.endpoints.get().problem
    assert "lacks boto3" in problem
    assert "Until then orders are read every 5 min." in problem
    assert listening.listen(NewsQueue.objects.get().pk) == 0
    assert "lacks boto3" in store.endpoints.get().problem
    assert not world.shop.store.state.destinations


def test_whoever_looks_for_its_webhooks_is_told_how_amazon_tells(client: Client) -> None:
    for path in ("receive", "receive/", "receive/some-token"):
        for answer in (
            client.get(f"/api/v1/amazon/webhooks/{path}"),
            client.post(f"/api/v1/amazon/webhooks/{path}", b"{}", "application/json"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "no_webhooks")
            assert "a queue of the seller's own at AWS" in answer.json()["detail"]


def test_the_form_says_what_is_typed_as_an_account_s_address(admin_client: Client) -> None:
    form = admin_client.get(f"{reverse('admin:integrations_store_add')}?platform=amazon")

    assert "for example amazon.de" in form.content.decode()
