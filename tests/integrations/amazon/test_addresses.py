"""Where an order goes: every part of an address stays, wherever the country has it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from integrations.amazon import mapper
from orders.data import Address, OrderData
from orders.status import Flag

DE = "A1PA6795UKMFR9"


def order_to(**address: Any) -> OrderData:
    raw = {
        "orderId": "302-1234567-1234567",
        "createdTime": "2026-11-20T10:00:00Z",
        "lastUpdatedTime": "2026-11-20T10:00:00Z",
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": DE},
        "fulfillment": {"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "MERCHANT"},
        "recipient": {"deliveryAddress": address},
        "orderItems": [{"orderItemId": "1", "quantityOrdered": 1, "product": {"sellerSku": "A"}}],
    }
    return mapper.to_order(json.dumps(raw).encode())


def shipping(**address: Any) -> Address:
    order = order_to(**address)
    assert order.buyer is not None
    return order.buyer.shipping


def lines(**address: Any) -> tuple[str, str, str]:
    found = shipping(**address)
    return found.line1, found.line2, found.region


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (
            {"addressLine1": "Weg 1", "addressLine2": "Hof", "addressLine3": "2. OG"},
            ("Weg 1", "Hof, 2. OG", ""),
        ),
        # Turkey: the district is what a parcel is sorted by.
        (
            {
                "addressLine1": "Moda Cd. 5",
                "city": "Istanbul",
                "districtOrCounty": "Kadıköy",
                "stateOrRegion": "Istanbul",
            },
            ("Moda Cd. 5", "Kadıköy", "Istanbul"),
        ),
        ({"addressLine1": "5 High St", "districtOrCounty": "Kent"}, ("5 High St", "", "Kent")),
        (
            {"addressLine1": "Calle 8", "city": "Puebla", "municipality": "San Andrés Cholula"},
            ("Calle 8", "San Andrés Cholula", ""),
        ),
        # Told twice, kept once.
        (
            {
                "addressLine1": "Rua Augusta, 25",
                "addressLine2": "Apto 101, Consolação",
                "city": "São Paulo",
                "stateOrRegion": "SP",
                "municipality": "São Paulo",
                "extendedFields": {
                    "streetName": "Rua Augusta",
                    "streetNumber": "25",
                    "complement": "Apto 101",
                    "neighborhood": "Consolação",
                },
            },
            ("Rua Augusta, 25", "Apto 101, Consolação", "SP"),
        ),
        # A number within another is another number.
        (
            {
                "addressLine1": "Rua 25 de Março",
                "extendedFields": {"streetName": "Rua 25 de Março", "streetNumber": "25"},
            },
            ("Rua 25 de Março, 25", "", ""),
        ),
        (
            {
                "addressLine1": "Rua 12, 50",
                "extendedFields": {"complement": "Bloco 5", "neighborhood": "Centro"},
            },
            ("Rua 12, 50", "Bloco 5, Centro", ""),
        ),
    ],
)
def test_every_part_is_kept_once(address: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert lines(**address) == expected


def test_long_lines_are_kept_whole() -> None:
    parts = [letter * 120 for letter in "abc"]

    found = shipping(
        addressLine1=parts[0], addressLine2=parts[1], addressLine3=parts[2], municipality="Town"
    )

    assert (found.line1, found.line2) == (parts[0], f"{parts[1]}, {parts[2]}, Town")


@pytest.mark.parametrize(
    "address",
    [
        {"addressLine2": "Weg 1", "addressLine3": "Hof"},
        {"addressLine1": " ", "addressLine2": "Weg 1", "addressLine3": "Hof"},
        {"addressLine1": "", "addressLine2": "", "addressLine3": "Weg 1"},
        {"extendedFields": {"streetName": "Weg", "streetNumber": "1"}},
    ],
)
def test_a_street_in_any_line_is_no_problem(address: dict[str, Any]) -> None:
    order = order_to(city="Köln", **address)

    assert order.flags == frozenset()
    assert order.buyer is not None
    assert order.buyer.shipping.line1 in ("Weg 1", "Weg, 1")


def test_a_district_alone_is_no_street() -> None:
    order = order_to(city="Istanbul", districtOrCounty="Kadıköy", stateOrRegion="Istanbul")

    assert order.flags == {Flag.ADDRESS_PROBLEM}
    assert order.buyer is not None
    assert (order.buyer.shipping.line1, order.buyer.shipping.line2) == ("", "Kadıköy")
