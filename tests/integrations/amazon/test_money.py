"""Whatever Amazon may tell of money: the parts add up to its total, or the rest is a visible line;
and whatever it may send, mapping ends with a record or with ``ContractBroken``.
"""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.amazon import mapper
from integrations.errors import ContractBroken
from orders.data import ChargeKind, OrderData
from orders.status import Flag
from tests.integrations.sandbox.amazon.official import operations

TYPES = ("ITEM", "SHIPPING", "GIFT_WRAP", "COD_FEE", "OTHER", "TAX", "DISCOUNT", "NOVELTY")

amounts = st.decimals(-10_000, 10_000, places=2, allow_nan=False)
details = st.lists(
    st.fixed_dictionaries({"subtype": st.sampled_from(TYPES[:5]), "value": amounts}), max_size=2
)
parts = st.lists(
    st.fixed_dictionaries({"type": st.sampled_from(TYPES), "subtotal": amounts, "more": details}),
    max_size=5,
)


def money(amount: Decimal, currency: str = "EUR") -> dict[str, str]:
    return {"amount": str(amount), "currencyCode": currency}


def proceeds(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "type": row["type"],
            "subtotal": money(row["subtotal"]),
            "detailedBreakdowns": [
                {"subtype": x["subtype"], "value": money(x["value"])} for x in row.get("more", ())
            ],
        }
        for row in found
    ]


def an_order(**changes: Any) -> dict[str, Any]:
    return {
        "orderId": "302-1234567-1234567",
        "createdTime": "2026-11-01T10:00:00Z",
        "lastUpdatedTime": "2026-11-01T10:00:00Z",
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": "A1PA6795UKMFR9"},
        "fulfillment": {"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "MERCHANT"},
        "orderItems": [an_item()],
    } | changes


def an_item(**changes: Any) -> dict[str, Any]:
    return {"orderItemId": "1", "quantityOrdered": 2, "product": {"sellerSku": "A"}} | changes


def mapped(order: dict[str, Any]) -> OrderData:
    return mapper.to_order(json.dumps(order).encode())


def left_over(order: OrderData) -> Decimal:
    told = sum((line.total + line.tax for line in order.lines), Decimal(0))
    told += sum((c.amount + c.tax for c in order.charges if not c.informative), Decimal(0))
    return order.total - told


@settings(max_examples=150, deadline=None)
@given(items=st.lists(parts, min_size=1, max_size=3), of_order=parts, total=st.none() | amounts)
def test_parts_add_up_or_the_rest_is_seen(
    items: list[list[dict[str, Any]]], of_order: list[dict[str, Any]], total: Decimal | None
) -> None:
    order = an_order(
        orderItems=[
            an_item(orderItemId=str(n), proceeds={"breakdowns": proceeds(found)})
            for n, found in enumerate(items)
        ],
        proceeds={"breakdowns": proceeds(of_order)}
        | ({"grandTotal": money(total)} if total is not None else {}),
    )

    found = mapped(order)

    assert left_over(found) == 0
    assert total is None or found.total == total
    assert found.currency == "EUR"


def test_a_tip_of_the_order_alone_is_a_charge_of_its_own() -> None:
    found = mapped(
        an_order(
            orderItems=[
                an_item(
                    proceeds={
                        "proceedsTotal": money(Decimal("20.00")),
                        "breakdowns": proceeds([{"type": "ITEM", "subtotal": Decimal("20.00")}]),
                    }
                )
            ],
            proceeds={
                "grandTotal": money(Decimal("23.00")),
                "breakdowns": proceeds(
                    [
                        {"type": "ITEM", "subtotal": Decimal("20.00")},
                        {"type": "DELIVERY_TIP", "subtotal": Decimal("3.00")},
                    ]
                ),
            },
        )
    )

    (tip,) = found.charges
    assert (tip.kind, tip.code, tip.amount) == (ChargeKind.FEE, "DELIVERY_TIP", Decimal("3.00"))
    assert tip.title == "Tip for the delivery"
    assert found.lines[0].unit_price == Decimal("10")


def test_two_currencies_in_one_order_are_not_added() -> None:
    order = an_order(
        orderItems=[
            an_item(proceeds={"breakdowns": proceeds([{"type": "ITEM", "subtotal": Decimal(1)}])})
        ],
        proceeds={"grandTotal": money(Decimal(1), "USD")},
    )

    with pytest.raises(ContractBroken, match="two currencies"):
        mapped(order)


def test_an_order_without_an_amount_has_its_marketplaces_money() -> None:
    here = an_order(salesChannel={"channelName": "AMAZON", "marketplaceId": "A1VC38T7YXB528"})
    nowhere = an_order(salesChannel={"channelName": "AMAZON"})
    elsewhere = mapped(an_order(salesChannel={"channelName": "NON_AMAZON"}))

    assert mapped(here).currency == "JPY"
    with pytest.raises(ContractBroken, match="currency"):
        mapped(nowhere)
    # Of another shop: it stays out, so no currency is asked of it.
    assert (elsewhere.currency, bool(elsewhere.left_out)) == ("XXX", True)
    raw = json.dumps(
        an_order(salesChannel={"channelName": "AMAZON", "marketplaceId": "NEW"})
    ).encode()
    assert mapper.to_order(raw, currencies={"NEW": "PLN"}).currency == "PLN"


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("PARTIALLY_SHIPPED", "PARTIALLY_SHIPPED"),
        ("PartiallyShipped", "PARTIALLY_SHIPPED"),
        ("Canceled", "CANCELLED"),
        ("CANCELLED", "CANCELLED"),
        ("PendingAvailability", "PENDING_AVAILABILITY"),
        ("InvoiceUnconfirmed", "INVOICE_UNCONFIRMED"),
        ("Unfulfillable", "UNFULFILLABLE"),
    ],
)
def test_statuses_are_known_in_both_spellings(word: str, told: str) -> None:
    fulfillment = {"fulfillmentStatus": word, "fulfilledBy": "MFN"}

    assert mapper.status_word(word) == told
    order = mapped(an_order(fulfillment=fulfillment))
    assert order.status.known
    assert order.raw_status == word
    assert (Flag.INVOICE_NEEDED in order.flags) == (told == "INVOICE_UNCONFIRMED")


