"""What all admin pages share: rows of one's own merchants only, roles, acts that call services,
read-only history.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.admin import ModelAdmin

from integrations.connect import ConnectError
from integrations.errors import PlatformError
from integrations.sync import RunRefused
from inventory.ledger import LedgerRefused
from logix.accounts.models import Role
from orders.errors import OrderError

REFUSALS = (PlatformError, OrderError, RunRefused, LedgerRefused, ConnectError)
_RANK = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.OWNER: 2}


def actor(request: HttpRequest) -> str:
    return f"user:{request.user.get_username()}"


def may(request: HttpRequest, merchant_id: Any, role: Role) -> bool:
    """Whether the user holds at least ``role`` with this merchant. Superusers hold every role."""
    user = request.user
    if not (user.is_active and user.is_staff):
        return False
    if user.is_superuser:
        return True
    held = user.memberships.filter(merchant_id=merchant_id).values_list("role", flat=True)
    return any(_RANK[Role(r)] >= _RANK[role] for r in held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something a person can do with a row: ``run(request, obj)`` calls one service and returns
    what happened.

    ``confirm`` asks first, with this sentence; ``shown`` hides it where it makes no sense; ``bulk``
    offers it on lists.
    """

    verb: str
    label: str
    run: Callable[[HttpRequest, Any], str]
    role: Role = Role.OPERATOR
    confirm: str = ""
    danger: bool = False
    shown: Callable[[Any], bool] = lambda _: True
    bulk: bool = False


class HubAdmin(ModelAdmin):
    """Base of every page. ``merchant_path`` leads from the row to its merchant."""

    merchant_path = "merchant"
    acts: Sequence[Act] = ()
    change_form_outer_before_template = "logix/admin/acts.html"
    list_before_template = "logix/admin/wellbeing.html"
    list_per_page = 50
    show_full_result_count = False
    compressed_fields = True

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        mine = request.user.memberships.values("merchant_id")
        return rows.filter(**{f"{self.merchant_path}__in": mine})

    def merchant_id(self, obj: Any) -> Any:
        value = obj
        for name in self.merchant_path.split("__")[:-1]:
            value = getattr(value, name)
        return getattr(value, f"{self.merchant_path.split('__')[-1]}_id")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_staff

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_staff and (
            obj is None or may(request, self.merchant_id(obj), Role.VIEWER)
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # -- is it well? ---------------------------------------------------------------------------

    def wellbeing(self, request: HttpRequest) -> list[tuple[str, str]]:
        """(tone, sentence) pairs shown above the list; tone is good, warn or bad."""
        return []

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"wellbeing": self.wellbeing(request), **(extra_context or {})}
        return super().changelist_view(request, extra_context=context)

    # -- acts ----------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.act_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_act"
        return [path("<path:object_id>/act/<slug:verb>/", view, name=name), *super().get_urls()]

    def act_url(self, obj: Any, verb: str) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_act"
        return reverse(name, args=[obj.pk, verb])

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        context = dict(extra_context or {})
        obj = self.get_object(request, object_id) if object_id else None
        if obj is not None:
            context["acts"] = [
                {"act": act, "url": self.act_url(obj, act.verb)}
                for act in self.acts
                if act.shown(obj) and may(request, self.merchant_id(obj), act.role)
            ]
        return super().changeform_view(request, object_id, form_url, context)

    def act_view(self, request: HttpRequest, object_id: str, verb: str) -> HttpResponse:
        obj = get_object_or_404(self.get_queryset(request), pk=object_id)
        act = next((a for a in self.acts if a.verb == verb), None)
        if act is None or not may(request, self.merchant_id(obj), act.role):
            raise PermissionDenied
        back = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[obj.pk])
        if request.method != "POST":
            context = {
                **self.admin_site.each_context(request),
                "title": act.label,
                "opts": self.opts,
                "act": act,
                "original": obj,
                "back": back,
            }
            return TemplateResponse(request, "logix/admin/confirm.html", context)
        self.perform(request, act, [obj])
        return HttpResponseRedirect(back)

    def perform(self, request: HttpRequest, act: Act, rows: Sequence[Any]) -> None:
        """Run an act on rows and say what happened; one refused row does not stop the others."""
        for obj in rows:
            try:
                messages.success(request, act.run(request, obj))
            except REFUSALS as err:
                messages.error(request, f"{obj}: {err}")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = {}
        for act in self.acts:
            if act.bulk:
                actions[act.verb] = (_bulk(act), act.verb, act.label)
        return actions


def _bulk(act: Act) -> Callable[..., None]:
    def run(admin: HubAdmin, request: HttpRequest, rows: models.QuerySet[Any]) -> None:
        allowed = [r for r in rows if may(request, admin.merchant_id(r), act.role)]
        admin.perform(request, act, [r for r in allowed if act.shown(r)])
        refused = rows.count() - len(allowed)
        if refused:
            messages.error(request, f"{refused} rows were left alone: your role does not allow it.")

    run.__name__ = act.verb
    return run


def age(seconds: float) -> str:
    """A length of time as people say it."""
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} seconds"
