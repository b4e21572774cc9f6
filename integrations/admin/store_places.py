"""The page “Locations” of a store: which places of Logix it sells from, and at which of its own
locations their units are shown. And how other pages say it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.forms import BoundField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from integrations import connect
from integrations.admin.acts import REFUSALS
from integrations.admin.base import count_of, link, told
from integrations.admin.choosing import ChoosingPages, turn_field, turn_of
from integrations.admin.roles import actor
from integrations.models import Store
from inventory.models import Location, StoreLocation, StorePlace
from inventory.selling_places import Given
from inventory.shelves import shelves

_PER_LOCATION = (
    "{store} keeps a figure for each of its locations. Say at which of them it shows the units of "
    "each place of Logix; places at one location add up. A place that is not chosen is not sold "
    "there. A location that shows no place is neither read nor written: what it shows stays, until "
    "you change it in the store."
)
_ONE_FIGURE = (
    "{store} keeps one figure for an item. Choose the places whose units it sells. While none is "
    "chosen, it sells from all that are open, also from those you add later."
)
_AFTER = (
    "When you keep a change, the store's products are read again, and it is told its figures anew "
    "where writing is on. What is reserved for orders stays where it is."
)
_TURN = "Order of choice: units are taken from 1 first{}. An empty one comes last."
_TURN_HERE = (
    ", unless the store says which location sends them; a figure that a rule lowers is shown there "
    "first"
)
_NOT_CHOSEN = ("", "Not chosen")
_SOLD_HERE = ("here", "Sold from here")
# Between the ranks of two places.
_STEP = 10


class PlacesForm(forms.Form):
    """Where the store shows each place, and the turn of each."""

    def __init__(self, store: Store, data: Any = None) -> None:
        super().__init__(data)
        self.store = store
        self.theirs = list(store.locations.all())
        given = list(_chosen(store))
        shown = {row.location_id: _answer(row, self.theirs) for row in given}
        turns = [row.location_id for row in given if shown[row.location_id]]
        self.places = _offered(store, shown)
        for place in self.places:
            self.fields[f"at_{place.pk}"] = forms.ChoiceField(
                label="Shown at" if self.theirs else "In this store",
                choices=[_NOT_CHOSEN, *_choices(self.theirs)],
                required=False,
                initial=shown.get(place.pk, ""),
                widget=UnfoldAdminSelectWidget,
            )
            turn = turns.index(place.pk) + 1 if place.pk in turns else None
            self.fields[f"turn_{place.pk}"] = turn_field(turn)

    def rows(self) -> Iterable[tuple[str, BoundField, BoundField]]:
        for place in self.places:
            yield _named(place), self[f"at_{place.pk}"], self[f"turn_{place.pk}"]

    def save(self, by: str) -> bool:
        """Keep the choice; False when it was so already. Raises ConnectError."""
        if not self.has_changed():
            return False
        data = self.cleaned_data
        chosen = [place for place in self.places if data[f"at_{place.pk}"]]
        chosen.sort(key=lambda place: turn_of(data[f"turn_{place.pk}"]))
        given = [
            Given(place.pk, self._shown_at(place), _STEP * number)
            for number, place in enumerate(chosen, start=1)
        ]
        return connect.choose_places(self.store, given, actor=by)

    def _shown_at(self, place: Location) -> UUID | None:
        return UUID(self.cleaned_data[f"at_{place.pk}"]) if self.theirs else None


class PlacePages(ChoosingPages):
    """The page, the way to it, and the part of the store's page that says what was chosen."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.places_view)
        own = path("<path:object_id>/locations/", view, name="integrations_store_locations")
        return [own, *super().get_urls()]

    @display(description="Sold from")
    def sold_from(self, store: Store) -> str:
        said = _sold_from(store)
        if connect.lacks_places(store):
            choose = link(self.row_url(store, "locations"), "Choose which place each shows")
            return format_html("{}No stock is read or written. {}.", said, choose)
        return said

    def lead_to_places(self, request: HttpRequest, store: Store) -> None:
        """Tell whoever just connected the store what is still to be chosen."""
        if connect.lacks_places(store):
            words = format_html(
                "{} keeps stock at several locations. Say which place of Logix each of them shows; "
                "until then no stock is read or written. {}",
                store,
                link(self.row_url(store, "locations"), "Choose now"),
            )
            messages.warning(request, words)

    def places_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        store = self.owned(request, object_id)
        if "make" in request.POST:
            self._make(request, store)
            return HttpResponseRedirect(self.row_url(store, "locations"))
        form = PlacesForm(store, request.POST or None)
        says = _PER_LOCATION if form.theirs else _ONE_FIGURE
        shown = {
            "title": f"Locations of {store}",
            "says": [says.format(store=store), _AFTER],
            "turn_says": _TURN.format(_TURN_HERE if form.theirs else ""),
            "lacking": _lacking(store, form.theirs),
        }
        return self.choosing_page(request, store, form, "logix/admin/places.html", shown)

    def _make(self, request: HttpRequest, store: Store) -> None:
        try:
            made = connect.make_places(store, actor=actor(request))
        except REFUSALS as err:
            messages.error(request, str(err))
        else:
            names = ", ".join(str(place) for place in made)
            counted = count_of(len(made), "place")
            words = f"{store}: {counted} made ({names}). Its products are read again now."
            messages.success(request, words)


