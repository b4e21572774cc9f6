"""Custom field rules of a store: data, checked by the mapper before they are kept."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from integrations import sync
from integrations.admin.base import HubAdmin
from integrations.mapping.rules import CASTS, TARGETS, RuleInvalid
from integrations.models import FieldRule, StreamName
from logix.accounts.models import Role

_SMALL = {"rows": 3}


class RuleForm(forms.ModelForm):
    stream = forms.ChoiceField(
        choices=StreamName.choices, initial=StreamName.ORDERS, widget=UnfoldAdminSelectWidget
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
        }

    def clean(self) -> dict[str, Any]:
        """The mapper judges the rule as a whole; its sentence says what to change."""
        data: dict[str, Any] = super().clean() or {}
        if not isinstance(data.get("value_map") or {}, dict):
            self.add_error("value_map", 'Write an object: {"from": "to"}.')
        if self.errors:
            return data
        try:
            sync.check_rule(data["store"], FieldRule(**data))
        except RuleInvalid as err:
            raise forms.ValidationError(str(err)) from err
        return data


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

    def saved(self, request: HttpRequest, obj: FieldRule) -> None:
        sync.rules_changed(obj.store, obj.stream)

    def delete_model(self, request: HttpRequest, obj: FieldRule) -> None:
        super().delete_model(request, obj)
        sync.rules_changed(obj.store, obj.stream)
