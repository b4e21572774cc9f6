"""The page “Channels” of a store that sells in several through one connection: which are on, and
which comes first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import BoundField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldBooleanSwitchWidget

from integrations import channels, connect
from integrations.admin import store_acts
from integrations.admin.acts import REFUSALS
from integrations.admin.base import count_of, link
from integrations.admin.roles import actor, may
from integrations.admin.store_health import StoreHealth
from integrations.channels import Standing
from integrations.models import Store
from logix.accounts.models import Role

_OFF = (
    "Switched off, a channel’s new orders are not read, and its listings are no longer offered: "
    "what is sold nowhere else is told no stock. Orders that are here already stay and go on: they "
    "are sent as before, and those still open are looked at every night."
)
_ON = (
    "Switched on, its listings are read at once, and its orders {since}, in the background, as "
    "those of the others were."
)
_NEW = (
    "One that you opened lately stands here, switched off if you chose before, once you have used "
    "“Test connection” of the store."
)
_TURN = (
    "Order of choice: the first gives the store its currency and time zone, and an item that is "
    "sold in several its title and price. An empty one comes last."
)
_NO_TURN = "Write 1 to 999, or nothing."
# The turn of one that was given none.
_LAST = 10_000


class ChannelsForm(forms.Form):
    """Which channels are on, and the turn of each."""

    def __init__(self, store: Store, data: Any = None) -> None:
        super().__init__(data)
        self.store = store
        self.standing = channels.standing(store, now=timezone.now())
        for turn, one in enumerate(self.standing, start=1):
            name = one.channel.external_id
            self.fields[f"on_{name}"] = forms.BooleanField(
                label="On",
                required=False,
                initial=one.is_on,
                widget=UnfoldBooleanSwitchWidget,
            )
            self.fields[f"turn_{name}"] = forms.IntegerField(
                label="Order of choice",
                required=False,
                min_value=1,
                max_value=999,
                initial=turn if one.is_on else None,
                error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), _NO_TURN),
                widget=UnfoldAdminIntegerFieldWidget,
            )

    def rows(self) -> Iterable[tuple[Standing, BoundField, BoundField]]:
        for one in self.standing:
            name = one.channel.external_id
            yield one, self[f"on_{name}"], self[f"turn_{name}"]

    def save(self, by: str) -> bool:
        """Keep the choice; False when it was so already. Raises ConnectError."""
        data = self.cleaned_data
        ids = [one.channel.external_id for one in self.standing]
        chosen = [name for name in ids if data[f"on_{name}"]]
        chosen.sort(key=lambda name: data[f"turn_{name}"] or _LAST)
        return connect.choose_channels(self.store, chosen, actor=by)


class ChannelPages(StoreHealth):
    """The page, the way to it, and the part of the store's page that says what was chosen."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.channels_view)
        own = path("<path:object_id>/channels/", view, name="integrations_store_channels")
        return [own, *super().get_urls()]

    @display(description="Sells in")
    def sells_in(self, store: Store) -> str:
        kept, closed = channels.on(store), channels.off(store)
        if not kept:
            return "Itself alone."
        said = ", ".join(one.name for one in kept)
        off = f" Off: {', '.join(one.name for one in closed)}." if closed else ""
        return f"{said}.{off}"

    def lead_to_channels(self, request: HttpRequest, store: Store) -> None:
        """Tell whoever just connected the store in how many channels it sells."""
        kept = channels.on(store)
        if len(kept) > 1:
            words = format_html(
                "{} sells in {}, and all of them are connected: {}. {}",
                store,
                count_of(len(kept), "channel"),
                ", ".join(one.name for one in kept),
                link(self.row_url(store, "channels"), "Switch some off"),
            )
            messages.info(request, words)

    def channels_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        store = self.row_or_404(request, object_id)
        if not may(request, store.merchant_id, Role.OWNER) or not store_acts.is_connected(store):
            raise PermissionDenied
        form = ChannelsForm(store, request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            try:
                saved = form.save(actor(request))
            except REFUSALS as err:
                form.add_error(None, str(err))
            else:
                done = "The choice is kept; its products are read again now."
                messages.success(request, f"{store}: {done if saved else 'Nothing was changed.'}")
                return HttpResponseRedirect(self.row_url(store))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Channels of {store}",
            "opts": self.opts,
            "original": store,
            "back": self.row_url(store),
            "form": form,
            "says": [_OFF, _ON.format(since=_since(store)), _NEW],
            "turn_says": _TURN,
        }
        return TemplateResponse(request, "logix/admin/channels.html", context)


def _since(store: Store) -> str:
    if store.import_since is None:
        return "from the first on"
    return f"from {date_format(store.import_since, 'DATE_FORMAT')} on"
