"""Small makers of merchants, stores and incoming records, for tests that need one of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from integrations.models import Store, StoreStatus, Stream
from inventory.data import ProductData, VariantData
from logix.accounts import keys
from logix.accounts.models import Merchant
from orders.data import (
    Address,
    Buyer,
    ChargeData,
    ChargeKind,
    LineData,
    OrderData,
    PaymentData,
    PaymentKind,
    PayoutData,
    PayoutLineData,
    PayoutLineKind,
    PayoutStatus,
    ReturnData,
    ReturnLineData,
)
from orders.status import (
    FulfillmentStatus,
    OrderStatus,
    PaymentStatus,
    ReturnStatus,
    StatusReading,
)

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

OPEN = StatusReading(
    order=OrderStatus.OPEN, payment=PaymentStatus.PAID, fulfillment=FulfillmentStatus.UNFULFILLED
)
CANCELLED = StatusReading(
    order=OrderStatus.CANCELLED,
    payment=PaymentStatus.VOIDED,
    fulfillment=FulfillmentStatus.CANCELLED,
    reserve=False,
)
COMPLETED = StatusReading(
    order=OrderStatus.COMPLETED,
    payment=PaymentStatus.PAID,
    fulfillment=FulfillmentStatus.FULFILLED,
    reserve=False,
    fulfilled_assumed=True,
)
WORDS = {"processing": OPEN, "cancelled": CANCELLED, "completed": COMPLETED}


def make_merchant(slug: str = "acme") -> Merchant:
    return Merchant.objects.create(name=slug.title(), slug=slug)


def make_store(merchant: Merchant | None = None, **changes: Any) -> Store:
    merchant = merchant or make_merchant()
    fields: dict[str, Any] = {
        "platform": "woocommerce",
        "name": "Example shop",
        "base_url": "https://shop.example",
        "status": StoreStatus.ACTIVE,
        "currency": "EUR",
        "stock_since": NOW - timedelta(days=365),
        "data_key": keys.create(merchant),
        **changes,
    }
    store = Store.objects.create(merchant=merchant, **fields)
    for name in ("orders", "products"):
        Stream.objects.create(store=store, name=name)
    return store


def make_line(number: int = 1, **changes: Any) -> LineData:
    fields: dict[str, Any] = {
        "external_id": f"l{number}",
        "sku": f"SKU-{number}",
        "name": f"Mug {number}",
        "external_product_id": f"p{number}",
        "external_variant_id": f"p{number}",
        "quantity": 2,
        "unit_price": Decimal("10.00"),
        "subtotal": Decimal("20.00"),
        "total": Decimal("20.00"),
        "tax": Decimal("3.80"),
        **changes,
    }
    return LineData(**fields)


def make_order(number: int = 1, *, word: str = "processing", **changes: Any) -> OrderData:
    """One paid order of one line: 20.00 + 3.80 tax + 4.95 shipping."""
    fields: dict[str, Any] = {
        "external_id": str(1000 + number),
        "number": str(1000 + number),
        "currency": "EUR",
        "placed_at": NOW - timedelta(hours=1),
        "changed_at": NOW,
        "status": WORDS[word],
        "raw_status": word,
        "total": Decimal("28.75"),
        "tax_total": Decimal("3.80"),
        "paid_at": NOW - timedelta(minutes=58),
        "buyer": Buyer(
            name="Zoë Žižek",
            email="zoe@buyers.example",
            phone="+49 221 1234",
            shipping=Address(name="Zoë Žižek", line1="Weg 1", city="Köln", country="DE"),
        ),
        "lines": (make_line(),),
        "charges": (
            ChargeData(kind=ChargeKind.SHIPPING, title="Flat rate", amount=Decimal("4.95")),
        ),
        "payments": (
            PaymentData(external_id="paid", kind=PaymentKind.CAPTURE, amount=Decimal("28.75")),
        ),
        "raw": b'{"id": %d, "meta": {"gift": "yes"}}' % (1000 + number),
        **changes,
    }
    return OrderData(**fields)


def make_product(number: int = 1, *, stock: int | None = 10, **changes: Any) -> ProductData:
    fields: dict[str, Any] = {
        "external_id": f"p{number}",
        "title": f"Mug {number}",
        "changed_at": NOW,
        "variants": (VariantData(external_id=f"p{number}", sku=f"SKU-{number}", stock=stock),),
        **changes,
    }
    return ProductData(**fields)


def make_return_line(number: int = 1, **changes: Any) -> ReturnLineData:
    fields: dict[str, Any] = {
        "external_id": f"rl{number}",
        "line_external_id": "l1",
        "quantity": 2,
        "reason": "Too small",
        "note": "Zoë says: pinches at the toes",
        **changes,
    }
    return ReturnLineData(**fields)


def make_return(number: int = 1, *, units: int = 2, **changes: Any) -> ReturnData:
    """An open return of ``units`` of the order's first line."""
    fields: dict[str, Any] = {
        "external_id": f"ret{number}",
        "name": f"#1001-R{number}",
        "status": ReturnStatus.OPEN,
        "raw_status": "OPEN",
        "created_at": NOW,
        "lines": (make_return_line(number, quantity=units),),
        **changes,
    }
    return ReturnData(**fields)


def make_payout_line(number: int = 1, **changes: Any) -> PayoutLineData:
    """The sale of order 1000 + ``number``: 28.75 less 1.15 fee."""
    fields: dict[str, Any] = {
        "external_id": f"t{number}",
        "kind": PayoutLineKind.CHARGE,
        "currency": "EUR",
        "amount": Decimal("28.75"),
        "fee": Decimal("1.15"),
        "net": Decimal("27.60"),
        "at": NOW - timedelta(days=2),
        "external_order_id": str(1000 + number),
        "external_transaction_id": f"paid{number}",
        "raw_kind": "CHARGE",
        **changes,
    }
    return PayoutLineData(**fields)


def make_payout(number: int = 1, **changes: Any) -> PayoutData:
    """One that was paid and is what its one line says: 27.60."""
    fields: dict[str, Any] = {
        "external_id": f"po{number}",
        "status": PayoutStatus.PAID,
        "raw_status": "PAID",
        "currency": "EUR",
        "amount": Decimal("27.60"),
        "issued_at": NOW - timedelta(days=1),
        "paid_at": NOW,
        "lines": (make_payout_line(number),),
        "raw": b'{"id": "po%d", "status": "PAID"}' % number,
        **changes,
    }
    return PayoutData(**fields)
