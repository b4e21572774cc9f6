"""The money of an order in the shop's currency: its lines, what was paid and what was given back.
Pure. What stands beside the lines is in ``charges``, what all of it comes to in ``totals``.

An order is told as it was before refunds, which are told beside it. Units that an edit took away
are no part of it any more. Where ``taxesIncluded``, every price holds its tax and it is taken out.
Source: descriptions in the official schema (Order, LineItem, ShippingLine, Refund), 2026-07.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from integrations.errors import ContractBroken
from integrations.shopify import parcels, returns, shapes
from integrations.shopify.values import ZERO, moment, money, number_of, smallest, text, units
from orders.data import (
    LineData,
    PaymentData,
    PaymentKind,
    RefundData,
    RefundLineData,
)

SUCCESS = "SUCCESS"
_PAYMENTS = {
    "AUTHORIZATION": PaymentKind.AUTHORIZATION,
    "EMV_AUTHORIZATION": PaymentKind.AUTHORIZATION,
    "CAPTURE": PaymentKind.CAPTURE,
    "SALE": PaymentKind.CAPTURE,
}
_VOID, _CHANGE = "VOID", "CHANGE"


def amount(bag: shapes.Bag | None, path: str) -> Decimal:
    """In the shop's currency."""
    return money(bag.shop_money.amount, path) if bag else ZERO


def gone_units(order: shapes.Order) -> Counter[str]:
    """Units that are not current any more though no edit took them away, by the global id of their
    line: those refunded, and those a return took in without a refund. Source:
    https://shopify.dev/changelog/return-mutation-will-update-sales-previously-unchanged-until-time-of-refund
    """
    found = returns.came_back(order)
    for refund in order.refunds:
        for line in refund.refund_line_items.nodes:
            found[line.line_item.id] += max(0, line.quantity)
    return found


def lines(order: shapes.Order) -> tuple[LineData, ...]:
    """Those that have units yet, or had them refunded or returned: one that an edit took away whole
    is no line any more. Raises ContractBroken.
    """
    gone, assigned = gone_units(order), parcels.assigned(order)
    found = (
        _line(order, told, gone, assigned.get(told.id, {}), f"$.lineItems.nodes[{number}]")
        for number, told in enumerate(order.line_items.nodes)
    )
    return tuple(line for line in found if line.quantity)


def _line(
    order: shapes.Order,
    told: shapes.Line,
    gone: Mapping[str, int],
    assigned: Mapping[str, int],
    path: str,
) -> LineData:
    unit = smallest(order.currency_code)
    ordered = units(told.quantity, f"{path}.quantity")
    kept = min(ordered, units(told.current_quantity, f"{path}.currentQuantity") + gone[told.id])
    # Discounts and taxes are told for all units, those that were taken away included.
    discount = _part(sum_of(_discounts(told, path)), kept, ordered, unit)
    tax = _part(sum_of(taxes(told.tax_lines, path)), kept, ordered, unit)
    price = amount(told.original_unit_price_set, f"{path}.originalUnitPriceSet")
    gross = price * kept
    paid = gross - discount
    total = paid - tax if order.taxes_included else paid
    subtotal = gross
    if order.taxes_included:
        subtotal = (gross * total / paid).quantize(unit) if discount and paid else total + discount
    return LineData(
        external_id=number_of(told.id, f"{path}.id"),
        quantity=kept,
        sku=text(told.sku, 128).strip(),
        name=text(told.name),
        external_product_id=told.product.legacy_resource_id if told.product else "",
        external_variant_id=told.variant.legacy_resource_id if told.variant else "",
        unit_price=round(subtotal / kept, 6) if kept else ZERO,
        subtotal=subtotal,
        total=total,
        tax=tax,
        requires_shipping=told.requires_shipping and not told.is_gift_card,
        assigned=assigned,
        attributes=_attributes(told),
    )


def payments(order: shapes.Order, total: Decimal) -> tuple[PaymentData, ...]:
    """What was authorised and what was taken. An authorisation that was voided is none; change is
    money that went back at once. Amounts are what was owed: what cash was rounded by stands beside
    them. Source:
    https://shopify.dev/changelog/new-cash-rounding-on-order-and-order-transaction
    """
    done = [t for t in order.transactions if t.status == SUCCESS]
    voided = {t.parent_transaction.id for t in done if t.kind == _VOID and t.parent_transaction}
    found = [
        _payment(told, _PAYMENTS[told.kind], _amount_of(told, number), number)
        for number, told in enumerate(done)
        if told.kind in _PAYMENTS and told.id not in voided
    ]
    for number, told in enumerate(done):
        if told.kind == _CHANGE:
            # Never of what was owed: a store may tell what was handed over, or what was kept.
            taken = sum_of(x.amount for x in found if x.kind is PaymentKind.CAPTURE)
            back = min(_amount_of(told, number), max(ZERO, taken - total))
            if back:
                found.append(_payment(told, PaymentKind.CAPTURE, -back, number))
    return tuple(found)


