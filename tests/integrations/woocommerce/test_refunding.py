"""Refunds as WooCommerce is told of them: to the cent, by tax rate, and never put back on sale."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from integrations.errors import OutcomeUnknown, Rejected
from orders.data import RefundLineData, RefundOrder
from tests.integrations.woocommerce.make import order
from tests.integrations.woocommerce.site import LOST, Site, adapter_for, refused, told

ORDER, REFUNDS = "wc/v3/orders/7", "wc/v3/orders/7/refunds"
TAXED = [{"id": 1, "total": "1.90"}, {"id": 4, "total": "0.10"}]


def back(**changes: Any) -> RefundOrder:
    fields: dict[str, Any] = {
        "amount": Decimal("11.00"),
        "currency": "EUR",
        "lines": (
            RefundLineData(
                line_external_id="70", quantity=1, amount=Decimal("10.00"), tax=Decimal("1.00")
            ),
        ),
        "reason": "Chipped",
        **changes,
    }
    return RefundOrder(**fields)


@pytest.fixture
def shop(site: Site) -> Site:
    lines = [{"id": 70, "quantity": 2, "total": "20.00", "taxes": TAXED}]
    site.on("GET", ORDER, order(7, line_items=lines))
    site.on("POST", REFUNDS, told({"id": 8}, 201))
    return site


def refund(site: Site, told: RefundOrder | None = None) -> bool:
    return adapter_for(site).refund_order("7", told or back(), reference="LGX-7-R1")


def test_a_unit_goes_back_with_its_tax_by_rate_and_is_not_restocked(shop: Site) -> None:
    assert refund(shop) is True

    (call,) = shop.sent("POST")
    assert call.body == {
        "amount": "11.00",
        "reason": "Chipped [LGX-7-R1]",
        "api_refund": False,
        "api_restock": False,
        "line_items": [
            {
                "id": 70,
                "quantity": 1,
                "refund_total": "10.00",
                "refund_tax": [
                    {"id": 1, "refund_total": "0.95"},
                    {"id": 4, "refund_total": "0.05"},
                ],
            }
        ],
    }


def test_money_moves_only_where_it_is_to(shop: Site) -> None:
    refund(shop, back(moves_money=True, lines=(), amount=Decimal("3.00"), reason=""))

    (call,) = shop.sent("POST")
    assert call.body == {
        "amount": "3.00",
        "reason": "[LGX-7-R1]",
        "api_refund": True,
        "api_restock": False,
        "line_items": [],
    }


def test_shipping_goes_back_over_its_lines(shop: Site) -> None:
    lines = [
        {"id": 80, "total": "3.00", "taxes": [{"id": 1, "total": "0.57"}]},
        {"id": 81, "total": "1.00", "taxes": [{"id": 1, "total": "0.19"}]},
    ]
    shop.on("GET", ORDER, order(7, shipping_lines=lines))
    told = back(
        lines=(), amount=Decimal("4.76"), shipping=Decimal("4.76"), shipping_tax=Decimal("0.76")
    )

    refund(shop, told)

    (call,) = shop.sent("POST")
    assert call.body["line_items"] == [
        {
            "id": 80,
            "quantity": 0,
            "refund_total": "3.00",
            "refund_tax": [{"id": 1, "refund_total": "0.57"}],
        },
        {
            "id": 81,
            "quantity": 0,
            "refund_total": "1.00",
            "refund_tax": [{"id": 1, "refund_total": "0.19"}],
        },
    ]


@pytest.mark.parametrize("reason", ["Chipped [LGX-7-R1]", "[LGX-7-R1]"])
def test_a_refund_that_is_there_is_not_made_again(shop: Site, reason: str) -> None:
    row = {"id": 8, "reason": reason, "total": "-11.00"}
    shop.on("GET", ORDER, order(7, refunds=[row]))

    assert refund(shop) is False
    assert shop.sent("POST") == []


def test_another_reference_that_begins_alike_is_another_refund(shop: Site) -> None:
    row = {"id": 8, "reason": "[LGX-7-R11]", "total": "-11.00"}
    shop.on("GET", ORDER, order(7, refunds=[row]))

    assert refund(shop) is True


def test_what_the_gateway_refuses_is_a_refusal_though_the_status_says_trouble(shop: Site) -> None:
    body = {
        "code": "woocommerce_rest_cannot_create_order_refund",
        "message": "The payment gateway for this order does not support automatic refunds.",
        "data": 500,
    }
    shop.on("POST", REFUNDS, told(body, 500))

    with pytest.raises(Rejected, match="does not support automatic refunds"):
        refund(shop, back(moves_money=True))
    assert len(shop.sent("POST")) == 1


@pytest.mark.parametrize("answer", [LOST, refused(500, "internal_server_error")])
def test_a_lost_answer_leaves_the_outcome_open_and_is_not_sent_again(
    shop: Site, answer: bytes
) -> None:
    shop.on("POST", REFUNDS, answer)

    with pytest.raises(OutcomeUnknown):
        refund(shop)
    assert len(shop.sent("POST")) == 1


def test_an_order_in_the_trash_is_left_there(shop: Site) -> None:
    shop.on("GET", ORDER, order(7, status="trash"))

    with pytest.raises(Rejected, match="trash"):
        refund(shop)
