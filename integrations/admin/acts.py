"""Acts: what a person can do with a row, or with several. Each is a button that POSTs and calls one
service; a harmful one asks first.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.admin import ModelAdmin

from integrations.admin.roles import may, may_anywhere
from integrations.connect import ConnectError
from integrations.errors import PlatformError
from integrations.sync import RunRefused
from inventory.errors import (
    AllocationRefused,
    KitRefused,
    LinkRefused,
    ModeRefused,
    PutBackRefused,
    RuleTaken,
)
from inventory.ledger import LedgerConflict, LedgerRefused
from logix.accounts.models import Role
from logix.common.crypto import SealBroken
from logix.common.transactions import again_on, rehearsed
from orders.errors import OrderChangedMeanwhile, OrderError

# What services say no with. Each message is a sentence for the person who asked.
REFUSALS = (
    PlatformError,
    OrderError,
    RunRefused,
    LedgerRefused,
    LinkRefused,
    KitRefused,
    AllocationRefused,
    RuleTaken,
    PutBackRefused,
    ModeRefused,
    ConnectError,
    SealBroken,
)
# Services that write stock or orders raise these when somebody was faster.
again = again_on(OrderChangedMeanwhile, LedgerConflict)

_CONFIRMED = "confirmed"
_LONGEST_WHY = 200
_REASONS_SAID = 5
# A list's page of acts that each ask a store would outlive the browser's patience.
ASKS_STORES = 10


class NotDone(Exception):
    """A service answered that nothing changed. The message says why, for the person who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """``run(request, obj)`` calls one service and returns what happened.

    ``confirm`` asks first, with this sentence and what ``warns`` says of the row; ``asks_why``
    demands a reason there (``why``). ``shown`` hides it where it makes no sense; ``bulk`` offers it
    on lists, for at most ``most`` rows at a time. ``tries``: it calls no store, so a list offers to
    try it first, with all of it taken back.
    """

    verb: str
    label: str
    run: Callable[[HttpRequest, Any], str]
    role: Role = Role.OPERATOR
    confirm: str = ""
    warns: Callable[[Any], str] = lambda _: ""
    asks_why: bool = False
    danger: bool = False
    shown: Callable[[Any], bool] = lambda _: True
    bulk: bool = False
    most: int = 200
    tries: bool = False


