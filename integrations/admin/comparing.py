"""Comparisons of stores with what is kept of them: reports to be signed, and those that ask."""

from __future__ import annotations

from django.contrib import admin
from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from integrations import reconcile
from integrations.admin.acts import Act
from integrations.admin.base import (
    BAD,
    GOOD,
    WARN,
    HubAdmin,
    Said,
    Sentence,
    count_of,
    link,
    person,
    told,
)
from integrations.admin.looking import Look
from integrations.admin.roles import actor
from integrations.models import Reconciliation, ReconciliationState, Store

_TONES = {
    ReconciliationState.RUNNING.label: "info",
    ReconciliationState.COMPLETE.label: "success",
    ReconciliationState.STOPPED.label: "danger",
    ReconciliationState.FAILED.label: "warning",
}
_NAMED = 3


def _go_on(request: HttpRequest, run: Reconciliation) -> str:
    reconcile.go_on(run, actor=actor(request))
    return f"The {run} goes on and changes what it asked about."


@admin.register(Reconciliation)
class ReconciliationAdmin(HubAdmin):
    merchant_path = "store__merchant"
    empty_words = (
        "No store was compared yet. That happens every night; “Compare now” on a store does it at "
        "once."
    )
    list_display = ("created_at", "store", "state_words", "verdict", "rehearsed")
    list_filter = ("state", "dry_run", "store")
    list_select_related = ("store__merchant",)
    ordering = ("-created_at",)
    fields = (
        ("store", "state_words"),
        "verdict",
        "counts_words",
        "findings_words",
        ("window_from", "window_to"),
        ("created_at", "finished_at"),
        ("asked_by", "rehearsed"),
    )
    readonly_fields = (
        "state_words",
        "verdict",
        "counts_words",
        "findings_words",
        "asked_by",
        "rehearsed",
    )
    acts = (
        Act(
            verb="go-on",
            label="Go on all the same",
            run=_go_on,
            danger=True,
            shown=lambda run: run.state == ReconciliationState.STOPPED,
            confirm="The comparison changes as much as it asked about.",
            warns=lambda run: run.problem,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Reconciliation]:
        return super().get_queryset(request).defer("place")

    def looks(self) -> dict[str, Look]:
        return {
            "asking": Look("Stopped to ask", Q(pk__in=reconcile.asking().values("pk"))),
            "failed": Look("Failed last night", Q(pk__in=reconcile.failed().values("pk"))),
        }

    def wellbeing(self, request: HttpRequest) -> Said:
        said: Said = []
        for run in self.rows_in(request, "asking").select_related("store")[:_NAMED]:
            words = f"{run.store}: the comparison stopped to ask. {run.problem}"
            said.append(Sentence(BAD, words, url=self.row_url(run)))
        if count := self.rows_in(request, "failed").count():
            words = f"The last comparison of {count_of(count, 'store')} failed; each says why."
            said.append(Sentence(WARN, words, "look=failed"))
        stores = self.related_rows(request, Store).values("pk")
        overdue = list(reconcile.overdue(timezone.now()).filter(pk__in=stores).order_by("name"))
        if overdue:
            names = ", ".join(str(store) for store in overdue[:_NAMED])
            more = " and others" if len(overdue) > _NAMED else ""
            words = (
                f"{names}{more}: not compared for three days. Does a worker serve the lane bulk?"
            )
            said.append(Sentence(WARN, words, url=reverse("admin:integrations_store_changelist")))
        return said or [Sentence(GOOD, "No comparison asks for anybody.")]

    @display(description="State", label=_TONES, ordering="state")
    def state_words(self, run: Reconciliation) -> str:
        return run.get_state_display()

    @display(description="Report")
    def verdict(self, run: Reconciliation) -> str:
        return reconcile.verdict(run)

    @display(description="Dry run", boolean=True)
    def rehearsed(self, run: Reconciliation) -> bool:
        return run.dry_run

    @display(description="Counted")
    def counts_words(self, run: Reconciliation) -> SafeString:
        counts = reconcile.all_counts(run)
        rows = ((words, counts[cause]) for cause, words in reconcile.CAUSES.items())
        return format_html_join("", "{}: {}<br>", rows)

    @display(description="Differences")
    def findings_words(self, run: Reconciliation) -> SafeString:
        if not run.findings:
            return format_html("{}", "None." if not run.is_live else "None yet.")
        rows = (("healed" if x["healed"] else "open", told(x["sentence"])) for x in run.findings)
        return format_html_join("", "{}: {}<br>", rows)

    @display(description="Asked for by")
    def asked_by(self, run: Reconciliation) -> str:
        return "the clock" if run.requested_by == "system" else person(run.requested_by)


def compared_words(store: Store) -> SafeString:
    """For the store's page: how its newest comparison ended, and how exact its orders were."""
    standing = reconcile.standing(store.pk)
    if standing.newest is None:
        return format_html("{}", "Not yet; every night from now on.")
    url = reverse("admin:integrations_reconciliation_change", args=[standing.newest.pk])
    verdict = link(url, reconcile.verdict(standing.newest))
    return format_html("{}<br>{}, 99.9 % wanted.", verdict, str(standing.accuracy).rstrip("."))
