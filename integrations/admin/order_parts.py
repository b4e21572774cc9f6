"""The parts of an order on its page: buyer, lines, parcels, money, returns, timeline."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from unfold.decorators import display

from integrations import registry
from integrations.admin.base import ReadOnlyInline, link, moment, person, told
from integrations.admin.order_goods import inline_of as goods_inline_of
from integrations.admin.order_outside import inline_of as outside_inline_of
from integrations.admin.order_refunds import RefundRequestInline
from integrations.admin.order_returns import inline_of
from integrations.admin.order_taking_back import link_for
from integrations.admin.roles import actor, sees_buyers
from inventory.models import Listing
from logix.accounts import audit
from logix.common import amounts
from logix.common.crypto import SealBroken
from orders import services
from orders.data import Address, Buyer, PaymentKind
from orders.models import Order, OrderEvent, OrderLine, Payment, Refund, Shipment
from orders.status import Flag

_NO_BUYER = "The store told no buyer."
_ERASED = "Erased. The timeline says why."
_NEVER_KEPT = "Never kept: the order came in when its buyer’s data would have been erased already."
_PAYMENT_KINDS = {
    PaymentKind.AUTHORIZATION: "Authorised, not taken yet",
    PaymentKind.CAPTURE: "Paid",
}


def money(amount: Decimal, currency: str) -> str:
    """The amount with its currency and as many decimals as that has: ``28.70 EUR``, ``1200 JPY``,
    ``1.200 KWD``.
    """
    return f"{amounts.money(amount, amounts.places_of(currency))} {currency}"


class LineInline(ReadOnlyInline):
    model = OrderLine
    verbose_name_plural = "Lines"
    fields = ("item", "quantity", "shipped", "refunded", "price", "net", "tax_on_it", "matched")
    readonly_fields = fields
    ordering = ("position",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[OrderLine]:
        sold_as = Listing.objects.filter(
            store=OuterRef("order__store"),
            external_product_id=OuterRef("external_product_id"),
            external_variant_id=OuterRef("external_variant_id"),
        )
        rows = super().get_queryset(request).select_related("order")
        return rows.annotate(listing_id=Subquery(sold_as.values("pk")[:1]))

    @display(description="Item")
    def item(self, line: OrderLine) -> str:
        gone = " (removed at the store)" if line.removed_at else ""
        return format_html("{}<br>{}{}", told(line.sku or "no SKU"), told(line.name), gone)

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
    def matched(self, line: Any) -> str:
        """Leads to what is counted, or to where it can be linked."""
        if line.variant_id:
            known = link(reverse("admin:inventory_variant_change", args=[line.variant_id]), "known")
            if Flag.OVERSOLD not in line.order.flag_set:
                return known
            why = reverse("admin:inventory_variant_explain", args=[line.variant_id])
            return format_html("{} · {}", known, link(why, "why it is oversold"))
        if line.listing_id:
            page = reverse("admin:inventory_listing_change", args=[line.listing_id])
            return link(page, "not linked: link its listing")
        query = urlencode({"q": line.sku or line.name})
        page = f"{reverse('admin:inventory_listing_changelist')}?{query}"
        return link(page, "unknown SKU: search the listings")


class ShipmentInline(ReadOnlyInline):
    model = Shipment
    verbose_name_plural = "Parcels"
    fields: tuple[str, ...] = (
        "reference",
        "said_by",
        "carrier",
        "tracking",
        "shipped_at",
        "contents",
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Shipment]:
        return super().get_queryset(request).prefetch_related("lines__line")

    @display(description="Said by")
    def said_by(self, parcel: Shipment) -> str:
        return parcel.get_origin_display()

    @display(description="Tracking")
    def tracking(self, parcel: Shipment) -> str:
        number = parcel.tracking_number or ("there" if parcel.tracking_url else "follows")
        if parcel.tracking_url.startswith(("https://", "http://")):
            return link(parcel.tracking_url, number)
        return number

    @display(description="Contents")
    def contents(self, parcel: Shipment) -> str:
        if parcel.cancelled_at:
            return "Cancelled"
        if parcel.store_cancelled_at:
            return "Cancelled at the store. Take it back here if the goods are back."
        parts = ((p.quantity, told(p.line.sku or p.line.name)) for p in parcel.lines.all())
        return format_html_join(", ", "{} × {}", parts)


class TrackableInline(ShipmentInline):
    """For those who may add a parcel's tracking, and take it back."""

    fields = (*ShipmentInline.fields, "change")
    readonly_fields = fields

    @display(description="")
    def change(self, parcel: Shipment) -> str:
        if parcel.cancelled_at:
            return ""
        page = reverse("admin:orders_order_tracking", args=[parcel.order_id, parcel.pk])
        words = "Change tracking" if parcel.tracking_number else "Add tracking"
        found = filter(None, (link(page, words), link_for(parcel)))
        return format_html_join(" · ", "{}", ((one,) for one in found))


