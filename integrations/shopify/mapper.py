"""Orders: Shopify's answer to ``OrderData``. Pure.

Money is in ``money``, ``charges`` and ``totals``, parcels in ``parcels``, products in
``catalogue``. Source: the official schema of the Admin API 2026-07; rules: docs/ORDER_STATES.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from integrations.shopify import charges as beside
from integrations.shopify import money as amounts
from integrations.shopify import parcels, resale, returns, shapes, totals
from integrations.shopify.values import known_moment, moment, text
from orders.data import Address, Buyer, OrderData, PaymentData, PaymentKind
from orders.status import Flag, FulfillmentStatus, OrderStatus, PaymentStatus, StatusReading

_O, _P, _F = OrderStatus, PaymentStatus, FulfillmentStatus

# displayFinancialStatus
PAYMENT_IN: dict[str, PaymentStatus] = {
    "PENDING": _P.UNPAID,
    "AUTHORIZED": _P.AUTHORIZED,
    "PARTIALLY_PAID": _P.PARTIALLY_PAID,
    "PAID": _P.PAID,
    "PARTIALLY_REFUNDED": _P.PARTIALLY_REFUNDED,
    "REFUNDED": _P.REFUNDED,
    "VOIDED": _P.VOIDED,
    "EXPIRED": _P.VOIDED,
}
# A fulfilment service refused some of the units: the merchant has to send them another way.
_DECLINED = "REQUEST_DECLINED"
# displayFulfillmentStatus: what it says of the order, and of its goods.
FULFILLMENT_IN: dict[str, tuple[OrderStatus, FulfillmentStatus]] = {
    "UNFULFILLED": (_O.OPEN, _F.UNFULFILLED),
    "OPEN": (_O.OPEN, _F.UNFULFILLED),
    _DECLINED: (_O.OPEN, _F.UNFULFILLED),
    "SCHEDULED": (_O.OPEN, _F.NOT_READY),
    "ON_HOLD": (_O.ON_HOLD, _F.NOT_READY),
    "IN_PROGRESS": (_O.OPEN, _F.IN_PROGRESS),
    "PENDING_FULFILLMENT": (_O.OPEN, _F.IN_PROGRESS),
    "PARTIALLY_FULFILLED": (_O.OPEN, _F.PARTIALLY_FULFILLED),
    "FULFILLED": (_O.OPEN, _F.FULFILLED),
    "RESTOCKED": (_O.OPEN, _F.CANCELLED),
}
OPEN, CLOSED, CANCELLED = "open", "closed", "cancelled"
_OPEN_DISPUTES = frozenset({"NEEDS_RESPONSE", "UNDER_REVIEW"})
_RISKY = frozenset({"CANCEL", "INVESTIGATE"})
_NO_RETURN = "NO_RETURN"
_NOTHING_LEFT = frozenset({_F.FULFILLED, _F.CANCELLED})
_MOST_CUSTOM = 60


@dataclass(frozen=True, slots=True)
class _Reading:
    """The status, and the word it came from: one that is in no table is shown as it is. ``goods``
    is Shopify's word for them, as the merchant reads it.
    """

    status: StatusReading
    word: str
    goods: str


def to_order(
    raw: bytes,
    *,
    order: shapes.Order | None = None,
    words: Mapping[str, str] | None = None,
    back: resale.Back | None = None,
) -> OrderData:
    """One order. ``order`` is ``raw`` where it was decoded and completed before. ``words`` says
    which of Shopify's statuses a newer one counts as. ``back``: where what came back is on sale
    again, where that was asked. Raises ContractBroken.
    """
    order = order or shapes.decode(raw, shapes.Order)
    lines = amounts.lines(order)
    total = totals.total(order)
    charges = beside.charges(order, lines, total)
    charges += totals.rounding(total, lines, charges)
    payments = amounts.payments(order, total)
    shipments = parcels.to_shipments(order.fulfillments, order.parcels)
    reading = _read(order, bool(parcels.sent(order.fulfillments)), words or {})
    return OrderData(
        external_id=order.legacy_resource_id,
        number=text(order.name, 64).strip() or order.legacy_resource_id,
        currency=amounts.currency(order.currency_code),
        placed_at=known_moment(order.created_at, "$.createdAt"),
        changed_at=known_moment(order.updated_at, "$.updatedAt"),
        status=reading.status,
        raw_status=reading.word,
        raw_payment=text(order.display_financial_status, 60),
        raw_fulfillment=text(order.display_fulfillment_status, 60),
        total=total,
        tax_total=totals.tax_total(order, lines, charges),
        prices_include_tax=order.taxes_included,
        paid_at=_paid_at(payments),
        completed_at=_completed_at(order),
        cancelled_at=moment(order.cancelled_at, "$.cancelledAt"),
        buyer=_buyer(order),
        external_customer_id=order.customer.legacy_resource_id if order.customer else "",
        lines=lines,
        charges=tuple(charges),
        payments=payments,
        refunds=amounts.refunds(order),
        shipments=shipments,
        returns=returns.to_returns(order.returns),
        restocks=resale.to_restocks(order, back),
        flags=_flags(order, reading),
        custom=_custom(order),
        raw=raw,
    )


def has_left_to_send(order: shapes.Order) -> bool:
    """Whether units may be waiting somewhere."""
    goods = FULFILLMENT_IN.get(order.display_fulfillment_status)
    return not order.cancelled_at and (goods is None or goods[1] not in _NOTHING_LEFT)


def _read(order: shapes.Order, has_left: bool, words: Mapping[str, str]) -> _Reading:
    payment_word = text(order.display_financial_status, 60)
    goods_word = text(order.display_fulfillment_status, 60)
    payment_word = words.get(payment_word, payment_word)
    goods_word = words.get(goods_word, goods_word)
    # An order that was never meant to be paid has no word for it.
    payment = PAYMENT_IN.get(payment_word) if payment_word else _P.UNKNOWN
    standing = FULFILLMENT_IN.get(goods_word)
    if payment is None or standing is None:
        strange = payment_word if payment is None else goods_word
        unknown = StatusReading(
            order=_O.PENDING, payment=_P.UNKNOWN, fulfillment=_F.UNFULFILLED, known=False
        )
        return _Reading(unknown, strange, goods_word)
    status, goods = standing
    if goods is _F.FULFILLED and parcels.is_delivered(order.fulfillments):
        goods = _F.DELIVERED
    reading = StatusReading(order=status, payment=payment, fulfillment=goods)
    if order.cancelled_at:
        goods = goods if has_left else _F.CANCELLED
        return _Reading(
            replace(reading, order=_O.CANCELLED, fulfillment=goods, reserve=False),
            CANCELLED,
            goods_word,
        )
    if order.closed_at and goods in (_F.FULFILLED, _F.DELIVERED):
        return _Reading(replace(reading, order=_O.COMPLETED, reserve=False), CLOSED, goods_word)
    return _Reading(reading, CLOSED if order.closed_at else OPEN, goods_word)


def _paid_at(payments: tuple[PaymentData, ...]) -> datetime | None:
    """When money was taken last."""
    taken = [p.at for p in payments if p.kind is PaymentKind.CAPTURE and p.at]
    return max(taken, default=None)


def _completed_at(order: shapes.Order) -> datetime | None:
    """When the last parcel left, once all have."""
    if order.display_fulfillment_status != "FULFILLED":
        return None
    left = [known_moment(x.created_at, "$.fulfillments") for x in parcels.sent(order.fulfillments)]
    return max(left, default=None) or moment(order.closed_at, "$.closedAt")


def _flags(order: shapes.Order, reading: _Reading) -> frozenset[Flag]:
    """What a person has to look at, while it lasts."""
    found = set()
    if any(dispute.status in _OPEN_DISPUTES for dispute in order.disputes):
        found.add(Flag.DISPUTED)
    if reading.goods == _DECLINED and reading.status.order is not _O.CANCELLED:
        found.add(Flag.FULFILLMENT_DECLINED)
    return frozenset(found)


def _buyer(order: shapes.Order) -> Buyer:
    """Whatever of it the app may see."""
    billing, shipping = _address(order.billing_address), _address(order.shipping_address)
    known_as = text(order.customer.display_name, 240) if order.customer else ""
    company = order.purchasing_entity.company if order.purchasing_entity else None
    return Buyer(
        name=billing.name or shipping.name or known_as,
        email=text(order.email, 254),
        phone=text(order.phone, 40) or shipping.phone or billing.phone,
        company=text(company.name, 200) if company else billing.company or shipping.company,
        note=text(order.note, 4000),
        billing=billing,
        shipping=shipping,
    )


def _address(place: shapes.Address | None) -> Address:
    if place is None:
        return Address()
    return Address(
        name=text(place.name, 240).strip(),
        company=text(place.company, 200),
        line1=text(place.address1, 200),
        line2=text(place.address2, 200),
        city=text(place.city, 120),
        region=text(place.province_code or place.province, 80),
        postcode=text(place.zip, 32),
        country=text(place.country_code, 2).upper(),
        phone=text(place.phone, 40),
    )


def _custom(order: shapes.Order) -> dict[str, str]:
    """What the merchant and their apps added, then what Shopify says that has no place of its own.
    Keys with a leading ``_`` are bookkeeping of apps.
    """
    told = [(x.key, x.value) for x in order.custom_attributes if not x.key.startswith("_")]
    told += [(shapes.place_of(x), x.value) for x in order.metafields.nodes]
    found = {text(key, 80): text(value, 500) for key, value in told if key and value}
    kept = dict(sorted(found.items())[:_MOST_CUSTOM])
    return kept | {name: text(value, 500) for name, value in _said(order).items() if value}


def _said(order: shapes.Order) -> dict[str, str | None]:
    buyer = order.purchasing_entity
    foreign = order.presentment_currency_code != order.currency_code
    shown = order.total_price_set.presentment_money
    risk = order.risk.recommendation if order.risk else None
    coins = amounts.cash_rounding(order)
    return {
        "cash_rounding": str(coins) if coins else None,
        "company_location": buyer.location.name if buyer and buyer.location else None,
        "po_number": order.po_number,
        "presentment_currency": order.presentment_currency_code if foreign else None,
        "presentment_total": str(shown.amount) if foreign and shown else None,
        "reason_cancelled": order.cancel_reason,
        "return_status": order.return_status if order.return_status != _NO_RETURN else None,
        "risk": risk if risk in _RISKY else None,
        "source": order.source_name,
        "tags": ", ".join(order.tags),
        "test": "true" if order.test else None,
    }
