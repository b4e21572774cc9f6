"""Orders as the platforms recorded or documented them, which are not kept here: their money comes
to the total through the same mappers and the same import, and what they do not explain is shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orders.models import Order
from tests import factories
from tests.corpus.cases import ZERO
from tests.corpus.shopify import cases as shopify
from tests.corpus.shopify.payloads import as_node
from tests.corpus.woocommerce import cases as woocommerce
from tests.integrations.api.client import import_orders

pytestmark = pytest.mark.django_db


def orders_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every whole order in a document, however deep."""
    if isinstance(value, dict):
        if {"line_items", "currency", "total", "status"} <= value.keys():
            yield value
        else:
            for child in value.values():
                yield from orders_in(child)
    elif isinstance(value, list):
        for child in value:
            yield from orders_in(child)


def kept(platform: str, record: Any) -> Order:
    merchant = factories.make_merchant()
    return import_orders(factories.make_store(merchant, platform=platform), [record])[0]


def parts(order: Order) -> Decimal:
    """Without the rounding line."""
    found = sum((line.total + line.tax for line in order.lines.all()), ZERO)
    for row in order.charges:
        if not row["informative"] and row["kind"] != "rounding":
            found += Decimal(row["amount"]) + Decimal(row["tax"])
    return found


def test_every_recorded_order_of_woocommerces_adds_up(shared: Path) -> None:
    folder = shared / "contracts/woocommerce"
    files = ("real/samples/order", "real/webhook_delivery_order_updated", "samples/orders")
    found = [
        order
        for name in files
        for order in orders_in(json.loads((folder / f"{name}.json").read_text()))
    ]
    records = [woocommerce.read({"order": order, "refunds": []}) for order in found]
    latest = {record.external_id: record for record in records}

    store = factories.make_store(factories.make_merchant())
    stored = import_orders(store, list(latest.values()))

    assert len(found) >= 9
    for order in stored:
        assert order.total == latest[order.external_id].total
        assert parts(order) == order.total
        assert order.rounding == 0


def test_the_recorded_refund_is_part_of_what_was_paid(shared: Path) -> None:
    folder = shared / "contracts/woocommerce/real/samples"
    order, refund = (json.loads((folder / f"{n}.json").read_text()) for n in ("order", "refund"))

    stored = kept("woocommerce", woocommerce.read({"order": order, "refunds": [refund]}))

    assert (stored.paid_total, stored.refunded_total) == (Decimal("505.19"), Decimal("20.90"))
    assert stored.payment_status == "partially_refunded"
    assert parts(stored) == stored.total


@pytest.mark.parametrize("topic", ["create", "paid", "updated", "cancelled", "fulfilled"])
def test_what_shopifys_sample_orders_do_not_explain_is_shown(topic: str, shared: Path) -> None:
    """Their lines come to 414.95 and their total is 404.95: a discount of 10.00 that no line and no
    shipping has is missing in them.
    """
    folder = shared / "contracts/shopify/samples/webhooks"
    payload = json.loads((folder / f"orders__{topic}.json").read_text())

    stored = kept("shopify", shopify.read(as_node(payload)))

    assert (stored.currency, stored.total) == ("USD", Decimal(payload["total_price"]))
    assert parts(stored) + stored.rounding == stored.total
    lines = sum(Decimal(x["price"]) * x["quantity"] for x in payload["line_items"])
    assert sum(line.total for line in stored.lines.all()) == lines
    assert stored.rounding == stored.total - lines
    assert stored.charges[-1]["kind"] == "rounding"
