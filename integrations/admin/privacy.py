"""Privacy requests: what buyers and stores ask by law, until when, and what became of it. Erasures
carry themselves out; what is kept of a buyer is handed out by a person who may see buyers.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils import timezone
from unfold.decorators import display

from integrations import privacy
from integrations.admin.acts import REFUSALS, Act
from integrations.admin.base import BAD, GOOD, WARN, HubAdmin, Said, Sentence, count_of, person
from integrations.admin.roles import actor, sees_buyers
from integrations.models import PrivacyRequest
from logix.accounts.models import Role

_Kind, _State = PrivacyRequest.Kind, PrivacyRequest.State
_TONES = {_State.OPEN.label: "warning", _State.DONE.label: "success"}
_BUNDLE = "bundle"


def _mark_done(request: HttpRequest, row: PrivacyRequest) -> str:
    privacy.mark_done(row, actor=actor(request))
    return "The request is done. Whom it was about is forgotten."


def _carry_out(request: HttpRequest, row: PrivacyRequest) -> str:
    privacy.carry_out(row, actor=actor(request))
    return f"All buyers of {row.store} are erased now; this page counts along."


def _waits_for_an_answer(row: PrivacyRequest) -> bool:
    return row.kind == _Kind.EXPORT and row.state == _State.OPEN


def _waits_for_a_word(row: PrivacyRequest) -> bool:
    return row.kind == _Kind.ERASE_STORE and row.state == _State.OPEN and not row.confirmed


@admin.register(PrivacyRequest)
class PrivacyRequestAdmin(HubAdmin):
    merchant_path = "store__merchant"
    empty_words = "No store has passed on a privacy request yet."
    list_display = ("asked_at", "kind", "store", "state_words", "due_at", "orders_done", "why")
    list_filter = ("state", "kind", "store")
    list_select_related = ("store",)
    search_fields = ("reference",)
    search_help_text = "The request's own name at the platform"
    ordering = ("state", "due_at")
    fieldsets = (
        (
            None,
            {"fields": (("kind", "store"), ("state_words", "why"), ("asked_at", "due_at"))},
        ),
        (
            "What was done",
            {"fields": (("orders_named", "orders_done"), "counted", ("done_at", "finished_by"))},
        ),
        ("At the platform", {"fields": ("reference",)}),
    )
    readonly_fields = ("state_words", "why", "orders_named", "counted", "finished_by")
    acts = (
        Act(
            verb="done",
            label="Mark as done",
            run=_mark_done,
            shown=_waits_for_an_answer,
            confirm="The buyer has what Logix keeps of them. Afterwards nothing can be downloaded "
            "for this request: whom it is about is forgotten.",
        ),
        Act(
            verb="carry-out",
            label="Erase all buyers of this store",
            run=_carry_out,
            role=Role.OWNER,
            shown=_waits_for_a_word,
            danger=True,
            confirm="The store still lets Logix in, although it asks that all of its buyers are "
            "erased. Names, addresses and what it sent about them go for good; amounts and stock "
            "stay. Orders that are to be shipped lose their addresses. This cannot be taken back.",
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.bundle_view)
        name = f"integrations_privacyrequest_{_BUNDLE}"
        return [path(f"<path:object_id>/{_BUNDLE}/", view, name=name), *super().get_urls()]

    def buttons(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        found = super().buttons(request, obj)
        if not _waits_for_an_answer(obj) or not sees_buyers(request, self.merchant_id(obj)):
            return found
        address = self.row_url(obj, _BUNDLE)
        download = {"label": "Download what is kept", "url": address, "asks": False}
        return [{**download, "danger": False}, *found]

    def bundle_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The JSON of one buyer, for those who may see buyers; it stands in the audit log."""
        row = self.row_or_404(request, object_id)
        if not sees_buyers(request, self.merchant_id(row)):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            document = privacy.bundle(row, actor=actor(request))
        except REFUSALS as err:
            messages.error(request, str(err))
            return HttpResponseRedirect(self.row_url(row))
        response = HttpResponse(document, content_type="application/json")
        response["Content-Disposition"] = f'attachment; filename="buyer-{row.pk}.json"'
        return response

    def wellbeing(self, request: HttpRequest) -> Said:
        now = timezone.now()
        mine = self.get_queryset(request).filter(state=_State.OPEN)
        said: Said = []
        if late := mine.filter(due_at__lt=now).count():
            said.append(Sentence(BAD, f"{count_of(late, 'request')} past the due date."))
        if near := mine.filter(due_at__gte=now, due_at__lt=now + privacy.NEAR).count():
            said.append(Sentence(WARN, f"{count_of(near, 'request')} due within seven days."))
        if asked := mine.filter(kind=_Kind.EXPORT).count():
            words = f"{count_of(asked, 'buyer asks', 'buyers ask')} what is kept of them."
            said.append(Sentence(WARN, f"{words} Download it, pass it on, mark it as done."))
        if stuck := mine.filter(kind=_Kind.ERASE_STORE, confirmed=False).exclude(problem=""):
            words = count_of(stuck.count(), "store asks", "stores ask")
            said.append(Sentence(WARN, f"{words} to erase all buyers and still let Logix in."))
        if said or not self.get_queryset(request).exists():
            return said
        return [Sentence(GOOD, "No privacy request waits for anybody.")]

    @display(description="State", label=_TONES, ordering="state")
    def state_words(self, row: PrivacyRequest) -> str:
        return row.get_state_display()

    @display(description="Why it waits")
    def why(self, row: PrivacyRequest) -> str:
        if row.state == _State.DONE:
            return ""
        if row.kind == _Kind.EXPORT:
            return "Somebody has to pass on what is kept."
        if row.walked_at and not row.problem:
            return "Erased; looked at once more in a few minutes."
        return row.problem

    @display(description="Orders named")
    def orders_named(self, row: PrivacyRequest) -> int:
        return len(row.order_ids)

    @display(description="Emptied besides")
    def counted(self, row: PrivacyRequest) -> str:
        found = {name.replace("_", " "): n for name, n in row.counts.items() if n}
        return ", ".join(f"{name}: {n}" for name, n in found.items()) or "Nothing."

    @display(description="Ended by")
    def finished_by(self, row: PrivacyRequest) -> str:
        return person(row.done_by) if row.done_by else ""
