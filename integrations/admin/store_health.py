"""How a store's health is said: the figures beside it, and what its page shows below."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Now
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from unfold.admin import TabularInline
from unfold.decorators import display

from integrations import authentication, connect, registry, sync
from integrations.admin import store_acts
from integrations.admin.base import (
    BAD,
    GOOD,
    WARN,
    HubAdmin,
    ReadOnlyInline,
    Said,
    Sentence,
    age,
    count_of,
    link,
    told,
)
from integrations.admin.comparing import compared_words
from integrations.admin.connecting import StreamForm
from integrations.admin.ending import ending_words, kept_words
from integrations.admin.looking import Look, address_of
from integrations.admin.roles import may
from integrations.models import (
    Command,
    NewsQueue,
    ParkedRecord,
    Push,
    Store,
    StoreStatus,
    Stream,
    SyncRun,
    ToldFigure,
)
from integrations.platform import Ability
from logix.accounts.models import Role

_TONES = {
    StoreStatus.ACTIVE.label: "success",
    StoreStatus.PAUSED.label: "warning",
    StoreStatus.NEEDS_MERCHANT.label: "danger",
}
# Streams are read every few minutes; silent for this long, somebody should look.
_SILENT = timedelta(minutes=30)
_NAMED = 3
# Orders should have been read by now and were not.
_SILENTLY = Q(
    status=StoreStatus.ACTIVE,
    auto_sync=True,
    streams__name="orders",
    streams__enabled=True,
    streams__every_s__lte=_SILENT.total_seconds() / 2,
    streams__next_at__lt=Now() - _SILENT,
)
_PLACELESS = ~Q(status=StoreStatus.DISCONNECTED) & connect.LACKS_PLACES
# A store that counts its stock lost its figures, or was emptied.
_ZEROS = Q(Exists(ToldFigure.objects.filter(store=OuterRef("pk"), state="held")))
_SAY_MEANING = (
    "Say under “Statuses of plugins” what each counts as: these orders then finish by themselves."
)


class StoreHealth(HubAdmin):
    """The columns of the store list, and the sentences above it."""

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Store]:
        mine = {"store": OuterRef("pk")}
        deliveries = Store._meta.get_field("deliveries").related_model._default_manager
        read = Stream.objects.filter(**mine, name="orders").values("last_success_at")[:1]
        return (
            super()
            .get_queryset(request)
            .annotate(
                orders_read_at=Subquery(read),
                pushes_waiting=_count(Push.objects.filter(**mine, state__in=Push.UNSENT)),
                pushes_blocked=_count(Push.objects.filter(**mine, state="blocked")),
                commands_waiting=_count(Command.objects.filter(**mine, state__in=Command.UNTOLD)),
                parked_count=_count(ParkedRecord.objects.filter(**mine, state="parked")),
                inbox_count=_count(deliveries.filter(**mine, state__in=["new", "busy"])),
                set_aside_count=_count(deliveries.filter(**mine, state="parked")),
            )
        )

    def looks(self) -> dict[str, Look]:
        return {
            "silent": Look("Orders unread for 30 minutes", _SILENTLY),
            "placeless": Look("Locations to choose", _PLACELESS),
            "zeros": Look("Zeros to believe or not", _ZEROS),
        }

    def wellbeing(self, request: HttpRequest) -> Said:
        mine = super().get_queryset(request)
        connected = mine.exclude(status=StoreStatus.DISCONNECTED).count()
        if not connected:
            return [Sentence(WARN, self.empty_words)]
        said: Said = []
        for store in mine.filter(status=StoreStatus.NEEDS_MERCHANT)[:_NAMED]:
            remedy = "Reconnect it." if connect.by_consent(store) else "Give it new keys."
            words = f"{store}: {store.status_reason} {remedy}"
            said.append(Sentence(BAD, words, url=self.row_url(store)))
        if silent := list(self.rows_in(request, "silent")[: _NAMED + 1]):
            words = f"{_names(silent)}: orders unread for 30 minutes. Is a worker running?"
            said.append(Sentence(BAD, words, "look=silent"))
        placeless = list(self.rows_in(request, "placeless")[: _NAMED + 1])
        if placeless:
            words = f"{_names(placeless)}: no place of Logix is shown at any location, so no stock "
            words += "is read or written. Choose under “Locations” of the store."
            only = self.row_url(placeless[0], "locations") if len(placeless) == 1 else ""
            said.append(Sentence(WARN, words, "" if only else "look=placeless", only))
        if sudden := list(self.rows_in(request, "zeros")[: _NAMED + 1]):
            words = f"{_names(sudden)}: shows 0 for far more listings than orders explain. None "
            words += "was taken over. Look at its stock; “Believe the zeros” if that is meant."
            said.append(Sentence(BAD, words, "look=zeros"))
        now = timezone.now()
        said += ending_words(self, mine, now)
        for silence in sync.silences(mine, now)[:_NAMED]:
            words = f"{silence.store}: {silence.words(now)} {silence.remedy}"
            said.append(Sentence(WARN, words, url=self.row_url(silence.store)))
        if said:
            return said
        return [Sentence(GOOD, f"{count_of(connected, 'store')} connected, none needs anybody.")]

    @display(description="Store", header=True, ordering="name")
    def title(self, store: Store) -> list[str]:
        return [store.name, f"{address_of(store)} · {store.merchant}"]

    @display(description="State", label=_TONES, ordering="status")
    def state(self, store: Store) -> str:
        return store.get_status_display()

    @display(description="Why")
    def why(self, store: Store) -> str:
        return store.status_reason

    @display(description="Orders read", ordering="orders_read_at")
    def orders_read(self, store: Any) -> str:
        if store.orders_read_at is None:
            return "not yet"
        return f"{age((timezone.now() - store.orders_read_at).total_seconds())} ago"

    @display(description="Waiting to be sent")
    def waiting(self, store: Any) -> str:
        waiting = store.pushes_waiting + store.commands_waiting
        blocked = f", {store.pushes_blocked} blocked" if store.pushes_blocked else ""
        page = "push" if store.pushes_waiting or store.pushes_blocked else "command"
        return _linked(f"{waiting}{blocked}", f"integrations_{page}", store)

    @display(description="Parked records", ordering="parked_count")
    def parked_now(self, store: Any) -> str:
        return _linked(
            str(store.parked_count), "integrations_parkedrecord", store, state__exact="parked"
        )

    @display(description="Webhook inbox", ordering="inbox_count")
    def inbox(self, store: Any) -> str:
        """What is being worked, and what was set aside."""
        waiting = f"{store.inbox_count} waiting" if store.inbox_count else "0"
        parts = [_linked(waiting, "webhooks_delivery", store, state__in="new,busy")]
        if store.set_aside_count:
            aside = f"{store.set_aside_count} set aside"
            parts.append(_linked(aside, "webhooks_delivery", store, state__exact="parked"))
        return format_html_join(", ", "{}", ((part,) for part in parts))

    @display(description="Writing", label={"on": "success"}, ordering="writes_enabled")
    def writing(self, store: Store) -> str:
        return "on" if store.writes_enabled else "off"

    @display(description="Stock is counted by")
    def counted_by(self, store: Store) -> str:
        return "the store" if store.is_stock_master else "Logix"

    @display(description="Store address")
    def address(self, store: Store) -> str:
        whose = f", account {store.account}" if store.account else ""
        return format_html("{}{}", link(store.base_url, store.base_url), whose)

    @display(description="Platform")
    def platform_name(self, store: Store) -> str:
        return registry.name_of(store.platform)

    @display(description="Statuses nobody knows")
    def strange_statuses(self, store: Store) -> str:
        words = sync.unknown_words(store)
        if not words:
            return "None."
        waiting = ((told(w), count_of(n, "order waits", "orders wait")) for w, n in words.items())
        lines = format_html_join("", "“{}”: {}<br>", waiting)
        return format_html("{}{}", lines, _SAY_MEANING)

    @display(description="Compared")
    def compared(self, store: Store) -> str:
        return compared_words(store)

    @display(description="Webhooks")
    def webhooks(self, store: Store) -> str:
        endpoint = store_acts.endpoint_of(store)
        if endpoint is None:
            return registry.card(store.platform).exempt.get(Ability.WEBHOOKS, "Nothing listens.")
        said = [", ".join(s["topic"] for s in endpoint.subscriptions) or "None registered."]
        if queue := connect.queue_of(store):
            said.append(_heard(queue, endpoint.last_received_at))
        if endpoint.problem:
            said.append(endpoint.problem)
        return format_html_join("", "{}<br>", ((words,) for words in said))

    @display(description="How orders were heard of")
    def heard_of(self, store: Store) -> str:
        days = sync.arrivals(store, timezone.now())
        if not days:
            return "No order was placed in the last seven days."
        by_webhooks = registry.card(store.platform).can(Ability.WEBHOOKS) or bool(
            connect.queue_of(store)
        )
        rows = ((date_format(x.day, "DATE_FORMAT"), x.words(by_webhooks)) for x in days)
        return format_html_join("", "{}: {}<br>", rows)

    @display(description="What ends by itself")
    def keys_end(self, store: Store) -> str:
        now, mine = timezone.now(), Store.objects.filter(pk=store.pk)
        told = [
            one.words(now) + (f" {one.do}" if one.step(now) is not None else "")
            for one in authentication.endings(mine)
        ]
        return format_html_join("", "{}<br>", ((x,) for x in told or ["Nothing."]))

    @display(description="Buyers’ data")
    def buyers_kept(self, store: Store) -> str:
        return kept_words(store, timezone.now())

    @display(description="Permissions")
    def permissions(self, store: Store) -> str:
        said = connect.warnings_of_access(store) or ["Nothing is missing."]
        return format_html_join("", "{}<br>", ((words,) for words in said))


class StreamInline(TabularInline):
    model = Stream
    form = StreamForm
    verbose_name_plural = "What is read"
    fields = ("name", "enabled", "every_s", "overlap_s", "last_success_at", "next_at", "last_error")
    readonly_fields = ("name", "last_success_at", "next_at", "last_error")
    extra = 0
    can_delete = False
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (
            obj is not None
            and store_acts.is_connected(obj)
            and may(request, obj.merchant_id, Role.OPERATOR)
        )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


class RunInline(ReadOnlyInline):
    model = SyncRun
    verbose_name_plural = "Latest runs"
    fields = ("begun", "state", "seen", "expected", "created", "changed", "parked")
    readonly_fields = fields
    ordering = ("-created_at",)
    per_page = 10

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[SyncRun]:
        return super().get_queryset(request).select_related("stream")

    @display(description="Run")
    def begun(self, run: SyncRun) -> str:
        url = reverse("admin:integrations_syncrun_change", args=[run.pk])
        rehearsed = " (dry run)" if run.dry_run else ""
        words = f"{run.stream.get_name_display()}, {run.get_kind_display().lower()}{rehearsed}"
        return format_html("{}<br>{}", link(url, words), _moment(run.created_at))


def _heard(queue: NewsQueue, last: datetime | None) -> str:
    """That the queue is listened to, and what it gave."""
    asked = f"answered {_moment(queue.asked_at)}" if queue.asked_at else "has not answered yet"
    came = f"the last message came {_moment(last)}" if last else "no message came yet"
    return f"Fetched from {queue.address}: {asked}, {came}."


def _moment(at: datetime) -> str:
    return date_format(timezone.localtime(at), "DATETIME_FORMAT")


def _names(stores: Sequence[Store]) -> str:
    more = " and others" if len(stores) > _NAMED else ""
    return ", ".join(str(store) for store in stores[:_NAMED]) + more


def _linked(words: str, page: str, store: Store, **filters: str) -> str:
    """A figure that leads to the rows it counts."""
    if words == "0":
        return words
    query = urlencode({"store__id__exact": str(store.pk), **filters})
    return link(f"{reverse(f'admin:{page}_changelist')}?{query}", words)


def _count(rows: models.QuerySet[Any]) -> Any:
    counted = rows.order_by().values("store").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)
