"""Whether orders add up, in both currencies, whatever happened to them."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from integrations.sandbox.shopify.orders import acts, placing, totals
from integrations.sandbox.shopify.orders.kinds import KINDS
from tests.integrations.sandbox.shopify.client import Client
from tests.integrations.sandbox.shopify.conftest import Make

MONEY = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
SUMS = f"""
query ($id: ID!) {{
  order(id: $id) {{
    taxesIncluded currencyCode presentmentCurrencyCode
    subtotalPriceSet {MONEY} totalDiscountsSet {MONEY} totalTaxSet {MONEY} totalPriceSet {MONEY}
    totalShippingPriceSet {MONEY} totalTipReceivedSet {MONEY} originalTotalDutiesSet {MONEY}
    currentTotalPriceSet {MONEY} totalReceivedSet {MONEY} totalRefundedSet {MONEY}
    totalOutstandingSet {MONEY} netPaymentSet {MONEY}
    taxLines {{ rate priceSet {MONEY} }}
    lineItems(first: 100) {{ nodes {{
      title quantity isGiftCard originalTotalSet {MONEY} discountedTotalSet {MONEY}
      discountAllocations {{ allocatedAmountSet {MONEY}
        discountApplication {{ __typename index value {{ ... on MoneyV2 {{ amount currencyCode }}
          ... on PricingPercentageValue {{ percentage }} }} }} }}
      taxLines {{ priceSet {MONEY} }} duties {{ price {MONEY} }} }} }}
    shippingLines(first: 5) {{ nodes {{ originalPriceSet {MONEY} discountedPriceSet {MONEY}
      discountAllocations {{ allocatedAmountSet {MONEY} }} taxLines {{ priceSet {MONEY} }} }} }}
  }}
}}
"""


def amount(bag: dict[str, Any] | None, side: str) -> Decimal:
    return Decimal(bag[side]["amount"]) if bag else Decimal(0)


def asked(shop: Client, number: int) -> dict[str, Any]:
    order: dict[str, Any] = shop.ask(SUMS, id=f"gid://shopify/Order/{number}")["order"]
    return order


@pytest.mark.parametrize("side", ["shopMoney", "presentmentMoney"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "many_lines"])
def test_an_order_of_each_kind_adds_up_from_its_lines(
    make_store: Make, kind: str, side: str
) -> None:
    shop = make_store(orders=0, plan="enterprise")
    (number,) = placing.place(shop.store, Random(11), kind=kind)

    order = asked(shop, number)

    lines = order["lineItems"]["nodes"]
    goods = [line for line in lines if line["title"] != "Tip"]
    shipping = order["shippingLines"]["nodes"]
    given = sum(
        amount(share["allocatedAmountSet"], side)
        for line in (*goods, *shipping)
        for share in line["discountAllocations"]
    )
    taxed = [row for line in (*lines, *shipping) for row in line["taxLines"]]
    tax = sum(amount(row["priceSet"], side) for row in taxed)
    duties = sum(amount(duty["price"], side) for line in lines for duty in line["duties"])
    subtotal = sum(amount(line["originalTotalSet"], side) for line in goods) - sum(
        amount(share["allocatedAmountSet"], side)
        for line in goods
        for share in line["discountAllocations"]
    )
    carriage = sum(amount(line["discountedPriceSet"], side) for line in shipping)
    tip = sum(amount(line["originalTotalSet"], side) for line in lines if line["title"] == "Tip")
    on_top = Decimal(0) if order["taxesIncluded"] else tax

    assert amount(order["subtotalPriceSet"], side) == subtotal
    assert amount(order["totalDiscountsSet"], side) == given
    assert amount(order["totalTaxSet"], side) == tax
    assert sum(amount(row["priceSet"], side) for row in order["taxLines"]) == tax
    assert amount(order["originalTotalDutiesSet"], side) == duties
    assert amount(order["totalTipReceivedSet"], side) == tip
    assert amount(order["totalPriceSet"], side) == subtotal + carriage + tip + duties + on_top
    assert amount(order["currentTotalPriceSet"], side) == amount(order["totalPriceSet"], side)


def test_seeded_orders_add_up_after_all_that_befell_them(make_store: Make) -> None:
    shop = make_store(orders=500)
    for number in shop.store.orders.ids():
        order = shop.store.orders.existing(number)
        sold, now = totals.sold(order), totals.current(order)
        for side in ("shop", "presentment"):
            gone = [row for refund in order.refunds for row in refund.lines]
            back = sum(getattr(row.subtotal, side).amount for row in (*gone, *order.removals))
            left = getattr(now.subtotal, side).amount
            tips = getattr(sold.tips, side).amount - getattr(now.tips, side).amount
            assert left == getattr(sold.subtotal, side).amount - back + tips, order.name
            assert left >= 0, order.name
            assert getattr(now.total, side).amount >= 0, order.name
            assert getattr(now.tax, side).amount >= 0, order.name
            net = getattr(totals.net_payment(order), side).amount
            assert net >= 0, order.name


def test_an_order_wholly_given_back_is_worth_nothing_to_the_last_cent(make_store: Make) -> None:
    """Three units of a price that thirds do not divide, given back one by one."""
    shop = make_store(orders=0, currency="EUR")
    item = next(one for one in shop.store.catalogue.items.values() if one.tracked and one.sku)
    number = placing.place_with(shop.store, Random(2), [(item.sku, 3)])

    for _ in range(3):
        acts.act(shop.store, "refund", number)

    order = shop.store.orders.existing(number)
    now = totals.current(order)
    shipping_tax = totals.added(order, (row.price for row in order.shipping_lines[0].tax_lines))
    on_top = 0 if order.taxes_included else shipping_tax.shop.amount
    assert now.subtotal.shop.amount == now.subtotal.presentment.amount == 0
    assert now.tax == shipping_tax
    assert now.total.shop.amount == now.shipping.shop.amount + on_top


def test_yen_have_no_decimals(make_store: Make) -> None:
    shop = make_store(orders=0)
    (number,) = placing.place(shop.store, Random(5), kind="zero_decimal")

    order = asked(shop, number)

    assert order["presentmentCurrencyCode"] == "JPY"
    for line in order["lineItems"]["nodes"]:
        assert line["originalTotalSet"]["presentmentMoney"]["amount"].endswith(".0")
    assert order["currencyCode"] == "EUR"


def test_a_shop_whose_own_currency_is_yen_has_whole_prices(make_store: Make) -> None:
    shop = make_store(orders=0, currency="JPY")
    (number,) = placing.place(shop.store, Random(5))

    order = asked(shop, number)

    assert order["totalPriceSet"]["shopMoney"]["amount"].endswith(".0")


def test_a_discount_is_told_by_its_type_and_its_value(make_store: Make) -> None:
    shop = make_store(orders=300)
    found: dict[str, Any] = {}
    for number in shop.store.orders.ids():
        if shop.store.orders.existing(number).discounts and len(found) < 3:
            order = asked(shop, number)
            shop.wait(1)
            for line in order["lineItems"]["nodes"]:
                for share in line["discountAllocations"]:
                    application = share["discountApplication"]
                    found[application["__typename"]] = application["value"]

    assert found["DiscountCodeApplication"]["percentage"] == 10.0
    assert found["AutomaticDiscountApplication"]["percentage"] == 15.0
    assert found["ManualDiscountApplication"]["amount"] == "5.0"
