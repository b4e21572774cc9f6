"""Files of many stock figures: when they were handed over, and what the store made of them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone
from unfold.decorators import display

from integrations.admin.base import (
    GOOD,
    QUIET,
    WARN,
    HubAdmin,
    Said,
    Sentence,
    age,
    count_of,
    moment,
)
from integrations.admin.looking import Look
from integrations.models import StockHandOver
from integrations.outbox.handing import PATIENCE

_State = StockHandOver.State
_TONES = {
    _State.GATHERING.label: "info",
    _State.SENDING.label: "info",
    _State.PENDING.label: "info",
    _State.SETTLING.label: "info",
    _State.DONE.label: "success",
    _State.FAILED.label: "warning",
}
_NAMED = 3


@admin.register(StockHandOver)
class StockHandOverAdmin(HubAdmin):
    merchant_path = "store__merchant"
    empty_words = (
        "No file was handed over yet. Where a store takes them, many figures that are due at once "
        "go out in one."
    )
    list_display = (
        "created_at",
        "store",
        "state_words",
        "figures",
        "refused",
        "handed_at",
        "result",
    )
    list_filter = ("state", "store")
    list_select_related = ("store__merchant",)
    ordering = ("-created_at",)
    fields = (
        ("store", "state_words"),
        ("figures", "refused"),
        "result",
        ("handed", "next_look"),
        ("worked_off", "ended"),
        ("attempts", "problem_code"),
    )
    readonly_fields = ("state_words", "result", "handed", "next_look", "worked_off", "ended")

    def looks(self) -> dict[str, Look]:
        recent = Q(state=_State.FAILED, done_at__gte=Now() - PATIENCE)
        return {
            "open": Look("On their way", Q(state__in=StockHandOver.OPEN)),
            "failed": Look("Came to nothing lately", recent),
        }

    def wellbeing(self, request: HttpRequest) -> Said:
        said: Said = []
        if failed := self.rows_in(request, "failed").count():
            words = (
                f"{count_of(failed, 'file')} came to nothing lately; the figures went out again. "
                "Each says why."
            )
            said.append(Sentence(WARN, words, "look=failed"))
        for file in self.rows_in(request, "open").select_related("store")[:_NAMED]:
            said.append(Sentence(QUIET, _standing(file), url=self.row_url(file)))
        if said or not self.get_queryset(request).exists():
            return said
        return [Sentence(GOOD, "Every file was worked off.")]

    @display(description="State", label=_TONES, ordering="state")
    def state_words(self, file: StockHandOver) -> str:
        return file.get_state_display()

    @display(description="Handed over")
    def handed(self, file: StockHandOver) -> Any:
        return moment(file.handed_at)

    @display(description="Next look")
    def next_look(self, file: StockHandOver) -> Any:
        return moment(file.next_at)

    @display(description="Worked off by the store")
    def worked_off(self, file: StockHandOver) -> Any:
        return moment(file.ended_at)

    @display(description="Ended")
    def ended(self, file: StockHandOver) -> Any:
        return moment(file.done_at)

    @display(description="Result")
    def result(self, file: StockHandOver) -> str:
        if file.state == _State.DONE:
            taken = file.figures - file.refused
            why = " Each refused one says why." if file.refused else ""
            return f"{taken} taken, {file.refused} refused.{why}"
        return file.problem or "No word yet."


def _standing(file: StockHandOver) -> str:
    figures = count_of(file.figures, "figure")
    if file.handed_at is None or file.state == _State.SENDING:
        return f"{file.store}: {figures} so far, to be handed over in one file."
    waited = age((timezone.now() - file.handed_at).total_seconds())
    said = f"{file.store}: {figures} were handed over {waited} ago, and the store is at them."
    return f"{said} {file.problem}".strip()
