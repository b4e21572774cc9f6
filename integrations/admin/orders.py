"""Orders with lines, money, parcels and timeline. Read-only: what happens to an order goes through
its services.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from unfold.admin import TabularInline
from unfold.decorators import display

from integrations import sync
from integrations.admin.base import Act, HubAdmin, actor
from integrations.models import Command
from logix.common.crypto import SealBroken
from orders import services
from orders.models import Order, OrderEvent, OrderLine, Payment, Refund, Shipment
from orders.privacy import email_index, phone_index
from orders.status import FulfillmentStatus, ImportState, OrderStatus, PaymentStatus

_ORDER_TONES = {
    OrderStatus.COMPLETED: "success",
    OrderStatus.OPEN: "info",
    OrderStatus.PENDING: "warning",
    OrderStatus.ON_HOLD: "warning",
    OrderStatus.CANCELLED: "danger",
}
_PAYMENT_TONES = {
    PaymentStatus.PAID: "success",
    PaymentStatus.UNPAID: "warning",
    PaymentStatus.FAILED: "danger",
}
_FULFILLMENT_TONES = {
    FulfillmentStatus.FULFILLED: "success",
    FulfillmentStatus.DELIVERED: "success",
    FulfillmentStatus.PARTIALLY_FULFILLED: "info",
    FulfillmentStatus.UNFULFILLED: "warning",
}


class ReadOnlyInline(TabularInline):
    extra = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


class LineInline(ReadOnlyInline):
    model = OrderLine
    fields = (
        "sku",
        "name",
        "quantity",
        "quantity_shipped",
        "quantity_refunded",
        "unit_price",
        "total",
        "tax",
        "known",
    )
    readonly_fields = fields
    ordering = ("position",)

    @display(description="Known product", boolean=True)
    def known(self, line: OrderLine) -> bool:
        return line.variant_id is not None


class ShipmentInline(ReadOnlyInline):
    model = Shipment
    fields = ("reference", "origin", "carrier", "tracking_number", "shipped_at", "contents")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Shipment]:
        return super().get_queryset(request).prefetch_related("lines__line")

    @display(description="Contents")
    def contents(self, parcel: Shipment) -> str:
        return ", ".join(f"{p.quantity} × {p.line.sku or p.line.name}" for p in parcel.lines.all())


class PaymentInline(ReadOnlyInline):
    model = Payment
    fields = ("kind", "amount", "method", "at")
    readonly_fields = fields


class RefundInline(ReadOnlyInline):
    model = Refund
    fields = ("amount", "reason", "created_at")
    readonly_fields = fields


class EventInline(ReadOnlyInline):
    model = OrderEvent
    verbose_name_plural = "Timeline"
    fields = ("at", "title", "origin", "actor")
    readonly_fields = fields
    ordering = ("-at", "-id")


def _refetch(request: HttpRequest, order: Order) -> str:
    done = sync.refetch_order(order.store, external_id=order.external_id, actor=actor(request))
    return f"Order {order} was read again: {'changed' if done.changed else 'nothing new'}."


def _ship_all(request: HttpRequest, order: Order) -> str:
    parcel = services.add_shipment(order, actor=actor(request))
    return f"Parcel {parcel.reference} was made; the store is being told."


def _complete(request: HttpRequest, order: Order) -> str:
    services.request_status(order, status=OrderStatus.COMPLETED, actor=actor(request))
    return f"The store is asked to complete order {order}."


def _cancel(request: HttpRequest, order: Order) -> str:
    services.cancel_order(order, actor=actor(request))
    return f"The store is asked to cancel order {order}."


def _is_open(order: Order) -> bool:
    return order.order_status in (OrderStatus.OPEN, OrderStatus.PENDING, OrderStatus.ON_HOLD)


@admin.register(Order)
class OrderAdmin(HubAdmin):
    list_display = (
        "title",
        "placed_at",
        "order_state",
        "payment_state",
        "fulfillment_state",
        "amount",
        "import_words",
    )
    list_filter = (
        "store",
        "order_status",
        "payment_status",
        "fulfillment_status",
        "import_state",
    )
    list_filter_submit = False
    search_fields = ("number", "external_id")
    search_help_text = "Order number, or the buyer's exact e-mail or phone"
    list_select_related = ("store",)
    date_hierarchy = None
    ordering = ("-placed_at", "-id")
    inlines = (LineInline, ShipmentInline, PaymentInline, RefundInline, EventInline)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "number",
                    "store",
                    "order_state",
                    "payment_state",
                    "fulfillment_state",
                    "import_words",
                    "import_problem",
                    "flags",
                    "store_words",
                )
            },
        ),
        (
            "Money",
            {
                "fields": (
                    "amount",
                    "line_total",
                    "shipping_total",
                    "fee_total",
                    "tax_total",
                    "discount_total",
                    "rounding",
                    "paid_total",
                    "refunded_total",
                    "charge_list",
                )
            },
        ),
        ("Buyer", {"fields": ("buyer", "ship_country", "ship_region", "ship_city")}),
        (
            "Times (UTC)",
            {"fields": ("placed_at", "paid_at", "completed_at", "changed_at", "applied_at")},
        ),
        ("Written to the store", {"fields": ("command_list",)}),
    )
    readonly_fields = (
        "order_state",
        "payment_state",
        "fulfillment_state",
        "import_words",
        "store_words",
        "amount",
        "charge_list",
        "buyer",
        "command_list",
    )
    acts = (
        Act(verb="refetch", label="Read again from the store", run=_refetch, bulk=True),
        Act(
            verb="ship",
            label="Ship all that is left",
            run=_ship_all,
            shown=_is_open,
            confirm="One parcel with everything left is recorded and told to the store.",
        ),
        Act(verb="complete", label="Complete at the store", run=_complete, shown=_is_open),
        Act(
            verb="cancel",
            label="Cancel at the store",
            run=_cancel,
            shown=_is_open,
            danger=True,
            confirm="The store is asked to cancel this order. The buyer may be told by the store.",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Order]:
        return super().get_queryset(request).defer("buyer_sealed", "charges", "custom")

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        rows, distinct = super().get_search_results(request, queryset, search_term)
        if not search_term:
            return rows, distinct
        wanted = models.Q(pk__in=[])
        for merchant_id in queryset.order_by().values_list("merchant_id", flat=True).distinct():
            if "@" in search_term:
                index = email_index(merchant_id, search_term)
                wanted |= models.Q(merchant_id=merchant_id, email_index=index)
            elif sum(c.isdigit() for c in search_term) >= 6:
                index = phone_index(merchant_id, search_term)
                wanted |= models.Q(merchant_id=merchant_id, phone_index=index)
        return rows | queryset.filter(wanted), distinct

    def wellbeing(self, request: HttpRequest) -> list[tuple[str, str]]:
        waiting = (
            super()
            .get_queryset(request)
            .exclude(import_state__in=[ImportState.ACCEPTED, ImportState.SKIPPED])
            .count()
        )
        if waiting:
            return [
                (
                    "warn",
                    f"{waiting} orders wait for a person or a product. Filter by import state.",
                )
            ]
        return [("good", "Every order that came in is understood.")]

    @display(description="Order", header=True, ordering="number")
    def title(self, order: Order) -> list[str]:
        return [f"#{order.number}", order.store.name]

    @display(description="Order", label=_ORDER_TONES, ordering="order_status")
    def order_state(self, order: Order) -> str:
        return order.order_status

    @display(description="Payment", label=_PAYMENT_TONES, ordering="payment_status")
    def payment_state(self, order: Order) -> str:
        return order.payment_status

    @display(description="Fulfilment", label=_FULFILLMENT_TONES, ordering="fulfillment_status")
    def fulfillment_state(self, order: Order) -> str:
        return order.fulfillment_status

    @display(description="Total", ordering="total")
    def amount(self, order: Order) -> str:
        return f"{order.total.normalize():f} {order.currency}"

    @display(description="Import", ordering="import_state")
    def import_words(self, order: Order) -> str:
        return order.get_import_state_display()

    @display(description="The store's words")
    def store_words(self, order: Order) -> str:
        return " · ".join(
            filter(None, (order.raw_status, order.raw_payment, order.raw_fulfillment))
        )

    @display(description="Charges")
    def charge_list(self, order: Order) -> str:
        return format_html_join(
            "",
            "{} {}: {} + {} tax{}<br>",
            (
                (c["kind"], c["title"], c["amount"], c["tax"], " (included)" * c["informative"])
                for c in order.charges
            ),
        )

    @display(description="Buyer")
    def buyer(self, order: Order) -> str:
        if order.erased_at:
            return "Erased on request."
        try:
            buyer = services.buyer_of(order)
        except SealBroken as err:
            return str(err)
        if buyer is None:
            return "The store told no buyer."
        place = buyer.shipping if buyer.shipping.line1 else buyer.billing
        lines = (
            buyer.name or place.name,
            buyer.email,
            buyer.phone,
            place.line1,
            place.line2,
            f"{place.postcode} {place.city} {place.country}".strip(),
            buyer.note,
        )
        return format_html_join("", "{}<br>", ((x,) for x in lines if x))

    @display(description="Commands")
    def command_list(self, order: Order) -> str:
        rows = Command.objects.filter(order_ref=order.pk).order_by("-created_at")[:20]
        return format_html_join(
            "",
            "{} – {}{}<br>",
            (
                (c.get_kind_display(), c.get_state_display(), f": {c.problem}" if c.problem else "")
                for c in rows
            ),
        ) or format_html("{}", "Nothing was written yet.")
