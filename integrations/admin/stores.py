"""Stores: is each one well, connect a new one, and everything a person does with a connection."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import TabularInline
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from integrations import connect, registry, sync
from integrations.admin.base import REFUSALS, Act, HubAdmin, actor, age, may
from integrations.models import (
    Command,
    Endpoint,
    ParkedRecord,
    Push,
    Store,
    StoreStatus,
    Stream,
    SyncRun,
)
from logix.accounts.models import Merchant, Role

_TONES = {
    StoreStatus.ACTIVE: "success",
    StoreStatus.PAUSED: "warning",
    StoreStatus.NEEDS_MERCHANT: "danger",
    StoreStatus.DISCONNECTED: "info",
}


class ConnectForm(forms.ModelForm):
    """Address and keys of a new store. Nothing is saved unless the store answers and accepts the
    keys.
    """

    platform = forms.ChoiceField(widget=UnfoldAdminSelectWidget)
    store_url = forms.CharField(
        label="Store address",
        widget=UnfoldAdminTextInputWidget,
        help_text="As you type it in the browser, for example https://shop.example.com",
    )
    consumer_key = forms.CharField(
        widget=UnfoldAdminTextInputWidget,
        help_text="WooCommerce → Settings → Advanced → REST API → Add key, permission Read/Write.",
    )
    consumer_secret = forms.CharField(widget=UnfoldAdminPasswordWidget(render_value=False))
    writes_enabled = forms.BooleanField(
        label="Let Logix write to this store",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Off: orders are read and nothing is changed in the store. Turn it on later.",
    )

    class Meta:
        model = Store
        fields = ("merchant", "name")

    refusal = ""

    def clean(self) -> dict[str, Any] | None:
        """Shows why connecting failed, with everything that was typed still in place."""
        if self.refusal:
            raise forms.ValidationError(self.refusal)
        return super().clean()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["platform"].choices = [(c.slug, c.name) for c in registry.cards()]
        self.fields["merchant"].empty_label = None

    def connect(self, by: str) -> Store:
        data = self.cleaned_data
        return connect.connect_store(
            merchant=data["merchant"],
            platform=data["platform"],
            base_url=data["store_url"],
            credentials={
                "consumer_key": data["consumer_key"].strip(),
                "consumer_secret": data["consumer_secret"].strip(),
            },
            name=data["name"],
            writes_enabled=data["writes_enabled"],
            actor=by,
        )


class SettingsForm(forms.ModelForm):
    class Meta:
        model = Store
        fields = ("name", "auto_sync")


class StreamInline(TabularInline):
    model = Stream
    fields = ("name", "enabled", "every_s", "overlap_s", "last_success_at", "next_at", "last_error")
    readonly_fields = ("name", "last_success_at", "next_at", "last_error")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and may(request, obj.merchant_id, Role.OPERATOR)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


class RunInline(TabularInline):
    model = SyncRun
    fields = ("kind", "state", "seen", "expected", "created", "changed", "parked", "problem")
    readonly_fields = fields
    extra = 0
    can_delete = False
    ordering = ("-created_at",)
    per_page = 10

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


def _test(request: HttpRequest, store: Store) -> str:
    result = connect.test_connection(store, actor=actor(request))
    for warning in result.warnings:
        messages.warning(request, warning)
    if not result.ok:
        raise connect.ConnectError(result.sentence)
    return result.sentence


def _pause(request: HttpRequest, store: Store) -> str:
    connect.pause(store, actor=actor(request))
    return f"{store} is paused. Orders sent meanwhile are kept and read when you resume."


def _resume(request: HttpRequest, store: Store) -> str:
    connect.resume(store, actor=actor(request))
    return f"{store} is active again."


def _sync_now(request: HttpRequest, store: Store) -> str:
    for stream in ("products", "orders"):
        sync.request_run(store, stream=stream, actor=actor(request))
    return f"{store} is being read now."


def _backfill(request: HttpRequest, store: Store) -> str:
    run = sync.request_run(store, kind="backfill", actor=actor(request))
    return f"All orders of {store} are being read again ({run})."


def _rehearse(request: HttpRequest, store: Store) -> str:
    sync.request_run(
        store,
        kind="backfill",
        since=timezone.now() - timedelta(days=30),
        dry_run=True,
        actor=actor(request),
    )
    return "A dry run over 30 days has started; it changes nothing. See the store's runs."


def _rotate(request: HttpRequest, store: Store) -> str:
    connect.rotate_webhook_secret(store, actor=actor(request))
    return "The store signs with a new secret now. The old one is accepted for 24 hours more."


def _webhooks(request: HttpRequest, store: Store) -> str:
    found = connect.reconcile_webhooks(store)
    mended = [s.topic for s in found if s.mended]
    names = f": {', '.join(mended)}" if mended else ""
    return f"{len(found)} webhooks checked, {len(mended)} mended{names}."


def _writes_on(request: HttpRequest, store: Store) -> str:
    connect.set_writes(store, enabled=True, actor=actor(request))
    return f"Logix now writes stock, tracking and status to {store}."


def _writes_off(request: HttpRequest, store: Store) -> str:
    connect.set_writes(store, enabled=False, actor=actor(request))
    return f"Nothing is written to {store} any more; what waits is kept."


def _disconnect(request: HttpRequest, store: Store) -> str:
    connect.disconnect(store, actor=actor(request))
    return f"{store} is disconnected. Its keys were deleted, its orders were kept."


def _is_active(store: Store) -> bool:
    return store.status == StoreStatus.ACTIVE


@admin.register(Store)
class StoreAdmin(HubAdmin):
    list_display = ("title", "state", "orders_read", "waiting", "parked_count", "inbox", "writes")
    list_filter = ("status", "platform", "merchant")
    search_fields = ("name", "base_url")
    list_select_related = ("merchant",)
    inlines = (StreamInline, RunInline)
    add_form = ConnectForm
    fieldsets = (
        (None, {"fields": ("name", "auto_sync", "state", "status_reason")}),
        (
            "Connection",
            {
                "fields": (
                    "platform",
                    "base_url",
                    "merchant",
                    "version",
                    "currency",
                    "timezone",
                    "writes_enabled",
                    "last_ok_at",
                    "webhooks",
                )
            },
        ),
    )
    readonly_fields = (
        "state",
        "status_reason",
        "platform",
        "base_url",
        "merchant",
        "version",
        "currency",
        "timezone",
        "writes_enabled",
        "last_ok_at",
        "webhooks",
    )
    acts = (
        Act(verb="test", label="Test connection", run=_test, bulk=True),
        Act(verb="sync", label="Sync now", run=_sync_now, shown=_is_active, bulk=True),
        Act(
            verb="pause",
            label="Pause",
            run=_pause,
            shown=_is_active,
            confirm="Logix stops reading and writing until you resume. Webhooks are kept.",
        ),
        Act(
            verb="resume",
            label="Resume",
            run=_resume,
            shown=lambda s: s.status in (StoreStatus.PAUSED, StoreStatus.NEEDS_MERCHANT),
        ),
        Act(
            verb="writes-on",
            label="Turn writing on",
            run=_writes_on,
            role=Role.OWNER,
            shown=lambda s: not s.writes_enabled and s.status != StoreStatus.DISCONNECTED,
            confirm="From now on Logix sets stock, order statuses and tracking in this store.",
        ),
        Act(
            verb="writes-off",
            label="Turn writing off",
            run=_writes_off,
            shown=lambda s: s.writes_enabled,
        ),
        Act(verb="webhooks", label="Check webhooks", run=_webhooks, shown=_is_active),
        Act(
            verb="rotate",
            label="Rotate webhook secret",
            run=_rotate,
            role=Role.OWNER,
            shown=_is_active,
            confirm="The store gets a new signing secret; the old one stays valid for 24 hours.",
        ),
        Act(verb="rehearse", label="Dry run (30 days)", run=_rehearse, shown=_is_active),
        Act(
            verb="backfill",
            label="Read everything again",
            run=_backfill,
            shown=_is_active,
            confirm="All orders are read again, newest first. Nothing is doubled.",
        ),
        Act(
            verb="disconnect",
            label="Disconnect",
            run=_disconnect,
            role=Role.OWNER,
            danger=True,
            shown=lambda s: s.status != StoreStatus.DISCONNECTED,
            confirm="Its webhooks and its keys in Logix are deleted. Orders and stock stay.",
        ),
    )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Store]:
        rows = super().get_queryset(request)
        return rows.annotate(
            orders_read_at=Subquery(
                Stream.objects.filter(store=OuterRef("pk"), name="orders").values(
                    "last_success_at"
                )[:1]
            ),
            pushes_waiting=_count(
                Push.objects.filter(store=OuterRef("pk"), state__in=["ready", "busy"])
            ),
            pushes_blocked=_count(Push.objects.filter(store=OuterRef("pk"), state="blocked")),
            commands_waiting=_count(
                Command.objects.filter(store=OuterRef("pk"), state__in=["new", "busy", "unknown"])
            ),
            parked_now=_count(
                ParkedRecord.objects.filter(store=OuterRef("pk"), state=ParkedRecord.State.PARKED)
            ),
            inbox_now=_count(
                Store.deliveries.rel.related_model.objects.filter(  # type: ignore[attr-defined]
                    store=OuterRef("pk"), state__in=["new", "busy"]
                )
            ),
        )

    def wellbeing(self, request: HttpRequest) -> list[tuple[str, str]]:
        rows = super().get_queryset(request).exclude(status=StoreStatus.DISCONNECTED)
        counts = rows.aggregate(
            all=Count("pk"), ill=Count("pk", filter=Q(status=StoreStatus.NEEDS_MERCHANT))
        )
        if not counts["all"]:
            return [("warn", "No store is connected yet. Add one: you need its address and keys.")]
        if counts["ill"]:
            return [
                ("bad", f"{counts['ill']} of {counts['all']} stores need the merchant. Open them.")
            ]
        return [("good", f"{counts['all']} stores connected, none needs anybody.")]

    @display(description="Store", header=True, ordering="name")
    def title(self, store: Store) -> list[str]:
        return [store.name, f"{store.base_url} · {store.merchant}"]

    @display(description="State", label={v.label: t for v, t in _TONES.items()})
    def state(self, store: Store) -> str:
        return store.get_status_display()

    @display(description="Orders read", ordering="orders_read_at")
    def orders_read(self, store: Any) -> str:
        if store.orders_read_at is None:
            return "not yet"
        return f"{age((timezone.now() - store.orders_read_at).total_seconds())} ago"

    @display(description="Waiting to be sent")
    def waiting(self, store: Any) -> str:
        waiting = store.pushes_waiting + store.commands_waiting
        blocked = f", {store.pushes_blocked} blocked" if store.pushes_blocked else ""
        return f"{waiting}{blocked}"

    @display(description="Parked", ordering="parked_now")
    def parked_count(self, store: Any) -> int:
        return store.parked_now

    @display(description="Inbox", ordering="inbox_now")
    def inbox(self, store: Any) -> int:
        return store.inbox_now

    @display(description="Writing", boolean=True)
    def writes(self, store: Store) -> bool:
        return store.writes_enabled

    @display(description="Webhooks")
    def webhooks(self, store: Store) -> str:
        endpoint = store.endpoints.exclude(status=Endpoint.Status.CLOSED).first()
        if endpoint is None:
            return "none"
        topics = ", ".join(s["topic"] for s in endpoint.subscriptions) or "none registered"
        return format_html("{}<br>{}", topics, endpoint.problem)

    def has_add_permission(self, request: HttpRequest) -> bool:
        if request.user.is_superuser:
            return True
        return request.user.memberships.filter(role=Role.OWNER).exists()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None or may(request, obj.merchant_id, Role.OPERATOR)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> Any:
        if obj is None:
            refusal = getattr(request, "connect_refusal", "")
            form = type("ConnectForm", (ConnectForm,), {"refusal": refusal})
            return super().get_form(request, obj, change, form=form, **options)
        return super().get_form(request, obj, change, form=SettingsForm, **options)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None:
            return self.fieldsets
        names = (
            "merchant",
            "platform",
            "store_url",
            "consumer_key",
            "consumer_secret",
            "name",
            "writes_enabled",
        )
        return ((None, {"fields": names}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else ()

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.inlines if obj else ()

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "merchant" and not request.user.is_superuser:
            options["queryset"] = Merchant.objects.filter(
                memberships__user=request.user, memberships__role=Role.OWNER
            )
        return super().formfield_for_foreignkey(db_field, request, **options)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """A new store is connected here, outside the admin's transaction: the store calls back
        while it is added.
        """
        if object_id is None and request.method == "POST":
            form = self.get_form(request)(request.POST)
            if form.is_valid():
                try:
                    store = form.connect(actor(request))
                except REFUSALS as err:
                    request.connect_refusal = str(err)  # type: ignore[attr-defined]
                else:
                    messages.success(request, f"{store} is connected and being read.")
                    return HttpResponseRedirect(f"../{store.pk}/change/")
        return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        connect.change_store(
            obj, actor=actor(request), **{n: form.cleaned_data[n] for n in form.changed_data}
        )


def _count(rows: models.QuerySet[Any]) -> Any:
    counted = rows.order_by().values("store").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)
