"""What is written to stores: stock figures and commands, and the calls it took."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import display

from integrations import outbox
from integrations.admin.acts import Act, NotDone, why
from integrations.admin.base import (
    BAD,
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
    person,
)
from integrations.admin.looking import Look
from integrations.admin.roles import actor
from integrations.admin.store_places import by_location
from integrations.models import CallLog, Command, Push, Store, StoreStatus
from integrations.outbox import refunds
from integrations.outbox.reasons import Reason

_LEFT_ALONE = "Left alone"
_PUSH_TONES = {
    _LEFT_ALONE: "",
    Push.State.IDLE.label: "success",
    Push.State.READY.label: "info",
    Push.State.BUSY.label: "info",
    Push.State.HANDED.label: "info",
    Push.State.BLOCKED.label: "danger",
}
_COMMAND_TONES = {
    Command.State.NEW.label: "info",
    Command.State.BUSY.label: "info",
    Command.State.HANDED.label: "info",
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
# Writing is off because somebody wants it so: that needs nobody.
_OFF = Q(problem_code=Reason.WRITES_OFF, store__writes_enabled=False)
# Nothing can be sent to it, nor will be, unless it comes back.
_GONE = Q(store__status=StoreStatus.DISCONNECTED)


def _retry_push(request: HttpRequest, push: Push) -> str:
    if not outbox.retry_push(push, actor=actor(request)):
        where = outbox.words_of(push) or "It is being sent at this moment."
        raise NotDone(f"{_name(push)} is on its way to {push.store}. {where}")
    return f"{_name(push)} is sent to {push.store} again."


def _wait_for_writing(request: HttpRequest, page: HubAdmin, what: str, many: str) -> Said:
    """One quiet line for what waits because writing was never turned on, and where to do that."""
    rows = page.rows_in(request, "off")
    waiting = rows.count()
    if not waiting:
        return []
    ids = list(rows.order_by("store").values_list("store", flat=True).distinct()[:2])
    if len(ids) == 1:
        store = Store.objects.get(pk=ids[0])
        url = reverse("admin:integrations_store_change", args=[store.pk])
        where, do = f"writing to {store} is off", "Turn writing on there to send them."
    else:
        url = f"{reverse('admin:integrations_store_changelist')}?writes_enabled__exact=0"
        where, do = "writing to several stores is off", "Turn writing on there to send them."
    return [Sentence(QUIET, f"{count_of(waiting, what, many)} kept back: {where}. {do}", url=url)]


def _files() -> str:
    return reverse("admin:integrations_stockhandover_changelist")


def _name(push: Push) -> str:
    return push.listing.sku or push.listing.title or push.listing.external_variant_id


@admin.register(Push)
class PushAdmin(HubAdmin):
    merchant_path = "store__merchant"
    empty_words = "No stock figure has changed yet."
    list_display = ("sku", "store", "state_words", "told", "seen", "waiting_since", "problem")
    list_filter = ("state", "store", "problem_code")
    search_fields = ("listing__sku", "listing__title")
    list_select_related = ("store__merchant", "listing")
    ordering = ("-dirty_since", "id")
    fields = (
        ("sku", "store"),
        ("state_words", "problem"),
        ("told_there", "told_at"),
        ("seen_there", "behind"),
        ("waiting_since", "next_at"),
        ("attempts", "problem_code"),
        "file",
    )
    readonly_fields = (
        "sku",
        "state_words",
        "file",
        "told_there",
        "told_at",
        "seen_there",
        "behind",
        "waiting_since",
    )
    acts = (
        Act(
            verb="retry",
            label="Send again",
            run=_retry_push,
            bulk=True,
            tries=True,
            shown=lambda p: p.state not in Push.UNDER_WAY,
        ),
    )

    def looks(self) -> dict[str, Look]:
        unsent = Q(state__in=[Push.State.READY, Push.State.BUSY])
        return {
            "blocked": Look("Cannot be sent", Q(state=Push.State.BLOCKED) & ~_OFF & ~_GONE),
            "handed": Look("In a file at the store", Q(state=Push.State.HANDED)),
            "late": Look("Late", unsent & Q(dirty_since__lt=Now() - _LATE)),
            "off": Look("Writing is off", Q(state=Push.State.BLOCKED) & _OFF & ~_GONE),
        }

    def wellbeing(self, request: HttpRequest) -> Said:
        said: Said = []
        if blocked := self.rows_in(request, "blocked").count():
            figures = count_of(blocked, "figure")
            words = f"{figures} cannot be sent until somebody acts. Each says who."
            said.append(Sentence(BAD, words, "look=blocked"))
        late = self.rows_in(request, "late").order_by("dirty_since")
        if oldest := late.values_list("dirty_since", flat=True).first():
            waited = age((timezone.now() - oldest).total_seconds())
            words = f"The oldest unsent figure has waited {waited}. It says why."
            said.append(Sentence(WARN, words, "look=late"))
        if handed := self.rows_in(request, "handed").count():
            figures = count_of(handed, "figure is", "figures are")
            words = f"{figures} in a file that a store works off by itself. Stock files say more."
            said.append(Sentence(QUIET, words, url=_files()))
        said += _wait_for_writing(request, self, "figure is", "figures are")
        return said or [Sentence(GOOD, "Every store shows the figure it should, or is being told.")]

    @display(description="Item", ordering="listing__sku")
    def sku(self, push: Push) -> str:
        return _name(push)

    @display(description="State", label=_PUSH_TONES, ordering="state")
    def state_words(self, push: Push) -> str:
        """A figure Logix does not write is not in step with anything."""
        if push.state == Push.State.IDLE and push.problem_code == Reason.NOT_WRITTEN:
            return _LEFT_ALONE
        return push.get_state_display()

    @display(description="In a file")
    def file(self, push: Push) -> Any:
        found = outbox.file_of(push)
        if found is None:
            return "no"
        url = reverse("admin:integrations_stockhandover_change", args=[found.pk])
        return link(url, outbox.words_of(push))

    @display(description="Told the store", ordering="pushed_value")
    def told(self, push: Push) -> Any:
        return push.pushed_value

    @display(description="Told at", ordering="pushed_at")
    def told_at(self, push: Push) -> Any:
        return moment(push.pushed_at)

    @display(description="Waiting since", ordering="dirty_since")
    def waiting_since(self, push: Push) -> Any:
        return moment(push.dirty_since)

    @display(description="Seen there", ordering="listing__seen_quantity")
    def seen(self, push: Push) -> Any:
        return push.listing.seen_quantity

    @display(description="Told the store")
    def told_there(self, push: Push) -> Any:
        return by_location(push.store, push.pushed_value, push.pushed_at_places)

    @display(description="Seen there")
    def seen_there(self, push: Push) -> Any:
        return by_location(push.store, push.listing.seen_quantity, push.listing.seen_at_places)

    @display(description="Changes since the last write")
    def behind(self, push: Push) -> int:
        return push.want_version - push.sent_version


def _retry_command(request: HttpRequest, command: Command) -> str:
    if not outbox.retry_command(command, actor=actor(request)):
        raise NotDone(f"{said_of(command)} was settled or taken up by a worker meanwhile.")
    return f"{said_of(command)} is sent to {command.store} again; the store is looked at first."


def _drop_command(request: HttpRequest, command: Command) -> str:
    if not outbox.drop_command(command, actor=actor(request), reason=why(request)):
        raise NotDone(f"{said_of(command)} was settled or taken up by a worker meanwhile.")
    return f"{said_of(command)} is dropped; {command.store} was not told."


def _may_send_again(command: Command) -> bool:
    """A refund that was refused is asked for anew, at its order; so is what another store was to
    send.
    """
    return command.state in _RETRIABLE and not outbox.is_over(command)


def said_of(command: Command) -> str:
    """What the store is told: the kind, and of a status or a parcel which."""
    kind, payload = command.get_kind_display(), command.payload
    if command.kind == Command.Kind.STATUS:
        return f"{kind}: {str(payload.get('status', '')).replace('_', ' ')}"
    if command.kind == Command.Kind.SHIPMENT:
        kind = "Take back shipment" if payload.get("cancelled") else kind
        return f"{kind}: {payload.get('tracking_number') or payload.get('reference', '')}"
    if command.kind == Command.Kind.REFUND:
        return f"{kind}: {refunds.said(command)}"
    if command.kind == Command.Kind.NOTE:
        return f"{kind} for the buyer" if payload.get("to_customer") else kind
    return kind


@admin.register(Command)
class CommandAdmin(HubAdmin):
    merchant_path = "store__merchant"
    empty_words = "Nothing was asked of a store yet. Ship or cancel an order, and it shows here."
    list_display = (
        "created_at",
        "what",
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
        ("store", "what"),
        ("order_link", "state_words"),
        "problem",
        "file",
        ("attempts", "next_at"),
        ("created_at", "done_at"),
        ("asked_by", "request_id"),
        ("problem_code", "key"),
    )
    readonly_fields = ("what", "order_link", "state_words", "file", "asked_by")
    acts = (
        Act(
            verb="retry",
            label="Send again",
            run=_retry_command,
            bulk=True,
            tries=True,
            shown=_may_send_again,
        ),
        Act(
            verb="drop",
            label="Drop",
            run=_drop_command,
            danger=True,
            bulk=True,
            tries=True,
            asks_why=True,
            shown=lambda c: c.state in _DROPPABLE,
            confirm="The store is never told. The order's timeline keeps a note of it.",
        ),
    )

    def looks(self) -> dict[str, Look]:
        waiting = Q(state__in=_WAITING) & ~Q(problem="")
        return {
            "stuck": Look("Refused or given up", Q(state__in=_STUCK)),
            "held": Look("Held up", waiting & ~_OFF & ~_GONE),
            "off": Look("Writing is off", waiting & _OFF & ~_GONE),
        }

    def wellbeing(self, request: HttpRequest) -> Said:
        said: Said = []
        if stuck := self.rows_in(request, "stuck").count():
            writes = count_of(stuck, "write")
            words = f"Refused or given up: {writes}. Each says why; send again or drop."
            said.append(Sentence(BAD, words, "look=stuck"))
        if held := self.rows_in(request, "held").count():
            writes = count_of(held, "write")
            words = f"Held up, and tried again by itself: {writes}. Each says why."
            said.append(Sentence(WARN, words, "look=held"))
        said += _wait_for_writing(request, self, "write is", "writes are")
        return said or [Sentence(GOOD, "Every write was taken by its store or is on its way.")]

    @display(description="What", ordering="kind")
    def what(self, command: Command) -> str:
        return said_of(command)

    @display(description="Order", ordering="external_order_id")
    def order_number(self, command: Command) -> str:
        return command.external_order_id

    @display(description="Order")
    def order_link(self, command: Command) -> str:
        url = reverse("admin:orders_order_change", args=[command.order_ref])
        return link(url, command.external_order_id)

    @display(description="In a file")
    def file(self, command: Command) -> Any:
        found = outbox.parcel_file_of(command)
        if found is None:
            return "no"
        url = reverse("admin:integrations_parcelhandover_change", args=[found.pk])
        return link(url, "Its parcel goes to the store with many others, in one file.")

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

    def looks(self) -> dict[str, Look]:
        recent = Q(at__gte=Now() - _CALLS_COUNTED)
        # What our own limiter holds back was never sent, and is asked again.
        failed = Q(status__gte=500) | Q(status=None, attempts__gt=0)
        return {
            "failed": Look("Failed in the last hour", recent & failed),
            "recent": Look("In the last hour", recent),
        }

    def wellbeing(self, request: HttpRequest) -> Said:
        failed = self.rows_in(request, "failed").count()
        if failed:
            words = f"{count_of(failed, 'call')} failed in the last hour."
            return [Sentence(WARN, words, "look=failed")]
        if not self.rows_in(request, "recent").exists():
            return []
        return [Sentence(GOOD, "No call failed in the last hour.")]

    @display(description="Answer", ordering="status")
    def answer(self, call: CallLog) -> Any:
        return call.status or format_html("<b>{}</b>", call.error)
