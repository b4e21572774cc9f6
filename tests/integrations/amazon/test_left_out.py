"""Orders that are none of this store's: of a marketplace that is not connected, or of another shop.
One that is here already is followed and never taken for deleted.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations import sync
from integrations.amazon import orders
from integrations.amazon.client import ORDER_DATA
from integrations.amazon.service import AmazonIntegration
from integrations.base import Filters, ReadBy
from integrations.errors import ContractBroken, NotFound, Rejected
from integrations.models import Command, ParkedRecord, Store
from inventory.models import Reservation
from logix.accounts.models import Merchant
from logix.common import bell
from orders import services
from orders.models import Order
from orders.status import OrderStatus
from tests.factories import make_merchant
from tests.integrations.amazon.test_in_the_hub import connected, fetched, send
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.conformance.suite import EVERYTHING, orders_of

hub = pytest.mark.django_db(transaction=True)
ANNA = "user:anna"


@pytest.fixture
def merchant(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Merchant:
    monkeypatch.setattr(bell, "publish", lambda *_args, **_options: True)
    return make_merchant()


def test_an_order_of_another_shop_is_in_no_list_and_says_why_it_stays_out(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    (elsewhere,) = world.place("elsewhere")
    window = Filters(
        since=datetime.now(UTC) - timedelta(days=1), until=datetime.now(UTC), by=ReadBy.PLACED
    )

    assert elsewhere not in {x.external_id for x in orders_of(adapter.read_orders(EVERYTHING))}
    assert elsewhere not in {x.external_id for x in orders_of(adapter.read_orders(window))}
    assert elsewhere not in set(adapter.order_ids(window))
    assert "another shop" in adapter.read_order(elsewhere).left_out


def test_an_order_of_another_shop_in_a_place_without_money_can_be_read(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    raw = (
        b'{"orderId":"S02-1234567-1234567","createdTime":"2026-11-20T10:00:00Z",'
        b'"lastUpdatedTime":"2026-11-20T10:00:00Z","salesChannel":{"channelName":"NON_AMAZON",'
        b'"marketplaceId":"A2ZV50J4W1RKNI"},"orderItems":[{"orderItemId":"1","quantityOrdered":2,'
        b'"product":{"sellerSku":"A"}}]}'
    )

    assert orders.mapper.to_order(raw).left_out


@hub
def test_a_new_order_of_a_place_that_is_not_connected_stays_out(
    world: AmazonWorld, merchant: Merchant
) -> None:
    store = connected(world, merchant, marketplaces=["DE"])
    (french,) = world.place("foreign")

    with pytest.raises(Rejected, match="a channel of this store that is off"):
        sync.refetch_order(store, external_id=french, actor=ANNA)

    assert not Order.objects.filter(store=store, external_id=french).exists()
    assert not ParkedRecord.objects.filter(store=store).exists()


@hub
def test_an_order_of_a_place_that_was_switched_off_is_followed_and_can_be_sent(
    world: AmazonWorld, merchant: Merchant
) -> None:
    store = connected(world, merchant)
    first, second = world.place("foreign", 2)
    order, other = fetched(store, first), fetched(store, second)
    choose(store, ["DE"])

    services.add_shipment(order, carrier="DHL", tracking_number="00340434161094042557", actor=ANNA)
    send(store)
    world.act("cancel", second)
    fetched(store, second)

    assert world.order(first).packages
    assert not Command.objects.filter(store=store).exclude(state="done").exists()
    other.refresh_from_db()
    assert (other.order_status, other.gone_at) == (OrderStatus.CANCELLED, None)
    assert not Reservation.objects.filter(order_ref=other.pk, quantity__gt=0).exists()


def choose(store: Store, places: list[str]) -> None:
    store.options = {**store.options, "marketplaces": places}
    store.save(update_fields=["options"])


# --- a question that Amazon does not take says nothing of the order -------------------------------


def test_a_word_that_amazon_retired_is_no_order_that_is_gone(
    world: AmazonWorld, adapter: AmazonIntegration, monkeypatch: pytest.MonkeyPatch
) -> None:
    order_id = world.place_order()
    monkeypatch.setattr(orders, "ORDER_DATA", (*ORDER_DATA, "RETIRED"))

    with pytest.raises(ContractBroken) as caught:
        adapter.read_order(order_id)

    assert (caught.value.code, caught.value.status) == ("order_refused", 400)
    assert order_id in str(caught.value)
    with pytest.raises(NotFound):
        adapter.read_order("999-9999999-999999")
