"""Connecting a store by the merchant's consent: a form, then a link that leaves for the platform.

The way back is the platform's redirect to the API (``api.consent``), in this very browser.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from integrations import connect, registry
from integrations.admin import store_acts
from integrations.admin.acts import REFUSALS
from integrations.admin.connecting import credential_fields
from integrations.admin.roles import actor, may, person
from integrations.admin.store_health import StoreHealth
from integrations.models import Store
from integrations.platform import AuthKind, PlatformCard, SignIn
from logix.accounts.models import Merchant, Role

_CONSENT = (
    "You are sent to the platform, where the store's owner allows what Logix asks for. Then the "
    "store is connected and its products and orders are read. Nothing is written there until you "
    "let Logix write."
)
_AGAIN = (
    "You are sent to the platform, where the store's owner allows what Logix asks for. The store's "
    "orders, stock and settings stay; what waited for it goes on."
)


class ConsentForm(forms.Form):
    """A new store of a platform that asks its owner."""

    merchant = forms.ModelChoiceField(Merchant.objects.none(), widget=UnfoldAdminSelectWidget)
    store_url = forms.CharField(
        label="Store address",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )
    name = forms.CharField(
        required=False,
        max_length=120,
        widget=UnfoldAdminTextInputWidget,
        help_text="As you call it here. Left empty, it is called as before, or as it calls itself.",
    )
    writes_enabled = forms.BooleanField(
        label="Let Logix write to this store",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Off: orders are read and nothing is changed in the store. Turn it on later.",
    )

    def __init__(
        self,
        card: PlatformCard,
        sign_in: SignIn,
        merchants: QuerySet[Merchant],
        data: Any = None,
        initial: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=initial)
        chosen = self.fields["merchant"]
        assert isinstance(chosen, forms.ModelChoiceField)  # noqa: S101 - made so above
        chosen.queryset = merchants
        if merchants.count() == 1:
            chosen.empty_label = None
        self.app = credential_fields(sign_in.fields)
        self.fields.update(self.app)
        self.extra = {scope: _extra_field(card, scope) for scope in card.extra_scopes}
        self.fields.update(self.extra)

    def begin(
        self, card: PlatformCard, by: str, user: AbstractBaseUser, came_with: dict[str, str]
    ) -> str:
        """The address to leave for. Raises what ``begin_oauth`` raises."""
        data = self.cleaned_data
        url, _ = connect.begin_oauth(
            merchant=data["merchant"],
            platform=card.slug,
            base_url=data["store_url"],
            credentials={name: data[name] for name in self.app},
            options={"name": data["name"], "writes_enabled": data["writes_enabled"]},
            scopes=[scope for scope in self.extra if data[scope]],
            actor=by,
            user=user,
            came_with=came_with,
        )
        return url


class ConsentPages(StoreHealth):
    """The two pages: a new store, and one whose merchant must connect it again."""

    def get_urls(self) -> list[URLPattern]:
        new = self.admin_site.admin_view(self.consent_view)
        again = self.admin_site.admin_view(self.reconnect_view)
        return [
            path("consent/<slug:platform>/", new, name="integrations_store_consent"),
            path("<path:object_id>/reconnect/", again, name="integrations_store_reconnect"),
            *super().get_urls(),
        ]

    def buttons(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        found = super().buttons(request, obj)
        if self._may_reconnect(request, obj):
            again = {"label": "Reconnect", "url": self.row_url(obj, "reconnect"), "asks": True}
            found.insert(0, again)
        elif not store_acts.is_connected(obj) and may(request, obj.merchant_id, Role.OWNER):
            query = urlencode({"platform": obj.platform, "again": str(obj.pk)})
            url = f"{reverse('admin:integrations_store_add')}?{query}"
            found.insert(0, {"label": "Connect again", "url": url, "asks": True})
        return found

    def known_before(self, request: HttpRequest) -> dict[str, Any]:
        """What a form asks for and the store named by ``again`` in the address knows."""
        again = request.GET.get("again", "")
        store = self.get_object(request, again) if again else None
        if store is None or not may(request, store.merchant_id, Role.OWNER):
            return {}
        return {"merchant": store.merchant_id, "store_url": store.base_url, "name": store.name}

    def consent_view(self, request: HttpRequest, platform: str) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        card, sign_in = _by_consent(platform)
        mine = self.related_rows(request, Merchant, Role.OWNER)
        begun_there = card.start_parameter and card.start_parameter in request.GET
        came_with = request.GET.dict() if begun_there else {}
        known = self.known_before(request)
        if came_with:
            known["store_url"] = came_with[card.start_parameter].partition("?")[0]
        form = ConsentForm(card, sign_in, mine, request.POST or None, known)
        if request.method == "POST" and form.is_valid():
            try:
                url = form.begin(card, actor(request), person(request), came_with)
            except REFUSALS as err:
                form.add_error(None, str(err))
            else:
                return self._leave(request, card, url)
        return self._form_page(
            request,
            title=f"Connect {card.name}",
            button=sign_in.label,
            says=format_html("{} {}{}", _CONSENT, sign_in.help, other_ways(card, sign_in)),
            form=form,
            back=reverse("admin:integrations_store_changelist"),
        )

    def reconnect_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        store = self.row_or_404(request, object_id)
        if not self._may_reconnect(request, store):
            raise PermissionDenied
        card, sign_in = _by_consent(store.platform)
        form = forms.Form(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                url, _ = connect.begin_oauth(
                    merchant=store.merchant,
                    platform=store.platform,
                    base_url=store.base_url,
                    actor=actor(request),
                    user=person(request),
                    renews=store,
                )
            except REFUSALS as err:
                form.add_error(None, str(err))
            else:
                return self._leave(request, card, url)
        return self._form_page(
            request,
            title=f"Connect {store} again",
            button=sign_in.label,
            says=_AGAIN,
            form=form,
            original=store,
            back=self.row_url(store),
        )

    def _may_reconnect(self, request: HttpRequest, store: Store) -> bool:
        return (
            connect.by_consent(store)
            and store_acts.is_connected(store)
            and may(request, store.merchant_id, Role.OWNER)
        )

    def _form_page(self, request: HttpRequest, **context: Any) -> HttpResponse:
        whole = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, "logix/admin/form.html", whole)

    def _leave(self, request: HttpRequest, card: PlatformCard, url: str) -> HttpResponse:
        """A link instead of a redirect: a form of ours must not end at another site
        (``form-action`` of the page's policy).
        """
        context = {
            **self.admin_site.each_context(request),
            "title": f"Go on at {card.name}",
            "opts": self.opts,
            "url": url,
            "platform": card.name,
        }
        return TemplateResponse(
            request,
            "logix/admin/leave.html",
            context,
            headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
        )


def _extra_field(card: PlatformCard, scope: str) -> forms.BooleanField:
    return forms.BooleanField(
        label=card.told([scope])[0],
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=f"Only for an app that {card.name} approved for {scope}: of any other it may "
        "refuse all that is asked.",
    )


def _by_consent(platform: str) -> tuple[PlatformCard, SignIn]:
    try:
        card = registry.card(platform)
    except registry.UnknownPlatform as err:
        raise Http404 from err
    sign_in = card.sign_in(AuthKind.OAUTH2)
    if sign_in is None:
        raise Http404
    return card, sign_in


def consent_url(card: PlatformCard, again: str = "") -> str:
    """``again``: the id of a store that is connected again."""
    url = reverse("admin:integrations_store_consent", args=[card.slug])
    return f"{url}?{urlencode({'again': again})}" if again else url


def other_ways(card: PlatformCard, chosen: SignIn) -> SafeString:
    """Links to the other ways to connect: of this platform, then of the others."""
    add = reverse("admin:integrations_store_add")
    found = []
    for way in card.sign_ins:
        if way.kind is AuthKind.OAUTH2 and way != chosen:
            found.append((consent_url(card), f"{way.label}."))
        elif way != chosen:
            found.append((f"{add}?platform={card.slug}&by={way.kind}", f"{way.label}."))
    for other in registry.cards():
        if other.slug != card.slug:
            found.append((f"{add}?platform={other.slug}", f"Connect {other.name} instead."))
    return format_html_join("", ' <a class="underline" href="{}">{}</a>', found)
