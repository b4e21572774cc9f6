"""How a store's health is said: the figures beside it, and what its page shows below."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from unfold.admin import TabularInline
from unfold.decorators import display

from integrations import registry, sync
from integrations.admin import store_acts
from integrations.admin.base import (
    BAD,
    GOOD,
    WARN,
    HubAdmin,
    ReadOnlyInline,
    Said,
    age,
    count_of,
    link,
)
from integrations.admin.connecting import StreamForm
from integrations.admin.roles import may
from integrations.models import Command, ParkedRecord, Push, Store, StoreStatus, Stream, SyncRun
from logix.accounts.models import Role

_TONES = {
    StoreStatus.ACTIVE.label: "success",
    StoreStatus.PAUSED.label: "warning",
    StoreStatus.NEEDS_MERCHANT.label: "danger",
}
# Streams are read every few minutes; silent for this long, somebody should look.
_SILENT = timedelta(minutes=30)
_NAMED = 3
_SAY_MEANING = (
    "Say under “Statuses of plugins” what each counts as: these orders then finish by themselves."
)


class StoreHealth(HubAdmin):
    """The columns of the store list, and the sentences above it."""

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Store]:
        mine = {"store": OuterRef("pk")}
        deliveries = Store._meta.get_field("deliveries").related_model
        read = Stream.objects.filter(**mine, name="orders").values("last_success_at")[:1]
        return (
            super()
            .get_queryset(request)
            .annotate(
                orders_read_at=Subquery(read),
                pushes_waiting=_count(Push.objects.filter(**mine, state__in=["ready", "busy"])),
                pushes_blocked=_count(Push.objects.filter(**mine, state="blocked")),
                commands_waiting=_count(
                    Command.objects.filter(**mine, state__in=["new", "busy", "unknown"])
                ),
                parked_count=_count(ParkedRecord.objects.filter(**mine, state="parked")),
                inbox_count=_count(
                    deliveries._default_manager.filter(**mine, state__in=["new", "busy"])
                ),
            )
        )

    def wellbeing(self, request: HttpRequest) -> Said:
        mine = super().get_queryset(request)
        connected = mine.exclude(status=StoreStatus.DISCONNECTED).count()
        if not connected:
            return [(WARN, self.empty_words)]
        said: Said = []
        for store in mine.filter(status=StoreStatus.NEEDS_MERCHANT)[:_NAMED]:
            said.append((BAD, f"{store}: {store.status_reason} Give it new keys."))
        if silent := list(_silent(mine, timezone.now())[: _NAMED + 1]):
            names = ", ".join(silent[:_NAMED]) + (" and others" if len(silent) > _NAMED else "")
            said.append((BAD, f"{names}: orders unread for 30 minutes. Is a worker running?"))
        return said or [(GOOD, f"{count_of(connected, 'store')} connected, none needs anybody.")]

    @display(description="Store", header=True, ordering="name")
    def title(self, store: Store) -> list[str]:
        return [store.name, f"{store.base_url} · {store.merchant}"]

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

    @display(description="Parked", ordering="parked_count")
    def parked_now(self, store: Any) -> str:
        return _linked(
            str(store.parked_count), "integrations_parkedrecord", store, state__exact="parked"
        )

    @display(description="Inbox", ordering="inbox_count")
    def inbox(self, store: Any) -> str:
        return _linked(str(store.inbox_count), "webhooks_delivery", store)

    @display(description="Writing", label={"on": "success"}, ordering="writes_enabled")
    def writing(self, store: Store) -> str:
        return "on" if store.writes_enabled else "off"

    @display(description="Platform")
    def platform_name(self, store: Store) -> str:
        try:
            return registry.card(store.platform).name
        except registry.UnknownPlatform:
            return store.platform

    @display(description="Statuses nobody knows")
    def strange_statuses(self, store: Store) -> str:
        words = sync.unknown_words(store)
        if not words:
            return "None."
        said = [
            f"“{word}”: {count_of(n, 'order waits', 'orders wait')}" for word, n in words.items()
        ]
        return format_html_join("", "{}<br>", ((line,) for line in (*said, _SAY_MEANING)))

    @display(description="Webhooks")
    def webhooks(self, store: Store) -> str:
        endpoint = store_acts.endpoint_of(store)
        if endpoint is None:
            return "Nothing listens."
        said = [", ".join(s["topic"] for s in endpoint.subscriptions) or "None registered."]
        if endpoint.problem:
            said.append(endpoint.problem)
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
        at = f"{run.created_at:%Y-%m-%d %H:%M} UTC"
        return format_html("{}<br>{}", link(url, words), at)


def _silent(stores: models.QuerySet[Store], now: datetime) -> models.QuerySet[Any, str]:
    """Names of stores whose orders should have been read by now and were not."""
    return stores.filter(
        status=StoreStatus.ACTIVE,
        auto_sync=True,
        streams__name="orders",
        streams__enabled=True,
        streams__every_s__lte=_SILENT.total_seconds() / 2,
        streams__next_at__lt=now - _SILENT,
    ).values_list("name", flat=True)


def _linked(words: str, page: str, store: Store, **filters: str) -> str:
    """A figure that leads to the rows it counts."""
    if words == "0":
        return words
    query = urlencode({"store__id__exact": str(store.pk), **filters})
    return link(f"{reverse(f'admin:{page}_changelist')}?{query}", words)


def _count(rows: models.QuerySet[Any]) -> Any:
    counted = rows.order_by().values("store").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)
