"""The page “Channels” of a store that sells in several through one connection: which are on, and
which comes first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.forms import BoundField
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from unfold.decorators import display
from unfold.widgets import UnfoldBooleanSwitchWidget

from integrations import channels, connect
from integrations.admin.base import count_of, link
from integrations.admin.choosing import ChoosingPages, turn_field, turn_of
from integrations.channels import Standing
from integrations.models import Store

_OFF = (
    "Switched off, a channel’s new orders are not read, and its listings are no longer offered: "
    "what is sold nowhere else is told no stock. Orders that are here already stay and go on: they "
    "are sent as before, and those still open are looked at every night."
)
_ON = (
    "Switched on, its listings are read at once, and its orders {since}, in the background, as "
    "those of the others were: hours, where the platform lets few be read at a time."
)
_NEW = (
    "One that you opened lately stands here, switched off if you chose before, once you have used "
    "“Test connection” of the store."
)
_TURN = (
    "Order of choice: the first gives the store its currency and time zone, and an item that is "
    "sold in several its title and price. An empty one comes last."
)


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
            self.fields[f"turn_{name}"] = turn_field(turn if one.is_on else None)

    def rows(self) -> Iterable[tuple[Standing, BoundField, BoundField]]:
        for one in self.standing:
            name = one.channel.external_id
            yield one, self[f"on_{name}"], self[f"turn_{name}"]

    def save(self, by: str) -> bool:
        """Keep the choice; False when it was so already. Raises ConnectError."""
        data = self.cleaned_data
        ids = [one.channel.external_id for one in self.standing]
        chosen = [name for name in ids if data[f"on_{name}"]]
        chosen.sort(key=lambda name: turn_of(data[f"turn_{name}"]))
        return connect.choose_channels(self.store, chosen, actor=by)


class ChannelPages(ChoosingPages):
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
        store = self.owned(request, object_id)
        form = ChannelsForm(store, request.POST if request.method == "POST" else None)
        shown = {
            "title": f"Channels of {store}",
            "says": [_OFF, _ON.format(since=_since(store)), _NEW],
            "turn_says": _TURN,
        }
        return self.choosing_page(request, store, form, "logix/admin/channels.html", shown)


def _since(store: Store) -> str:
    if store.import_since is None:
        return "from the first on"
    return f"from {date_format(store.import_since, 'DATE_FORMAT')} on"
