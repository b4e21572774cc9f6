"""What staff do all day, pressed in a real browser against a store that answers over real HTTP."""

from __future__ import annotations

import pytest
from django.urls import reverse

from integrations.models import (
    Command,
    Endpoint,
    FieldRule,
    ParkedRecord,
    Push,
    Store,
    StoreStatus,
    SyncRun,
)
from inventory.models import Listing, StockLevel
from logix.accounts.models import ApiToken
from orders import services
from orders.models import Order
from tests.browser.conftest import Watched
from tests.browser.hub import Hub
from tests.browser.shop import Shop
from tests.integrations.wordpress import KEY, SECRET
from webhooks.models import Delivery

pytestmark = pytest.mark.browser


def test_a_store_from_connecting_to_disconnecting(window: Watched, hub: Hub) -> None:
    shop = Shop()
    hub.shops.append(shop)
    window.sign_in("anna")

    _connect(window, hub, shop, key="ck_ffffffffffffffffffffffffffffffffffffffff")
    window.picture("journey-refused")
    assert "Consumer key is invalid" in window.text()
    assert SECRET not in window.page.content()
    assert not Store.objects.filter(base_url=shop.url).exists()

    _connect(window, hub, shop, key=KEY)
    assert "is connected; its products and orders are being read." in window.text()
    window.picture("journey-connected", whole=True)
    store = Store.objects.get(base_url=shop.url)
    assert store.status == StoreStatus.ACTIVE
    assert SECRET not in window.page.content()

    window.press("Test connection")
    assert "Connected to Mugs" in window.text()

    window.press("Sync now")
    assert "is read now" in window.text()

    window.press("Pause")
    window.picture("journey-confirm", phone=True)
    window.confirm("Pause")
    assert "is paused" in window.text()

    window.press("Resume")
    assert "is active again" in window.text()

    window.press("Turn writing on")
    window.confirm("Turn writing on")
    assert "Logix now writes" in window.text()

    before = bytes(Endpoint.objects.get(store=store).secret_sealed)
    window.press("Rotate secret")
    window.confirm("Rotate secret")
    assert "signs with a new secret now" in window.text()
    assert bytes(Endpoint.objects.get(store=store).secret_sealed) != before

    window.press("New keys")
    window.picture("journey-keys", phone=True)
    assert KEY not in window.page.content()
    window.page.fill("input[name=consumer_key]", KEY)
    window.page.fill("input[name=consumer_secret]", SECRET)
    window.confirm("Test and keep")
    assert "The store took them" in window.text()

    window.press("Disconnect")
    window.confirm("Disconnect")
    assert "Its keys were deleted" in window.text()
    store.refresh_from_db()
    assert store.status == StoreStatus.DISCONNECTED
    assert not store.credentials.exists()
    assert shop.hooks == []


def _connect(window: Watched, hub: Hub, shop: Shop, *, key: str) -> None:
    window.open(reverse("admin:integrations_store_add"))
    window.page.select_option("select[name=merchant]", str(hub.merchant.pk))
    window.page.fill("input[name=store_url]", shop.url)
    window.page.fill("input[name=consumer_key]", key)
    window.page.fill("input[name=consumer_secret]", SECRET)
    with window.page.expect_navigation():
        window.page.get_by_role("button", name="Save", exact=True).click()


def test_what_is_stuck_is_sent_replayed_tried_again_and_dismissed(
    window: Watched, hub: Hub
) -> None:
    window.sign_in("olaf")

    command = Command.objects.exclude(problem="").order_by("created_at")[0]
    window.open(reverse("admin:integrations_command_change", args=[command.pk]))
    window.press("Send again")
    assert "the store is looked at first" in window.text()

    push = Push.objects.order_by("pk")[0]
    window.open(reverse("admin:integrations_push_change", args=[push.pk]))
    window.press("Send again")
    assert f"is sent to {hub.store} again" in window.text()

    delivery = Delivery.objects.get(topic="order.created")
    window.open(reverse("admin:webhooks_delivery_change", args=[delivery.pk]))
    window.press("Replay")
    assert "is worked again" in window.text()
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.NEW

    parked = ParkedRecord.objects.get(external_id="9000")
    window.open(reverse("admin:integrations_parkedrecord_change", args=[parked.pk]))
    window.press("Try again")
    assert "orders 9000" in window.text()
    window.press("Dismiss")
    window.page.fill("input[name=why]", "A test order")
    window.picture("journey-why", phone=True)
    window.confirm("Dismiss")
    assert "is dismissed; it stays listed" in window.text()

    run = SyncRun.objects.get(state="paused")
    window.open(reverse("admin:integrations_syncrun_change", args=[run.pk]))
    window.press("Go on")
    assert "goes on where it was" in window.text()


