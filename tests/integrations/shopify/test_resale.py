"""What Shopify says it put back on sale: by refunds, and by what became of a return's goods."""

from __future__ import annotations

import json
from typing import Any

from integrations.shopify import resale, shapes
from orders.data import RestockData
from tests.integrations.shopify import make

SOLD = {"lineItem": {"id": "gid://shopify/LineItem/141"}}


def returned() -> shapes.Order:
    """One return that is closed, one that is half here, and a refund restocked as returned."""
    return shapes.decode(make.raw("order_returned"), shapes.Order)


def at(number: int) -> dict[str, str]:
    return {"legacyResourceId": str(number)}


def looked(*returns: tuple[int, list[dict[str, Any]]], refund: dict[str, Any] | None = None) -> Any:
    row = {"quantity": 1, "restockType": "RETURN", "restocked": True, "location": at(61), **SOLD}
    lines = {"nodes": [{**row, **(refund or {})}]}
    told = {
        "refunds": [{"legacyResourceId": "501", "refundLineItems": lines}],
        "returns": {
            "nodes": [
                {
                    "id": f"gid://shopify/Return/{number}",
                    "reverseFulfillmentOrders": {
                        "nodes": [
                            {
                                "lineItems": {
                                    "nodes": [{"fulfillmentLineItem": SOLD, "dispositions": spots}]
                                }
                            }
                        ]
                    },
                }
                for number, spots in returns
            ]
        },
    }
    return shapes.decode(json.dumps(told).encode(), resale.Back)


def spot(kind: str, units: int, place: int | None = 61) -> dict[str, Any]:
    return {"type": kind, "quantity": units, "location": at(place) if place else None}


REFUNDED = RestockData(line_external_id="141", quantity=1, reference="501")


def of_return(line: str, units: int, place: str) -> RestockData:
    return RestockData(
        line_external_id="141",
        quantity=units,
        return_line_external_id=line,
        external_location_id=place,
    )


def test_without_a_closer_look_a_refund_says_that_units_are_back() -> None:
    order = returned()

    assert resale.may_be(order)
    assert resale.to_restocks(order, None) == (REFUNDED,)


def test_only_what_was_restocked_counts_and_where() -> None:
    spots = [spot("NOT_RESTOCKED", 1), spot("RESTOCKED", 1, 62), spot("MISSING", 1, None)]

    found = resale.to_restocks(returned(), looked((802, spots)))

    assert found[1:] == (of_return("812", 1, "62"),)
    assert found[0].external_location_id == "61"


def test_a_refund_line_that_went_nowhere_is_not_back() -> None:
    found = resale.to_restocks(returned(), looked(refund={"restocked": False}))

    assert found == ()


def test_never_more_than_a_line_of_the_return_has_processed() -> None:
    found = resale.to_restocks(returned(), looked((801, [spot("RESTOCKED", 5)])))

    assert found[1:] == (of_return("811", 1, "61"),)


def test_units_that_never_left_are_not_back() -> None:
    cancelled = json.loads(make.raw("order_returned"))
    cancelled["returns"] = None
    cancelled["refunds"][0]["refundLineItems"]["nodes"][0]["restockType"] = "CANCEL"
    order = shapes.decode(json.dumps(cancelled).encode(), shapes.Order)

    assert not resale.may_be(order)
    assert resale.to_restocks(order, None) == ()
