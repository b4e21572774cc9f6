"""What was sold and is not there: how much is missing, for whom, and how it came. To be read: more
stock, or a cancelled order, ends it.
"""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from integrations.admin.base import (
    GOOD,
    WARN,
    HubAdmin,
    Said,
    Sentence,
    count_of,
    link,
)
from integrations.outbox import oversell_history
from orders.models import Oversell


@admin.register(Oversell)
class OversellAdmin(HubAdmin):
    empty_words = "Nothing was sold that is not there."
    list_display = ("title", "units", "order_link", "shop", "opened_at", "state")
    list_filter = ("order__store", ("resolved_at", admin.EmptyFieldListFilter), "is_backorder")
    search_fields = ("sku", "order__number")
    search_help_text = "SKU or order number"
    list_select_related = ("order__store__merchant", "variant", "line")
    ordering = ("-opened_at", "-id")
    readonly_fields = (
        "title",
        "order_link",
        "shop",
        "state",
        "cause_words",
        "late",
        "told",
        "item_link",
    )
    fields = (
        ("title", "units", "state"),
        ("order_link", "shop", "item_link"),
        "cause_words",
        ("opened_at", "resolved_at", "late"),
        "told",
    )

    def wellbeing(self, request: HttpRequest) -> Said:
        mine = self.get_queryset(request)
        counts = mine.filter(resolved_at=None).aggregate(
            missing=Count("pk", filter=Q(is_backorder=False)),
            allowed=Count("pk", filter=Q(is_backorder=True)),
        )
        if missing := counts["missing"]:
            words = f"{count_of(missing, 'line')} of orders sold what is not there. Each says how."
            return [Sentence(WARN, words, "resolved_at__isempty=1&is_backorder__exact=0")]
        if allowed := counts["allowed"]:
            words = f"{count_of(allowed, 'line')} sold on back-order, which the stores allow; "
            return [Sentence(GOOD, f"{words}nothing else is missing.", "resolved_at__isempty=1")]
        return [Sentence(GOOD, "Nothing is sold that is not there.")] if mine.exists() else []

    @display(description="Item", ordering="sku")
    def title(self, row: Oversell) -> str:
        return row.sku or str(row.variant or row.line_id)

    @display(description="Order", ordering="order__number")
    def order_link(self, row: Oversell) -> str:
        return link(reverse("admin:orders_order_change", args=[row.order_id]), str(row.order))

    @display(description="Store", ordering="order__store__name")
    def shop(self, row: Oversell) -> str:
        return row.order.store.name

    @display(
        description="State", label={"missing": "danger", "on back-order": "info", "over": "success"}
    )
    def state(self, row: Oversell) -> str:
        if row.resolved_at:
            return "over"
        return "on back-order" if row.is_backorder else "missing"

    @display(description="Cause")
    def cause_words(self, row: Oversell) -> str:
        if row.is_backorder:
            return (
                f"Sold on back-order: {row.order.store} allows it to be sold below zero. It waits "
                "for units like any other."
            )
        return "More was sold than is there. What the stores had been told says how it came."

    @display(description="Known after the sale")
    def late(self, row: Oversell) -> str:
        return f"{row.found_after_s} s"

    @display(description="Stock of the item")
    def item_link(self, row: Oversell) -> str:
        if row.variant_id is None:
            return "not known any more"
        url = reverse("admin:inventory_variant_change", args=[row.variant_id])
        return link(url, str(row.variant))

    @display(description="How it came")
    def told(self, row: Oversell) -> str:
        said = ((x.words,) for x in oversell_history(row))
        rows = format_html_join("", "<p>{}</p>", said)
        return rows or format_html("{}", "No store sells the item under a listing.")