def test_several_rows_are_asked_about_before_they_are_changed(window: Watched, hub: Hub) -> None:
    window.sign_in("olaf")
    window.open(reverse("admin:integrations_parkedrecord_changelist"))

    window.page.locator("#action-toggle").first.check()
    window.page.select_option("select[name=action]", "dismiss")
    with window.page.expect_navigation():
        window.page.get_by_role("button", name="Run").click()
    window.picture("journey-bulk-confirm")
    window.page.fill("input[name=why]", "Test orders")
    window.confirm("Dismiss")

    assert not ParkedRecord.objects.filter(state="parked").exists()


def test_a_return_is_put_back_and_a_listing_linked_by_hand(window: Watched, hub: Hub) -> None:
    window.sign_in("olaf")
    level = StockLevel.objects.get(merchant=hub.merchant, variant__sku="MUG-BLAU-300")
    window.open(reverse("admin:inventory_stocklevel_change", args=[level.pk]))
    window.press("Put a return back")
    window.picture("journey-restock", phone=True)
    window.page.fill("input[name=units]", "2")
    window.page.fill("input[name=order]", "4006")
    window.confirm("Put back")
    assert f"{level.on_hand + 2} on hand." in window.text()
    window.picture("journey-restocked", whole=True)

    listing = Listing.objects.get(store=hub.store, sku="KANNE-12")
    window.open(reverse("admin:inventory_listing_change", args=[listing.pk]))
    window.press("Unlink")
    window.picture("journey-unlink")
    window.confirm("Unlink")
    assert "is no longer counted here." in window.text()
    window.picture("journey-unlinked", whole=True)
    window.press("Link to a product")
    window.page.fill("input[name=sku]", "no such thing")
    window.confirm("Link")
    window.picture("journey-link-refused")
    assert "There is no product with the SKU no such thing." in window.text()
    window.page.fill("input[name=sku]", "mug-blau-300")
    window.confirm("Link")
    assert "is counted as MUG-BLAU-300 from now on." in window.text()
    listing.refresh_from_db()
    assert listing.variant_id == level.variant_id


def test_a_buyer_is_erased_after_being_asked(window: Watched, hub: Hub) -> None:
    order = hub.order("4006")
    window.sign_in("anna")
    window.open(reverse("admin:orders_order_change", args=[order.pk]))
    window.press("Erase the buyer")
    window.picture("journey-erase", phone=True)
    window.confirm("Erase the buyer")

    assert "The buyer of order #4006 is erased." in window.text()
    window.picture("journey-erased", whole=True)
    order.refresh_from_db()
    assert services.buyer_of(order) is None


def _to_ship(hub: Hub) -> list[Order]:
    """Orders of several units of which nothing has left."""
    waiting = {"order_status": "open", "fulfillment_status": "unfulfilled", "flags": ""}
    rows = Order.objects.filter(store=hub.store, **waiting, unit_count__gte=2)
    return list(rows.filter(shipments=None).order_by("placed_at")[:2])


def test_a_clerk_ships_two_parcels_and_adds_the_second_ones_tracking(
    window: Watched, hub: Hub
) -> None:
    order = _to_ship(hub)[0]
    window.sign_in("olaf")
    window.open(reverse("admin:orders_order_change", args=[order.pk]))
    window.press("Ship a parcel")
    window.picture("journey-parcel", whole=True, phone=True)
    first, *others = window.page.locator("input[name^=units-]").all()
    first.fill("1")
    for other in others:
        other.fill("0")
    window.page.fill("input[name=carrier]", "DHL")
    window.page.fill("input[name=tracking_number]", "JJD014")
    window.page.fill("input[name=tracking_url]", "https://dhl.example/JJD014")
    window.confirm("Ship")
    assert f"Parcel LGX-{order.number}-1 was made" in window.text()

    window.press("Ship all that is left")
    window.confirm("Ship all that is left")
    assert f"Parcel LGX-{order.number}-2 was made" in window.text()
    window.picture("journey-two-parcels", whole=True, phone=True)

    with window.page.expect_navigation():
        window.page.get_by_text("Add tracking").click()
    window.page.fill("input[name=tracking_number]", "JJD015")
    window.picture("journey-tracking", phone=True)
    window.confirm("Keep and tell the store")
    assert f"Tracking of parcel LGX-{order.number}-2 is kept" in window.text()
    tracked = order.shipments.order_by("reference").values_list("tracking_number", flat=True)
    assert list(tracked) == ["JJD014", "JJD015"]

    window.press("Write a note")
    window.page.fill("textarea[name=text]", "Both parcels are on their way")
    window.page.locator("label[for=id_to_customer]").first.scroll_into_view_if_needed()
    window.picture("journey-note", phone=True)
    window.confirm("Put it on the order")
    assert "The note is on its way" in window.text()