def cash_rounding(order: shapes.Order) -> Decimal:
    """By how much more, or less, was taken in coins than was owed; of refunds less was given."""
    done = [t for t in order.transactions if t.status == SUCCESS]
    return sum_of(
        amount(t.amount_rounding_set, "$.transactions.amountRoundingSet")
        * (1 if t.kind in _PAYMENTS else -1)
        for t in done
    )


def _payment(
    told: shapes.Transaction, kind: PaymentKind, value: Decimal, number: int
) -> PaymentData:
    return PaymentData(
        external_id=number_of(told.id, f"$.transactions[{number}].id"),
        kind=kind,
        amount=value,
        method=text(told.formatted_gateway, 120),
        reference=text(told.payment_id, 160),
        at=moment(told.processed_at, f"$.transactions[{number}].processedAt"),
    )


def _amount_of(told: shapes.Transaction, number: int) -> Decimal:
    return amount(told.amount_set, f"$.transactions[{number}].amountSet")


def refunds(order: shapes.Order) -> tuple[RefundData, ...]:
    """Oldest first, with their lines."""
    found = (
        _refund(order, told, f"$.refunds[{number}]") for number, told in enumerate(order.refunds)
    )
    return tuple(sorted(found, key=lambda refund: int(refund.external_id)))


def currency(word: str) -> str:
    """ISO 4217. Raises ContractBroken."""
    if len(word) != 3 or not (word.isascii() and word.isalpha()):
        raise ContractBroken("The currency is not an ISO 4217 code.", path="$.currencyCode")
    return word.upper()


def _refund(order: shapes.Order, told: shapes.Refund, path: str) -> RefundData:
    lines: list[RefundLineData] = []
    for number, line in enumerate(told.refund_line_items.nodes):
        at = f"{path}.refundLineItems.nodes[{number}]"
        tax = amount(line.total_tax_set, f"{at}.totalTaxSet")
        price = amount(line.subtotal_set, f"{at}.subtotalSet")
        lines.append(
            RefundLineData(
                line_external_id=number_of(line.line_item.id, f"{at}.lineItem.id"),
                quantity=units(line.quantity, f"{at}.quantity"),
                amount=price - tax if order.taxes_included else price,
                tax=tax,
            )
        )
    return RefundData(
        external_id=told.legacy_resource_id,
        amount=amount(told.total_refunded_set, f"{path}.totalRefundedSet"),
        reason=text(told.note),
        created_at=moment(told.created_at, f"{path}.createdAt"),
        lines=tuple(lines),
    )


def _discounts(told: shapes.Line, path: str) -> Iterator[Decimal]:
    for number, allocation in enumerate(told.discount_allocations):
        yield amount(allocation.allocated_amount_set, f"{path}.discountAllocations[{number}]")


def taxes(told: Iterable[shapes.Taxed], path: str) -> Iterator[Decimal]:
    for number, tax in enumerate(told):
        yield amount(tax.price_set, f"{path}.taxLines[{number}].priceSet")


def _part(whole: Decimal, kept: int, ordered: int, unit: Decimal) -> Decimal:
    """The share of ``kept`` among ``ordered`` units, to the smallest ``unit``."""
    return whole if kept == ordered else (whole * kept / ordered).quantize(unit)


def sum_of(found: Iterable[Decimal]) -> Decimal:
    return sum(found, ZERO)


def _attributes(told: shapes.Line) -> dict[str, str]:
    """What the buyer chose; keys with a leading ``_`` are bookkeeping of apps. Each part of a
    bundle is a line of its own and there is none for the bundle. Source: the official schema,
    LineItemGroup.
    """
    found = {
        text(x.key, 80): text(x.value, 500)
        for x in told.custom_attributes
        if x.value and not x.key.startswith("_")
    }
    if told.is_gift_card:
        found["gift_card"] = "true"
    if told.line_item_group and told.line_item_group.title:
        found["bundle"] = text(told.line_item_group.title)
    return found
