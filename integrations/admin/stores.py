"""Stores: connect one, change one, give one new keys. Their health is in ``store_health``, what a
person does with them in ``store_acts``.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from unfold.decorators import display

from integrations import channels, connect, registry
from integrations.admin import store_acts
from integrations.admin.acts import REFUSALS
from integrations.admin.connecting import (
    KeysForm,
    OptionsForm,
    SettingsForm,
    connect_field_names,
    connect_form,
    lines_of,
    shared_with_others,
    typed_sign_ins,
)
from integrations.admin.consenting import ConsentPages, consent_url, other_ways
from integrations.admin.counting import COUNTING_ACTS, FirstPushPage
from integrations.admin.roles import actor, may
from integrations.admin.store_channels import ChannelPages
from integrations.admin.store_health import RunInline, StreamInline
from integrations.admin.store_places import PlacePages
from integrations.models import Store, Stream
from integrations.platform import AuthKind, PlatformCard, SignIn
from logix.accounts import audit
from logix.accounts.models import Role

_ASKED_FIRST = (
    "Logix asks the store first: nothing is kept unless it answers and takes the keys. Then its "
    "products and orders are read. Nothing is written there until you let Logix write."
)
_OPTIONS = "What you may choose for this store. What you leave empty is not set."
_NEW_KEYS = (
    "The store is asked with the new values first; if it refuses, the old ones stay. What you "
    "leave empty stays as it is."
)


@admin.register(Store)
class StoreAdmin(FirstPushPage, PlacePages, ChannelPages, ConsentPages):
    add_role = Role.OWNER
    change_role = Role.OPERATOR
    acts = (*store_acts.ACTS, *COUNTING_ACTS)
    empty_words = "No store is connected yet. Add one: you need its address and its keys."
    list_display = ("title", "state", "orders_read", "waiting", "parked_now", "inbox", "writing")
    list_filter = ("status", "platform", "merchant", "writes_enabled")
    search_fields = ("name", "base_url", "account")
    list_select_related = ("merchant",)
    inlines = (StreamInline, RunInline)
    readonly_fields = (
        "state",
        "why",
        "orders_read",
        "waiting",
        "parked_now",
        "inbox",
        "writing",
        "platform_name",
        "address",
        "merchant",
        "version",
        "currency",
        "timezone",
        "sells_in",
        "last_ok_at",
        "webhooks",
        "permissions",
        "keys_end",
        "buyers_kept",
        "sold_from",
        "counted_by",
        "strange_statuses",
        "compared",
        "heard_of",
    )
    fieldsets = (
        (None, {"fields": (("name", "auto_sync"), ("state", "why"))}),
        (
            "Is it well?",
            {
                "fields": (
                    ("orders_read", "waiting"),
                    ("parked_now", "inbox"),
                    ("compared", "heard_of"),
                    ("strange_statuses", "status_words"),
                    "try_words",
                )
            },
        ),
        (
            "Connection",
            {
                "fields": (
                    ("platform_name", "version"),
                    ("address", "merchant"),
                    ("currency", "timezone"),
                    "sells_in",
                    ("writing", "last_ok_at"),
                    ("webhooks", "permissions"),
                    ("keys_end", "buyers_kept"),
                )
            },
        ),
        ("Locations", {"fields": ("sold_from", "counted_by")}),
    )

    @display(description="Statuses of plugins")
    def status_words(self, store: Store) -> str:
        """For those who may look and not change."""
        return lines_of(store.options.get("status_words") or {}) or "None."

    @display(description="Try the statuses first")
    def try_words(self, store: Store) -> str:
        return "Whoever may change the store can."

    # -- connect and change --------------------------------------------------------------------

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What is known of the store that is connected again, else nothing."""
        return self.known_before(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A disconnected store is history; connecting its address again brings it back."""
        return (
            obj is not None
            and store_acts.is_connected(obj)
            and super().has_change_permission(request, obj)
        )

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> Any:
        form: type[ModelForm] = SettingsForm
        if obj is None:
            card = _card(request)
            refusal = getattr(request, "connect_refusal", "")
            form = connect_form(card, _sign_in(request, card), refusal)
        return super().get_form(request, obj, change, form=form, **options)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """A store is connected for a merchant one owns; changing others' stores is less."""
        options["queryset"] = self.related_rows(request, db_field.related_model, Role.OWNER)
        return super().formfield_for_foreignkey(db_field, request, **options)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None:
            return self.fieldsets
        card = _card(request)
        sign_in = _sign_in(request, card)
        says = format_html("{} {}{}", _ASKED_FIRST, sign_in.help, other_ways(card, sign_in))
        fields = connect_field_names(card, sign_in)
        return ((f"Connect {card.name}: {sign_in.label}", {"fields": fields, "description": says}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else ()

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.inlines if obj else ()

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
        context = {"show_save_and_continue": object_id is not None, **(extra_context or {})}
        if object_id is None and _begins_with_consent(request):
            return HttpResponseRedirect(consent_url(_card(request), request.GET.get("again", "")))
        if object_id is None and request.method == "POST":
            if not self.has_add_permission(request):
                raise PermissionDenied
            form = self.get_form(request)(request.POST)
            if form.is_valid():
                try:
                    store = form.connect(actor(request))
                except REFUSALS as err:
                    request.connect_refusal = str(err)  # type: ignore[attr-defined]
                else:
                    return self._connected(request, store)
        return super().changeform_view(request, object_id, form_url, context)

    def _connected(self, request: HttpRequest, store: Store) -> HttpResponse:
        messages.success(request, f"{store} is connected; its products and orders are being read.")
        if shared_with_others(store):
            messages.warning(
                request,
                f"{store}: another merchant of this hub has a store at {store.base_url} as well. "
                "Both would write stock there; make sure that only one does.",
            )
        endpoint = store_acts.endpoint_of(store)
        if endpoint is not None and endpoint.problem:
            messages.warning(request, f"{store}: {endpoint.problem}")
        self.lead_to_places(request, store)
        self.lead_to_channels(request, store)
        return HttpResponseRedirect(self.row_url(store))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if form.changed_data:
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            if "status_words" in changes:
                changes["options"] = {"status_words": changes.pop("status_words") or None}
            connect.change_store(obj, actor=actor(request), **changes)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Streams: only the columns that were changed here. A worker moves the others (cursor,
        lease) while the page is open.
        """
        formset.save(commit=False)
        for stream, names in formset.changed_objects:
            changes = {name: getattr(stream, name) for name in names}
            Stream.objects.filter(pk=stream.pk).update(**changes)
            audit.record(
                "stream.changed",
                actor=actor(request),
                merchant=form.instance.merchant,
                obj=form.instance,
                details={"stream": stream.name, **changes},
            )

    # -- new keys ------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.keys_view)
        own = path("<path:object_id>/keys/", view, name="integrations_store_keys")
        view = self.admin_site.admin_view(self.options_view)
        options = path("<path:object_id>/options/", view, name="integrations_store_options")
        return [own, options, *super().get_urls()]

    def buttons(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        found = super().buttons(request, obj)
        if store_acts.is_connected(obj) and may(request, obj.merchant_id, Role.OWNER):
            keys = {"label": "New keys", "url": self.row_url(obj, "keys"), "asks": True}
            found.insert(1, keys)
            options = {"label": "Options", "url": self.row_url(obj, "options"), "asks": True}
            found.insert(2, options)
            places = {"label": "Locations", "url": self.row_url(obj, "locations"), "asks": True}
            found.insert(2, places)
            if channels.all_of(obj):
                page = self.row_url(obj, "channels")
                found.insert(2, {"label": "Channels", "url": page, "asks": True})
        return found

    def keys_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._owners_form(
            request,
            object_id,
            KeysForm,
            title="New keys for {store}",
            button="Test and keep",
            says=_NEW_KEYS,
        )

    def options_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._owners_form(
            request,
            object_id,
            OptionsForm,
            title="Options of {store}",
            button="Keep",
            says=_OPTIONS,
        )

    def _owners_form(
        self,
        request: HttpRequest,
        object_id: str,
        form_class: type[KeysForm | OptionsForm],
        *,
        title: str,
        button: str,
        says: str,
    ) -> HttpResponse:
        store = self.owned(request, object_id)
        form = form_class(registry.card(store.platform), store, request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                saved = form.save(actor(request))
            except REFUSALS as err:
                form.add_error(None, str(err))
            else:
                messages.success(
                    request, f"{store}: {form.done if saved else 'Nothing was changed.'}"
                )
                return HttpResponseRedirect(self.row_url(store))
        return self._form_page(
            request,
            title=title.format(store=store),
            button=button,
            says=says,
            form=form,
            original=store,
            back=self.row_url(store),
        )


def _card(request: HttpRequest) -> PlatformCard:
    """The platform chosen in the address, else the first."""
    cards = {card.slug: card for card in registry.cards()}
    return cards.get(request.GET.get("platform", "")) or next(iter(cards.values()))


def _begins_with_consent(request: HttpRequest) -> bool:
    """Whether consent is the usual way for the platform, and no other one was chosen."""
    card = _card(request)
    chosen = request.GET.get("by", "") if typed_sign_ins(card) else ""
    return not chosen and card.sign_ins[0].kind is AuthKind.OAUTH2


def _sign_in(request: HttpRequest, card: PlatformCard) -> SignIn:
    """The way to sign in chosen in the address, else the usual one that is filled in here."""
    ways = typed_sign_ins(card)
    return next((way for way in ways if way.kind == request.GET.get("by")), ways[0])
