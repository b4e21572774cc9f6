"""Parcels while an order is drafted: which of those the store reports we know, what is new in them,
and how many units of each line have left. Builds rows, touches no database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from logix.common.ids import uuid7
from orders.data import ShipmentData
from orders.models import Shipment

Row = dict[str, Any]


@dataclass(slots=True)
class Parcels:
    """Rows to write, and by the line's external id units: ``shipped`` in parcels of the store and
    ours, ``undone`` in parcels that came back after all had left, and ``came_back`` in those that
    the store says now it took back. ``news`` are those of ``changed`` that people read otherwise
    now, ``ended`` and ``ended_there`` parcels the store took back: its own, and ours, of which a
    person decides.
    """

    shipped: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    undone: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    came_back: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    new: list[Row] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)
    news: list[Row] = field(default_factory=list)
    fates: list[Row] = field(default_factory=list)
    ended: list[Shipment] = field(default_factory=list)
    ended_there: list[Shipment] = field(default_factory=list)
    new_lines: list[Row] = field(default_factory=list)
    changed_lines: list[Row] = field(default_factory=list)
    removed_lines: list[UUID] = field(default_factory=list)


@dataclass(slots=True)
class _Parcel:
    """One parcel, stored or new. ``lines``: external line id → units. ``ended_at``: when it was
    taken back.
    """

    id: UUID
    reference: str
    external_id: str
    tracking_number: str
    is_ours: bool
    lines: dict[str, int]
    stored: Shipment | None = None
    ended_at: datetime | None = None

    def has_id_of(self, told: ShipmentData) -> bool:
        return bool(told.external_id) and told.external_id == self.external_id

    def has_name_of(self, told: ShipmentData) -> bool:
        return bool(told.reference) and told.reference[:64] == self.reference

    def has_number_of(self, told: ShipmentData) -> bool:
        """Two parcels of a store may share a tracking number (one box, two fulfilments): then their
        ids differ. One of ours is known at the store by its number alone; after it was taken back,
        the number may leave again.
        """
        number = told.tracking_number[:120]
        if not number or number != self.tracking_number:
            return False
        if self.ended_at and told.shipped_at and told.shipped_at > self.ended_at:
            return False
        two_ids = bool(told.external_id and self.external_id)
        return not two_ids or (self.is_ours and self.ended_at is None)


# What says most comes first.
_KNOWN_BY = (_Parcel.has_id_of, _Parcel.has_name_of, _Parcel.has_number_of)


def draft(
    order_id: UUID,
    told: Collection[ShipmentData],
    stored: Collection[Shipment],
    line_ids: Mapping[str, UUID],
    now: datetime,
    *,
    completed_at: datetime | None = None,
) -> Parcels:
    """``line_ids``: the order's lines by external id; ``completed_at``: when the store said that
    all had left. A parcel that is not told is kept: absence proves nothing. What the store changes
    in a parcel of its own is taken over, and one of ours that was taken back here stays so,
    whatever the store still shows.
    """
    done = Parcels()
    if not told and not stored:
        return done
    external = {pk: external_id for external_id, pk in line_ids.items()}
    known = [_stored(shipment, external) for shipment in stored]
    # What is on its way first: the same parcel may be told again beside what it was before.
    news = sorted(told, key=lambda one: one.cancelled)
    ended_ids = {one.external_id for one in news if one.cancelled}
    on_the_way: set[UUID] = set()
    for one in news:
        same = _same(known, one)
        if one.cancelled:
            if same is not None and same.stored is not None and same.id not in on_the_way:
                _end(done, same, same.stored, now)
            continue
        if same is None:
            same = _new(done, order_id, one, known, line_ids, now)
            known.append(same)
        elif same.stored is not None:
            if same.external_id in ended_ids:
                same.external_id = one.external_id
            _take_over(done, same, same.stored, one, line_ids)
            _revive(done, same, same.stored)
        on_the_way.add(same.id)
    for parcel in known:
        counts = [done.shipped]
        if parcel.ended_at is not None:
            is_later = completed_at is None or parcel.ended_at >= completed_at
            counts = [done.undone] if is_later else []
        for external_id, units in parcel.lines.items():
            for count in counts:
                count[external_id] += units
    return done


def _same(known: Iterable[_Parcel], told: ShipmentData) -> _Parcel | None:
    """The one that is told of, if we have it: one on its way before one that was taken back."""
    for is_known in _KNOWN_BY:
        found = [parcel for parcel in known if is_known(parcel, told)]
        if found:
            return next((parcel for parcel in found if parcel.ended_at is None), found[0])
    return None


def _end(done: Parcels, parcel: _Parcel, stored: Shipment, now: datetime) -> None:
    """The store took a parcel back. Goods that were sent from here are where the warehouse says."""
    if stored.store_cancelled_at is not None:
        return
    ended_at = stored.cancelled_at
    if ended_at is None and parcel.is_ours:
        done.ended_there.append(stored)
    elif ended_at is None:
        parcel.ended_at = ended_at = now
        done.ended.append(stored)
        for external_id, units in parcel.lines.items():
            done.came_back[external_id] += units
    done.fates.append({"id": stored.pk, "cancelled_at": ended_at, "store_cancelled_at": now})


def _revive(done: Parcels, parcel: _Parcel, stored: Shipment) -> None:
    """The store shows a parcel as sent that it had taken back."""
    if stored.store_cancelled_at is None:
        return
    if not parcel.is_ours:
        parcel.ended_at = None
    done.fates.append(
        {"id": stored.pk, "cancelled_at": parcel.ended_at, "store_cancelled_at": None}
    )


def _stored(shipment: Shipment, external: Mapping[UUID, str]) -> _Parcel:
    return _Parcel(
        id=shipment.pk,
        reference=shipment.reference,
        external_id=shipment.external_id,
        tracking_number=shipment.tracking_number,
        is_ours=shipment.origin != Shipment.Origin.STORE,
        lines={external[x.line_id]: x.quantity for x in shipment.lines.all()},
        stored=shipment,
        ended_at=shipment.cancelled_at,
    )


def _new(
    done: Parcels,
    order_id: UUID,
    told: ShipmentData,
    known: list[_Parcel],
    line_ids: Mapping[str, UUID],
    now: datetime,
) -> _Parcel:
    pk = uuid7()
    reference = (told.reference or told.external_id or told.tracking_number)[:64]
    if not reference or any(p.reference == reference for p in known):
        reference = str(pk)
    parcel = _Parcel(
        id=pk,
        reference=reference,
        external_id=told.external_id,
        tracking_number=told.tracking_number[:120],
        is_ours=False,
        lines=_units(told, line_ids),
    )
    done.new.append(
        {
            "id": pk,
            "order_id": order_id,
            "reference": reference,
            "external_id": parcel.external_id,
            "origin": Shipment.Origin.STORE,
            "carrier": told.carrier[:80],
            "tracking_number": parcel.tracking_number,
            "tracking_url": told.tracking_url[:500],
            "shipped_at": told.shipped_at or now,
            "version": 1,
        }
    )
    done.new_lines += [
        _line_row(pk, line_ids[external_id], units) for external_id, units in parcel.lines.items()
    ]
    return parcel


def _take_over(
    done: Parcels,
    parcel: _Parcel,
    stored: Shipment,
    told: ShipmentData,
    line_ids: Mapping[str, UUID],
) -> None:
    columns = {
        "external_id": parcel.external_id or told.external_id,
        "carrier": told.carrier[:80] or stored.carrier,
        "tracking_number": told.tracking_number[:120] or stored.tracking_number,
        "tracking_url": told.tracking_url[:500] or stored.tracking_url,
    }
    differs = any(getattr(stored, name) != value for name, value in columns.items())
    is_news = _is_news(stored, columns)
    parcel.external_id = columns["external_id"]
    lines = _units(told, line_ids)
    if lines and lines != parcel.lines and not parcel.is_ours:
        differs = is_news = True
        _change_lines(done, parcel, stored, lines, line_ids)
    if differs:
        done.changed.append({"id": stored.pk, **columns})
    if is_news:
        done.news.append({"id": stored.pk, **columns})


def _is_news(stored: Shipment, columns: Row) -> bool:
    """A parcel of ours that comes back with an id, a link or another spelling of its carrier is
    none.
    """
    if columns["tracking_number"] != stored.tracking_number:
        return True
    return bool(columns["carrier"].casefold() != stored.carrier.casefold())


def _change_lines(
    done: Parcels,
    parcel: _Parcel,
    stored: Shipment,
    lines: dict[str, int],
    line_ids: Mapping[str, UUID],
) -> None:
    rows = {x.line_id: x for x in stored.lines.all()}
    wanted = {line_ids[external_id]: units for external_id, units in lines.items()}
    done.removed_lines += [row.pk for line, row in rows.items() if line not in wanted]
    for line, units in wanted.items():
        if line not in rows:
            done.new_lines.append(_line_row(stored.pk, line, units))
        elif rows[line].quantity != units:
            done.changed_lines.append({"id": rows[line].pk, "quantity": units})
    parcel.lines = lines


def _units(told: ShipmentData, line_ids: Mapping[str, UUID]) -> dict[str, int]:
    """A line named twice is added up; one the order does not have is left out."""
    units: dict[str, int] = {}
    for part in told.lines:
        if part.line_external_id in line_ids and part.quantity > 0:
            units[part.line_external_id] = units.get(part.line_external_id, 0) + part.quantity
    return units


def _line_row(shipment_id: UUID, line_id: UUID, units: int) -> Row:
    return {"id": uuid7(), "shipment_id": shipment_id, "line_id": line_id, "quantity": units}
