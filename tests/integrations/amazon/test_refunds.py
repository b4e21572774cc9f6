"""What buyers got back, as Amazon books it: their part alone, once, of whatever span of time."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from integrations.amazon import refund_mapper, transactions
from integrations.amazon.service import AmazonIntegration
from integrations.base import Filters, Page
from integrations.errors import ContractBroken, RateLimited
from integrations.sandbox.amazon.finances import events
from integrations.sandbox.amazon.finances import transactions as finances
from integrations.sandbox.amazon.play import acts as account
from orders.data import PartData, PartKind, RefundData
from tests.integrations.amazon.conftest import MakeAdapter, MakeWorld
from tests.integrations.amazon.world import AmazonWorld

EVERYTHING = Filters(since=datetime(2000, 1, 1, tzinfo=UTC))
DAY = 24 * 3600


def give_back(world: AmazonWorld, *, units: int = 1) -> str:
    """An order that was sent, of which so many units came back and were refunded."""
    order_id = world.place_order()
    for _ in range(units):
        world.refund_a_unit(order_id)
    return order_id


def parts(pages: list[Page[PartData]], kind: PartKind = PartKind.REFUND) -> list[PartData]:
    assert not [page.unreadable for page in pages if page.unreadable]
    return [record for page in pages for record in page.records if record.kind is kind]


def refund_of(part: PartData) -> RefundData:
    assert isinstance(part.told, RefundData)
    return part.told


def transaction(**changes: Any) -> dict[str, Any]:
    """A refund of 24.00 with 4.00 of tax, of which Amazon gives 3.60 less 0.72 back."""

    def node(name: str, amount: float, *inner: dict[str, Any]) -> dict[str, Any]:
        money = {"currencyCode": "EUR", "currencyAmount": amount}
        return {"breakdownType": name, "breakdownAmount": money, "breakdowns": list(inner)}

    item = {
        "totalAmount": {"currencyCode": "EUR", "currencyAmount": -21.12},
        "contexts": [{"contextType": "ProductContext", "sku": "A-1", "quantityShipped": 6}],
        "breakdowns": [
            node("ProductCharges", -18, node("OurPricePrincipal", -18)),
            node("Tax", -4, node("OurPriceTax", -3.5), node("ShippingTax", -0.5)),
            node("Shipping", -3, node("ShippingPrincipal", -3)),
            node("PromoRebates", 1, node("OurPriceDiscount", 1)),
            node("AmazonFees", 2.88, node("Commission", 3.6), node("RefundCommission", -0.72)),
        ],
    }
    return {
        "transactionType": "Refund",
        "transactionId": "T1",
        "transactionStatus": "RELEASED",
        "description": "Refund Order",
        "postedDate": "2026-11-01T10:00:00Z",
        "totalAmount": {"currencyCode": "EUR", "currencyAmount": -21.12},
        "relatedIdentifiers": [
            {"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": "303-1-1"}
        ],
        "marketplaceDetails": {"marketplaceId": "A1PA6795UKMFR9"},
        "items": [item],
        **changes,
    }


def mapped(told: dict[str, Any], **currencies: str) -> PartData | None:
    raw = json.dumps(told).encode()
    return refund_mapper.to_refund(transactions.booked(raw, transactions.decode(raw), currencies))


def test_a_refund_is_what_the_buyer_got_back_and_no_fee(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    order_id = give_back(world, units=2)

    found = parts(list(adapter.read_refunds(EVERYTHING)))

    with world.shop.store.working():
        backs = [x for x in world.shop.store.state.returns if x.order == order_id]
        skus = {world.order(order_id).item(x.item).sku for x in backs}  # type: ignore[union-attr]
    assert sorted(refund_of(x).amount for x in found) == sorted(x.refunded for x in backs)
    assert {x.external_order_id for x in found} == {order_id}
    assert len({x.external_id for x in found}) == 2
    for one in found:
        refund = refund_of(one)
        (line,) = refund.lines or ()
        assert one.by_sku
        assert line.line_external_id in skus
        assert line.quantity == 0
        assert 0 < line.amount + line.tax <= refund.amount
        assert one.currency == "EUR"
        assert refund.reason == "Refund Order"
        assert refund.created_at is not None


def test_amounts_are_told_apart_by_whose_they_are() -> None:
    part = mapped(transaction(), A1PA6795UKMFR9="EUR")

    assert part is not None
    assert part.external_id == "303-1-1/T1"
    refund = refund_of(part)
    assert refund.amount == Decimal("24.0")
    (line,) = refund.lines or ()
    assert (line.amount, line.tax) == (Decimal(18), Decimal("3.5"))


def test_tax_that_amazon_withheld_is_the_buyers_once() -> None:
    told = transaction()
    told["items"][0]["breakdowns"].append(
        {
            "breakdownType": "MarketplaceFacilitatorTax-Principal",
            "breakdownAmount": {"currencyCode": "EUR", "currencyAmount": 3.5},
        }
    )
    for one in (told, told["items"][0]):
        one["totalAmount"]["currencyAmount"] = -17.62

    part = mapped(told)

    assert part is not None
    assert refund_of(part).amount == Decimal("24.0")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"totalAmount": {"currencyCode": "EUR", "currencyAmount": -21}}, "does_not_add_up"),
        ({"totalAmount": {"currencyCode": "GBP", "currencyAmount": -21.12}}, "currencies"),
        ({"totalAmount": None}, "contract_broken"),
        ({"relatedIdentifiers": []}, "contract_broken"),
        ({"postedDate": None}, "bad_time"),
    ],
)
def test_what_does_not_fit_is_said(change: dict[str, Any], code: str) -> None:
    with pytest.raises(ContractBroken) as caught:
        mapped(transaction(**change), A1PA6795UKMFR9="EUR")

    assert caught.value.code == code


def test_a_word_that_nobody_knows_is_not_guessed() -> None:
    told = transaction()
    told["items"][0]["breakdowns"][2]["breakdownType"] = "Novelty"
    told["items"][0]["breakdowns"][2]["breakdowns"] = []

    with pytest.raises(ContractBroken, match="“Novelty”, which Logix does not know") as caught:
        mapped(told)

    assert caught.value.code == "unknown_amount"


def test_a_refund_that_was_taken_back_is_left_to_a_person_and_fees_alone_are_none() -> None:
    told = transaction()

    def turn(tree: list[dict[str, Any]], by: int) -> None:
        for node in tree:
            node["breakdownAmount"]["currencyAmount"] *= by
            turn(node["breakdowns"], by)

    turn(told["items"][0]["breakdowns"], -1)
    for one in (told, told["items"][0]):
        one["totalAmount"]["currencyAmount"] = 21.12
    with pytest.raises(ContractBroken, match="took back a refund"):
        mapped(told)

    told = transaction()
    told["items"][0]["breakdowns"] = told["items"][0]["breakdowns"][-1:]
    for one in (told, told["items"][0]):
        one["totalAmount"]["currencyAmount"] = 2.88
    assert mapped(told) is None


def test_one_that_cannot_be_read_costs_only_itself(
    world: AmazonWorld, adapter: AmazonIntegration, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, other = world.place_order(), give_back(world)
    for item in world.order(odd).items:
        item.gift_wrap = Decimal(6)
    world.refund_a_unit(odd)
    monkeypatch.setitem(finances._WORDS, events.GIFT_WRAP, ("Novelty", "Novelty"))

    pages = list(adapter.read_refunds(EVERYTHING))

    told = [x for page in pages for x in page.unreadable]
    assert {x.code for x in told} == {"unknown_amount"}
    assert all(b"transactionId" in x.raw for x in told)
    found = [x for page in pages for x in page.records]
    assert [x.external_order_id for x in found if x.kind is PartKind.REFUND] == [other]
    assert odd not in {x.external_order_id for x in found}
    monkeypatch.undo()
    kinds = []
    for one in told:
        (page,) = adapter.read_refunds(Filters(ids=(one.external_id,)))
        kinds.append([part.kind for part in page.records])
        assert {(x.external_id, x.external_order_id) for x in page.records} == {
            (one.external_id, odd)
        }
    assert sorted(kinds) == [[PartKind.FEES], [PartKind.REFUND, PartKind.FEES]]


def test_a_deferred_refund_is_one_before_and_after_its_release(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    (waits, released) = world.place("business", 2)
    world.refund_a_unit(waits)
    world.refund_a_unit(released, ago_s=32 * DAY)

    found = parts(list(adapter.read_refunds(EVERYTHING)))

    assert sorted(x.external_order_id for x in found) == sorted((waits, released))
    with world.shop.store.working():
        told = [x["body"] for x in finances.told(world.shop.store)]
    statuses = [x["transactionStatus"] for x in told if x["transactionType"] == "Refund"]
    assert sorted(statuses) == ["DEFERRED", "DEFERRED_RELEASED", "RELEASED"]


def test_a_long_time_is_read_in_spans_and_a_token_goes_with_its_own(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    world = make_world(orders=70)
    adapter = make_adapter(world)
    since = datetime.now(UTC) - timedelta(days=400)
    everything = list(adapter.read_refunds(Filters(since=since)))
    asked = [row.query for row in world.shop.asked if row.path.startswith("/finances/")]

    assert [page.last for page in everything][-1] is True
    assert len([x for x in asked if "nextToken" not in x]) >= 3 + 1  # and who the app is
    paged = next(page for page in everything if "token" in page.position)
    rest = list(adapter.read_refunds(Filters(since=since, position=paged.position)))
    place = everything.index(paged)
    assert [x.records for x in rest] == [x.records for x in everything[place + 1 :]]


def test_only_so_many_years_are_asked_for(world: AmazonWorld, adapter: AmazonIntegration) -> None:
    until = datetime.now(UTC) - timedelta(days=900)
    before = world.calls("listTransactions")

    (page,) = adapter.read_refunds(Filters(since=until - timedelta(days=365), until=until))

    assert (page.last, world.calls("listTransactions")) == (True, before)


def test_the_quota_ends_a_read_which_goes_on_where_it_stood(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    world = make_world(orders=260, is_hurried=True)
    adapter = make_adapter(world, retries=0)
    position: Any = None
    pages = rests = 0
    while True:
        try:
            filters = Filters(since=datetime.now(UTC) - timedelta(days=100), position=position)
            for page in adapter.read_refunds(filters):
                pages, position = pages + 1, page.position
            break
        except RateLimited as err:
            rests += 1
            account.move_clock(world.shop.store, err.retry_after_s + 1)

    assert rests >= 1
    assert pages > 10
