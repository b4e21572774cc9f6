"""Orders of other shops that Amazon sends from its warehouses."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.sandbox.amazon.clock import iso
from integrations.sandbox.amazon.outbound import life
from integrations.sandbox.amazon.outbound.models import STATUSES
from integrations.sandbox.amazon.play import acts
from integrations.sandbox.amazon.refusals import Refusal
from tests.integrations.sandbox.amazon.client import DE, NOW, Client
from tests.integrations.sandbox.amazon.conftest import Make

PATH = "/fba/outbound/2020-07-01/fulfillmentOrders"
ADDRESS = {
    "name": "Zoë Žižek",
    "addressLine1": "Weg 1",
    "city": "Köln",
    "postalCode": "50667",
    "countryCode": "DE",
}


@pytest.fixture
def sku(account: Client) -> str:
    row = next(x for x in account.store.state.listings.values() if x.stock and DE in x.offers)
    acts.set_stock(account.store, row.sku, 10)
    return row.sku


def asked(sku: str, units: int = 3, **changes: Any) -> dict[str, Any]:
    return {
        "marketplaceId": DE,
        "sellerFulfillmentOrderId": "LGX-1",
        "displayableOrderId": "#1001",
        "displayableOrderDate": iso(NOW),
        "displayableOrderComment": "#1001",
        "shippingSpeedCategory": "Standard",
        "destinationAddress": ADDRESS,
        "items": [{"sellerSku": sku, "sellerFulfillmentOrderItemId": "a", "quantity": units}],
        **changes,
    }


def make(client: Client, sku: str, **changes: Any) -> None:
    answer = client.call("POST", PATH, asked(sku, **changes))
    assert answer.status == 200, answer.document


def told(client: Client, name: str = "LGX-1") -> Any:
    """Hours may have gone by, and the token with them."""
    client.token = ""
    return client.get(f"{PATH}/{name}")["payload"]


def status(client: Client) -> str:
    word: str = told(client)["fulfillmentOrder"]["fulfillmentOrderStatus"]
    return word


def kept(client: Client, sku: str) -> tuple[int, int]:
    """(for sale, reserved)."""
    stock = client.store.state.listings[sku].stock
    assert stock is not None
    return stock.fulfillable, stock.pending_orders


def test_an_order_goes_its_way_with_the_clock_and_its_units_with_it(
    account: Client, sku: str
) -> None:
    _, before = kept(account, sku)
    make(account, sku)
    seen = [status(account)]
    while seen[-1] in life.STEPS_S:
        account.later(life.STEPS_S[seen[-1]])
        seen.append(status(account))
        if seen[-1] == "Processing":
            assert kept(account, sku) == (7, before + 3)
            assert told(account)["fulfillmentShipments"][0]["fulfillmentShipmentPackage"] == []

    assert seen == ["New", "Received", "Planning", "Processing", "Complete"]
    assert set(seen) <= set(STATUSES)
    assert kept(account, sku) == (7, before)
    (shipment,) = told(account)["fulfillmentShipments"]
    assert shipment["fulfillmentShipmentStatus"] == "SHIPPED"
    (package,) = shipment["fulfillmentShipmentPackage"]
    assert package["trackingNumber"]
    (item,) = shipment["fulfillmentShipmentItem"]
    assert (item["quantity"], item["packageNumber"]) == (3, package["packageNumber"])
    with pytest.raises(Refusal, match="nothing more"):
        acts.on_outbound(account.store, "go_on", "LGX-1")


def test_it_is_listed_among_the_account_s_orders_and_goes_the_same_way(
    account: Client, sku: str
) -> None:
    before = set(account.store.state.orders)
    make(account, sku)
    (name,) = set(account.store.state.orders) - before

    def listed() -> Any:
        account.token = ""
        included = "FULFILLMENT,PROCEEDS,RECIPIENT"
        return account.get(f"/orders/2026-01-01/orders/{name}", includedData=included)["order"]

    seen = [listed()["fulfillment"]["fulfillmentStatus"]]
    for wait in life.STEPS_S.values():
        account.later(wait)
        seen.append(listed()["fulfillment"]["fulfillmentStatus"])

    assert seen == [*["UNSHIPPED"] * 4, "SHIPPED"]
    told = listed()
    assert told["salesChannel"]["channelName"] == "NON_AMAZON"
    assert told["fulfillment"]["fulfilledBy"] == "AMAZON"
    assert told["orderAliases"][0]["aliasId"] == "#1001"
    assert [x["quantityOrdered"] for x in told["orderItems"]] == [3]


def test_it_can_be_called_off_until_it_is_picked(account: Client, sku: str) -> None:
    before = kept(account, sku)
    make(account, sku)
    cancel = f"{PATH}/LGX-1/cancel"
    assert account.refused("PUT", cancel) == (400, "InvalidInput")
    account.later(life.STEPS_S["New"])
    assert account.call("PUT", cancel).status == 200

    assert status(account) == "Cancelled"
    assert told(account)["fulfillmentOrderItems"][0]["cancelledQuantity"] == 3
    assert kept(account, sku) == before
    account.later(24 * 3600)
    assert status(account) == "Cancelled"
    assert account.refused("PUT", cancel) == (400, "InvalidInput")


def test_what_cannot_be_sent_is_invalid_or_not_found_in_the_warehouse(
    account: Client, sku: str
) -> None:
    make(account, sku, units=11, sellerFulfillmentOrderId="LGX-many")
    nowhere = {**ADDRESS, "postalCode": life.NOWHERE}
    make(account, sku, destinationAddress=nowhere, sellerFulfillmentOrderId="LGX-nowhere")
    account.later(life.STEPS_S["New"])

    for name in ("LGX-many", "LGX-nowhere"):
        assert told(account, name)["fulfillmentOrder"]["fulfillmentOrderStatus"] == "Invalid"
    assert kept(account, sku)[0] == 10
    heads = account.get(PATH)["payload"]["fulfillmentOrders"]
    assert {one["sellerFulfillmentOrderId"] for one in heads} == {"LGX-many", "LGX-nowhere"}
    assert account.get(PATH, queryStartDate=iso(NOW + 3600))["payload"]["fulfillmentOrders"] == []


def test_a_preview_says_what_it_costs_and_what_is_lacking(account: Client, sku: str) -> None:
    def previewed(units: int, **changes: Any) -> list[Any]:
        body = {
            "address": {**ADDRESS, **changes},
            "items": asked(sku, units)["items"],
            "marketplaceId": DE,
        }
        answer = account.call("POST", f"{PATH}/preview", body)
        assert answer.status == 200, answer.document
        found: list[Any] = answer.document["payload"]["fulfillmentPreviews"]
        return found

    standard, _, priority = previewed(3)
    assert standard["isFulfillable"]
    assert {fee["amount"]["currencyCode"] for fee in standard["estimatedFees"]} == {"EUR"}
    assert (
        priority["fulfillmentPreviewShipments"][0]["latestArrivalDate"]
        < standard["fulfillmentPreviewShipments"][0]["latestArrivalDate"]
    )
    (lacking,) = previewed(11)[0]["unfulfillablePreviewItems"]
    assert lacking["sellerSku"] == sku
    assert previewed(1, postalCode=life.NOWHERE)[0]["orderUnfulfillableReasons"]
    assert kept(account, sku)[0] == 10


@pytest.mark.parametrize(
    "change",
    [
        {"sellerFulfillmentOrderId": ""},
        {"sellerFulfillmentOrderId": "x" * 41},
        {"displayableOrderId": "two  blanks"},
        {"displayableOrderComment": ""},
        {"displayableOrderDate": "yesterday"},
        {"shippingSpeedCategory": "Drone"},
        {"fulfillmentPolicy": "Perhaps"},
        {"items": []},
        {"items": [{"sellerSku": "NONE", "sellerFulfillmentOrderItemId": "a", "quantity": 1}]},
        {"destinationAddress": {**ADDRESS, "city": ""}},
        {"destinationAddress": {**ADDRESS, "countryCode": "Germany"}},
        {"destinationAddress": {"name": "Zoë"}},
    ],
)
def test_a_wrong_order_is_refused(account: Client, sku: str, change: dict[str, Any]) -> None:
    assert account.refused("POST", PATH, asked(sku, **change)) == (400, "InvalidInput")
    assert account.store.state.outbound == {}


def test_an_id_is_used_once_and_a_strange_one_is_not_found(account: Client, sku: str) -> None:
    make(account, sku)

    assert account.refused("POST", PATH, asked(sku)) == (400, "InvalidInput")
    answer = account.call("GET", f"{PATH}/LGX-2")
    assert answer.status == 400
    assert answer.document["errors"][0]["message"] == "Requested order 'LGX-2' not found"


def test_an_app_without_the_role_sees_and_sends_nothing(make_store: Make) -> None:
    client = make_store(orders=0, roles=("Inventory and Order Tracking", "Product Listing"))

    assert client.refused("GET", f"{PATH}/LGX-1")[0] == 403
    assert client.refused("POST", PATH, asked("AMZ-0005"))[0] == 403


@pytest.mark.parametrize(
    ("kind", "word", "sent"),
    [
        ("outbound_invalid", "Invalid", 0),
        ("outbound_unfulfillable", "Unfulfillable", 0),
        ("outbound_partial", "CompletePartialled", 2),
    ],
)
def test_what_goes_wrong_in_the_warehouse(
    account: Client, sku: str, kind: str, word: str, sent: int
) -> None:
    _, reserved = kept(account, sku)
    account.store.strikes = lambda asked, where: asked == kind and where == "outbound LGX-1"
    make(account, sku)
    account.later(sum(life.STEPS_S.values()))

    found = told(account)

    assert found["fulfillmentOrder"]["fulfillmentOrderStatus"] == word
    assert found["fulfillmentOrderItems"][0]["unfulfillableQuantity"] == 3 - sent
    assert kept(account, sku) == (10 - sent, reserved)
