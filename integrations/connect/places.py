"""Which of the merchant's places a store sells from, and at which of its own locations their units
are shown: what a person chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet
from django.utils.text import slugify

from integrations.connect import opening
from integrations.lifecycle import ConnectError
from integrations.models import Store
from inventory import locations, selling_places
from inventory.models import Location, StoreLocation, StorePlace
from inventory.selling_places import Given
from logix.accounts import audit

_CODE_TRIES = 20
_MINE = {"store": OuterRef("pk")}
_GIVEN = StorePlace.objects.filter(**_MINE)
_ONLINE = StoreLocation.objects.filter(**_MINE, is_active=True, is_online=True).order_by("pk")
_HAS_ONE_ONLINE = Q(Exists(_ONLINE), ~Exists(_ONLINE[1:2]))
# Of stores: they keep stock at locations, none of which shows a place of ours.
LACKS_PLACES = (
    Q(Exists(StoreLocation.objects.filter(**_MINE)))
    & ~Q(Exists(_GIVEN.filter(shown_at__is_active=True)))
    & ~(Q(~Exists(_GIVEN)) & _HAS_ONE_ONLINE)
)


def choose_places(store: Store, given: Sequence[Given], *, actor: str) -> bool:
    """Have the store sell from exactly these places; none: from all that are open, if it keeps one
    figure. Its products are read again and its figures told anew. False when it was so already.
    Raises ConnectError.
    """
    _check(store, given)
    before = selling_places.given_to(store.pk)
    if sorted(given, key=_key) == sorted(before, key=_key):
        return False
    with transaction.atomic():
        # First: of two choices at once the second waits for this row, then finds the first one.
        opening.read_products_anew(store)
        selling_places.give(store.pk, given)
        audit.record(
            "store.places_changed",
            actor=actor,
            merchant=store.merchant,
            obj=store,
            details={"from": _named(before), "to": _named(given)},
        )
    return True


def make_places(store: Store, *, actor: str) -> list[Location]:
    """A place in Logix for every open location of the store that shows none, shown there from now
    on. Raises ConnectError where there is nothing to make.
    """
    if not store.locations.exists():
        raise ConnectError(
            f"{store} keeps one figure, so there is no location of it to make a place for.",
            code="no_locations",
        )
    given = [one for one in selling_places.given_to(store.pk) if one.shown_at_id]
    shown = {one.shown_at_id for one in given}
    lacking = [row for row in store.locations.filter(is_active=True) if row.pk not in shown]
    if not lacking:
        raise ConnectError(
            f"Every open location of {store} shows a place of Logix already.", code="nothing_to_do"
        )
    rank = max((one.rank for one in given), default=0)
    with transaction.atomic():
        made = []
        for number, row in enumerate(lacking, start=1):
            place = _make(store, row)
            made.append(place)
            given.append(Given(place.pk, row.pk, rank + 10 * number))
        choose_places(store, given, actor=actor)
    return made


def lacks_places(store: Store) -> bool:
    """Whether the store keeps stock at locations none of which shows a place of ours. Of a store of
    ``telling_places`` it is known already.
    """
    told: bool | None = getattr(store, "without_places", None)
    return Store.objects.filter(LACKS_PLACES, pk=store.pk).exists() if told is None else told


def telling_places(stores: QuerySet[Store]) -> QuerySet[Store]:
    """For a list: with ``lacks_places`` read along."""
    lacks = ExpressionWrapper(LACKS_PLACES, output_field=BooleanField())
    return stores.annotate(without_places=lacks)


def _check(store: Store, given: Sequence[Given]) -> None:
    places = {one.location_id for one in given}
    if len(places) != len(given):
        raise ConnectError("Each place can be chosen once for a store.", code="place_twice")
    ours = Location.objects.filter(merchant=store.merchant_id, pk__in=places)
    found = list(ours.select_related("kept_by"))
    if len(found) != len(places):
        raise ConnectError("There is no such place.", code="unknown_location")
    if kept := [place for place in found if place.kept_by_id]:
        raise ConnectError(kept[0].refusal, code="kept_elsewhere")
    theirs = set(store.locations.values_list("pk", flat=True))
    for one in given:
        if theirs and one.shown_at_id not in theirs:
            raise ConnectError(
                f"{store} keeps a figure for each of its locations: say at which of them the units "
                "of a place are shown.",
                code="location_of_store_needed",
            )
        if one.shown_at_id and not theirs:
            raise ConnectError(
                f"{store} keeps one figure, so a place cannot be shown at a location of it.",
                code="no_locations",
            )


def _make(store: Store, row: StoreLocation) -> Location:
    name = row.name or f"{store.name} {row.external_id}"
    stem = slugify(name)[:34] or "place"
    for number in range(1, _CODE_TRIES):
        code = stem if number == 1 else f"{stem}-{number}"
        try:
            with transaction.atomic():
                return locations.create(store.merchant_id, code=code, name=name)
        except IntegrityError:
            continue
    raise ConnectError(f"There are too many places named {name}.", code="taken")


def _key(one: Given) -> tuple[str, str, int]:
    return (str(one.location_id), str(one.shown_at_id), one.rank)


def _named(given: Sequence[Given]) -> list[str]:
    """For the audit log: “code at location”."""
    codes: dict[UUID, str] = dict(
        Location.objects.filter(pk__in=[x.location_id for x in given]).values_list("pk", "code")
    )
    theirs = StoreLocation.objects.in_bulk([x.shown_at_id for x in given if x.shown_at_id])
    return [
        f"{codes[one.location_id]} at {theirs[one.shown_at_id]}"
        if one.shown_at_id
        else codes[one.location_id]
        for one in given
    ]
