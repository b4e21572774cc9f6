"""What passes between Logix and the stores: runs, parked records, gaps, pushes, commands, calls."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import display

from integrations import outbox, sync
from integrations.admin.base import Act, HubAdmin, actor, age
from integrations.models import (
    CallLog,
    Command,
    FieldRule,
    ParkedRecord,
    Push,
    RunState,
    SyncGap,
    SyncRun,
)
from logix.accounts.models import Role

_RUN_TONES = {
    RunState.COMPLETED.label: "success",
    RunState.COMPLETED_WITH_GAPS.label: "warning",
    RunState.FAILED.label: "danger",
    RunState.RUNNING.label: "info",
}


def _cancel_run(request: HttpRequest, run: SyncRun) -> str:
    sync.cancel_run(run, actor=actor(request))
    return "The run stops at its next page. What it wrote stays."


def _pause_run(request: HttpRequest, run: SyncRun) -> str:
    sync.pause_run(run, actor=actor(request))
    return "The run is paused."


def _resume_run(request: HttpRequest, run: SyncRun) -> str:
    sync.resume_run(run, actor=actor(request))
    return "The run goes on where it was."


@admin.register(SyncRun)
class SyncRunAdmin(HubAdmin):
    merchant_path = "store__merchant"
    list_display = (
        "created_at",
        "store",
        "stream_name",
        "kind",
        "state_words",
        "progress_words",
        "created",
        "changed",
        "unchanged",
        "parked",
    )
    list_filter = ("state", "kind", "dry_run", "store")
    list_select_related = ("store", "stream")
    ordering = ("-created_at",)
    fields = (
        "store",
        "stream_name",
        "kind",
        "dry_run",
        "state_words",
        "progress_words",
        "window_from",
        "window_to",
        "pages",
        "seen",
        "created",
        "changed",
        "unchanged",
        "parked",
        "problem",
        "requested_by",
        "started_at",
        "finished_at",
        "checkpoint",
    )
    acts = (
        Act(
            verb="pause",
            label="Pause",
            run=_pause_run,
            shown=lambda r: r.is_live and r.state != RunState.PAUSED,
        ),
        Act(
            verb="resume",
            label="Go on",
            run=_resume_run,
            shown=lambda r: r.state in (RunState.PAUSED, RunState.FAILED, RunState.WAITING),
        ),
        Act(
            verb="cancel",
            label="Cancel",
            run=_cancel_run,
            danger=True,
            shown=lambda r: r.is_live,
            confirm="The run stops at its next page. What it wrote so far stays.",
        ),
    )

    def wellbeing(self, request: HttpRequest) -> list[tuple[str, str]]:
        since = timezone.now() - timedelta(days=1)
        failed = self.get_queryset(request).filter(state=RunState.FAILED, created_at__gte=since)
        count = failed.count()
        if count:
            return [("bad", f"{count} runs failed in the last 24 hours. The newest says why.")]
        return [("good", "No run failed in the last 24 hours.")]

    @display(description="Stream")
    def stream_name(self, run: SyncRun) -> str:
        return run.stream.get_name_display()

    @display(description="State", label=_RUN_TONES, ordering="state")
    def state_words(self, run: SyncRun) -> str:
        return run.get_state_display()

    @display(description="Progress")
    def progress_words(self, run: SyncRun) -> str:
        if run.progress is None:
            return str(run.seen)
        return f"{run.seen} of {run.expected} ({run.progress:.0%})"


def _retry_parked(request: HttpRequest, parked: ParkedRecord) -> str:
    if sync.retry_parked(parked, actor=actor(request)):
        return f"{parked} is applied."
    parked.refresh_from_db()
    return f"{parked} is still parked: {parked.reason}"


def _dismiss_parked(request: HttpRequest, parked: ParkedRecord) -> str:
    sync.dismiss_parked(parked, actor=actor(request), reason="dismissed in the admin")
    return f"{parked} is dismissed; it stays listed."


@admin.register(ParkedRecord)
class ParkedRecordAdmin(HubAdmin):
    merchant_path = "store__merchant"
    list_display = ("external_id", "stream", "store", "state", "reason", "attempts", "last_at")
    list_filter = ("state", "stream", "code", "store")
    search_fields = ("external_id", "reason")
    list_select_related = ("store",)
    fields = (
        "store",
        "stream",
        "external_id",
        "state",
        "reason",
        "code",
        "path",
        "attempts",
        "first_at",
        "last_at",
        "next_at",
    )
    acts = (
        Act(
            verb="retry",
            label="Try again",
            run=_retry_parked,
            bulk=True,
            shown=lambda p: p.state != ParkedRecord.State.RESOLVED,
        ),
        Act(
            verb="dismiss",
            label="Dismiss",
            run=_dismiss_parked,
            danger=True,
            shown=lambda p: p.state == ParkedRecord.State.PARKED,
            confirm="The record is not applied. It stays listed as dismissed, with your name.",
        ),
    )

    def wellbeing(self, request: HttpRequest) -> list[tuple[str, str]]:
        count = self.get_queryset(request).filter(state=ParkedRecord.State.PARKED).count()
        if count:
            return [("warn", f"{count} records could not be read. Each says why and what to do.")]
        return [("good", "Nothing is parked.")]


@admin.register(SyncGap)
class SyncGapAdmin(HubAdmin):
    merchant_path = "stream__store__merchant"
    list_display = ("stream", "window_from", "window_to", "reason", "attempts", "closed_at")
    list_filter = ("stream__store",)
    list_select_related = ("stream__store",)
    fields = (*list_display, "next_at", "opened_at")

    def merchant_id(self, obj: Any) -> Any:
        return obj.stream.store.merchant_id


def _retry_push(request: HttpRequest, push: Push) -> str:
    outbox.retry_push(push, actor=actor(request))
    return f"{push.listing.sku or push.listing} is sent again."


@admin.register(Push)
class PushAdmin(HubAdmin):
    merchant_path = "store__merchant"
    list_display = (
        "sku",
        "store",
        "state_words",
        "pushed_value",
        "seen",
        "behind",
        "pushed_at",
        "attempts",
        "problem",
    )
    list_filter = ("state", "store", "problem_code")
    search_fields = ("listing__sku", "listing__title")
    list_select_related = ("store", "listing")
    fields = (
        "listing",
        "store",
        "state_words",
        "want_version",
        "sent_version",
        "pushed_value",
        "seen",
        "pushed_at",
        "dirty_since",
        "next_at",
        "attempts",
        "problem_code",
        "problem",
    )
    acts = (Act(verb="retry", label="Send again", run=_retry_push, bulk=True),)

    def wellbeing(self, request: HttpRequest) -> list[tuple[str, str]]:
        rows = self.get_queryset(request)
        blocked = rows.filter(state=Push.State.BLOCKED).count()
        oldest = (
            rows.filter(state__in=[Push.State.READY, Push.State.BUSY])
            .order_by("dirty_since")
            .values_list("dirty_since", flat=True)
            .first()
        )
        said = []
        if blocked:
            said.append(("bad", f"{blocked} figures cannot be sent until somebody acts."))
        if oldest:
            waited = age((timezone.now() - oldest).total_seconds())
            said.append(("warn", f"The oldest unsent figure has waited {waited}."))
        return said or [("good", "Every store shows the figure it should.")]

    @display(description="SKU", ordering="listing__sku")
    def sku(self, push: Push) -> str:
        return push.listing.sku or push.listing.title

    @display(description="State", label={"In step": "success", "Blocked": "danger"})
    def state_words(self, push: Push) -> str:
        return push.get_state_display()

    @display(description="Seen in the store", ordering="listing__seen_quantity")
    def seen(self, push: Push) -> Any:
        return push.listing.seen_quantity

    @display(description="Changes behind")
    def behind(self, push: Push) -> int:
        return push.want_version - push.sent_version


def _retry_command(request: HttpRequest, command: Command) -> str:
    outbox.retry_command(command, actor=actor(request))
    return f"{command} is sent again; the store is looked at first."


def _drop_command(request: HttpRequest, command: Command) -> str:
    outbox.drop_command(command, actor=actor(request), reason="dropped in the admin")
    return f"{command} is dropped; the store was not told."


@admin.register(Command)
class CommandAdmin(HubAdmin):
    merchant_path = "store__merchant"
    list_display = (
        "created_at",
        "kind",
        "external_order_id",
        "store",
        "state_words",
        "attempts",
        "problem",
        "requested_by",
    )
    list_filter = ("state", "kind", "store", "problem_code")
    search_fields = ("external_order_id", "key")
    list_select_related = ("store",)
    fields = (
        "store",
        "kind",
        "external_order_id",
        "key",
        "state_words",
        "changed",
        "attempts",
        "problem_code",
        "problem",
        "next_at",
        "requested_by",
        "request_id",
        "created_at",
        "done_at",
    )
    acts = (
        Act(
            verb="retry",
            label="Send again",
            run=_retry_command,
            bulk=True,
            shown=lambda c: c.state not in (Command.State.DONE, Command.State.BUSY),
        ),
        Act(
            verb="drop",
            label="Drop",
            run=_drop_command,
            danger=True,
            shown=lambda c: (
                c.state not in (Command.State.DONE, Command.State.BUSY, Command.State.DROPPED)
            ),
            confirm="The store is never told. The order's timeline keeps a note of it.",
        ),
    )

    def wellbeing(self, request: HttpRequest) -> list[tuple[str, str]]:
        stuck = (
            self.get_queryset(request)
            .filter(state__in=[Command.State.PARKED, Command.State.REFUSED])
            .count()
        )
        if stuck:
            return [("bad", f"{stuck} writes were refused or given up. Each says why.")]
        return [("good", "Every write was taken by its store or is on its way.")]

    @display(
        description="State",
        label={"Done": "success", "Refused by the store": "danger", "Parked": "danger"},
    )
    def state_words(self, command: Command) -> str:
        return command.get_state_display()


@admin.register(CallLog)
class CallLogAdmin(HubAdmin):
    merchant_path = "store__merchant"
    list_display = ("at", "store", "method", "route", "answer", "elapsed_ms", "wait_ms", "attempts")
    list_filter = ("store", "status", "error", "method")
    list_select_related = ("store",)
    search_fields = ("route", "request_id")
    fields = (*list_display, "bytes_in", "request_id")

    @display(description="Answer", ordering="status")
    def answer(self, call: CallLog) -> Any:
        return call.status or format_html("<b>{}</b>", call.error)


@admin.register(FieldRule)
class FieldRuleAdmin(HubAdmin):
    merchant_path = "store__merchant"
    list_display = ("store", "stream", "direction", "path", "target", "cast", "mode", "enabled")
    list_filter = ("store", "direction", "enabled")
    list_select_related = ("store",)
    fields = (
        "store",
        "stream",
        "direction",
        "path",
        "target",
        "cast",
        "value_map",
        "default",
        "mode",
        "position",
        "enabled",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        if request.user.is_superuser:
            return True
        return request.user.memberships.filter(role=Role.OWNER).exists()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None or self.has_view_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)
