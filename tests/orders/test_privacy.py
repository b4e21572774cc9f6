"""The buyer is sealed, found by blind index, and once erased stays erased."""

from __future__ import annotations

from typing import Any

import pytest

from logix.common.crypto import SealBroken
from orders import privacy, services
from orders.data import Address, Buyer
from orders.models import Order, OrderEvent, OrderLine, OrderPayload, Refund
from tests.factories import make_line, make_merchant, make_order, make_store
from tests.orders.shop import bring, later, refund

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Any:
    return make_store()


def test_the_block_holds_the_whole_buyer_and_no_column_does(store: Any) -> None:
    bring(store, make_order())

    order = Order.objects.get()
    assert services.buyer_of(order) == make_order().buyer
    assert services.payload_of(order) == make_order().raw
    columns = repr(Order.objects.values().get()) + repr(OrderPayload.objects.values().get())
    columns += repr(list(OrderEvent.objects.values()))
    for secret in ("Zoë", "zoe@", "221 1234", "2211234", "Weg 1", "gift"):
        assert secret not in columns
    assert (order.ship_country, order.ship_city) == ("DE", "Köln")


def test_a_block_moved_to_another_order_does_not_open(store: Any) -> None:
    bring(store, make_order(1), make_order(2))
    one, other = Order.objects.order_by("number")
    one.buyer_sealed = other.buyer_sealed
    one.save()

    with pytest.raises(SealBroken):
        services.buyer_of(one)


def test_email_and_phone_are_found_however_they_are_spelled(store: Any) -> None:
    bring(store, make_order())
    merchant = store.merchant_id

    assert Order.objects.filter(
        email_index=privacy.email_index(merchant, "  ZOE@Buyers.example ")
    ).exists()
    assert Order.objects.filter(
        phone_index=privacy.phone_index(merchant, "+49 (221) 12-34")
    ).exists()


def test_the_same_buyer_has_another_index_at_another_merchant(store: Any) -> None:
    other = make_merchant("other")

    ours = privacy.email_index(store.merchant_id, "zoe@buyers.example")

    assert ours != privacy.email_index(other.pk, "zoe@buyers.example")
    assert privacy.email_index(other.pk, " ") == privacy.phone_index(other.pk, "none") == ""


def test_an_order_without_a_buyer_is_kept(store: Any) -> None:
    bring(store, make_order(buyer=None, raw=b""))

    order = Order.objects.get()
    assert services.buyer_of(order) is None
    assert services.payload_of(order) is None
    assert (order.email_index, order.ship_country) == ("", "")


def test_the_billing_address_stands_in_for_a_missing_shipping_address(store: Any) -> None:
    billing = Address(city="Wien", region="9", country="AT", phone="0043 1 55")
    bring(store, make_order(buyer=Buyer(billing=billing)))

    order = Order.objects.get()
    assert (order.ship_country, order.ship_region, order.ship_city) == ("AT", "9", "Wien")
    assert order.phone_index == privacy.phone_index(store.merchant_id, "0043155")


def test_an_erased_buyer_stays_erased_whatever_the_store_still_sends(store: Any) -> None:
    order = make_order(
        lines=(make_line(attributes={"engraving": "For Zoë"}),),
        custom={"gift_for": "Zoë"},
        refunds=(refund(reason="Zoë called"),),
        external_customer_id="77",
    )
    bring(store, order)

    services.erase_buyer(Order.objects.get(), actor="user:dpo", request_id="r")
    services.erase_buyer(Order.objects.get(), actor="user:dpo", request_id="r")
    for minutes in (1, 2):
        bring(store, later(order, minutes, number=f"N{minutes}"))

    stored = Order.objects.get()
    assert stored.number == "N2"
    assert stored.erased_at is not None
    assert services.buyer_of(stored) is None
    assert services.payload_of(stored) is None
    blanks = (stored.email_index, stored.phone_index, stored.external_customer_id, stored.custom)
    assert blanks == ("", "", "", {})
    assert OrderLine.objects.get().attributes == {}
    assert Refund.objects.get().reason == ""
    # What the books need stays.
    assert (stored.total, stored.ship_country) == (order.total, "DE")
    assert [(e.title, e.actor) for e in OrderEvent.objects.filter(kind="erased")] == [
        ("The buyer’s personal data was erased", "user:dpo")
    ]


def test_each_newer_answer_replaces_the_payload(store: Any) -> None:
    order = make_order()
    bring(store, order)

    bring(store, later(order, custom={"x": 1}, raw=b'{"newer": true}'))

    assert services.payload_of(Order.objects.get()) == b'{"newer": true}'
    assert OrderPayload.objects.count() == 1