def test_an_order_is_held_released_and_cancelled_with_a_reason(window: Watched, hub: Hub) -> None:
    order = _to_ship(hub)[1]
    window.sign_in("olaf")
    window.open(reverse("admin:orders_order_change", args=[order.pk]))

    window.press("Put on hold")
    window.confirm("Put on hold")
    assert f"Holding order {order} was asked for" in window.text()
    window.press("Cancel at the store")
    window.page.fill("input[name=reason]", "Ordered twice")
    window.picture("journey-cancel", phone=True)
    window.confirm("Cancel at the store")

    assert f"Cancelling order {order} was asked for" in window.text()


def test_a_rule_is_tried_on_past_orders(window: Watched, hub: Hub) -> None:
    rule = FieldRule.objects.get(store=hub.store, target="custom.gift")
    window.sign_in("anna")
    window.open(reverse("admin:integrations_fieldrule_change", args=[rule.pk]))

    window.press("Try on past orders")

    window.picture("journey-preview", whole=True, phone=True)
    assert "custom.gift" in window.text()


def test_a_webhook_is_put_away_and_a_disconnected_store_connected_again(
    window: Watched, hub: Hub
) -> None:
    window.sign_in("anna")
    delivery = Delivery.objects.filter(state=Delivery.State.PARKED)[0]
    window.open(reverse("admin:webhooks_delivery_change", args=[delivery.pk]))
    window.press("Put away")
    window.page.fill("input[name=why]", "A maintenance page")
    window.picture("journey-put-away", phone=True)
    window.confirm("Put away")
    assert "is put away. Replay it to undo that." in window.text()

    gone = Store.objects.get(name="Old outlet")
    window.open(reverse("admin:integrations_store_change", args=[gone.pk]))
    window.press("Connect again")
    window.picture("journey-connect-again", phone=True)
    assert window.page.input_value("input[name=store_url]") == gone.base_url
    window.page.fill("input[name=consumer_key]", KEY)
    window.page.fill("input[name=consumer_secret]", SECRET)
    window.page.fill("input[name=name]", "")
    with window.page.expect_navigation():
        window.page.get_by_role("button", name="Save", exact=True).click()
    gone.refresh_from_db()
    assert (gone.name, gone.status) == ("Old outlet", StoreStatus.ACTIVE)


def test_a_token_is_shown_once(window: Watched, hub: Hub) -> None:
    window.sign_in("anna")
    window.open(reverse("admin:accounts_apitoken_add"))
    window.page.select_option("select[name=merchant]", str(hub.merchant.pk))
    window.page.fill("input[name=name]", "Scanner 7")
    with window.page.expect_navigation():
        window.page.get_by_role("button", name="Save", exact=True).click()
    text = window.page.locator("#token").inner_text()
    window.picture("journey-token", phone=True)

    with window.page.expect_navigation():
        window.page.get_by_text("I have copied it").click()

    assert text.startswith("lgx_")
    assert text not in window.page.content()
    assert ApiToken.objects.filter(name="Scanner 7").count() == 1
    assert ApiToken.objects.get(name="Scanner 7").prefix in window.page.content()


def test_a_viewer_looks_at_everything_and_finds_nothing_to_press(window: Watched, hub: Hub) -> None:
    window.sign_in("vera")
    window.picture("viewer-home")

    for name, row in (
        ("integrations_store", hub.store),
        ("orders_order", hub.order("4006")),
        ("webhooks_delivery", Delivery.objects.get(topic="order.created")),
    ):
        window.open(reverse(f"admin:{name}_change", args=[row.pk]))
        window.picture(f"viewer-{name}", whole=True)
        assert window.page.get_by_role("toolbar", name="Actions").count() == 0
        assert window.page.get_by_role("button", name="Save").count() == 0
    buyer = services.buyer_of(hub.order("4006"))
    assert buyer is not None
    window.open(reverse("admin:orders_order_change", args=[hub.order("4006").pk]))
    assert buyer.email not in window.page.content()
    assert "Hansen Tee" not in window.page.content()
