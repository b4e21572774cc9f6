"""Files of many stock figures, or parcels: when they were handed over, and what the store made of
them.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
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
    link,
    moment,
)
from integrations.admin.looking import Look
from integrations.models import HandOver, ParcelHandOver, StockHandOver
from integrations.outbox.handing import PATIENCE

_State = HandOver.State
_TONES = {
    _State.GATHERING.label: "info",
    _State.SENDING.label: "info",
    _State.PENDING.label: "info",
    _State.SETTLING.label: "info",
    _State.DONE.label: "success",
    _State.FAILED.label: "warning",
}
_NAMED = 3


class HandOverAdmin(HubAdmin):
    """``thing`` is what the files are of; how many is the field of its plural. What a store refused
    and nobody settled since is on ``refused_page``, in the states ``refused_as``.
    """

    thing: ClassVar[str]
    refused_page: ClassVar[str]
    refused_as: ClassVar[str]
    merchant_path = "store__merchant"
    list_filter = ("state", "store")
    list_select_related = ("store__merchant",)
    ordering = ("-created_at",)
    readonly_fields = ("state_words", "result", "handed", "next_look", "worked_off", "ended")

    def looks(self) -> dict[str, Look]:
        recent = Q(state=_State.FAILED, done_at__gte=Now() - PATIENCE)
        return {
            "open": Look("On their way", Q(state__in=HandOver.OPEN)),
            "failed": Look("Came to nothing lately", recent),
        }

    def wellbeing(self, request: HttpRequest) -> Said:
        said: Said = []
        if failed := self.rows_in(request, "failed").count():
            words = (
                f"{count_of(failed, 'file')} came to nothing lately; the {self.thing}s went out "
                "again. Each says why."
            )
            said.append(Sentence(WARN, words, "look=failed"))
        for file in self.rows_in(request, "open").select_related("store")[:_NAMED]:
            said.append(Sentence(QUIET, self._standing(file), url=self.row_url(file)))
        if said or not self.get_queryset(request).exists():
            return said
        return [Sentence(GOOD, "Every file was worked off.")]

    @display(description="State", label=_TONES, ordering="state")
    def state_words(self, file: HandOver) -> str:
        return file.get_state_display()

    @display(description="Handed over")
    def handed(self, file: HandOver) -> Any:
        return moment(file.handed_at)

    @display(description="Next look")
    def next_look(self, file: HandOver) -> Any:
        return moment(file.next_at) if file.state in HandOver.OPEN else None

    @display(description="Worked off by the store")
    def worked_off(self, file: HandOver) -> Any:
        return moment(file.ended_at)

    @display(description="Ended")
    def ended(self, file: HandOver) -> Any:
        return moment(file.done_at)

    @display(description="Result")
    def result(self, file: HandOver) -> str:
        if file.state == _State.FAILED:
            return f"{file.problem} What was in it goes out again."
        if file.state != _State.DONE:
            return file.problem or "No word yet."
        said = f"{self._count(file) - file.refused} taken, {file.refused} refused."
        whys = self._whys(file) if file.refused else ""
        return format_html("<span>{} {}</span>", said, whys)

    def _whys(self, file: HandOver) -> SafeString:
        """Leads to those that are not settled since."""
        asked = {"store__id__exact": str(file.store_id), "state__in": self.refused_as}
        page = reverse(f"admin:{self.refused_page}_changelist")
        return link(f"{page}?{urlencode(asked)}", "Each refused one says why")

    def _count(self, file: HandOver) -> int:
        return int(getattr(file, f"{self.thing}s"))

    def _standing(self, file: HandOver) -> str:
        things = count_of(self._count(file), self.thing)
        if file.handed_at is None or file.state == _State.SENDING:
            return f"{file.store}: {things} so far, to be handed over in one file."
        waited = age((timezone.now() - file.handed_at).total_seconds())
        said = f"{file.store}: {things} were handed over {waited} ago, and the store is at them."
        return f"{said} {file.problem}".strip()


@admin.register(StockHandOver)
class StockHandOverAdmin(HandOverAdmin):
    thing = "figure"
    refused_page, refused_as = "integrations_push", "blocked"
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
    fields = (
        ("store", "state_words"),
        ("figures", "refused"),
        "result",
        ("handed", "next_look"),
        ("worked_off", "ended"),
        ("attempts", "problem_code"),
    )


@admin.register(ParcelHandOver)
class ParcelHandOverAdmin(HandOverAdmin):
    thing = "parcel"
    refused_page, refused_as = "integrations_command", "refused,unknown"
    empty_words = (
        "No file was handed over yet. Where a store takes them, many parcels that wait at once go "
        "out in one."
    )
    list_display = (
        "created_at",
        "store",
        "state_words",
        "parcels",
        "refused",
        "handed_at",
        "result",
    )
    fields = (
        ("store", "state_words"),
        ("parcels", "refused"),
        "result",
        ("handed", "next_look"),
        ("worked_off", "ended"),
        ("attempts", "problem_code"),
    )
