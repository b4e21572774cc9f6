"""What is written to stores: stock figures and commands, and the calls it took."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import display

from integrations import outbox
from integrations.admin.acts import Act, NotDone
from integrations.admin.base import BAD, GOOD, WARN, HubAdmin, Said, age, count_of, link, person
from integrations.admin.roles import actor
from integrations.models import CallLog, Command, Push

_PUSH_TONES = {
    Push.State.IDLE.label: "success",
    Push.State.READY.label: "info",
    Push.State.BUSY.label: "info",
    Push.State.BLOCKED.label: "danger",
}
_COMMAND_TONES = {
    Command.State.NEW.label: "info",
    Command.State.BUSY.label: "info",
    Command.State.UNKNOWN.label: "warning",
    Command.State.DONE.label: "success",
    Command.State.REFUSED.label: "danger",
    Command.State.PARKED.label: "danger",
}
_STUCK = (Command.State.PARKED, Command.State.REFUSED)
_WAITING = (Command.State.NEW, Command.State.UNKNOWN)
_RETRIABLE = (*_WAITING, *_STUCK)
_DROPPABLE = (*_WAITING, Command.State.PARKED)
# Below this a waiting figure is on its way, not late.
_LATE = timedelta(minutes=1)
_CALLS_COUNTED = timedelta(hours=1)


def _retry_push(request: HttpRequest, push: Push) -> str:
    if not outbox.retry_push(push, actor=actor(request)):
        raise NotDone(f"{_name(push)} is being sent to {push.store} at this moment.")
    return f"{_name(push)} is sent to {push.store} again."


def _name(push: Push) -> str:
    return push.listing.sku or push.listing.title or push.listing.external_variant_id


@admin.register(Push)
class PushAdmin(HubAdmin):
    merchant_path = "store__merchant"
    empty_words = "No stock figure has changed yet."
    list_display = ("sku", "store", "state_words", "pushed_value", "seen", "dirty_since", "problem")
    list_filter = ("state", "store", "problem_code")
    search_fields = ("listing__sku", "listing__title")
    list_select_related = ("store__merchant", "listing")
    ordering = ("-dirty_since", "id")
    fields = (
        ("sku", "store"),
        ("state_words", "problem"),
        ("pushed_value", "pushed_at"),
        ("seen", "behind"),
        ("dirty_since", "next_at"),
        ("attempts", "problem_code"),
    )
    readonly_fields = ("sku", "state_words", "seen", "behind")
    acts = (
        Act(
            verb="retry",
            label="Send again",
            run=_retry_push,
            bulk=True,
            shown=lambda p: p.state != Push.State.BUSY,
        ),
    )

    def wellbeing(self, request: HttpRequest) -> Said:
        rows = self.get_queryset(request)
        said = []
        if blocked := rows.filter(state=Push.State.BLOCKED).count():
            figures = count_of(blocked, "figure")
            said.append((BAD, f"{figures} cannot be sent until somebody acts. Each says who."))
        unsent = rows.filter(state__in=[Push.State.READY, Push.State.BUSY])
        oldest = unsent.order_by("dirty_since").values_list("dirty_since", flat=True).first()
        now = timezone.now()
        if oldest and now - oldest > _LATE:
            waited = age((now - oldest).total_seconds())
            said.append((WARN, f"The oldest unsent figure has waited {waited}. It says why."))
        return said or [(GOOD, "Every store shows the figure it should, or is being told.")]

    @display(description="Item", ordering="listing__sku")
    def sku(self, push: Push) -> str:
        return _name(push)

    @display(description="State", label=_PUSH_TONES, ordering="state")
    def state_words(self, push: Push) -> str:
        return push.get_state_display()

    @display(description="Seen there", ordering="listing__seen_quantity")
    def seen(self, push: Push) -> Any:
        return push.listing.seen_quantity

    @display(description="Changes since the last write")
    def behind(self, push: Push) -> int:
        return push.want_version - push.sent_version


def _retry_command(request: HttpRequest, command: Command) -> str:
    if not outbox.retry_command(command, actor=actor(request)):
        raise NotDone(f"{command} was settled or taken up by a worker meanwhile.")
    return f"{command} is sent to {command.store} again; the store is looked at first."


def _drop_command(request: HttpRequest, command: Command) -> str:
    if not outbox.drop_command(command, actor=actor(request), reason="dropped in the admin"):
        raise NotDone(f"{command} was settled or taken up by a worker meanwhile.")
    return f"{command} is dropped; {command.store} was not told."


@admin.register(Command)
class CommandAdmin(HubAdmin):
    merchant_path = "store__merchant"
    empty_words = "Nothing was asked of a store yet. Ship or cancel an order, and it shows here."
    list_display = (
        "created_at",
        "kind",
        "order_number",
        "store",
        "state_words",
        "problem",
        "asked_by",
    )
    list_filter = ("state", "kind", "store", "problem_code")
    search_fields = ("external_order_id", "key")
    search_help_text = "The store's id of the order"
    list_select_related = ("store__merchant",)
    fields = (
        ("store", "kind"),
        ("order_link", "state_words"),
        "problem",
        ("attempts", "next_at"),
        ("created_at", "done_at"),
        ("asked_by", "request_id"),
        ("problem_code", "key"),
    )
    readonly_fields = ("order_link", "state_words", "asked_by")
    acts = (
        Act(
            verb="retry",
            label="Send again",
            run=_retry_command,
            bulk=True,
            shown=lambda c: c.state in _RETRIABLE,
        ),
        Act(
            verb="drop",
            label="Drop",
            run=_drop_command,
            danger=True,
            bulk=True,
            shown=lambda c: c.state in _DROPPABLE,
            confirm="The store is never told. The order's timeline keeps a note of it.",
        ),
    )

    def wellbeing(self, request: HttpRequest) -> Said:
        rows = self.get_queryset(request)
        said = []
        if stuck := rows.filter(state__in=_STUCK).count():
            writes = count_of(stuck, "write")
            said.append((BAD, f"Refused or given up: {writes}. Each says why; send again or drop."))
        if held := rows.filter(state__in=_WAITING).exclude(problem="").count():
            writes = count_of(held, "write")
            said.append((WARN, f"Held up, and tried again by itself: {writes}. Each says why."))
        return said or [(GOOD, "Every write was taken by its store or is on its way.")]

    @display(description="Order", ordering="external_order_id")
    def order_number(self, command: Command) -> str:
        return command.external_order_id

    @display(description="Order")
    def order_link(self, command: Command) -> str:
        url = reverse("admin:orders_order_change", args=[command.order_ref])
        return link(url, command.external_order_id)

    @display(description="Asked for by")
    def asked_by(self, command: Command) -> str:
        return person(command.requested_by)

    @display(description="State", label=_COMMAND_TONES, ordering="state")
    def state_words(self, command: Command) -> str:
        return command.get_state_display()


@admin.register(CallLog)
class CallLogAdmin(HubAdmin):
    merchant_path = "store__merchant"
    empty_words = "No store was called in the last 7 days."
    list_display = ("at", "store", "method", "route", "answer", "elapsed_ms", "wait_ms", "attempts")
    list_filter = ("store", "status", "error", "method")
    list_select_related = ("store",)
    search_fields = ("request_id",)
    search_help_text = "A request id, as on timelines and in the log"
    fields = (
        ("at", "store"),
        ("method", "route"),
        ("answer", "attempts"),
        ("elapsed_ms", "wait_ms"),
        ("bytes_in", "request_id"),
    )
    readonly_fields = ("answer",)

    def wellbeing(self, request: HttpRequest) -> Said:
        rows = self.get_queryset(request).filter(at__gte=timezone.now() - _CALLS_COUNTED)
        failed = rows.filter(Q(status__gte=500) | Q(status=None)).count()
        if failed:
            return [(WARN, f"{count_of(failed, 'call')} failed in the last hour.")]
        return [(GOOD, "No call failed in the last hour.")] if rows.exists() else []

    @display(description="Answer", ordering="status")
    def answer(self, call: CallLog) -> Any:
        return call.status or format_html("<b>{}</b>", call.error)