def by_location(store: Store, total: int | None, figures: Mapping[str, int]) -> Any:
    """A store's figure; below it its parts, where it has several."""
    parts = parts_of(store, figures)
    return format_html("{}{}", total, parts) if parts else total


def parts_of(store: Store, figures: Mapping[str, int]) -> SafeString:
    """A line for each location, where a figure has several."""
    if len(figures) < 2:
        return SafeString("")
    names = dict(store.locations.values_list("external_id", "name"))
    parts = ((told(names.get(at) or at), units) for at, units in figures.items())
    return format_html_join("", "<br>{}: {}", parts)


def _chosen(store: Store) -> Iterable[StorePlace]:
    rows = store.places.select_related("location", "shown_at")
    return rows.order_by("rank", "location__rank", "pk")


def _offered(store: Store, shown: Mapping[UUID, str]) -> list[Location]:
    """All open places of the merchant, and those that were closed since they were chosen."""
    rows = Location.objects.filter(merchant=store.merchant_id)
    return [place for place in rows if place.is_active or shown.get(place.pk)]


def _answer(row: StorePlace, theirs: Sequence[StoreLocation]) -> str:
    """What the form says of a place that was chosen. One chosen before the store told of its
    locations is shown at none of them.
    """
    if theirs:
        return str(row.shown_at_id or "")
    return _SOLD_HERE[0]


def _choices(theirs: Sequence[StoreLocation]) -> list[tuple[str, str]]:
    return [(str(row.pk), _called(row)) for row in theirs] or [_SOLD_HERE]


def _called(row: StoreLocation) -> str:
    if not row.is_active:
        return f"{row} (closed)"
    return str(row) if row.is_online else f"{row} (sends no online orders)"


def _named(place: Location) -> str:
    return str(place) if place.is_active else f"{place} (closed)"


def _lacking(store: Store, theirs: Sequence[StoreLocation]) -> list[str]:
    """Names of the open locations that show no place."""
    shown = set(store.places.values_list("shown_at", flat=True))
    return [str(row) for row in theirs if row.is_active and row.pk not in shown]


def _sold_from(store: Store) -> str:
    """What was chosen, a line for each of the store's locations."""
    given, theirs = list(_chosen(store)), list(store.locations.all())
    if not theirs:
        return _in_turn(_named(row.location) for row in given) or "All open places."
    shown_by_all = {shelf.at for shelf in shelves(theirs, given)} if not given else set()
    lines = []
    for row in theirs:
        places: str = _in_turn(_named(x.location) for x in given if x.shown_at_id == row.pk)
        if row.external_id in shown_by_all:
            places = "all open places"
        if places or row.is_active:
            lines.append((told(_called(row)), places or "no place, so its figure is left alone"))
    return format_html_join("", "{}: {}<br>", lines)


def _in_turn(names: Iterable[str]) -> SafeString:
    return format_html_join(", then ", "{}", ((told(name),) for name in names))
