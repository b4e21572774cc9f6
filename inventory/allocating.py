"""Units of an item at a place set aside for one store: made, changed and ended here. From then on
the ledger's book has that store's orders take them first, and no other's ever.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from inventory import reserving
from inventory.book import Book
from inventory.entries import Aside, Level
from inventory.errors import AllocationRefused, LedgerConflict
from inventory.models import Allocation, KitPart, Location, StockLevel, StorePlace, Variant
from logix.accounts import audit
from logix.common.transactions import again_on

__all__ = ["AllocationRefused", "change", "check", "check_change", "end", "end_due", "make"]

_BATCH = 200
_NAMED = ("store", "variant", "location")


@transaction.atomic
def make(
    store: Any,
    variant: Variant,
    location: Location,
    *,
    units: int,
    until: datetime | None = None,
    note: str = "",
    actor: str,
    request_id: str = "",
) -> Allocation:
    """Set ``units`` of what is free there aside for the store, up to ``until`` or until somebody
    ends it. Raises AllocationRefused, LedgerConflict.
    """
    _check_time(until)
    item = variant.counted_as or variant
    _check_whose(store, item, location)
    try:
        with transaction.atomic():
            made = Allocation.objects.create(
                merchant_id=store.merchant_id,
                store=store,
                variant=item,
                location=location,
                until=until,
                note=note,
            )
    except IntegrityError:
        _check_taken(store, item, location)
        raise
    _settle(made, units, actor=actor, request_id=request_id)
    made.refresh_from_db()
    _record("made", made, actor, request_id, details={"units": units, "until": _said(until)})
    return made


@transaction.atomic
def change(
    allocation: Allocation, *, actor: str, request_id: str = "", **values: Any
) -> Allocation:
    """Another number of ``units`` (those already used among them), ``until`` or ``note``.
    Raises AllocationRefused, LedgerConflict.
    """
    if values.get("until") != allocation.until:
        _check_time(values.get("until"))
    before = {name: getattr(allocation, name) for name in values}
    units = values.get("units", allocation.units)
    if _settle(allocation, units, actor=actor, request_id=request_id) is None:
        raise AllocationRefused("It has ended, and its units are free to all. Make another one.")
    told = {name: value for name, value in values.items() if name != "units"}
    Allocation.objects.filter(pk=allocation.pk).update(**told)
    allocation.refresh_from_db()
    details = {
        name: {"from": _said(was), "to": _said(values[name])}
        for name, was in before.items()
        if was != values[name]
    }
    if details:
        _record("changed", allocation, actor, request_id, details=details)
    return allocation


@transaction.atomic
def end(
    allocation: Allocation, *, actor: str, request_id: str = "", reason: str = ""
) -> Allocation:
    """What is left of it is free to all; what orders took of it stays theirs. Ended twice is ended
    once. Raises LedgerConflict.
    """
    change = _settle(allocation, None, actor=actor, request_id=request_id)
    if change is not None:
        Allocation.objects.filter(pk=allocation.pk).update(ended_at=timezone.now())
        allocation.refresh_from_db()
        details: dict[str, Any] = {"used": allocation.used, "given_back": -change}
        if reason:
            details["reason"] = reason
        _record("ended", allocation, actor, request_id, details=details)
    return allocation


def end_due() -> int:
    """End those whose time has come; return how many. The rest of a large number follows at the
    next call.
    """
    due = Allocation.objects.filter(ended_at=None, until__lte=timezone.now()).order_by("until")
    found = list(due.select_related(*_NAMED)[:_BATCH])
    for allocation in found:
        again_on(LedgerConflict)(partial(end, allocation, actor="system", reason="Its time came."))
    return len(found)


def check(
    store: Any, variant: Variant, location: Location, *, units: int, until: datetime | None = None
) -> None:
    """Whether ``make`` would do it as things stand. Raises AllocationRefused."""
    item = variant.counted_as or variant
    _check_time(until)
    _check_whose(store, item, location)
    _check_taken(store, item, location)
    _check_free(item, location, _level(item, location), units)


def check_change(allocation: Allocation, *, units: int, until: datetime | None = None) -> None:
    """Whether ``change`` would do it as things stand. Raises AllocationRefused."""
    stored = Allocation.objects.select_related(*_NAMED).get(pk=allocation.pk)
    if until != stored.until:
        _check_time(until)
    _check_used(stored, units)
    more = units - stored.units
    _check_free(stored.variant, stored.location, _level(stored.variant, stored.location), more)


def _settle(
    allocation: Allocation, units: int | None, *, actor: str, request_id: str
) -> int | None:
    """Have ``units`` set aside, or with None no more than is used; return the change, None where it
    has ended.
    """
    # The levels are locked before what is set aside is read, as whoever writes for orders does.
    book = Book.open(
        allocation.merchant_id, {allocation.variant_id}, actor=actor, request_id=request_id
    )
    book.know_asides()
    aside = book.asides.named(allocation.pk)
    if aside is None:
        return None
    if units is not None:
        _check_used(aside, units)
    change = -aside.left if units is None else units - aside.units
    level = book.level_at(aside.variant_id, aside.location_id)
    _check_free(allocation.variant, allocation.location, level, change)
    if change:
        book.set_aside(aside, change, f"For {allocation.store}. {allocation.note}".strip()[:200])
        reserving.serve_waiting(book)
        book.write()
    return change


def _check_whose(store: Any, item: Variant, location: Location) -> None:
    if not store.merchant_id == item.merchant_id == location.merchant_id:
        raise AllocationRefused("The store, the product and the place belong to several merchants.")
    if KitPart.objects.filter(kit=item).exists():
        raise AllocationRefused(f"{item} is a kit: set its parts aside.")
    if location.kept_by_id:
        raise AllocationRefused(location.refusal)
    if not location.is_active:
        raise AllocationRefused(f"{location} is closed, so no store sells what is there.")
    given = StorePlace.objects.filter(store=store)
    if given.exists() and not given.filter(location=location).exists():
        raise AllocationRefused(
            f"{store} does not sell from {location}. Choose it on the store's page “Locations” "
            "first."
        )


def _check_taken(store: Any, item: Variant, location: Location) -> None:
    rows = Allocation.objects.filter(store=store, variant=item, location=location, ended_at=None)
    if other := rows.first():
        raise AllocationRefused(
            f"{other.units} of it are set aside for {store} at {location} already. Change that "
            "allocation instead."
        )


def _check_used(aside: Aside | Allocation, units: int) -> None:
    if units < (used := aside.units - aside.left):
        raise AllocationRefused(
            f"{used} of it are used already, so it cannot be less. End it to give back the rest."
        )


def _check_free(
    item: Variant, location: Location, level: Level | StockLevel | None, more: int
) -> None:
    if more <= 0:
        return
    if level is None or level.counted_at is None:
        raise AllocationRefused(f"Nobody has counted {item} at {location} yet. Count it first.")
    if more > level.free:
        free = max(0, level.free)
        raise AllocationRefused(f"Only {free} of {item} are free at {location}, not {more}.")


def _level(item: Variant, location: Location) -> StockLevel | None:
    return StockLevel.objects.filter(variant=item, location=location).first()


def _check_time(until: datetime | None) -> None:
    if until is not None and until <= timezone.now():
        raise AllocationRefused("Its end lies in the past.")


def _said(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _record(
    did: str, allocation: Allocation, actor: str, request_id: str, *, details: dict[str, Any]
) -> None:
    named = Allocation.objects.select_related("merchant", *_NAMED).get(pk=allocation.pk)
    what = {"store": str(named.store), "item": str(named.variant), "place": str(named.location)}
    audit.record(
        f"allocation.{did}",
        actor=actor,
        merchant=named.merchant,
        obj=named,
        details={**what, **details},
        request_id=request_id,
    )
