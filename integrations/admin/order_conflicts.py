"""Edits after picking began on an order's page: what the store changed as a table, and the page on
which somebody accepts it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from unfold.decorators import display

from integrations.admin import order_acts
from integrations.admin.asking import ask, row_for
from integrations.admin.base import WARN, HubAdmin, ReadOnlyInline, Sentence, count_of, link
from integrations.admin.base import told as shown
from integrations.admin.looking import Look
from integrations.admin.order_parts import money
from integrations.admin.roles import actor
from orders import conflict_diff, services
from orders.models import Conflict, Order
from orders.status import Flag

_EDITED = Q(flags__contains=Flag.EDITED_AFTER_IMPORT)
LOOK = {"edited": Look("Edited after picking began", _EDITED)}
_FIELDS = {
    "address": "Address",
    "method": "Way of shipping",
    "note": "The buyer's note",
}
_CHANGES = {"added": "Added", "removed": "Removed", "changed": "Changed"}


def sentence(waiting: int) -> Sentence:
    """For the first page and above the list."""
    orders = count_of(waiting, "order")
    words = (
        f"{orders} edited at the store after picking began: nothing more is shipped until somebody "
        "accepts the edit."
    )
    return Sentence(WARN, words, "look=edited")


def counted(rows: Any) -> tuple[int, int]:
    """How many orders need somebody, and how many of them because of an edit. One statement."""
    found = rows.aggregate(every=Count("pk"), edited=Count("pk", filter=_EDITED))
    return found["every"], found["edited"]


class ConflictInline(ReadOnlyInline):
    model = Conflict
    verbose_name_plural = "Edited after picking began"
    fields: tuple[str, ...] = ("edited_at", "what_changed", "outcome")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("order")

    @display(description="What changed")
    def what_changed(self, found: Conflict) -> str:
        return table(found)

    @display(description="Decision")
    def outcome(self, found: Conflict) -> str:
        if found.state == Conflict.State.OPEN:
            return found.get_state_display()
        by = f" by {shown(found.decided_by)}" if found.decided_by else ""
        return format_html("{}{}", found.get_state_display(), by)


class AcceptableInline(ConflictInline):
    """For those who may decide."""

    fields = (*ConflictInline.fields, "accept")
    readonly_fields = fields

    @display(description="")
    def accept(self, found: Conflict) -> str:
        if found.state != Conflict.State.OPEN:
            return ""
        page = reverse("admin:orders_order_conflict", args=[found.order_id])
        return link(page, "Accept the edit")


def parts_of(order: Order, *, may_act: bool) -> list[type[ConflictInline]]:
    if not order.conflicts.exists():
        return []
    return [AcceptableInline if may_act else ConflictInline]


def table(found: Conflict) -> str:
    """One row for each line that was added, removed or changed, and for what else matters."""
    rows = [_line(row, found.order.currency) for row in found.diff.get("lines", ())]
    rows += [
        ("Changed", _FIELDS[row["field"]], shown(row["before"] or ""), shown(row["after"] or ""))
        for row in found.diff.get("fields", ())
    ]
    body = format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", rows)
    return format_html(
        "<table><thead><tr><th></th><th>What</th><th>When picking began</th><th>Now</th></tr>"
        "</thead><tbody>{}</tbody></table>",
        body,
    )


def _line(row: dict[str, Any], currency: str) -> tuple[Any, ...]:
    gone = f" ({row['shipped']} left already: they stay as shipped)" if row["shipped"] else ""
    before, after = _side(row["before"], currency), _side(row["after"], currency)
    return _CHANGES[row["change"]], shown(row["name"]), before, format_html("{}{}", after, gone)


def _side(told: dict[str, Any] | None, currency: str) -> str:
    if told is None:
        return "–"
    price = money(Decimal(told["unit_price"]), currency)
    return format_html("{} × {}, {} each", told["quantity"], shown(told["sku"] or "no SKU"), price)


class SeenForm(forms.Form):
    """``edits``: of the conflict as it was shown. Another edit since is shown first."""

    edits = forms.IntegerField(widget=forms.HiddenInput)


class ConflictPages(HubAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.conflict_view)
        own = path("<path:object_id>/conflict/", view, name="orders_order_conflict")
        return [own, *super().get_urls()]

    def conflict_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        order: Order = row_for(self, request, object_id)
        found = Conflict.objects.open().filter(order=order).select_related("order").first()
        initial = {"edits": found.edits if found else 0}

        def accept(told: dict[str, Any]) -> str:
            services.accept_edit(order, seen=told["edits"], actor=actor(request))
            order_acts.record(request, order, "order.edit_accepted", edits=told["edits"])
            return f"The edit of order {order} is accepted; it goes on."

        return ask(
            self,
            request,
            order,
            SeenForm(request.POST or None, initial=initial),
            accept,
            title=f"Accept the edit of {order}",
            button="Accept the edit",
            says=_says(found),
        )


def _says(found: Conflict | None) -> str:
    if found is None:
        return "No edit of this order waits for a decision."
    return (
        "The store changed this order after picking began: "
        f"{conflict_diff.summary(found.diff)}. Accept it to go on with what it is there now; what "
        "it wants less of is free again. What has left stays as shipped. To have it otherwise, "
        "change the order in the store."
    )
