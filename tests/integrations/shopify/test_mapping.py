"""What Shopify's answers become: pairs of files, whole records compared."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from integrations.errors import ContractBroken
from integrations.shopify import catalogue, mapper, returns
from integrations.shopify.platform import CARD
from orders.data import ChargeKind, OrderData
from orders.status import (
    Flag,
    FulfillmentStatus,
    OrderStatus,
    PaymentStatus,
    ReturnStatus,
    StatusReading,
)
from tests.integrations.sandbox.shopify.official import official
from tests.integrations.shopify import make
from tests.integrations.shopify.make import CASES, bag, line, order, raw
from tests.integrations.shopify.told import told

NAMES = sorted(p.name.removesuffix(".expected.json") for p in CASES.glob("*.expected.json"))
ORDERS = [name for name in NAMES if name.startswith("order_")]
PRODUCTS = [name for name in NAMES if name.startswith("product_")]
SEVERAL = "product_at_several_locations"


def mapped(**changes: Any) -> OrderData:
    return mapper.to_order(json.dumps(order(**changes)).encode())


def parts(data: OrderData) -> Decimal:
    found = sum((x.total + x.tax for x in data.lines), Decimal(0))
    return found + sum((c.amount + c.tax for c in data.charges if not c.informative), Decimal(0))


def page(*rows: Any) -> dict[str, Any]:
    return {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": list(rows)}


def test_every_case_has_its_answer_and_its_expectation() -> None:
    found = {path.name.partition(".")[0] for path in CASES.glob("*.json")}

    assert found == set(NAMES)
    assert len(ORDERS) >= 16
    listed = (CASES / "SOURCES.md").read_text()
    assert all(f"| {name} |" in listed for name in NAMES)


@pytest.mark.parametrize("name", ORDERS)
def test_an_order_is_mapped(name: str) -> None:
    found = mapper.to_order(raw(name))

    assert told(found) == json.loads(raw(f"{name}.expected"))
    assert found.raw == raw(name)
    assert parts(found) == found.total


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_product_is_mapped(name: str) -> None:
    at = ("63", "61", "62") if name == SEVERAL else ("61",)

    found = catalogue.to_product(raw(name), locations=at)

    assert told(found) == json.loads(raw(f"{name}.expected"))
    assert found.raw == raw(name)


@pytest.mark.parametrize("name", PRODUCTS)
def test_without_a_location_there_is_no_figure(name: str) -> None:
    """The sum of all, adopted here and written to one of them later, would oversell the rest."""
    found = catalogue.to_product(raw(name))

    assert {v.stock for v in found.variants} == {None}
    assert [v.stock_at for v in found.variants] == [{} for _ in found.variants]


def test_figures_stand_in_the_order_of_the_locations() -> None:
    first, *_ = catalogue.to_product(raw(SEVERAL), locations=("63", "61", "62")).variants

    assert list(first.stock_at.items()) == [("63", 0), ("61", 5), ("62", 7)]


def test_a_figure_that_cannot_be_makes_the_product_unreadable() -> None:
    node = raw("product_simple").replace(b'"quantity": 38', b'"quantity": 9000000000')

    with pytest.raises(ContractBroken) as caught:
        catalogue.to_product(node, locations=("61",))

    assert caught.value.code == "bad_units"


@pytest.mark.parametrize("name", [n for n in ORDERS if n not in ("order_difference",)])
def test_only_what_does_not_add_up_is_called_rounding(name: str) -> None:
    found = mapper.to_order(raw(name))

    assert [c for c in found.charges if c.kind is ChargeKind.ROUNDING] == []


# What each word means, column by column: written out, so that the tables cannot vouch for
# themselves. Every unfinished order binds its units, paid or not.
PAYMENTS = [
    ("PENDING", "unpaid"),
    ("AUTHORIZED", "authorized"),
    ("PARTIALLY_PAID", "partially_paid"),
    ("PAID", "paid"),
    ("PARTIALLY_REFUNDED", "partially_refunded"),
    ("REFUNDED", "refunded"),
    ("VOIDED", "voided"),
    ("EXPIRED", "voided"),
]
DECLINED = {"fulfillment_declined"}
GOODS: list[tuple[str, str, str, set[str]]] = [
    ("UNFULFILLED", "open", "unfulfilled", set()),
    ("OPEN", "open", "unfulfilled", set()),
    ("REQUEST_DECLINED", "open", "unfulfilled", DECLINED),
    ("SCHEDULED", "open", "not_ready", set()),
    ("ON_HOLD", "on_hold", "not_ready", set()),
    ("IN_PROGRESS", "open", "in_progress", set()),
    ("PENDING_FULFILLMENT", "open", "in_progress", set()),
    ("PARTIALLY_FULFILLED", "open", "partially_fulfilled", set()),
    ("FULFILLED", "open", "fulfilled", set()),
    ("RESTOCKED", "open", "cancelled", set()),
]


def reading(
    order: str, payment: str, fulfillment: str, *, reserve: bool = True, known: bool = True
) -> StatusReading:
    return StatusReading(
        order=OrderStatus(order),
        payment=PaymentStatus(payment),
        fulfillment=FulfillmentStatus(fulfillment),
        reserve=reserve,
        known=known,
    )


@pytest.mark.parametrize(("word", "payment"), PAYMENTS)
def test_a_word_for_the_payment_is_read(word: str, payment: str) -> None:
    found = mapped(displayFinancialStatus=word)

    assert found.status == reading("open", payment, "unfulfilled")
    assert (found.raw_payment, found.flags) == (word, set())


@pytest.mark.parametrize(("word", "status", "goods", "flags"), GOODS)
def test_a_word_for_the_goods_is_read(word: str, status: str, goods: str, flags: set[str]) -> None:
    found = mapped(displayFulfillmentStatus=word)

    assert found.status == reading(status, "paid", goods)
    assert (found.raw_fulfillment, found.flags) == (word, flags)


@pytest.mark.parametrize(("word", "status", "goods", "flags"), GOODS)
def test_a_cancelled_order_binds_nothing_whatever_its_words(
    word: str, status: str, goods: str, flags: set[str]
) -> None:
    found = mapped(displayFulfillmentStatus=word, cancelledAt="2026-11-07T10:00:00Z")

    assert found.status == reading("cancelled", "paid", "cancelled", reserve=False)
    assert (found.raw_status, found.flags) == ("cancelled", set())


@pytest.mark.parametrize(("word", "status", "goods", "flags"), GOODS)
def test_an_archived_order_is_completed_where_all_of_it_was_sent(
    word: str, status: str, goods: str, flags: set[str]
) -> None:
    found = mapped(displayFulfillmentStatus=word, closedAt="2026-11-07T10:00:00Z").status

    done = reading("completed", "paid", "fulfilled", reserve=False)
    assert found == (done if word == "FULFILLED" else reading(status, "paid", goods))


@pytest.mark.parametrize("field", ["displayFinancialStatus", "displayFulfillmentStatus"])
def test_a_word_that_is_in_no_table_is_for_a_person_to_look_at(field: str) -> None:
    found = mapped(**{field: "TELEPORTED"})

    assert found.status == reading("pending", "unknown", "unfulfilled", known=False)
    assert found.raw_status == "TELEPORTED"


def test_the_words_of_the_card_are_those_of_the_tables_and_of_the_official_schema(
    shared: Path,
) -> None:
    types = official(shared).type_map
    financial = set(types["OrderDisplayFinancialStatus"].values)  # type: ignore[attr-defined]
    goods = set(types["OrderDisplayFulfillmentStatus"].values)  # type: ignore[attr-defined]

    assert {word for word, _ in PAYMENTS} == set(mapper.PAYMENT_IN) == financial
    assert {word for word, *_ in GOODS} == set(mapper.FULFILLMENT_IN) == goods
    assert set(CARD.status_words) == financial | goods


def test_a_merchant_may_say_what_a_newer_word_means() -> None:
    node = json.dumps(order(displayFulfillmentStatus="TELEPORTED")).encode()

    found = mapper.to_order(node, words={"TELEPORTED": "IN_PROGRESS"})

    assert found.status.known
    assert found.status.fulfillment is FulfillmentStatus.IN_PROGRESS
    assert found.raw_fulfillment == "TELEPORTED"


def test_a_newer_word_that_means_declined_is_flagged_as_that() -> None:
    node = json.dumps(order(displayFulfillmentStatus="TELEPORTED")).encode()

    found = mapper.to_order(node, words={"TELEPORTED": "REQUEST_DECLINED"})

    assert found.flags == DECLINED


def test_an_order_without_a_word_for_its_payment_goes_by_its_amounts() -> None:
    found = mapped(displayFinancialStatus=None).status

    assert (found.payment, found.known) == (PaymentStatus.UNKNOWN, True)


def test_a_cancelled_order_of_which_something_left_keeps_what_left() -> None:
    sent = json.loads(raw("order_completed_delivered"))

    found = mapper.to_order(json.dumps({**sent, "cancelledAt": "2026-11-07T10:00:00Z"}).encode())

    assert found.status.order is OrderStatus.CANCELLED
    assert found.status.fulfillment is FulfillmentStatus.DELIVERED


def test_an_archived_order_of_which_nothing_left_is_still_to_be_sent() -> None:
    found = mapped(closedAt="2026-11-07T10:00:00Z")

    assert found.status.order is OrderStatus.OPEN
    assert found.raw_status == "closed"


def test_only_open_work_with_a_location_assigns_units() -> None:
    found = mapped(
        fulfillmentOrders=page(
            make.work(1, "61", {101: 1}),
            make.work(2, "61", {101: 1}, status="INCOMPLETE"),
            make.work(3, "62", {101: 4}, status="CLOSED"),
            make.work(4, "62", {101: 4}, status="CANCELLED"),
            make.work(5, "63", {101: 0}),
            make.work(6, None, {101: 1}),
        )
    )

    assert [line.assigned for line in found.lines] == [{"61": 2}, {}]


def test_units_that_cannot_be_make_the_order_unreadable() -> None:
    with pytest.raises(ContractBroken) as caught:
        mapped(fulfillmentOrders=page(make.work(1, "61", {101: -1})))

    assert caught.value.code == "bad_units"


@pytest.mark.parametrize(("status", "flags"), [("NEEDS_RESPONSE", {Flag.DISPUTED}), ("WON", set())])
def test_a_dispute_is_flagged_while_it_lasts(status: str, flags: set[Flag]) -> None:
    assert mapped(disputes=[{"status": status}]).flags == flags


def returned(**changes: Any) -> dict[str, Any]:
    """A case with one return, and what is changed about its only line."""
    node: dict[str, Any] = json.loads(raw("order_returned"))
    (one,) = [x for x in node["returns"]["nodes"] if x["status"] == "CLOSED"]
    (row,) = one["returnLineItems"]["nodes"]
    of_line = {name: changes.pop(name) for name in list(changes) if name in row}
    lines = page({**row, **of_line})
    return {**node, "returns": page({**one, **changes, "returnLineItems": lines})}


@pytest.mark.parametrize("word", sorted(returns.STATUS_IN))
def test_every_word_for_a_return_is_known(word: str) -> None:
    found = mapper.to_order(json.dumps(returned(status=word)).encode()).returns

    assert found is not None
    assert [(x.status, x.raw_status) for x in found] == [(returns.STATUS_IN[word], word)]


def test_the_words_for_returns_are_those_of_the_official_schema(shared: Path) -> None:
    known = set(official(shared).type_map["ReturnStatus"].values)  # type: ignore[attr-defined]

    assert set(returns.STATUS_IN) == known


def test_an_unknown_word_for_a_return_costs_nothing_but_its_meaning() -> None:
    whole = mapper.to_order(raw("order_returned"))

    found = mapper.to_order(json.dumps(returned(status="TELEPORTED")).encode())

    assert found.returns is not None
    assert [(x.status, x.raw_status) for x in found.returns] == [
        (ReturnStatus.UNKNOWN, "TELEPORTED")
    ]
    assert found.status == whole.status


def test_an_order_whose_returns_were_not_asked_for_says_nothing_of_them() -> None:
    assert mapped().returns is None
    assert mapped(returns=page()).returns == ()


def test_units_that_came_back_without_a_refund_are_no_edit() -> None:
    """They are not current any more, as those are not that an edit took away."""
    node = returned(refundedQuantity=0) | {"refunds": []}
    node["lineItems"]["nodes"][0]["currentQuantity"] = 2
    node["currentTotalPriceSet"] = bag("49.2")

    found = mapper.to_order(json.dumps(node).encode())

    assert [x.quantity for x in found.lines] == [3]
    assert parts(found) == found.total == Decimal("73.8")
    assert [c for c in found.charges if c.kind is ChargeKind.ROUNDING] == []


def test_a_tip_that_is_a_line_already_is_not_counted_twice() -> None:
    tip = line(109, name="Tip", quantity=1, currentQuantity=1, originalUnitPriceSet=bag("5.0"))
    tip |= {"taxLines": [], "variant": None, "product": None, "requiresShipping": False}
    simple = order()
    lines = page(*simple["lineItems"]["nodes"], tip)

    found = mapped(
        lineItems=lines, totalTipReceivedSet=bag("5.0"), totalPriceSet=bag("72.45", "72.45")
    )

    (charge,) = [c for c in found.charges if c.code == "tip"]
    assert charge.informative
    assert parts(found) == found.total == Decimal("72.45")


def test_duties_that_prices_hold_are_told_and_not_added() -> None:
    found = mapped(originalTotalDutiesSet=bag("4.0"), dutiesIncluded=True)

    (charge,) = [c for c in found.charges if c.code == "duties"]
    assert (charge.amount, charge.informative) == (Decimal("4.0"), True)
    assert parts(found) == found.total


def test_an_order_of_600_lines_is_mapped_whole() -> None:
    rows = [line(1000 + n, quantity=1, currentQuantity=1, taxLines=[]) for n in range(600)]
    price = bag("12010.0", "12010.0")

    found = mapped(
        lineItems=page(*rows), shippingLines={"nodes": []}, totalPriceSet=price, totalTaxSet=None
    )

    assert len(found.lines) == 600
    assert parts(found) == found.total
    assert [c.amount for c in found.charges if c.kind is ChargeKind.ROUNDING] == [Decimal("10.0")]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"totalPriceSet": bag("much", "much")}, "$.totalPriceSet"),
        ({"totalPriceSet": None}, "$.totalPriceSet"),
        ({"createdAt": "yesterday"}, "$.createdAt"),
        ({"updatedAt": ""}, "$.updatedAt"),
        ({"currencyCode": "EURO"}, "$.currencyCode"),
        ({"legacyResourceId": "x"}, "$.legacyResourceId"),
        ({"lineItems": page(line(1, quantity=-1))}, "$.lineItems.nodes[0].quantity"),
        ({"lineItems": page(line(1, id="101"))}, "$.lineItems.nodes[0].id"),
        ({"lineItems": page({"id": "gid://shopify/LineItem/1"})}, "$.lineItems.nodes[0]"),
        ({"tags": "vip"}, "$.tags"),
        ({"returns": page({"id": "1", "name": "R", "status": "OPEN"})}, "$.returns.nodes[0].id"),
    ],
)
def test_what_breaks_the_contract_is_named_by_its_path(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(ContractBroken) as caught:
        mapped(**changes)

    assert caught.value.path == path


def test_new_fields_hurt_nobody() -> None:
    assert mapped(somethingNew={"a": [1]}) == mapped()


def test_broken_text_costs_no_order() -> None:
    node = json.dumps(order(note="x")).replace('"note": "x"', '"note": "\\ud800 y"').encode()

    found = mapper.to_order(node)

    assert found.buyer is not None
    assert found.buyer.note == "\ufffd y"
