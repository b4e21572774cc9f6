"""Custom field rules of a store: data, checked by the mapper before they are kept."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from integrations import sync
from integrations.admin.asking import row_for
from integrations.admin.base import HubAdmin, count_of
from integrations.admin.roles import actor, sees_buyers
from integrations.mapping.rules import CASTS, TARGETS, RuleInvalid
from integrations.models import FieldRule, StreamName
from logix.accounts import audit
from logix.accounts.models import Role
from logix.common.crypto import SealBroken
from orders.models import Order

_SMALL = {"rows": 3}


class RuleForm(forms.ModelForm):
    stream = forms.ChoiceField(
        choices=sync.RULED, initial=StreamName.ORDERS, widget=UnfoldAdminSelectWidget
    )
    cast = forms.ChoiceField(
        label="Type",
        choices=[(name, name) for name in CASTS],
        initial="text",
        widget=UnfoldAdminSelectWidget,
        help_text="What the value becomes. A value that is none parks the record, and says so.",
    )

    class Meta:
        model = FieldRule
        fields = (
            "store",
            "stream",
            "direction",
            "path",
            "target",
            "cast",
            "mode",
            "value_map",
            "default",
            "position",
            "enabled",
        )
        widgets = {
            "value_map": UnfoldAdminTextareaWidget(attrs=_SMALL),
            "default": UnfoldAdminTextareaWidget(attrs=_SMALL),
        }
        help_texts = {
            "path": "JMESPath into the store's record, e.g. meta_data[?key=='gift'].value | [0]; "
            "to the store: into the order as the API shows it, e.g. shipments[-1].tracking_number",
            "target": f"custom.NAME, {', '.join(TARGETS)}; to the store: a key of its meta data.",
            "value_map": 'Translates values, as JSON: {"ja": "yes", "nein": "no"}',
            "default": 'Taken when nothing is found, as JSON: "none" or 0. null: no default.',
            "position": "Lower runs first.",
            "enabled": "Off: it does nothing yet. Save it so, then try it on past orders.",
        }

    def clean(self) -> dict[str, Any]:
        """The mapper judges the rule as a whole; its sentence says what to change."""
        data: dict[str, Any] = super().clean() or {}
        if not isinstance(data.get("value_map") or {}, dict):
            self.add_error("value_map", 'Write an object: {"from": "to"}.')
        if self.errors:
            return data
        if self._is_set_already(data):
            words = "Another rule of this store sets it already. Change or turn off that one."
            self.add_error("target", words)
            return data
        try:
            sync.check_rule(data["store"], FieldRule(**data))
        except RuleInvalid as err:
            raise forms.ValidationError(str(err)) from err
        return data

    def _is_set_already(self, data: dict[str, Any]) -> bool:
        same = {name: data[name] for name in ("store", "stream", "direction", "target")}
        rules = FieldRule.objects.filter(**same, enabled=True).exclude(pk=self.instance.pk)
        return bool(data["enabled"]) and rules.exists()


@admin.register(FieldRule)
class FieldRuleAdmin(HubAdmin):
    form = RuleForm
    merchant_path = "store__merchant"
    add_role = Role.OWNER
    change_role = Role.OWNER
    deletable = True
    empty_words = (
        "No rule yet. A rule copies a value of the store's own record, found by a path, into a "
        "field of the order, or a value of the order into a field of its own in the store."
    )
    list_display = ("target", "path", "store", "stream", "direction", "cast", "mode", "enabled")
    list_filter = ("store", "direction", "enabled")
    list_select_related = ("store",)
    fields = (
        "store",
        ("stream", "direction"),
        "path",
        "target",
        ("cast", "mode"),
        "value_map",
        "default",
        ("position", "enabled"),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview_view)
        own = path("<path:object_id>/preview/", view, name="integrations_fieldrule_preview")
        return [own, *super().get_urls()]

    def buttons(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        shown = super().buttons(request, obj)
        if obj.stream != StreamName.ORDERS or not sees_buyers(request, self.merchant_id(obj)):
            return shown
        label = "Try on past orders"
        return [*shown, {"label": label, "url": self.row_url(obj, "preview")}]

    def preview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What the rule would make of the newest orders. Their values may be a buyer's, so whoever
        may see buyers looks, and the audit log notes it: a POST, though nothing is written.
        """
        rule: FieldRule = row_for(self, request, object_id, Role.OWNER)
        if request.method != "POST":
            return HttpResponseRedirect(self.row_url(rule))
        rows = Order.objects.filter(store=rule.store).select_related("store", "payload")
        found, problem, counts = [], "", ""
        try:
            compiled = sync.check_rule(rule.store, rule)
            newest = rows.order_by("-placed_at", "-id")[: sync.MOST_ORDERS]
            found = sync.preview([compiled], list(newest))
            counts = "" if compiled.outbound else _counted(sync.try_rules(rule.store, [compiled]))
        except (RuleInvalid, SealBroken) as err:
            problem = str(err)
        audit.record(
            "rules.previewed",
            actor=actor(request),
            merchant=rule.store.merchant,
            obj=rule,
            details={"orders": [item.order.number for item in found]},
        )
        context = {
            **self.admin_site.each_context(request),
            "title": f"{rule} tried on past orders",
            "opts": self.opts,
            "original": rule,
            "found": found,
            "problem": problem,
            "counts": counts,
            "back": self.row_url(rule),
        }
        return TemplateResponse(request, "logix/admin/preview.html", context)

    def saved(self, request: HttpRequest, obj: FieldRule) -> None:
        sync.rules_changed(obj.store, obj.stream)

    def delete_model(self, request: HttpRequest, obj: FieldRule) -> None:
        super().delete_model(request, obj)
        sync.rules_changed(obj.store, obj.stream)


def _counted(tried: sync.RulesTried) -> str:
    """What the rule would do to the orders that are kept, in a sentence."""
    which = "all" if tried.is_all else "the newest"
    said = (
        f"Of {which} {count_of(tried.looked_at, 'order')}, {tried.differ} would be read "
        f"differently and {tried.set_aside} set aside."
    )
    return said + (f" The record of {tried.unread} is no longer kept." if tried.unread else "")
