"""Refunded goods on an order's page: what was decided on them, and the page on which somebody does,
where no return tells of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

from integrations.admin import order_acts
from integrations.admin.asking import ask, row_for
from integrations.admin.base import HubAdmin, ReadOnlyInline, count_of, link, person, told
from integrations.admin.roles import actor
from inventory.models import Location
from orders import services
from orders.models import GoodsDecision, Order
from orders.refunded_goods import goods_of

_BACK, _NOTHING = "back-", "nothing-"
_Outcome = GoodsDecision.Outcome


def may_decide(order: Order) -> bool:
    """Whether refunded goods wait; the amount spares most orders the question."""
    return bool(order.refunded_total) and any(x.waits for x in goods_of(order).values())


class GoodsInline(ReadOnlyInline):
    model = GoodsDecision
    verbose_name_plural = "Refunded goods"
    fields: tuple[str, ...] = ("item", "units", "decision", "decided_at", "who")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[GoodsDecision]:
        return super().get_queryset(request).select_related("line", "location")

    @display(description="Item")
    def item(self, one: GoodsDecision) -> str:
        return told(one.line.sku or one.line.name)

    @display(description="Decision")
    def decision(self, one: GoodsDecision) -> str:
        words = one.get_outcome_display()
        place = f", {one.location.name}" if one.location else ""
        taken_back = f" (taken back by {person(one.withdrawn_by)})" if one.withdrawn_at else ""
        return format_html("{}{}{}", words, place, taken_back)

    @display(description="By")
    def who(self, one: GoodsDecision) -> str:
        return person(one.decided_by)


class UndoableGoodsInline(GoodsInline):
    """For those who may decide."""

    fields = (*GoodsInline.fields, "undo")
    readonly_fields = fields

    @display(description="")
    def undo(self, one: GoodsDecision) -> str:
        if one.withdrawn_at or one.outcome != _Outcome.NOTHING:
            return ""
        page = reverse("admin:orders_order_goods_undo", args=[one.order_id, one.pk])
        return link(page, "May come back after all")


def inline_of(*, may_act: bool) -> type[GoodsInline]:
    return UndoableGoodsInline if may_act else GoodsInline


class GoodsForm(forms.Form):
    """Units of each line that wait; none is decided on unless it is said.

    ``seen`` is how many decisions the order had when the page was opened: a form that is sent twice
    decides once.
    """

    seen = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, order: Order, data: Any = None) -> None:
        super().__init__(data)
        self.initial["seen"] = order.goods_decisions.count()
        self.backs: dict[str, UUID] = {}
        self.nothings: dict[str, UUID] = {}
        for pk, goods in goods_of(order).items():
            if not goods.waits:
                continue
            name = goods.line.sku or goods.line.name
            wait = f"{goods.waits} of {goods.refunded} refunded wait for a decision."
            if goods.line.variant_id:
                self.backs[f"{_BACK}{pk.hex}"] = pk
                self.fields[f"{_BACK}{pk.hex}"] = _count(
                    f"{name}: goods came back, to stock", goods.waits, wait
                )
            self.nothings[f"{_NOTHING}{pk.hex}"] = pk
            self.fields[f"{_NOTHING}{pk.hex}"] = _count(
                f"{name}: nothing comes back", goods.waits, "Lost, broken, or left to the buyer."
            )
        places = Location.objects.filter(merchant=order.merchant_id, is_active=True)
        if self.backs and places.count() > 1:
            self.fields["location"] = forms.ModelChoiceField(
                places,
                label="Goes to",
                required=False,
                empty_label="The first place",
                widget=UnfoldAdminSelectWidget,
            )

    @property
    def back(self) -> dict[UUID, int]:
        return self._counts(self.backs)

    @property
    def nothing(self) -> dict[UUID, int]:
        return self._counts(self.nothings)

    def _counts(self, names: Mapping[str, UUID]) -> dict[UUID, int]:
        said = {pk: self.cleaned_data.get(name) or 0 for name, pk in names.items()}
        return {pk: units for pk, units in said.items() if units}


class GoodsPages(HubAdmin):
    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<path:object_id>/goods/", wrap(self.goods_view), name="orders_order_goods"),
            path(
                "<path:object_id>/goods/<uuid:decision_id>/undo/",
                wrap(self.goods_undo_view),
                name="orders_order_goods_undo",
            ),
        ]
        return [*own, *super().get_urls()]

    def goods_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        order: Order = row_for(self, request, object_id)
        form = GoodsForm(order, request.POST or None)

        def decide(said: dict[str, Any]) -> str:
            services.decide_goods(
                order,
                back=form.back,
                nothing=form.nothing,
                location=said.get("location"),
                seen=said["seen"],
                actor=actor(request),
            )
            back, nothing = sum(form.back.values()), sum(form.nothing.values())
            order_acts.record(request, order, "order.goods_decided", back=back, nothing=nothing)
            put = f"{count_of(back, 'unit')} of {order} put back to stock." if back else ""
            lost = f"{count_of(nothing, 'unit')} of {order}: nothing comes back." if nothing else ""
            return f"{put} {lost}".strip()

        return ask(
            self,
            request,
            order,
            form,
            decide,
            title=f"Restock refunded goods of {order}",
            button="Decide",
            says="The store refunded these units after they had left, and no return tells what "
            "became of them. Say what is back and can be sold again, and what does not come back; "
            "the rest waits. Units that were put back at the stock level without naming this order "
            "are not known here. Stores are told the new figures. Money is not touched.",
        )

    def goods_undo_view(
        self, request: HttpRequest, object_id: str, decision_id: UUID
    ) -> HttpResponse:
        order: Order = row_for(self, request, object_id)
        found = order.goods_decisions.filter(pk=decision_id).select_related("line").first()
        if found is None:
            raise Http404
        found.order = order

        def expect(_: dict[str, Any]) -> str:
            services.expect_goods(found, actor=actor(request))
            order_acts.record(request, order, "order.goods_expected", decision=str(found.pk))
            return f"{count_of(found.units, 'unit')} of {order} may come back after all."

        return ask(
            self,
            request,
            order,
            forms.Form(request.POST if request.method == "POST" else None),
            expect,
            title=f"May {found} come back after all?",
            button="They may come back",
            says="It was decided that nothing comes back of these units. They wait for a decision "
            "again; no stock is moved.",
        )


def _count(label: str, most: int, help_text: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=0,
        initial=0,
        widget=UnfoldAdminIntegerFieldWidget(attrs={"max": most, "inputmode": "numeric"}),
        help_text=help_text,
    )
