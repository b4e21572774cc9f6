"""A store's shelves: the figures it keeps, and which of our places each of them shows.

A store that keeps one figure has one shelf, with the id "". One that keeps a figure for each of its
locations has a shelf for every location that a place of ours was given to; while none was, the
only location that online orders are sent from shows all places, and where there are several,
nothing is read or written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models.fields.json import KeyTransform

from inventory.models import StoreLocation, StorePlace


@dataclass(frozen=True, slots=True)
class Shelf:
    """``at``: the store's own id of the location. ``places``: ours, first choice first; None: all
    that are open.
    """

    at: str
    places: tuple[UUID, ...] | None

    def shows(self, location_id: UUID) -> bool:
        return self.places is None or location_id in self.places


class Strategy(StrEnum):
    """How the places that an order's units come from are chosen, see ``choosing``."""

    RANKED = "ranked"
    MOST_STOCK = "most_stock"
    SINGLE_OR_SPLIT = "single_or_split"
    PINNED = "pinned"
    NO_SPLIT = "no_split"


# The store's option that names one.
OPTION = "reserve_from"


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the units of a store's orders may come from, first choice first; () is anywhere.
    ``at``: which of them stand at a location of the store. ``strategy``: which is taken of them.
    """

    places: tuple[UUID, ...] = ()
    at: Mapping[str, tuple[UUID, ...]] = field(default_factory=dict)
    strategy: Strategy = Strategy.RANKED


def of_stores(store_ids: Iterable[UUID]) -> dict[UUID, tuple[Shelf, ...]]:
    """Every store's shelves, first choice first; () where there is none to speak of. Two
    statements.
    """
    wanted = set(store_ids)
    given = _given(wanted)
    known: dict[UUID, list[StoreLocation]] = defaultdict(list)
    for row in StoreLocation.objects.filter(store_id__in=wanted):
        known[row.store_id].append(row)
    return {pk: shelves(known.get(pk, []), given.get(pk, [])) for pk in wanted}


def shelves(known: Sequence[StoreLocation], given: Sequence[StorePlace]) -> tuple[Shelf, ...]:
    """Of one store, from its locations and the places it was given, first choice first."""
    if not known:
        return (Shelf("", tuple(row.location_id for row in given) or None),)
    if not given:
        online = [row for row in known if row.is_active and row.is_online]
        return (Shelf(online[0].external_id, None),) if len(online) == 1 else ()
    places: dict[str, list[UUID]] = {}
    for row in given:
        if row.shown_at and row.shown_at.is_active:
            places.setdefault(row.shown_at.external_id, []).append(row.location_id)
    return tuple(Shelf(at, tuple(found)) for at, found in places.items())


def sources(store_ids: Iterable[UUID]) -> dict[UUID, Sources]:
    """Of each store. One statement."""
    # The store itself is reached through its key alone: it is nothing that stock imports.
    stores: Any = StorePlace._meta.get_field("store").related_model
    rows = stores._default_manager.filter(pk__in=set(store_ids)).order_by(
        "places__rank", "places__location__rank", "places__id"
    )
    given: dict[UUID, list[tuple[UUID, str]]] = defaultdict(list)
    strategies: dict[UUID, Strategy] = {}
    # A key that is named in the path, Django finds by way of an error that it keeps: the frames of
    # all callers, and the page they work on, would stay until the next full garbage collection.
    option = KeyTransform(OPTION, "options")
    for pk, strategy, location_id, at in rows.values_list(
        "pk", option, "places__location_id", "places__shown_at__external_id"
    ):
        strategies[pk] = Strategy(strategy or Strategy.RANKED)
        if location_id is not None:
            given[pk].append((location_id, at or ""))
    return {pk: _sources(given[pk], strategy) for pk, strategy in strategies.items()}


def shown_at(store_id: UUID, location_id: UUID | None) -> str:
    """The store's own id of the location that a place of ours stands at, "" where it stands at
    none.
    """
    if location_id is None:
        return ""
    rows = StorePlace.objects.filter(store_id=store_id, location_id=location_id)
    return rows.values_list("shown_at__external_id", flat=True).first() or ""


def _given(store_ids: Iterable[UUID]) -> dict[UUID, list[StorePlace]]:
    found: dict[UUID, list[StorePlace]] = defaultdict(list)
    rows = StorePlace.objects.filter(store_id__in=set(store_ids))
    for row in rows.select_related("shown_at").order_by("rank", "location__rank", "id"):
        found[row.store_id].append(row)
    return found


def _sources(given: list[tuple[UUID, str]], strategy: Strategy) -> Sources:
    at: dict[str, list[UUID]] = defaultdict(list)
    for location_id, told in given:
        if told:
            at[told].append(location_id)
    places = tuple(location_id for location_id, _ in given)
    return Sources(places, {told: tuple(found) for told, found in at.items()}, strategy)
