"""The webhook inbox for people: is it well, what came, what became of it, work it again."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import display

from integrations.admin.acts import Act, NotDone, why
from integrations.admin.base import BAD, GOOD, WARN, HubAdmin, Said, Sentence, age, count_of
from integrations.admin.looking import InWords, Look
from integrations.admin.roles import actor, sees_buyers
from logix.accounts import audit
from logix.common.crypto import SealBroken
from webhooks import claims, inbox, masking
from webhooks.models import Delivery

State = Delivery.State

# “Parked” is what records are; one word per idea.
_SET_ASIDE = "Set aside"
_TONES = {
    State.NEW.label: "info",
    State.BUSY.label: "info",
    State.DONE.label: "success",
    _SET_ASIDE: "danger",
}

# What became of it, in words. A code that is not here is shown as it is.
_OUTCOMES = {
    "applied": "Applied",
    "coalesced": "Settled by a later read of the same object",
    "gone": "The store deleted it",
    "gone_unknown": "Deleted in the store, never known here",
    "record_parked": "Read, but the record is parked",
    "left_to_reading": "The next reading of orders answers it",
    "left_out": "Left out: none of this store's",
    "looked_soon": "What waits for it is looked at",
    "nothing_to_do": "Nothing to do",
    "store_answers": "The store still answers",
    "store_uninstalled": "Logix was uninstalled there",
    "scopes_read": "The store was asked what it grants",
    "privacy_request": "Kept as a privacy request",
    "ask_store": "The store is asked",
    "disconnected": "The store is disconnected",
    "dismissed": "Put away by a person",
    "erased": "Emptied: the buyer was erased",
    "waits_for_merchant": "Waits until the merchant reconnects",
}
_LATE_S = 60.0


def _replay(request: HttpRequest, delivery: Delivery) -> str:
    if inbox.replay(delivery, actor=actor(request)):
        return f"{delivery} of {delivery.store} is worked again."
    raise NotDone(f"{delivery} was left alone: it is waiting already, or its body has expired.")


def _dismiss(request: HttpRequest, delivery: Delivery) -> str:
    if inbox.dismiss(delivery, actor=actor(request), reason=why(request)):
        return f"{delivery} of {delivery.store} is put away. Replay it to undo that."
    raise NotDone(f"{delivery} was left alone: it is no longer set aside.")


@admin.register(Delivery)
class DeliveryAdmin(HubAdmin):
    merchant_path = "store__merchant"
    list_display = (
        "received_at",
        "state_words",
        "store",
        "topic",
        "subject",
        "outcome_words",
        "attempts",
        "duplicates",
        "waited",
    )
    list_filter = (("state", InWords), "store", "received_at")
    words = {State.PARKED.label: _SET_ASIDE}
    list_select_related = ("store",)
    search_fields = ("resource_id", "topic", "request_id")
    search_help_text = "The platform's id of the order or product, a topic, or a request id"
    ordering = ("-received_at",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("store", "topic"),
                    ("subject", "state_words"),
                    "outcome_words",
                )
            },
        ),
        (
            "Times",
            {"fields": (("received_at", "done_at"), ("attempts", "duplicates", "next_at"))},
        ),
        (
            "What came",
            {"fields": (("request_id", "body_length"), "dedupe_key", "headers", "body")},
        ),
    )
    readonly_fields = ("subject", "state_words", "outcome_words", "body")
    empty_words = "No store has sent anything yet."
    acts = (
        Act(
            verb="replay",
            label="Replay",
            run=_replay,
            bulk=True,
            tries=True,
            shown=lambda d: d.state not in (State.NEW, State.BUSY),
        ),
        Act(
            verb="dismiss",
            label="Put away",
            run=_dismiss,
            danger=True,
            bulk=True,
            tries=True,
            asks_why=True,
            shown=lambda d: d.state == State.PARKED,
            confirm="Nothing more is done with it, and it no longer asks for attention. It stays "
            "listed; replaying it undoes this for seven days.",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return super().get_queryset(request).defer("body_sealed")

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Delivery | None:
        found: Delivery | None = super().get_object(request, object_id, from_field)
        if found is not None:
            found.reader = request  # type: ignore[attr-defined]  # a read-only field gets no request
        return found

    def looks(self) -> dict[str, Look]:
        new = Q(state=State.NEW)
        worked = new & claims.WORKED
        return {
            "late": Look("Ready to be worked", worked & Q(next_at__lte=Now())),
            "later": Look("Failed, tried again", worked & Q(next_at__gt=Now())),
            "held": Look("Store is not active", new & ~claims.WORKED),
        }

    def wellbeing(self, request: HttpRequest) -> Said:
        mine = self.get_queryset(request)
        now = inbox.numbers(mine)
        said: Said = []
        if now.oldest_ready_age_s > _LATE_S:
            waited = age(now.oldest_ready_age_s)
            sentence = f"The oldest of {now.ready} waiting deliveries has waited {waited}."
            said.append(Sentence(BAD, f"{sentence} Is a worker running?", "look=late"))
        if now.parked:
            words = f"Set aside: {_told(now.parked)}. Each says why; replay it, or put it away."
            said.append(Sentence(WARN, words, f"state__exact={State.PARKED}"))
        if now.held:
            words = f"Waiting for a store that is not active: {_told(now.held)}."
            said.append(Sentence(WARN, words, "look=held"))
        if now.later:
            words = f"Failed, and tried again without you: {_told(now.later)}."
            said.append(Sentence(WARN, words, "look=later"))
        return said or [Sentence(GOOD, "Everything that came has been worked.")]

    @display(description="State", label=_TONES, ordering="state")
    def state_words(self, delivery: Delivery) -> str:
        shown = delivery.get_state_display()
        return self.words.get(shown, shown)

    @display(description="About", ordering="resource_id")
    def subject(self, delivery: Delivery) -> str:
        return f"{delivery.resource} {delivery.resource_id}".strip()

    @display(description="What became of it")
    def outcome_words(self, delivery: Delivery) -> str:
        words = _OUTCOMES.get(delivery.outcome, delivery.outcome)
        problem = _path_once(delivery.problem) or delivery.problem_code
        return ". ".join(filter(None, (words, problem)))

    @display(description="Waited", ordering=F("done_at") - F("received_at"))
    def waited(self, delivery: Delivery) -> str:
        if delivery.state == State.PARKED:
            return ""
        until = delivery.done_at or timezone.now()
        seconds = max(0.0, (until - delivery.received_at).total_seconds())
        return f"{seconds:.1f} s" if seconds < _LATE_S else age(seconds)

    @display(description="Body")
    def body(self, delivery: Delivery) -> str:
        """Whole for those who may see buyers' data (that is noted), masked for the rest."""
        if "shown" not in delivery.__dict__:  # a page asks for each field several times
            delivery.shown = _shown(delivery)  # type: ignore[attr-defined]
        return delivery.shown  # type: ignore[attr-defined]


def _path_once(problem: str) -> str:
    """Without the place behind it where the sentence names that itself (“… at $.id. ($.id)”), or
    where it is all of the record.
    """
    sentence, found, path = problem.removesuffix(")").rpartition(" ($")
    return sentence if found and (not path or f"${path}" in sentence) else problem


def _told(count: int) -> str:
    return count_of(count, "delivery", "deliveries")


def _shown(delivery: Delivery) -> str:
    request: HttpRequest = delivery.reader  # type: ignore[attr-defined]
    try:
        raw = inbox.open_body(delivery)
    except SealBroken as err:
        return str(err)
    if raw is None:
        return "Expired."
    whole = sees_buyers(request, delivery.store.merchant_id)
    if whole:
        audit.record(
            "delivery.body_seen",
            actor=actor(request),
            merchant=delivery.store.merchant,
            obj=delivery,
        )
    text = masking.readable(raw, whole=whole)
    return format_html('<pre class="logix-wide">{}</pre>', text)
