"""What is read from stores: runs with their progress, parked records, windows still to be read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpRequest
from unfold.decorators import display

from integrations import sync
from integrations.admin.acts import ASKS_STORES, Act, NotDone, why
from integrations.admin.base import BAD, GOOD, WARN, HubAdmin, Said, Sentence, count_of, person
from integrations.admin.looking import Look
from integrations.admin.matching import matching_words
from integrations.admin.roles import actor
from integrations.models import ParkedRecord, RunState, SyncGap, SyncRun

_RUN_TONES = {
    RunState.COMPLETED.label: "success",
    RunState.COMPLETED_WITH_GAPS.label: "warning",
    RunState.FAILED.label: "danger",
    RunState.RUNNING.label: "info",
    RunState.QUEUED.label: "info",
    RunState.PAUSED.label: "warning",
    RunState.WAITING.label: "warning",
}
_PARKED_TONES = {
    ParkedRecord.State.PARKED.label: "warning",
    ParkedRecord.State.RESOLVED.label: "success",
}
_RESUMABLE = (RunState.PAUSED, RunState.FAILED, RunState.WAITING)
_RECENT = timedelta(days=1)


def _cancel_run(request: HttpRequest, run: SyncRun) -> str:
    sync.cancel_run(run, actor=actor(request))
    return f"{run} stops at its next page. What it wrote stays."


def _pause_run(request: HttpRequest, run: SyncRun) -> str:
    sync.pause_run(run, actor=actor(request))
    return f"{run} is paused. Let it go on when you like; it remembers where it was."


def _resume_run(request: HttpRequest, run: SyncRun) -> str:
    sync.resume_run(run, actor=actor(request))
    return f"{run} goes on where it was."


def _may_pause(run: SyncRun) -> bool:
    return run.is_live and run.state != RunState.PAUSED and not run.cancel_requested


def _may_cancel(run: SyncRun) -> bool:
    return run.is_live and not run.cancel_requested


@admin.register(SyncRun)
class SyncRunAdmin(HubAdmin):
    merchant_path = "store__merchant"
    empty_words = "Nothing was read yet. Connect a store, or press “Sync now” on one."
    list_display = (
        "created_at",
        "store",
        "what",
        "state_words",
        "progress_words",
        "created",
        "changed",
        "unchanged",
        "parked",
    )
    list_filter = ("state", "kind", "dry_run", "store")
    list_select_related = ("store__merchant", "stream__store")
    ordering = ("-created_at",)
    fields = (
        ("store", "what"),
        ("state_words", "progress_words"),
        "problem",
        ("created", "changed"),
        ("unchanged", "parked"),
        ("window_from", "window_to"),
        ("started_at", "finished_at"),
        ("asked_by", "pages"),
    )
    readonly_fields = ("what", "state_words", "progress_words", "asked_by", "would_link")
    acts = (
        Act(verb="pause", label="Pause", run=_pause_run, shown=_may_pause),
        Act(
            verb="resume",
            label="Go on",
            run=_resume_run,
            shown=lambda r: r.state in _RESUMABLE,
            bulk=True,
        ),
        Act(
            verb="cancel",
            label="Cancel",
            run=_cancel_run,
            danger=True,
            shown=_may_cancel,
            bulk=True,
            tries=True,
            confirm="The run stops at its next page. What it wrote so far stays.",
        ),
    )

    def looks(self) -> dict[str, Look]:
        recent = Q(created_at__gte=Now() - _RECENT)
        return {"failed": Look("Failed in 24 hours", recent & Q(state=RunState.FAILED))}

    def wellbeing(self, request: HttpRequest) -> Said:
        failed = self.rows_in(request, "failed").select_related("store").order_by("-created_at")
        if count := failed.count():
            newest = failed.first()
            said = f": {newest.problem}" if newest and newest.problem else "."
            cause = f"The newest is of {newest.store}{said}" if newest else ""
            words = f"{count_of(count, 'run')} failed in the last 24 hours. {cause}".strip()
            return [Sentence(BAD, words, "look=failed")]
        return [Sentence(GOOD, "No run failed in the last 24 hours.")]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        shown = super().get_fields(request, obj)
        return (*shown, "would_link") if obj is not None and obj.matching else shown

    @display(description="What would be linked")
    def would_link(self, run: SyncRun) -> Any:
        return matching_words(run.matching) if run.matching else None

    @display(description="What")
    def what(self, run: SyncRun) -> str:
        rehearsed = " (dry run)" if run.dry_run else ""
        return f"{run.stream.get_name_display()}, {run.get_kind_display().lower()}{rehearsed}"

    @display(description="State", label=_RUN_TONES, ordering="state")
    def state_words(self, run: SyncRun) -> str:
        if run.is_live and run.cancel_requested:
            return "Being cancelled"
        return run.get_state_display()

    @display(description="Progress")
    def progress_words(self, run: SyncRun) -> str:
        if run.progress is None:
            return f"{run.seen} seen"
        return f"{run.seen} of {run.expected} ({run.progress:.0%})"

    @display(description="Asked for by")
    def asked_by(self, run: SyncRun) -> str:
        return person(run.requested_by) or "the clock"


def _retry_parked(request: HttpRequest, parked: ParkedRecord) -> str:
    if sync.retry_parked(parked, actor=actor(request)):
        return f"{parked} of {parked.store} is applied."
    parked.refresh_from_db()
    raise NotDone(f"{parked} of {parked.store} is still parked: {parked.reason}")


def _dismiss_parked(request: HttpRequest, parked: ParkedRecord) -> str:
    sync.dismiss_parked(parked, actor=actor(request), reason=why(request))
    return f"{parked} of {parked.store} is dismissed; it stays listed."


def _is_parked(parked: ParkedRecord) -> bool:
    return parked.state == ParkedRecord.State.PARKED


@admin.register(ParkedRecord)
class ParkedRecordAdmin(HubAdmin):
    merchant_path = "store__merchant"
    list_display = (
        "external_id",
        "stream",
        "store",
        "state_words",
        "reason",
        "attempts",
        "last_at",
    )
    list_filter = ("state", "stream", "code", "store")
    search_fields = ("external_id", "reason")
    list_select_related = ("store__merchant", "store__data_key")
    fields = (
        ("store", "stream"),
        ("external_id", "state_words"),
        "reason",
        ("code", "path"),
        ("first_at", "last_at"),
        ("attempts", "next_at"),
    )
    readonly_fields = ("state_words",)
    acts = (
        Act(
            verb="retry",
            label="Try again",
            run=_retry_parked,
            bulk=True,
            most=ASKS_STORES,
            shown=_is_parked,
        ),
        Act(
            verb="dismiss",
            label="Dismiss",
            run=_dismiss_parked,
            danger=True,
            bulk=True,
            asks_why=True,
            shown=_is_parked,
            confirm="The record is not applied. It stays listed as dismissed.",
        ),
    )

    def wellbeing(self, request: HttpRequest) -> Said:
        count = self.get_queryset(request).filter(state=ParkedRecord.State.PARKED).count()
        if count:
            records = count_of(count, "record")
            words = f"{records} could not be applied. Each says why; mend that, then try again."
            return [Sentence(WARN, words, f"state__exact={ParkedRecord.State.PARKED}")]
        return [Sentence(GOOD, "No record is parked.")]

    @display(description="State", label=_PARKED_TONES, ordering="state")
    def state_words(self, parked: ParkedRecord) -> str:
        return parked.get_state_display()


@admin.register(SyncGap)
class SyncGapAdmin(HubAdmin):
    merchant_path = "stream__store__merchant"
    list_display = ("window_from", "window_to", "stream", "reason", "attempts", "closed_at")
    list_filter = (("closed_at", admin.EmptyFieldListFilter), "stream__store")
    list_select_related = ("stream__store",)
    ordering = ("-opened_at",)
    fields = (
        "stream",
        ("window_from", "window_to"),
        "reason",
        ("opened_at", "closed_at"),
        ("attempts", "next_at"),
    )

    def wellbeing(self, request: HttpRequest) -> Said:
        count = self.get_queryset(request).filter(closed_at=None).count()
        if count:
            windows = count_of(count, "window")
            words = f"{windows} could not be read completely; Logix tries again by itself."
            return [Sentence(WARN, words, "closed_at__isempty=1")]
        return [Sentence(GOOD, "Every window was read completely.")]