class ActsMixin(ModelAdmin):
    """Adds ``acts`` to a page: buttons on the row, choices on the list."""

    acts: Sequence[Act] = ()
    change_form_outer_before_template = "logix/admin/acts.html"

    @abstractmethod
    def merchant_id(self, obj: Any) -> Any:
        """Whose row it is: what may be done with it hangs on the role there."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.act_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_act"
        return [path("<path:object_id>/act/<slug:verb>/", view, name=name), *super().get_urls()]

    def row_url(self, obj: Any, page: str = "change", *more: str) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=[obj.pk, *more])

    def row_or_404(self, request: HttpRequest, object_id: str) -> Any:
        """The row, if it is one the person may see."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None or not self.has_view_permission(request, obj):
            raise Http404
        return obj

    def offered(self, request: HttpRequest, obj: Any) -> list[Act]:
        """The acts that make sense for the row and are allowed to the person."""
        return [a for a in self.acts if self._allows(request, obj, a) and a.shown(obj)]

    def buttons(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        """What the toolbar above a row shows."""
        return [
            {
                "label": act.label,
                "url": self.row_url(obj, "act", act.verb),
                "asks": bool(act.confirm),
                "danger": act.danger,
            }
            for act in self.offered(request, obj)
        ]

    def zone_of(self, obj: Any) -> str:
        """The zone in which the page of a row tells its times."""
        return "UTC"

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        context = dict(extra_context or {})
        obj = self.get_object(request, unquote(object_id)) if object_id else None
        if obj is None:
            return super().changeform_view(request, object_id, form_url, context)
        context["acts"] = self.buttons(request, obj)
        with timezone.override(zone_named(self.zone_of(obj))):
            answer = super().changeform_view(request, object_id, form_url, context)
            return answer.render() if isinstance(answer, TemplateResponse) else answer

    def act_view(self, request: HttpRequest, object_id: str, verb: str) -> HttpResponse:
        obj = self.row_or_404(request, object_id)
        act = next((a for a in self.acts if a.verb == verb), None)
        if act is None:
            raise Http404
        if not self._allows(request, obj, act):
            raise PermissionDenied
        if request.method != "POST" or _lacks_why(request, act):
            return self._ask(request, act, [obj], back=self.row_url(obj))
        self.perform(request, act, [obj])
        return HttpResponseRedirect(self.row_url(obj))

    def perform(self, request: HttpRequest, act: Act, rows: Sequence[Any]) -> None:
        """Run an act on rows and say what happened; one refused row does not stop the others."""
        for obj in rows:
            if not act.shown(obj):
                messages.warning(request, f"{obj}: “{act.label}” does not apply any more.")
                continue
            try:
                messages.success(request, act.run(request, obj))
            except NotDone as err:
                messages.warning(request, str(err))
            except REFUSALS as err:
                messages.error(request, f"{obj}: {err}")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Only acts of ours: deleting rows by the dozen is none."""
        found = {}
        for act in self.acts:
            if act.bulk and may_anywhere(request, act.role):
                found[act.verb] = (_bulk(act), act.verb, act.label)
                if act.tries:
                    verb = f"try-{act.verb}"
                    found[verb] = (_trial(act), verb, f"Try first: {act.label}")
        return found

    def try_bulk(self, request: HttpRequest, act: Act, chosen: models.QuerySet[Any]) -> None:
        """Say what the act would do to these rows: each is done and taken back."""
        rows = list(chosen[: act.most + 1])
        if len(rows) > act.most:
            messages.error(request, f"Choose at most {act.most} at a time for “{act.label}”.")
            return
        done, reasons = 0, []
        for obj in rows:
            if not self._allows(request, obj, act):
                reasons.append("Your role does not allow it there.")
            elif not act.shown(obj):
                reasons.append("It does not apply there.")
            else:
                try:
                    again(partial(rehearsed, partial(act.run, request, obj)))
                    done += 1
                except (NotDone, *REFUSALS) as err:
                    reasons.append(str(err))
        said = f"“{act.label}” tried on {len(rows)}: {done} would be done. Nothing was changed."
        messages.info(request, said)
        for reason, number in Counter(reasons).most_common(_REASONS_SAID):
            messages.warning(request, f"{number} would be left alone: {reason}")

    def perform_bulk(
        self, request: HttpRequest, act: Act, chosen: models.QuerySet[Any]
    ) -> HttpResponse | None:
        rows = list(chosen[: act.most + 1])
        if len(rows) > act.most:
            messages.error(request, f"Choose at most {act.most} at a time for “{act.label}”.")
            return None
        allowed = [row for row in rows if self._allows(request, row, act)]
        fitting = [row for row in allowed if act.shown(row)]
        unasked = _CONFIRMED not in request.POST or _lacks_why(request, act)
        if act.confirm and fitting and unasked:
            back = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
            return self._ask(request, act, fitting, back=back)
        self.perform(request, act, fitting)
        if refused := len(rows) - len(allowed):
            messages.error(request, f"{refused} left alone: your role does not allow it there.")
        if past := len(allowed) - len(fitting):
            messages.warning(request, f"{past} left alone: “{act.label}” does not apply there.")
        return None

    def _allows(self, request: HttpRequest, obj: Any, act: Act) -> bool:
        return may(request, self.merchant_id(obj), act.role)

    def _ask(self, request: HttpRequest, act: Act, rows: Sequence[Any], back: str) -> HttpResponse:
        """The page between the click and a harmful act."""
        is_bulk = "_selected_action" in request.POST
        was_shown = _CONFIRMED in request.POST if is_bulk else request.method == "POST"
        context = {
            **self.admin_site.each_context(request),
            "title": act.label,
            "opts": self.opts,
            "act": act,
            "rows": [(row, act.warns(row)) for row in rows],
            "back": back,
            "is_bulk": is_bulk,
            "why_is_missing": was_shown and act.asks_why,
        }
        return TemplateResponse(request, "logix/admin/confirm.html", context)


def why(request: HttpRequest) -> str:
    """The reason given for an act that ``asks_why``."""
    return request.POST.get("why", "").strip()[:_LONGEST_WHY]


def _lacks_why(request: HttpRequest, act: Act) -> bool:
    return act.asks_why and not why(request)


def zone_named(name: str) -> ZoneInfo:
    """UTC where the store told a zone nobody knows."""
    try:
        return ZoneInfo(name)
    except (ValueError, ZoneInfoNotFoundError, OSError):
        return ZoneInfo("UTC")


def _bulk(act: Act) -> Callable[..., HttpResponse | None]:
    def run(
        admin: ActsMixin, request: HttpRequest, rows: models.QuerySet[Any]
    ) -> HttpResponse | None:
        return admin.perform_bulk(request, act, rows)

    run.__name__ = act.verb
    return run


def _trial(act: Act) -> Callable[..., None]:
    def run(admin: ActsMixin, request: HttpRequest, rows: models.QuerySet[Any]) -> None:
        admin.try_bulk(request, act, rows)

    run.__name__ = f"try_{act.verb}"
    return run