class _MoneyInline(ReadOnlyInline):
    def get_queryset(self, request: HttpRequest) -> models.QuerySet[models.Model]:
        return super().get_queryset(request).select_related("order")

    @display(description="Amount")
    def sum(self, row: Payment | Refund) -> str:
        return money(row.amount, row.order.currency)

    @display(description="What")
    def what(self, payment: Payment) -> str:
        return _PAYMENT_KINDS[PaymentKind(payment.kind)]


class PaymentInline(_MoneyInline):
    model = Payment
    fields: tuple[str, ...] = ("what", "sum", "method", "reference", "at")
    readonly_fields = fields


class RefundInline(_MoneyInline):
    model = Refund
    fields: tuple[str, ...] = ("sum", "reason", "created_at")
    readonly_fields = fields


class PlainPaymentInline(PaymentInline):
    """Without what leads to the buyer."""

    fields = ("what", "sum", "method", "at")


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
        return person(event.actor) or event.get_origin_display()


def parts_of(order: Order, *, with_buyer: bool, may_act: bool) -> list[type[ReadOnlyInline]]:
    """The parts the order has; empty tables say nothing. ``with_buyer``: what may name the buyer is
    shown as well. ``may_act``: parcels can be given their tracking, and returned goods put back.
    """
    parts: list[type[ReadOnlyInline]] = [LineInline]
    if order.shipments.exists():
        parts.append(TrackableInline if may_act else ShipmentInline)
    if order.outside.exists():
        parts.append(outside_inline_of(may_act=may_act))
    if order.payments.exists():
        parts.append(PaymentInline if with_buyer else PlainPaymentInline)
    if order.refunds.exists():
        parts.append(RefundInline if with_buyer else PlainRefundInline)
    if order.refund_requests.exists():
        parts.append(RefundRequestInline)
    if order.returns.exists():
        parts.append(inline_of(with_buyer=with_buyer, may_act=may_act))
    if order.goods_decisions.exists():
        parts.append(goods_inline_of(may_act=may_act))
    return [*parts, EventInline]


def buyer_words(request: HttpRequest, order: Order) -> str:
    """The buyer for those who may see them, which the audit log notes; for the rest, that there is
    one.
    """
    if order.erased_at:
        return _ERASED if order.events.filter(kind="erased").exists() else _NEVER_KEPT
    if not order.buyer_sealed:
        return _NO_BUYER
    if not sees_buyers(request, order.merchant_id):
        return "••• Hidden. Owners see buyers, and members who were given that permission."
    try:
        buyer = services.buyer_of(order)
    except SealBroken as err:
        return str(err)
    audit.record("order.buyer_seen", actor=actor(request), merchant=order.store.merchant, obj=order)
    return (_lines_of(buyer) if buyer is not None else "") or _NO_BUYER


def also_told(request: HttpRequest, order: Order) -> str:
    """What else the store said of the order; what may lead to the buyer for those who may see
    them.
    """
    try:
        harmless = registry.card(order.store.platform).lasting_fields
    except registry.UnknownPlatform:
        harmless = ()
    is_let = sees_buyers(request, order.merchant_id)
    rows = ((x, value) for x, value in order.custom.items() if is_let or x in harmless)
    said = ((told(x.replace("_", " ")), told(_readable(value))) for x, value in rows)
    return format_html_join("", "{}: {}<br>", said)


def _readable(value: Any) -> str:
    """A time in the page's zone, all else as it was told."""
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return str(value)
    return moment(at) or "" if at.tzinfo else str(value)


def _lines_of(buyer: Buyer) -> str:
    """The buyer, then each address under the name of what it is for."""
    lines: list[str] = [told(x) for x in (buyer.name, buyer.company, buyer.email, buyer.phone) if x]
    if buyer.shipping.line1:
        lines += ["", format_html("<b>{}</b>", "Delivery address"), *_place(buyer.shipping)]
        if buyer.billing.line1 and buyer.billing != buyer.shipping:
            lines += ["", format_html("<b>{}</b>", "Billing address"), *_place(buyer.billing)]
    elif buyer.billing.line1:
        title = "Billing address; the store told none for the delivery"
        lines += ["", format_html("<b>{}</b>", title), *_place(buyer.billing)]
    if buyer.note:
        lines += ["", format_html("<b>{}</b>", "The buyer's note"), told(buyer.note)]
    return format_html_join("", "{}<br>", ((line,) for line in lines))


def _place(place: Address) -> list[str]:
    told_here = (
        place.name,
        place.company,
        place.line1,
        place.line2,
        f"{place.postcode} {place.city}".strip(),
        f"{place.region} {place.country}".strip(),
        place.phone,
    )
    return [told(line) for line in told_here if line]
