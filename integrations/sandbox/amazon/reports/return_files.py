"""The two reports on returns: of what the seller ships, and of what Amazon ships. Their headings
are those of real files that were published.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from integrations.sandbox.amazon.marketplaces import MARKETPLACES
from integrations.sandbox.amazon.money import rounded
from integrations.sandbox.amazon.orders.models import Item, Order, Return
from integrations.sandbox.amazon.orders.proceeds import item_total
from integrations.sandbox.amazon.reports.models import Report

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

Rows = list[list[str]]

_BY_SELLER = (
    "Order ID", "Order date", "Return request date", "Return request status", "Amazon RMA ID",
    "Merchant RMA ID", "Label type", "Label cost", "Currency code", "Return carrier",
    "Tracking ID", "Label to be paid by", "A-to-Z Claim", "Is prime", "ASIN", "Merchant SKU",
    "Item Name", "Return quantity", "Return Reason", "In policy", "Return type", "Resolution",
    "Invoice number", "Return delivery date", "Order Amount", "Order quantity",
    "SafeT Action reason", "SafeT claim id", "SafeT claim state", "SafeT claim creation time",
    "SafeT claim reimbursement amount", "Refunded Amount",
)  # fmt: skip
_BY_AMAZON = (
    "return-date", "order-id", "sku", "asin", "fnsku", "product-name", "quantity",
    "fulfillment-center-id", "detailed-disposition", "reason", "status", "license-plate-number",
    "customer-comments",
)  # fmt: skip


def by_seller(store: SellerStore, report: Report) -> Rows:
    """GET_FLAT_FILE_RETURNS_DATA_BY_RETURN_DATE, by the day the buyer asked."""
    rows = [list(_BY_SELLER)]
    for back, order, item in _found(store, report, is_amazons=False):
        currency = MARKETPLACES[order.marketplace].currency
        told = {
            "Order ID": order.id,
            "Order date": _day(order.created),
            "Return request date": _day(back.asked),
            "Return request status": "Approved" if back.arrived is None else "Completed",
            "Amazon RMA ID": back.number,
            "Label type": "AmazonPrePaidLabel",
            "Label cost": "4.14",
            "Currency code": currency,
            "Return carrier": "UPS",
            "Tracking ID": back.tracking,
            "Label to be paid by": "Seller",
            "A-to-Z Claim": "N",
            "Is prime": "Y" if "PRIME" in order.programs else "N",
            "ASIN": item.asin,
            "Merchant SKU": item.sku,
            "Item Name": item.title,
            "Return quantity": str(back.quantity),
            "Return Reason": back.reason,
            "In policy": "Y",
            "Return type": "C-Returns",
            "Resolution": "StandardRefund",
            "Return delivery date": "" if back.arrived is None else _day(back.arrived),
            "Order Amount": str(rounded(item_total(item), currency)),
            "Order quantity": str(item.quantity),
            "Refunded Amount": str(back.refunded) if back.refunded else "",
        }
        rows.append([told.get(name, "") for name in _BY_SELLER])
    return rows


def by_amazon(store: SellerStore, report: Report) -> Rows:
    """GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA, by the moment the unit was there."""
    rows = [list(_BY_AMAZON)]
    for back, order, item in _found(store, report, is_amazons=True):
        row = store.state.listings.get(item.sku)
        told = {
            "return-date": datetime.fromtimestamp(back.asked, UTC).isoformat(),
            "order-id": order.id,
            "sku": item.sku,
            "asin": item.asin,
            "fnsku": row.fnsku if row else "",
            "product-name": item.title,
            "quantity": str(back.quantity),
            "fulfillment-center-id": "CGN1",
            "detailed-disposition": back.disposition,
            "reason": back.reason.removeprefix("CR-"),
            "status": "Unit returned to inventory",
            "license-plate-number": f"LPN{back.number[1:7]}",
        }
        rows.append([told.get(name, "") for name in _BY_AMAZON])
    return rows


def _found(
    store: SellerStore, report: Report, *, is_amazons: bool
) -> Iterator[tuple[Return, Order, Item]]:
    """Those of the report's span and marketplaces, oldest first."""
    until = store.clock.now() if report.until is None else report.until
    since = until - 24 * 3600 if report.since is None else report.since
    for back in store.state.returns:
        order = store.state.orders[back.order]
        item = order.item(back.item)
        is_there = order.marketplace in report.marketplaces and since <= back.asked <= until
        if item is not None and is_there and order.is_amazons == is_amazons:
            yield back, order, item


def _day(moment: int) -> str:
    """``10-Jul-2025``"""
    return datetime.fromtimestamp(moment, UTC).strftime("%d-%b-%Y")
