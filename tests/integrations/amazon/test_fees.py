"""What Amazon keeps of an order, as it books it: in its words, with the tax on it, each once."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from integrations.amazon import fee_mapper, transactions
from integrations.amazon.service import AmazonIntegration
from integrations.base import Filters
from integrations.errors import ContractBroken
from integrations.sandbox.amazon.finances import events
from integrations.sandbox.amazon.finances import transactions as finances
from orders.data import FeesData, PartData, PartKind
from tests.integrations.amazon.conftest import MakeAdapter, MakeWorld
from tests.integrations.amazon.test_refunds import DAY, EVERYTHING, parts
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.sandbox.amazon.client import DE, FR, UK

ORDER = "303-1111111-1111111"


def node(name: str, amount: float, *inner: dict[str, Any]) -> dict[str, Any]:
    money = {"currencyCode": "SEK", "currencyAmount": amount}
    return {"breakdownType": name, "breakdownAmount": money, "breakdowns": list(inner)}


def fee(name: str, base: float, tax: float) -> dict[str, Any]:
    return node(name, round(base + tax, 2), node("Base", base), node("Tax", tax))


def sale(*more: dict[str, Any], order: str = ORDER, **changes: Any) -> dict[str, Any]:
    """Of 400.00 with tax, of which Amazon keeps 150.00. ``more``: what else is of the item."""
    tree = [
        node("ProductCharges", 320, node("OurPricePrincipal", 320)),
        node("Tax", 80, node("OurPriceTax", 80)),
        node("DigitalServicesFee", -5, node("DigitalServicesFee", -5, node("Base", -5))),
        node(
            "AmazonFees",
            -145,
            fee("FBAPerUnitFulfillmentFee", -36, -9),
            fee("Commission", -60, 0),
            fee("ShippingChargeback", -32, -8),
        ),
        *more,
    ]
    total = round(sum(x["breakdownAmount"]["currencyAmount"] for x in tree), 2)
    money = {"currencyCode": "SEK", "currencyAmount": total}
    names = {"ORDER_ID": order, "SHIPMENT_ID": "141787"} if order else {"SHIPMENT_ID": "141787"}
    return {
        "transactionType": "Shipment",
        "transactionId": "T1",
        "transactionStatus": "RELEASED",
        "description": "Order Payment",
        "postedDate": "2026-11-01T10:00:00Z",
        "totalAmount": money,
        "relatedIdentifiers": [
            {"relatedIdentifierName": name, "relatedIdentifierValue": value}
            for name, value in names.items()
        ],
        "marketplaceDetails": {"marketplaceId": "A2NODRKZP88ZB9"},
        "items": [{"totalAmount": money, "breakdowns": tree}],
        **changes,
    }


def mapped(told: dict[str, Any], **currencies: str) -> PartData | None:
    raw = json.dumps(told).encode()
    return fee_mapper.to_fees(transactions.booked(raw, transactions.decode(raw), currencies))


def fees_of(part: PartData | None) -> FeesData:
    assert part is not None
    assert isinstance(part.told, FeesData)
    return part.told


def words(part: PartData | None) -> dict[str, Decimal]:
    return {line.word: line.amount for line in fees_of(part).amounts}


def test_a_fee_has_its_word_and_the_tax_on_it_wherever_it_stands() -> None:
    part = mapped(sale(), A2NODRKZP88ZB9="SEK")

    assert words(part) == {
        "DigitalServicesFee": 5,
        "FBAPerUnitFulfillmentFee": 45,
        "Commission": 60,
        "ShippingChargeback": 40,
    }
    assert part is not None
    assert (part.external_id, part.currency, part.kind) == (f"{ORDER}/T1", "SEK", PartKind.FEES)
    assert fees_of(part).posted_at == datetime(2026, 11, 1, 10, tzinfo=UTC)


def test_fees_that_are_not_told_apart_have_the_word_above_them() -> None:
    tree = [
        node("Sales", 400, node("ProductCharges", 400)),
        node("Expenses", -150, node("AmazonFees", -150)),
    ]
    told = sale(items=None, breakdowns=tree)

    assert words(mapped(told)) == {"AmazonFees": 150}


@pytest.mark.parametrize(
    "told",
    [
        node("MarketplaceWithheldTax", -80, node("MarketplaceFacilitatorTax-Principal", -80)),
        node("MarketplaceFacilitatorVAT-Principal", -80),
        node("LowValueGoodsTax-Principal", -80),
        node("TaxCollectedAtSource", -3, node("TCS-IGST", -3)),
        node("PromoRebates", -7, node("ShippingDiscount", -7)),
    ],
)
def test_what_the_state_or_the_buyer_has_is_no_fee(told: dict[str, Any]) -> None:
    assert words(mapped(sale(told))) == words(mapped(sale()))


def test_a_fee_that_comes_to_nothing_is_none() -> None:
    told = sale(node("FBAFees", 0, node("Base", -2.35), node("Promo", 2.35)))

    assert words(mapped(told)) == words(mapped(sale()))
    assert mapped(sale(items=None, breakdowns=[node("Sales", 250, node("Principal", 250))])) is None


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (sale(node("Novelty", -1)), "unknown_amount"),
        (sale(totalAmount={"currencyCode": "SEK", "currencyAmount": 9}), "does_not_add_up"),
        (sale(totalAmount={"currencyCode": "EUR", "currencyAmount": 250}), "currencies"),
        (sale(transactionId=""), "contract_broken"),
        (sale(postedDate=None), "bad_time"),
    ],
)
def test_what_cannot_be_understood_is_set_aside_and_not_guessed(
    told: dict[str, Any], code: str
) -> None:
    with pytest.raises(ContractBroken) as caught:
        mapped(told, A2NODRKZP88ZB9="SEK")

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("told", "is_of_an_order"),
    [
        (sale(), True),
        (sale(transactionType="GuaranteeClaim"), True),
        (sale(order=""), False),
        (sale(transactionType="ServiceFee"), True),
        (sale(transactionType="ServiceFee", order=""), False),
        (sale(transactionType="ServiceFee", order="FBA15DKZ1ABC"), False),
        (sale(transactionType="Transfer"), False),
        (sale(transactionType="Adjustment"), False),
    ],
)
def test_only_what_moves_an_orders_money_is_looked_at(
    told: dict[str, Any], is_of_an_order: bool
) -> None:
    decoded = transactions.decode(json.dumps(told).encode())

    assert decoded.is_of_an_order is is_of_an_order


def kept(world: AmazonWorld) -> Counter[str]:
    """What the account booked for itself, by order."""
    found: Counter[str] = Counter()
    with world.shop.store.working():
        for event in events.events(world.shop.store):
            for part in event.parts:
                for name, amount in part.amounts.items():
                    found[event.order.id] -= amount if name in events.FEES else 0  # type: ignore[assignment]
    return found


def test_all_that_was_booked_is_read_once_in_each_marketplace(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    world = make_world(orders=30, marketplaces=(DE, FR, UK))
    with world.earlier(3600):
        (amazons,) = world.place("fba")
    world.refund_a_unit(amazons)

    pages = list(make_adapter(world).read_refunds(EVERYTHING))

    found = parts(pages, PartKind.FEES)
    assert {x.currency for x in found} == {"EUR", "GBP"}
    assert len({x.external_id for x in found}) == len(found)
    told: Counter[str] = Counter()
    for part in found:
        told[part.external_order_id] += sum(words(part).values())  # type: ignore[assignment]
    assert told == kept(world)
    of_amazons = [words(x) for x in found if x.external_order_id == amazons]
    assert {word for one in of_amazons for word in one} == {
        "Commission",
        "FBAPerUnitFulfillmentFee",
        "RefundCommission",
    }
    assert min(one["Commission"] for one in of_amazons) < 0


def test_fees_cost_no_call_beside_those_for_refunds(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    with world.shop.store.working():
        rows = len(list(finances.told(world.shop.store)))
    before = world.calls("listTransactions")

    found = parts(list(adapter.read_refunds(EVERYTHING)), PartKind.FEES)

    spans = 5  # of 179 days, in two years
    assert found
    assert world.calls("listTransactions") - before <= spans + rows // 20


def test_a_deferred_sale_is_one_before_and_after_its_release(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    waits, released = world.place("business", 2)
    world.refund_a_unit(waits)
    world.refund_a_unit(released, ago_s=32 * DAY)

    found = parts(list(adapter.read_refunds(EVERYTHING)), PartKind.FEES)

    for order_id in (waits, released):
        mine = [x for x in found if x.external_order_id == order_id]
        assert len(mine) == 2
        booked = sum(amount for x in mine for amount in words(x).values())
        assert booked == kept(world)[order_id] > 0


def test_one_transaction_is_read_by_its_id_with_all_it_tells(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    order_id = world.place_order()
    world.refund_a_unit(order_id)
    everything = list(adapter.read_refunds(EVERYTHING))
    (refund,) = parts(everything)

    (page,) = adapter.read_refunds(Filters(ids=(refund.external_id,)))

    assert [x.kind for x in page.records] == [PartKind.REFUND, PartKind.FEES]
    assert {x.external_id for x in page.records} == {refund.external_id}
