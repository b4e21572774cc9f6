"""Payouts with the lines they are made of and what no line explains. To be read: what was paid, the
platform says.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.db.models import Count, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from integrations.admin.base import (
    GOOD,
    WARN,
    HubAdmin,
    ReadOnlyInline,
    Said,
    Sentence,
    count_of,
    link,
    told,
)
from integrations.admin.order_parts import money
from orders.data import PayoutLineKind, PayoutStatus
from orders.models import Payout, PayoutLine

_TONES = {
    PayoutStatus.SCHEDULED.value: "info",
    PayoutStatus.IN_TRANSIT.value.replace("_", " "): "info",
    PayoutStatus.PAID.value: "success",
    PayoutStatus.FAILED.value: "danger",
    PayoutStatus.CANCELLED.value: "warning",
}


class PayoutLineInline(ReadOnlyInline):
    model = PayoutLine
    verbose_name_plural = "Lines"
    fields = ("at", "what", "gross", "taken_off", "left", "about")
    readonly_fields = fields
    per_page = 50

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[PayoutLine]:
        return super().get_queryset(request).select_related("order")

    @display(description="What")
    def what(self, line: PayoutLine) -> str:
        """With the platform's own words, where they say more."""
        kind = line.get_kind_display()
        if line.raw_kind.casefold() in ("", kind):
            return kind
        return format_html("{}<br>{}", kind, told(line.raw_kind))

    @display(description="Amount")
    def gross(self, line: PayoutLine) -> str:
        return money(line.amount, line.currency)

    @display(description="Fee")
    def taken_off(self, line: PayoutLine) -> str:
        return money(line.fee, line.currency)

    @display(description="Net")
    def left(self, line: PayoutLine) -> str:
        return money(line.net, line.currency)

    @display(description="Order")
    def about(self, line: PayoutLine) -> str:
        if line.order is not None:
            url = reverse("admin:orders_order_change", args=[line.order.pk])
            return link(url, str(line.order))
        return f"{line.external_order_id}, not here yet" if line.external_order_id else "none"


@admin.register(Payout)
class PayoutAdmin(HubAdmin):
    empty_words = "No payout yet. They come from stores whose platform pays out."
    list_display = ("title", "issued_at", "state", "paid", "line_count", "explained", "why")
    list_filter = ("store", "status", ("problem", admin.EmptyFieldListFilter))
    search_fields = ("external_id__exact",)
    search_help_text = "The payout's id at the platform"
    list_select_related = ("store__merchant",)
    ordering = ("-issued_at", "-id")
    inlines = (PayoutLineInline,)
    readonly_fields = ("state", "paid", "made_of", "net", "unexplained", "explained", "why")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("paid", "state", "explained"),
                    ("store", "external_id"),
                    ("issued_at", "paid_at"),
                    "why",
                )
            },
        ),
        ("What the lines add up to", {"fields": ("made_of", ("net", "unexplained"))}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Payout | None = None) -> Any:
        """Without what would only say that nothing is wrong, or that nothing is known."""
        (title, top), *rest = self.fieldsets
        rows = [row for row in top["fields"] if row != "why" or obj is None or obj.problem]
        if obj is not None and obj.paid_at is None:
            rows[rows.index(("issued_at", "paid_at"))] = "issued_at"
        return ((title, {"fields": rows}), *rest)

    def wellbeing(self, request: HttpRequest) -> Said:
        mine = self.get_queryset(request)
        unexplained = mine.exclude(problem="").count()
        if unexplained:
            payouts = count_of(unexplained, "payout")
            words = f"{payouts} not explained by the lines; each says what is missing."
            return [Sentence(WARN, words, "problem__isempty=0")]
        return [Sentence(GOOD, "Every payout is the sum of its lines.")] if mine.exists() else []

    @display(description="Payout", header=True, ordering="external_id")
    def title(self, payout: Payout) -> list[str]:
        return [payout.external_id, payout.store.name]

    @display(description="State", label=_TONES, ordering="status")
    def state(self, payout: Payout) -> str:
        return payout.get_status_display()

    @display(description="Amount", ordering="amount")
    def paid(self, payout: Payout) -> str:
        return money(payout.amount, payout.currency)

    @display(description="Adds up", label={"yes": "success", "no": "danger"})
    def explained(self, payout: Payout) -> str:
        if payout.remainder is None:
            return "not known"
        return "yes" if payout.adds_up else "no"

    @display(description="What is missing")
    def why(self, payout: Payout) -> str:
        return payout.problem

    @display(description="By kind")
    def made_of(self, payout: Payout) -> str:
        """Fees are taken off a line, or are lines of their own."""
        kinds = payout.lines.filter(currency=payout.currency).order_by("kind").values("kind")
        said = {
            PayoutLineKind(row["kind"]).value.replace("_", " "): (
                money(row["of_them"], payout.currency),
                f", {count_of(row['count'], 'line')}",
            )
            for row in kinds.annotate(of_them=Sum("amount"), count=Count("pk"))
        }
        if payout.fee_total:
            said["fees taken off them"] = (money(-payout.fee_total, payout.currency), "")
        return format_html_join("", "{}: {}{}<br>", ((x, *more) for x, more in said.items()))

    @display(description="Net")
    def net(self, payout: Payout) -> str:
        return money(payout.net_total, payout.currency)

    @display(description="Explained by no line")
    def unexplained(self, payout: Payout) -> str:
        if payout.remainder is None:
            return "not known"
        return money(payout.remainder, payout.currency)
