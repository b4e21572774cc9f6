"""Units that lie there and are not sold: held back, called damaged and written off on the page of
their level.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminTextInputWidget

from integrations.admin.asking import ask, row_for
from integrations.admin.base import HubAdmin
from integrations.admin.roles import actor
from inventory import condition
from inventory.data import MOST_UNITS
from inventory.models import Bucket, StockLevel
from logix.accounts import audit

_PAGE = "inventory_stocklevel"


class UnsoldForm(forms.Form):
    set_to = forms.IntegerField(
        label="How many in all",
        min_value=0,
        max_value=MOST_UNITS,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    reason = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget)


class WriteOffForm(forms.Form):
    units = forms.IntegerField(
        label="Units to write off",
        min_value=1,
        max_value=MOST_UNITS,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    reason = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget)


class UnsoldPages(HubAdmin):
    """For the admin of levels."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path("<path:object_id>/hold/", wrap(self.hold_view), name=f"{_PAGE}_hold"),
            path("<path:object_id>/damage/", wrap(self.damage_view), name=f"{_PAGE}_damage"),
            path("<path:object_id>/write-off/", wrap(self.off_view), name=f"{_PAGE}_write_off"),
        ]
        return [*own, *super().get_urls()]

    def unsold_buttons(self, level: StockLevel) -> list[dict[str, Any]]:
        shown = [("Hold back", "hold"), ("Call damaged", "damage")]
        if level.damaged:
            shown.append(("Write damaged off", "write_off"))
        return [
            {"label": label, "url": self.row_url(level, where), "asks": True}
            for label, where in shown
        ]

    def hold_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._keep_back(
            request,
            object_id,
            Bucket.HELD,
            title="Hold {item} back",
            says="They lie at {place} and no store is told of them until they are let go.",
        )

    def damage_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._keep_back(
            request,
            object_id,
            Bucket.DAMAGED,
            title="Damaged units of {item}",
            says="They lie at {place} and no store is told of them. Mended ones come back by a "
            "lower number, the others are written off.",
        )

    def off_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        level: StockLevel = row_for(self, request, object_id)

        def write_off(told: dict[str, Any]) -> str:
            condition.write_off(
                variant=level.variant, location=level.location, **told, actor=actor(request)
            )
            record(request, level, "stock.written_off", **told)
            return f"{told['units']} × {level.variant} written off."

        return ask(
            self,
            request,
            level,
            WriteOffForm(request.POST or None, initial={"units": level.damaged or None}),
            write_off,
            title=f"Write {level.variant} off",
            button="Write off",
            says=f"{level.damaged} are damaged at {level.location}. What can be sold stays as it "
            "is.",
        )

    def _keep_back(
        self, request: HttpRequest, object_id: str, bucket: Bucket, *, title: str, says: str
    ) -> HttpResponse:
        level: StockLevel = row_for(self, request, object_id)

        def keep_back(told: dict[str, Any]) -> str:
            condition.keep_back(
                variant=level.variant,
                location=level.location,
                bucket=bucket,
                **told,
                actor=actor(request),
            )
            record(request, level, "stock.kept_back", bucket=bucket.value, **told)
            return f"{level.variant}: {told['set_to']} {bucket.label.lower()}."

        return ask(
            self,
            request,
            level,
            UnsoldForm(request.POST or None, initial={"set_to": getattr(level, bucket.value)}),
            keep_back,
            title=title.format(item=level.variant),
            button="Save",
            says=says.format(place=level.location),
        )


def record(request: HttpRequest, level: StockLevel, action: str, **details: Any) -> None:
    audit.record(
        action,
        actor=actor(request),
        merchant=level.merchant,
        obj=level.variant,
        details={"location": level.location.code, **details},
    )
