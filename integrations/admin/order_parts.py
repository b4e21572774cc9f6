"""The parts of an order on its page: buyer, lines, parcels, payments, refunds, timeline."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from integrations.admin.base import ReadOnlyInline
from integrations.admin.roles import actor, sees_buyers
from logix.accounts import audit
from logix.common.crypto import SealBroken
from orders import services
from orders.data import Buyer
from orders.models import Order, OrderEvent, OrderLine, Payment, Refund, Shipment

# ISO 4217 currencies with no minor unit, as far as stores trade in them.
_WITHOUT_CENTS = frozenset({"BIF", "CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF"})
_CENTS = Decimal("0.01")


def money(amount: Decimal, currency: str) -> str:
    """The amount without the zeros its column keeps, and its currency: ``28.70 EUR``, ``1200 JPY``,
    ``1.234 KWD``.
    """
    if amount == amount.to_integral_value() and currency in _WITHOUT_CENTS:
        shown = amount.to_integral_value()
    elif amount == (cents := amount.quantize(_CENTS)):
        shown = cents
    else:
        shown = amount.normalize()
    return f"{shown:f} {currency}"


class LineInline(ReadOnlyInline):
    model = OrderLine
    verbose_name_plural = "Lines"
    fields = ("item", "quantity", "shipped", "refunded", "price", "net", "tax_on_it", "matched")
    readonly_fields = fields
    ordering = ("position",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[OrderLine]:
        return super().get_queryset(request).select_related("order")

    @display(description="Item")
    def item(self, line: OrderLine) -> str:
        gone = " (removed at the store)" if line.removed_at else ""
        return format_html("{}<br>{}{}", line.sku or "no SKU", line.name, gone)

    @display(description="Shipped")
    def shipped(self, line: OrderLine) -> int:
        return line.quantity_shipped

    @display(description="Refunded")
    def refunded(self, line: OrderLine) -> int:
        return line.quantity_refunded

    @display(description="Each")
    def price(self, line: OrderLine) -> str:
        return money(line.unit_price, line.order.currency)

    @display(description="Net")
    def net(self, line: OrderLine) -> str:
        return money(line.total, line.order.currency)

    @display(description="Tax")
    def tax_on_it(self, line: OrderLine) -> str:
        return money(line.tax, line.order.currency)

    @display(description="Product")
    def matched(self, line: OrderLine) -> str:
        return "known" if line.variant_id else "unknown SKU"


class ShipmentInline(ReadOnlyInline):
    model = Shipment
    verbose_name_plural = "Parcels"
    fields = ("reference", "said_by", "carrier", "tracking", "shipped_at", "contents")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Shipment]:
        return super().get_queryset(request).prefetch_related("lines__line")

    @display(description="Said by")
    def said_by(self, parcel: Shipment) -> str:
        return parcel.get_origin_display()

    @display(description="Tracking")
    def tracking(self, parcel: Shipment) -> str:
        return parcel.tracking_number or "follows"

    @display(description="Contents")
    def contents(self, parcel: Shipment) -> str:
        if parcel.cancelled_at:
            return "Cancelled"
        return ", ".join(f"{p.quantity} × {p.line.sku or p.line.name}" for p in parcel.lines.all())


class _MoneyInline(ReadOnlyInline):
    def get_queryset(self, request: HttpRequest) -> models.QuerySet[models.Model]:
        return super().get_queryset(request).select_related("order")

    @display(description="Amount")
    def sum(self, row: Payment | Refund) -> str:
        return money(row.amount, row.order.currency)


class PaymentInline(_MoneyInline):
    model = Payment
    fields: tuple[str, ...] = ("kind", "sum", "method", "reference", "at")
    readonly_fields = fields


class RefundInline(_MoneyInline):
    model = Refund
    fields: tuple[str, ...] = ("sum", "reason", "created_at")
    readonly_fields = fields


class PlainPaymentInline(PaymentInline):
    """Without what leads to the buyer."""

    fields = ("kind", "sum", "method", "at")


class PlainRefundInline(RefundInline):
    """Without the words people wrote."""

    fields = ("sum", "created_at")


class EventInline(ReadOnlyInline):
    model = OrderEvent
    verbose_name_plural = "Timeline"
    fields = ("at", "title", "who")
    readonly_fields = fields
    ordering = ("-at", "-id")

    @display(description="By")
    def who(self, event: OrderEvent) -> str:
        return event.actor.removeprefix("user:") or event.get_origin_display()


def parts_of(order: Order, *, with_buyer: bool) -> list[type[ReadOnlyInline]]:
    """The parts the order has; empty tables say nothing. ``with_buyer``: what may name the buyer is
    shown as well.
    """
    parts: list[type[ReadOnlyInline]] = [LineInline]
    if order.shipments.exists():
        parts.append(ShipmentInline)
    if order.payments.exists():
        parts.append(PaymentInline if with_buyer else PlainPaymentInline)
    if order.refunds.exists():
        parts.append(RefundInline if with_buyer else PlainRefundInline)
    return [*parts, EventInline]


def buyer_words(request: HttpRequest, order: Order) -> str:
    """The buyer for those who may see them, which the audit log notes; for the rest, that there is
    one.
    """
    if order.erased_at:
        return "Erased on request."
    if not order.buyer_sealed:
        return "The store told no buyer."
    if not sees_buyers(request, order.merchant_id):
        return "••• Hidden. Owners see buyers, and members who were given that permission."
    try:
        buyer = services.buyer_of(order)
    except SealBroken as err:
        return str(err)
    audit.record("order.buyer_seen", actor=actor(request), merchant=order.store.merchant, obj=order)
    return _lines_of(buyer) if buyer is not None else ""


def _lines_of(buyer: Buyer) -> str:
    place = buyer.shipping if buyer.shipping.line1 else buyer.billing
    lines = (
        buyer.name or place.name,
        buyer.company or place.company,
        place.line1,
        place.line2,
        f"{place.postcode} {place.city} {place.country}".strip(),
        buyer.email,
        buyer.phone,
        buyer.note,
    )
    return format_html_join("", "{}<br>", ((x,) for x in lines if x))