def test_amazons_own_is_known_in_both_spellings() -> None:
    for word in ("AFN", "AMAZON"):
        order = mapped(an_order(fulfillment={"fulfillmentStatus": "Shipped", "fulfilledBy": word}))
        assert Flag.PLATFORM_FULFILLED in order.flags


@pytest.mark.parametrize(
    ("left", "by", "done", "is_asked"),
    [
        (1, "MERCHANT", None, True),
        (None, "MERCHANT", None, True),
        (0, "MERCHANT", None, False),
        (1, "AMAZON", None, False),
        (1, "MERCHANT", {"cancelledBy": "BUYER"}, False),
    ],
)
def test_a_wish_to_cancel_stands_while_there_is_something_of_ours_to_keep_back(
    left: int | None, by: str, done: dict[str, str] | None, is_asked: bool
) -> None:
    wish: dict[str, Any] = {"cancellationRequest": {"requester": "BUYER"}}
    item = an_item(
        cancellation=wish | ({"cancellationExecution": done} if done else {}),
        fulfillment={} if left is None else {"quantityUnfulfilled": left},
    )
    fulfillment = {"fulfillmentStatus": "PARTIALLY_SHIPPED", "fulfilledBy": by}

    order = mapped(an_order(orderItems=[item], fulfillment=fulfillment))

    assert (Flag.CANCEL_REQUESTED in order.flags) == is_asked


def test_the_official_examples_are_orders_that_add_up(shared: Path) -> None:
    found = [
        example
        for one in operations(shared)
        if one.id in ("getOrder", "searchOrders") and "2026-01-01" in one.template
        for example in examples(one.spec)
    ]

    assert len(found) >= 2
    for raw in found:
        order = mapped(raw)
        assert left_over(order) == 0
        assert not any(c.kind is ChargeKind.ROUNDING for c in order.charges), order.external_id


def examples(spec: dict[str, Any]) -> list[dict[str, Any]]:
    told = spec["responses"]["200"].get("examples", {}).get("application/json", {})
    return [told["order"]] if "order" in told else list(told.get("orders", ()))


odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.floats(),
    st.text(st.characters(), max_size=12),
    st.sampled_from(["", "NaN", "1e1000000", "9" * 400, "\ud800", "9999-12-31T23:59:59-14:00"]),
    st.lists(st.none() | st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.none() | st.integers(), max_size=2),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict | list):
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for key, child in inside:
            found += places(child, (*path, key))
    return found


FULL = an_order(
    buyer={"buyerName": "A", "buyerEmail": "b@c"},
    recipient={"deliveryAddress": {"name": "A", "addressLine1": "1", "countryCode": "DE"}},
    orderItems=[
        an_item(
            proceeds={
                "proceedsTotal": money(Decimal(9)),
                "breakdowns": proceeds([{"type": "ITEM", "subtotal": Decimal(9)}]),
            },
            fulfillment={"quantityFulfilled": 1, "quantityUnfulfilled": 1},
            cancellation={"cancellationRequest": {"requester": "BUYER"}},
        )
    ],
    packages=[
        {
            "packageReferenceId": "1",
            "packageStatus": {"status": "SHIPPED"},
            "shipTime": "2026-11-02T10:00:00Z",
            "packageItems": [{"orderItemId": "1", "quantity": 1}],
        }
    ],
)


@settings(max_examples=200, deadline=None)
@given(place=st.sampled_from(places(FULL)), value=odd)
def test_one_spoiled_value_is_an_order_or_a_broken_contract(
    place: tuple[Any, ...], value: Any
) -> None:
    order = copy.deepcopy(FULL)
    inside: Any = order
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = value

    try:
        found = mapper.to_order(json.dumps(order).encode("utf-8", "surrogatepass"))
    except ContractBroken:
        return
    assert left_over(found) == 0
    assert found.placed_at.tzinfo is not None
    for line in found.lines:
        assert line.quantity >= 0
