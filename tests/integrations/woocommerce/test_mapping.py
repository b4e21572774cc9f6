"""What WooCommerce's answers become: pairs of files, whole records compared; and the recorded
answers of a real store.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from integrations.errors import ContractBroken
from integrations.woocommerce import catalogue, mapper, money, shapes
from integrations.woocommerce.platform import CARD
from orders.data import ChargeKind, OrderData
from orders.status import FulfillmentStatus, OrderStatus, PaymentStatus, StatusReading
from tests.integrations.woocommerce.told import told

CASES = Path(__file__).parent / "cases"
ZONE = "Europe/Stockholm"
ORDERS = sorted(
    path.name.removesuffix(".expected.json") for path in CASES.glob("order_*.expected.json")
)
PRODUCTS = sorted(
    path.name.removesuffix(".expected.json") for path in CASES.glob("product_*.expected.json")
)


def raw(name: str) -> bytes:
    return (CASES / f"{name}.json").read_bytes()


def rows(name: str) -> list[bytes]:
    path = CASES / f"{name}.json"
    return [bytes(r) for r in msgspec.json.decode(path.read_bytes(), type=list[msgspec.Raw])]


def simple(**changes: Any) -> bytes:
    return json.dumps({**json.loads(raw("order_simple")), **changes}).encode()


def parts(order: OrderData) -> Decimal:
    found = sum((line.total + line.tax for line in order.lines), Decimal(0))
    return found + sum((c.amount + c.tax for c in order.charges if not c.informative), Decimal(0))


def test_every_case_has_its_answer_and_its_expectation() -> None:
    found = {path.name.partition(".")[0] for path in CASES.glob("*.json")}

    assert found == {*ORDERS, *PRODUCTS}
    assert len(ORDERS) >= 14


@pytest.mark.parametrize("name", ORDERS)
def test_an_order_is_mapped(name: str) -> None:
    refunds = None
    if (CASES / f"{name}.refunds.json").exists():
        refunds = [money.to_refund(row) for row in rows(f"{name}.refunds")]

    order = mapper.to_order(raw(name), timezone=ZONE, refunds=refunds)

    assert told(order) == json.loads(raw(f"{name}.expected"))
    assert order.raw == raw(name)
    assert parts(order) == order.total


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_product_is_mapped(name: str) -> None:
    variations = []
    if (CASES / f"{name}.variations.json").exists():
        variations = [shapes.decode(row, shapes.Product) for row in rows(f"{name}.variations")]

    product = catalogue.to_product(
        shapes.decode(raw(name), shapes.Product), variations, timezone=ZONE, raw=raw(name)
    )

    assert told(product) == json.loads(raw(f"{name}.expected"))
    assert product.raw == raw(name)


def test_an_order_of_600_lines_is_mapped_whole() -> None:
    line = json.loads(raw("order_simple"))["line_items"][0]
    lines = [{**line, "id": 90_000 + n, "total": "0.33", "total_tax": "0.01"} for n in range(600)]

    order = mapper.to_order(simple(line_items=lines, total="211.50", total_tax="7.50"))

    assert [x.external_id for x in order.lines] == [str(90_000 + n) for n in range(600)]
    assert parts(order) == order.total == Decimal("211.50")
    assert ChargeKind.ROUNDING not in {charge.kind for charge in order.charges}


def test_a_difference_that_nobody_explains_is_a_line_of_its_own() -> None:
    order = mapper.to_order(simple(total="67.49"))

    (found,) = [c for c in order.charges if c.kind is ChargeKind.ROUNDING]
    assert (found.amount, found.informative) == (Decimal("-0.01"), False)


@pytest.mark.parametrize("decimals", range(5))
def test_amounts_are_taken_with_the_decimals_the_store_prints(decimals: int) -> None:
    amount = f"{Decimal('67.5'):.{decimals}f}"

    order = mapper.to_order(simple(total=amount))

    assert str(order.total) == amount
    assert parts(order) == order.total


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"total": None}, "$.total"),
        ({"total": "NaN"}, "$.total"),
        ({"total": "1e1000000"}, "$.total"),
        ({"total": "12,50"}, "$.total"),
        ({"currency": ""}, "$.currency"),
        ({"currency": "E€R"}, "$.currency"),
        ({"currency": None}, "$.currency"),
        ({"id": None}, "$.id"),
        ({"id": 10**30}, "$.id"),
        ({"line_items": "none"}, "$.line_items"),
        ({"date_paid_gmt": "yesterday"}, "$.date_paid_gmt"),
        ({"date_created_gmt": "0001-01-01T00:00:00+14:00"}, "$.date_created_gmt"),
        ({"date_modified_gmt": 1772582400}, "$.date_modified_gmt"),
        (
            {f"date_{word}{end}": None for word in ("created", "modified") for end in ("", "_gmt")},
            "$.date_modified_gmt",
        ),
    ],
)
def test_an_order_that_breaks_the_contract_is_named_by_its_path(
    changes: dict[str, Any], path: str
) -> None:
    with pytest.raises(ContractBroken) as caught:
        mapper.to_order(simple(**changes))

    assert caught.value.path == path
    assert "67.50" not in str(caught.value)


@pytest.mark.parametrize("quantity", ["1.5", -1, None, "NaN", "1e1000000", 10**10, [], True, ""])
def test_a_quantity_that_cannot_be_counted_parks_its_order(quantity: Any) -> None:
    line = {**json.loads(raw("order_simple"))["line_items"][0], "quantity": quantity}

    with pytest.raises(ContractBroken) as caught:
        mapper.to_order(simple(line_items=[line]))

    assert caught.value.path.startswith("$.line_items[")


@pytest.mark.parametrize("quantity", [3, "3", "3.0", 3.0])
def test_a_quantity_is_counted_however_it_is_written(quantity: Any) -> None:
    line = {**json.loads(raw("order_simple"))["line_items"][0], "quantity": quantity}

    assert mapper.to_order(simple(line_items=[line])).lines[0].quantity == 3


def test_a_free_line_of_no_units_has_no_unit_price() -> None:
    line = {**json.loads(raw("order_simple"))["line_items"][0], "quantity": 0}

    assert mapper.to_order(simple(line_items=[line])).lines[0].unit_price == 0


def test_local_times_are_read_in_the_sites_zone_where_gmt_is_missing() -> None:
    late = simple(date_created_gmt=None, date_modified_gmt="", date_modified="2026-07-01T12:00:00")

    in_summer = mapper.to_order(late, timezone="Europe/Stockholm")
    nowhere = mapper.to_order(late, timezone="Mars/Olympus")

    assert in_summer.changed_at.isoformat() == "2026-07-01T10:00:00+00:00"
    assert in_summer.placed_at.isoformat() == "2026-03-02T08:15:00+00:00"
    assert nowhere.changed_at.isoformat() == "2026-07-01T12:00:00+00:00"


def test_a_local_time_at_the_edge_of_the_calendar_is_no_time() -> None:
    with pytest.raises(ContractBroken):
        mapper.to_order(
            simple(date_modified_gmt=None, date_modified="0001-01-01T00:00:00"), timezone=ZONE
        )


def test_an_order_that_was_never_changed_was_changed_when_it_was_placed() -> None:
    order = mapper.to_order(simple(date_modified_gmt=None, date_modified=None))

    assert order.changed_at == order.placed_at


ENDED = {"reserve": False}
ASSUMED = {"fulfilled_assumed": True}
# Nobody maps a plugin's status to what WordPress does by itself.
NOT_TO_BE_CHOSEN = ("auto-draft", "trash")
# Columns: the word, whether the store set a date of payment; what is read of it on the three axes;
# and what else holds. An order reserves unless it says otherwise; ``known`` False asks a person.
STATUSES: list[tuple[str, bool, str, str, str, dict[str, bool]]] = [
    ("checkout-draft", False, "draft", "unpaid", "unfulfilled", {"reserve": False, "skip": True}),
    ("auto-draft", False, "draft", "unpaid", "unfulfilled", {"reserve": False, "skip": True}),
    ("pending", False, "pending", "unpaid", "unfulfilled", {"lapses": True}),
    ("pending", True, "pending", "paid", "unfulfilled", {"lapses": True}),
    ("on-hold", False, "pending", "unpaid", "unfulfilled", {}),
    ("on-hold", True, "pending", "paid", "unfulfilled", {}),
    ("processing", False, "open", "unpaid", "unfulfilled", {}),
    ("processing", True, "open", "paid", "unfulfilled", {}),
    ("completed", False, "completed", "unpaid", "fulfilled", ENDED | ASSUMED),
    ("completed", True, "completed", "paid", "fulfilled", ENDED | ASSUMED),
    ("cancelled", False, "cancelled", "voided", "cancelled", ENDED),
    ("cancelled", True, "cancelled", "voided", "cancelled", ENDED),
    ("refunded", True, "cancelled", "refunded", "cancelled", ENDED),
    ("failed", False, "pending", "failed", "unfulfilled", {"reserve": False}),
    ("trash", True, "pending", "unknown", "unfulfilled", {"known": False, "reserve": False}),
    ("shipped", True, "pending", "unknown", "unfulfilled", {"known": False}),
    ("", False, "pending", "unknown", "unfulfilled", {"known": False}),
]


@pytest.mark.parametrize(("word", "paid", "order", "payment", "goods", "rest"), STATUSES)
def test_a_status_is_read(
    word: str, paid: bool, order: str, payment: str, goods: str, rest: dict[str, bool]
) -> None:
    when = "2026-03-02T08:15:30" if paid else None

    found = mapper.to_order(simple(status=word, date_paid=when, date_paid_gmt=when))

    assert found.status == StatusReading(
        order=OrderStatus(order),
        payment=PaymentStatus(payment),
        fulfillment=FulfillmentStatus(goods),
        **rest,
    )
    assert (found.raw_status, found.gone) == (word, word == "trash")


def test_every_status_of_the_table_and_of_the_card_is_written_out() -> None:
    words = {word for word, *_ in STATUSES}

    assert words == {*mapper.STATUS_IN, "shipped", ""}
    assert set(CARD.status_words) == {w for w in mapper.STATUS_IN if w not in NOT_TO_BE_CHOSEN}


def test_a_plugins_status_counts_as_the_one_it_was_mapped_to() -> None:
    order = mapper.to_order(simple(status="wc-shipped"), words={"shipped": "completed"})

    assert (order.raw_status, order.status.order) == ("shipped", OrderStatus.COMPLETED)


def test_a_refunded_order_that_was_shipped_is_completed() -> None:
    parcel = {"reference": "P-1", "tracking_number": "SE1", "items": [{"line": "70010", "qty": 2}]}
    meta = [{"id": 1, "key": "_logix_shipments", "value": [parcel]}]

    reading = mapper.to_order(simple(status="refunded", meta_data=meta)).status
    done = mapper.to_order(simple(status="completed", meta_data=meta)).status

    assert reading.order is OrderStatus.COMPLETED
    assert reading.fulfillment is FulfillmentStatus.UNFULFILLED
    assert not done.fulfilled_assumed


def test_every_status_logix_may_set_reads_back_known() -> None:
    for status, word in mapper.STATUS_OUT.items():
        assert mapper.from_status(status) == word
        assert mapper.STATUS_IN[word].known
    assert mapper.from_status(OrderStatus.DRAFT) is None


# -- the recorded store ------------------------------------------------------------------------


def sample(shared: Path, name: str) -> bytes:
    return (shared / "contracts/woocommerce/real/samples" / f"{name}.json").read_bytes()


def test_the_recorded_order_is_mapped_to_the_cent(shared: Path) -> None:
    refund = money.to_refund(sample(shared, "refund"))

    order = mapper.to_order(sample(shared, "order"), timezone="Europe/Berlin", refunds=[refund])

    known = json.loads(sample(shared, "order"))
    assert order.external_id == str(known["id"])
    assert order.changed_at.isoformat() == f"{known['date_modified_gmt']}+00:00"
    assert parts(order) == order.total == Decimal(known["total"])
    assert [c.kind for c in order.charges] == [ChargeKind.SHIPPING, ChargeKind.FEE, ChargeKind.TAX]
    assert (order.lines[0].quantity, order.lines[0].unit_price) == (3, Decimal("20.900000"))
    assert [(r.amount, len(r.lines or ())) for r in order.refunds] == [(Decimal("20.90"), 1)]
    assert order.status.order is OrderStatus.COMPLETED


def test_local_times_of_the_recorded_order_say_the_same_as_gmt(shared: Path) -> None:
    whole = json.loads(sample(shared, "order"))
    lean = {k: v for k, v in whole.items() if not k.endswith("_gmt")}

    with_gmt = mapper.to_order(json.dumps(whole).encode(), timezone="Europe/Berlin")
    without = mapper.to_order(json.dumps(lean).encode(), timezone="Europe/Berlin")

    assert told(without) == told(with_gmt)


def test_the_recorded_products_are_mapped(shared: Path) -> None:
    one = catalogue.to_product(
        shapes.decode(sample(shared, "product_simple"), shapes.Product), [], timezone="UTC"
    )
    parent = shapes.decode(sample(shared, "product_variable"), shapes.Product)
    variation = shapes.decode(sample(shared, "variation"), shapes.Product)
    many = catalogue.to_product(parent, [variation], timezone="UTC")

    assert [(v.sku, v.stock, v.stock_ref) for v in one.variants] == [
        ("SKU-0300", 236, f"product:{one.external_id}")
    ]
    assert one.categories == ("Bücher",)
    # Its stock is the parent's, and so is where it is kept.
    assert [(v.sku, v.stock, v.stock_ref) for v in many.variants] == [
        ("VAR-020-1", 864, f"product:{many.external_id}")
    ]
    assert catalogue.named(parent) == {388, 389, 390}
