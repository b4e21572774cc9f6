"""Putting returned goods back to stock: a return alone moves none, somebody has to say that they
can be sold again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from inventory import kits, ledger, locations, shelves
from inventory.ledger import LedgerRefused
from inventory.models import Location, Variant
from orders import timeline
from orders.changing import change, note
from orders.coming_back import Drafted
from orders.errors import OrderError
from orders.models import Order, OrderEvent, Return, ReturnLine
from orders.status import CALLED_OFF, Flag, Handling


def restock_return(
    found: Return,
    *,
    units: Mapping[UUID, int],
    location: Location | None = None,
    seen: int | None = None,
    actor: str,
    request_id: str = "",
) -> Return:
    """Put ``units`` by return line back at ``location``, the first open place where none is named.
    Never more of a line than was to come back. ``seen``: how many units of the return were put back
    when the person decided; another figure means that somebody was faster, and is refused. Return
    the return as it is then. Raises OrderError, LedgerRefused.
    """

    def put_back(order: Order) -> Return:
        fresh = order.returns.get(pk=found.pk)
        lines = {x.pk: x for x in fresh.lines.select_related("line__variant")}
        if seen is not None and seen != sum(x.restocked for x in lines.values()):
            raise OrderError(
                "restocked_meanwhile",
                "Units of this return were put back since you looked at it. Look again before you "
                "put back more.",
            )
        place = location or locations.default(order.merchant_id)
        _refuse(fresh, lines, units, place, order)
        shelve(
            order.pk,
            _backs(lines, units),
            place,
            reason=f"Return {fresh}",
            actor=actor,
            request_id=request_id,
        )
        ReturnLine.objects.bulk_update([lines[pk] for pk in units], ["restocked"])
        named = ", ".join(f"{units[pk]} × {_name(lines[pk])}" for pk in units)
        note(
            order,
            "restocked",
            f"Put back to stock at {place.name}, from return {fresh}: {named}",
            actor,
            data={"return": fresh.external_id, "location": place.code},
            request_id=request_id,
        )
        return fresh

    return change(found.order, put_back)


def take_back(store: Any, order_id: UUID, back: Drafted, *, request_id: str = "") -> None:
    """Put on the shelf what the store put back on sale, and say on the order's timeline what waits
    for a person. Call it in the transaction that remembers the store's word.
    """
    for come in back.comes:
        place = _place_at(store, come.at)
        kind, title = (
            "restocked",
            f"Put back to stock at {place.name}, as the store did: {come.units} × {come.name}",
        )
        try:
            with transaction.atomic():
                shelve(
                    order_id,
                    [Back(come.item_id, come.units, come.cause)],
                    place,
                    reason="Put back on sale by the store",
                    actor="system",
                    request_id=request_id,
                )
        except LedgerRefused as err:
            kind = "attention"
            title = f"Not put back to stock: {come.units} × {come.name}. {err}"
        _say(order_id, kind, title, {"location": place.code}, request_id)
    if back.waits:
        named = ", ".join(back.waits)
        title = (
            f"The store put back on sale: {named}. If it is there, put it back with “Restock "
            "refunded goods”, or at the stock level."
        )
        _say(order_id, "restock_waits", title, {"waits": back.waits}, request_id)


def _place_at(store: Any, at: str) -> Location:
    """The place of ours that stands at a location of the store; the first one where none does."""
    shown = shelves.of_stores([store.pk])[store.pk]
    known = [pk for shelf in shown if shelf.at == at for pk in shelf.places or ()]
    place = Location.objects.filter(pk__in=known[:1], is_active=True).first()
    return place or locations.default(store.merchant_id)


def _say(order_id: UUID, kind: str, title: str, data: dict[str, Any], request_id: str) -> None:
    timeline.write(
        order_id,
        kind,
        title,
        origin=OrderEvent.Origin.HUB,
        actor="system",
        data=data,
        request_id=request_id,
    )


def _refuse(
    found: Return,
    lines: Mapping[UUID, ReturnLine],
    units: Mapping[UUID, int],
    place: Location,
    order: Order,
) -> None:
    if found.handling == Handling.OFF:
        raise OrderError(
            "returns_off",
            f"Return {found} came while returns of this store were only shown. Put its units back "
            "at the stock level.",
        )
    if found.status in CALLED_OFF:
        raise OrderError("return_called_off", f"Return {found} is {found.status}: nothing is back.")
    if Flag.PLATFORM_FULFILLED in order.flag_set:
        raise OrderError(
            Flag.PLATFORM_FULFILLED.value,
            f"The platform sent {order} from its own stock, and took back what return {found} is "
            "about. Nothing of it comes back here.",
        )
    if place.merchant_id != order.merchant_id:
        raise OrderError("unknown_location", "This place belongs to somebody else.")
    if not place.is_active:
        raise OrderError("location_closed", place.refusal)
    if not units:
        raise OrderError("nothing_to_restock", "Say how many units of which line are back.")
    for pk, count in units.items():
        line = lines.get(pk)
        if line is None:
            raise OrderError("unknown_line", f"Line {pk} is not part of return {found}.")
        if count < 1:
            raise OrderError("bad_quantity", "Put back at least one unit of a line.")
        if count > line.left:
            raise OrderError(
                "too_many", f"{_name(line)}: {count} asked for, {line.left} left to put back."
            )
        if line.line is None or line.line.variant is None:
            raise OrderError(
                "unknown_product",
                f"{_name(line)}: Logix does not know which product this is. Link its listing "
                "first, or put the units back at the stock level.",
            )


@dataclass(frozen=True, slots=True)
class Back:
    """Units of a stock item, or of a kit, that go on a shelf. ``cause`` names them: the same are
    never put back twice.
    """

    item_id: UUID
    units: int
    cause: str


def shelve(
    order_id: UUID,
    backs: Iterable[Back],
    place: Location,
    *,
    reason: str,
    actor: str,
    request_id: str = "",
) -> None:
    """A kit goes back as its parts. Always in the same order: two people may put the same items
    back at once. Raises LedgerRefused, LedgerConflict.
    """
    backs = list(backs)
    recipes = kits.recipes(back.item_id for back in backs)
    parts = [
        Back(part, each * back.units, f"{back.cause}:{part.hex}")
        for back in backs
        for part, each in recipes.get(back.item_id, {back.item_id: 1}).items()
    ]
    for part in sorted(parts, key=lambda part: part.item_id):
        ledger.restock(
            variant=Variant.objects.get(pk=part.item_id),
            location=place,
            units=part.units,
            cause=part.cause,
            reason=reason,
            order_ref=order_id,
            actor=actor,
            request_id=request_id,
        )


def _backs(lines: Mapping[UUID, ReturnLine], units: Mapping[UUID, int]) -> list[Back]:
    """Each is named by how many of its line are back then, which grows."""
    backs = []
    for pk, count in units.items():
        line = lines[pk]
        line.restocked += count
        backs.append(Back(_item(line), count, f"return:{pk.hex}:{line.restocked}"))
    return backs


def _item(line: ReturnLine) -> UUID:
    assert line.line is not None  # noqa: S101 - refused before
    assert line.line.variant is not None  # noqa: S101
    return line.line.variant.stock_item_id


def _name(line: ReturnLine) -> str:
    return (line.line.sku or line.line.name) if line.line else "A line the store does not name"
