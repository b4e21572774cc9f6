"""Orders with their state, money, buyer and what was written to the store. Read-only: what happens
to an order goes through its services.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from integrations import channels
from integrations.admin import order_conflicts, order_fees
from integrations.admin.base import GOOD, WARN, Said, Sentence, count_of, link, told
from integrations.admin.ending import buyer_end_words
from integrations.admin.looking import Look
from integrations.admin.order_acts import ACTS, only_there
from integrations.admin.order_pages import OrderPages
from integrations.admin.order_parts import also_told, buyer_words, money, parts_of
from integrations.admin.order_returns import COMING_BACK
from integrations.admin.outgoing import said_of
from integrations.admin.roles import may, merchants_of, sees_buyers
from integrations.models import Command
from logix.accounts.models import Merchant, Role
from orders.models import Order
from orders.privacy import email_index, phone_index
from orders.status import (
    FINISHED,
    Flag,
    FulfillmentStatus,
    ImportState,
    OrderStatus,
    PaymentStatus,
)


def _words(status: str) -> str:
    return status.replace("_", " ")


def _toned(tones: dict[Any, str]) -> dict[str, str]:
    return {_words(status): tone for status, tone in tones.items()}


_ORDER_TONES = _toned(
    {
        OrderStatus.COMPLETED: "success",
        OrderStatus.OPEN: "info",
        OrderStatus.PENDING: "warning",
        OrderStatus.ON_HOLD: "warning",
        OrderStatus.CANCELLED: "danger",
    }
)
_PAYMENT_TONES = _toned(
    {
        PaymentStatus.PAID: "success",
        PaymentStatus.PARTIALLY_PAID: "warning",
        PaymentStatus.PARTIALLY_REFUNDED: "warning",
        PaymentStatus.UNPAID: "warning",
        PaymentStatus.UNKNOWN: "warning",
        PaymentStatus.FAILED: "danger",
    }
)
_FULFILLMENT_TONES = _toned(
    {
        FulfillmentStatus.FULFILLED: "success",
        FulfillmentStatus.DELIVERED: "success",
        FulfillmentStatus.PARTIALLY_FULFILLED: "info",
        FulfillmentStatus.UNFULFILLED: "warning",
    }
)
_IMPORT_TONES = _toned(
    {
        ImportState.AWAITING_MAPPING: "warning",
        ImportState.NEEDS_REVIEW: "warning",
        ImportState.QUARANTINED: "danger",
    }
)
_UNDERSTOOD = (ImportState.ACCEPTED, ImportState.SKIPPED)
# What is over at the store needs nobody, unless it waits for a decision, could not be read, or left
# the shelf without the stock knowing.
_OVER = Q(order_status__in=FINISHED) & ~Q(import_state=ImportState.QUARANTINED)
_UNDECIDED = Q(flags__contains=Flag.EDITED_AFTER_IMPORT) | Q(flags__contains=Flag.CANCEL_REQUESTED)
_UNCOUNTED = Q(
    order_status=OrderStatus.COMPLETED,
    import_state=ImportState.AWAITING_MAPPING,
    moves_stock=True,
)
_DECLINED = Q(flags__contains=Flag.FULFILLMENT_DECLINED) & ~Q(order_status__in=FINISHED)
_TO_LOOK_AT = (~Q(import_state__in=_UNDERSTOOD) & (~_OVER | _UNCOUNTED)) | _UNDECIDED | _DECLINED
_TO_SHIP = (
    FulfillmentStatus.UNFULFILLED,
    FulfillmentStatus.IN_PROGRESS,
    FulfillmentStatus.PARTIALLY_FULFILLED,
)
# Those that say little by their name.
_FLAG_WORDS = {
    Flag.PLATFORM_FULFILLED: "shipped by the platform from its own stock, never from here",
    Flag.BACKORDERED: "sold on back-order, which the store allows",
    Flag.CANCEL_REQUESTED: "a cancellation is open, so nothing is shipped: cancel the order at the "
    "store, or mark it as reviewed",
    Flag.FULFILLMENT_DECLINED: "a fulfilment service declined it: send it another way",
}
# Fewer digits than this are an order number rather than a phone number.
_PHONE_DIGITS = 6
_COMMANDS_SHOWN = 20


@admin.register(Order)
class OrderAdmin(order_fees.FeesShown, order_conflicts.ConflictPages, OrderPages):
    empty_words = "No order yet. They come by themselves once a store is connected."
    list_display = (
        "title",
        "placed_at",
        "order_state",
        "payment_state",
        "fulfillment_state",
        "amount",
        "import_words",
    )
    list_filter = ("store", "order_status", "payment_status", "fulfillment_status", "import_state")
    acts = ACTS
    # Whole words only: an index answers them, however many orders there are.
    search_fields = ("number__exact", "external_id__exact")
    search_help_text = "Order number, or the buyer's exact e-mail or phone"
    list_select_related = ("store__merchant",)
    ordering = ("-placed_at", "-id")
    readonly_fields = (
        "order_state",
        "payment_state",
        "fulfillment_state",
        "import_words",
        "flag_words",
        "only_there",
        "also_told",
        "store_words",
        "amount",
        "parts",
        "paid",
        "refunded",
        "charge_list",
        "buyer",
        "destination",
        "buyer_ends",
        "command_list",
        *order_fees.FIELDS,
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("order_state", "payment_state", "fulfillment_state"),
                    ("amount", "paid", "refunded"),
                    ("store", "placed_at"),
                    ("import_words", "store_words"),
                    "picking_since",
                    "import_problem",
                    "flag_words",
                    "only_there",
                    "also_told",
                )
            },
        ),
        ("Buyer", {"classes": ("tab",), "fields": (("buyer", "destination"), "buyer_ends")}),
        ("Money", {"classes": ("tab",), "fields": (("parts", "charge_list"),)}),
        (
            "Times",
            {
                "classes": ("tab",),
                "fields": (
                    ("paid_at", "completed_at"),
                    ("changed_at", "imported_at", "applied_at"),
                ),
            },
        ),
        ("Written to the store", {"classes": ("tab",), "fields": ("command_list",)}),
    )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Order]:
        return super().get_queryset(request).defer("buyer_sealed", "charges", "custom", "details")

    def zone_of(self, obj: Any) -> str:
        came_from = channels.of_order(obj) if isinstance(obj, Order) else None
        return came_from.timezone if came_from else super().zone_of(obj)

    def get_inlines(self, request: HttpRequest, obj: Order | None = None) -> Any:
        if obj is None:
            return ()
        may_act = may(request, obj.merchant_id, Role.OPERATOR)
        parts = parts_of(obj, with_buyer=sees_buyers(request, obj.merchant_id), may_act=may_act)
        return [*order_conflicts.parts_of(obj, may_act=may_act), *parts]

    def get_fieldsets(self, request: HttpRequest, obj: Order | None = None) -> Any:
        """Without the rows that would only say that there is nothing to say."""
        (title, top), (buyer, told_of_it), *tabs = self.fieldsets
        if not obj or not buyer_end_words(obj):
            told_of_it = {**told_of_it, "fields": told_of_it["fields"][:1]}
        unsaid = {"import_problem": not obj or not obj.import_problem}
        unsaid["flag_words"] = not obj or not obj.flags
        unsaid["only_there"] = not obj or not only_there(obj)
        unsaid["also_told"] = not obj or not also_told(request, obj)
        unsaid["picking_since"] = not obj or obj.picking_since is None
        rows = [row for row in top["fields"] if not unsaid.get(str(row))]
        shown = ((title, {"fields": rows}), (buyer, told_of_it), *tabs)
        return (*shown, *order_fees.section_of(obj))

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        term = search_term.strip().removeprefix("#")
        rows, distinct = super().get_search_results(request, queryset, term)
        index_of = _index_for(term)
        if index_of is None:
            return rows, distinct
        column, index = index_of
        if request.user.is_superuser:
            merchants = list(Merchant.objects.values_list("pk", flat=True))
        else:
            # Who may not see buyers may not find out by searching either.
            merchants = [pk for pk in merchants_of(request) if sees_buyers(request, pk)]
        wanted = models.Q(pk__in=[])
        for merchant_id in merchants:
            wanted |= models.Q(merchant_id=merchant_id, **{column: index(merchant_id, term)})
        return rows | queryset.filter(wanted), distinct

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Order | None:
        found: Order | None = super().get_object(request, object_id, from_field)
        if found is not None:
            found.reader = request  # type: ignore[attr-defined]  # a read-only field gets no request
        return found

    def looks(self) -> dict[str, Look]:
        return {
            "open": Look("A person must look", _TO_LOOK_AT),
            **order_conflicts.LOOK,
            "to-ship": Look(
                "To ship",
                Q(order_status=OrderStatus.OPEN, fulfillment_status__in=_TO_SHIP, gone_at=None)
                & ~Q(flags__contains=Flag.PLATFORM_FULFILLED),
            ),
            "returns": Look("Goods are coming back", COMING_BACK),
            "new": Look("Placed in 24 hours", Q(placed_at__gte=Now() - timedelta(days=1))),
        }

    def wellbeing(self, request: HttpRequest) -> Said:
        waiting, edited = order_conflicts.counted(self.rows_in(request, "open"))
        if waiting:
            orders = count_of(waiting, "order")
            words = f"{orders} to look at: a product is missing, or a person must decide."
            found: Said = [Sentence(WARN, words, "look=open")]
            return [*found, order_conflicts.sentence(edited)] if edited else found
        if not self.get_queryset(request).exists():
            return []
        return [Sentence(GOOD, "Every order that came in is understood.")]

    @display(description="Number", header=True, ordering="number")
    def title(self, order: Order) -> list[str]:
        return [str(order), order.store.name]

    @display(description="Order", label=_ORDER_TONES, ordering="order_status")
    def order_state(self, order: Order) -> str:
        return _words(order.order_status)

    @display(description="Payment", label=_PAYMENT_TONES, ordering="payment_status")
    def payment_state(self, order: Order) -> str:
        return _words(order.payment_status)

    @display(description="Fulfilment", label=_FULFILLMENT_TONES, ordering="fulfillment_status")
    def fulfillment_state(self, order: Order) -> str:
        return _words(order.fulfillment_status)

    @display(description="Total", ordering="total")
    def amount(self, order: Order) -> str:
        return money(order.total, order.currency)

    @display(description="Paid")
    def paid(self, order: Order) -> str:
        return money(order.paid_total, order.currency)

    @display(description="Refunded")
    def refunded(self, order: Order) -> str:
        return money(order.refunded_total, order.currency)

    @display(description="Import", label=_IMPORT_TONES, ordering="import_state")
    def import_words(self, order: Order) -> str:
        return order.get_import_state_display()

    @display(description="Flags")
    def flag_words(self, order: Order) -> str:
        return ", ".join(sorted(_FLAG_WORDS.get(flag, _words(flag)) for flag in order.flag_set))

    @display(description="Only at the store")
    def only_there(self, order: Order) -> str:
        return format_html_join("", "{}<br>", ((words,) for words in only_there(order)))

    @display(description="Also told")
    def also_told(self, order: Order) -> str:
        return also_told(order.reader, order)  # type: ignore[attr-defined]

    @display(description="Status in the store's words")
    def store_words(self, order: Order) -> str:
        """The vocabulary of “Statuses of plugins” on the store's page, which this says."""
        words = " · ".join(
            word for word in (order.raw_status, order.raw_payment, order.raw_fulfillment) if word
        )
        page = reverse("admin:integrations_store_change", args=[order.store_id])
        return format_html(
            "{}<br>{}", told(words), link(page, "What it counts as: see Statuses of plugins")
        )

    @display(description="Parts of the total")
    def parts(self, order: Order) -> str:
        """The parts add up to the store's total; what does not is a line of its own."""
        rows = (
            ("Lines", order.line_total),
            ("Shipping", order.shipping_total),
            ("Fees", order.fee_total),
            ("Tax", order.tax_total),
            ("Rounding", order.rounding),
        )
        shown = [(n, money(v, order.currency)) for n, v in rows if v or n == "Lines"]
        if order.discount_total:
            discounts = money(order.discount_total, order.currency)
            shown.append(("Discounts, taken off already", discounts))
        return format_html_join("", "{}: {}<br>", shown)

    @display(description="Charges as the store names them")
    def charge_list(self, order: Order) -> str:
        rows = (
            (
                c["kind"],
                told(c["title"]),
                money(Decimal(c["amount"]), order.currency),
                f" + {c['tax']} tax" if Decimal(c["tax"]) else "",
                " (already inside)" if c["informative"] else "",
            )
            for c in order.charges
        )
        return format_html_join("", "{} {}: {}{}{}<br>", rows)

    @display(description="Buyer")
    def buyer(self, order: Order) -> str:
        """For those who may see buyers (that is noted); for the rest, that there is one."""
        if "shown" not in order.__dict__:  # a page asks for each field several times
            order.shown = buyer_words(order.reader, order)  # type: ignore[attr-defined]
        return order.shown  # type: ignore[attr-defined]

    @display(description="Goes to")
    def destination(self, order: Order) -> str:
        place = (order.ship_city, order.ship_region, order.ship_country)
        return format_html_join(", ", "{}", ((told(part),) for part in place if part))

    @display(description="The buyer’s data")
    def buyer_ends(self, order: Order) -> str:
        return buyer_end_words(order)

    @display(description="Commands")
    def command_list(self, order: Order) -> str:
        rows = Command.objects.filter(order_ref=order.pk).order_by("-created_at")
        return format_html_join(
            "",
            "{}{}<br>",
            (
                (
                    link(
                        reverse("admin:integrations_command_change", args=[c.pk]),
                        f"{said_of(c)} – {c.get_state_display().lower()}",
                    ),
                    f": {c.problem}" if c.problem else "",
                )
                for c in rows[:_COMMANDS_SHOWN]
            ),
        ) or format_html("{}", "Nothing was written yet.")


def _index_for(term: str) -> tuple[str, Any] | None:
    """The blind index a search term may be found by: an exact e-mail, or a phone number."""
    if "@" in term:
        return "email_index", email_index
    if sum(c.isdigit() for c in term) >= _PHONE_DIGITS:
        return "phone_index", phone_index
    return None
