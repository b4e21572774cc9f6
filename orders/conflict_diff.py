"""What an order has other than it had when picking began: lines, and what else matters to whoever
packs it. Pure. Of addresses and notes only that they are others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from logix.common import crypto
from orders.data import Address, Buyer, ChargeKind, OrderData
from orders.lines import Lines
from orders.models import Order, OrderLine

if TYPE_CHECKING:
    from orders.details import Before

Row = dict[str, Any]
_encoder = msgspec.json.Encoder()

# What may differ beside the lines; the first two hold shipping up while something is left to send.
_FIELDS = {"address": "the address", "method": "the way of shipping", "note": "the buyer's note"}
_HOLDING = frozenset({"address", "method"})


@dataclass(frozen=True, slots=True)
class _Piece:
    """A line as it is compared."""

    line: str
    line_id: UUID | str
    sku: str
    name: str
    product: tuple[str, ...]
    quantity: int
    unit_price: Decimal
    shipped: int = 0

    @property
    def shown(self) -> Row:
        price = f"{self.unit_price.normalize():f}"
        return {"sku": self.sku, "quantity": self.quantity, "unit_price": price}

    def is_same_as(self, other: _Piece) -> bool:
        return self.quantity == other.quantity and self.product == other.product


@dataclass(frozen=True, slots=True)
class Change:
    """``before`` None: added; ``after`` None: removed."""

    before: _Piece | None
    after: _Piece | None

    @property
    def holds(self) -> bool:
        """Whether other goods are to be sent now. Another price alone is none of shipping's."""
        return not (self.before and self.after and self.before.is_same_as(self.after))

    @property
    def takes_away(self) -> bool:
        if self.before is None or self.after is None:
            return self.after is None
        same = self.before.product == self.after.product
        return same and self.after.quantity < self.before.quantity

    @property
    def row(self) -> Row:
        one = self.after or self.before
        assert one is not None  # noqa: S101 - one of the two is always there
        kind = "added" if self.before is None else "removed" if self.after is None else "changed"
        return {
            "change": kind,
            "line": one.line,
            "line_id": str(one.line_id),
            "name": one.name,
            "before": self.before.shown if self.before else None,
            "after": self.after.shown if self.after else None,
            "shipped": max(x.shipped for x in (self.before, self.after) if x),
        }


@dataclass(frozen=True, slots=True)
class Difference:
    changes: list[Change]
    fields: list[Row]

    @property
    def as_data(self) -> Row:
        return {"lines": [x.row for x in self.changes], "fields": self.fields}

    @property
    def holds_lines(self) -> bool:
        return any(x.holds for x in self.changes)

    @property
    def holds_fields(self) -> bool:
        return any(x["field"] in _HOLDING for x in self.fields)

    @property
    def held(self) -> dict[str, int]:
        """What was wanted of a line before, by its external id, where the edit wants less of the
        same product.
        """
        return {x.before.line: x.before.quantity for x in self.changes if x.before and x.takes_away}


def between(baseline: Mapping[str, Any], data: OrderData, lines: Lines, known: Order) -> Difference:
    changes = _compare(_pieces_of(baseline, lines), _pieces(data, lines))
    return Difference(changes, _fields(baseline, data, known))


def summary(diff: Mapping[str, Any]) -> str:
    """The difference in one line: “added 1 × MUG; CUP 2 → 3; removed 2 × POT; the address”."""
    parts = [_said(row) for row in diff.get("lines", ())]
    parts += [_FIELDS[row["field"]] for row in diff.get("fields", ())]
    return "; ".join(parts)


def _said(row: Mapping[str, Any]) -> str:
    before, after = row["before"], row["after"]
    if before is None:
        return f"added {after['quantity']} × {after['sku'] or row['name']}"
    if after is None:
        gone = f" ({row['shipped']} had left and stay as shipped)" if row["shipped"] else ""
        return f"removed {before['quantity']} × {before['sku'] or row['name']}{gone}"
    name = after["sku"] or row["name"]
    was, now_ = before["quantity"], after["quantity"]
    if before["sku"] != after["sku"]:
        return f"{was} × {before['sku'] or row['name']} → {now_} × {name}"
    if was == now_:
        return f"the price of {name}"
    gone = f" ({row['shipped']} had left and stay as shipped)" if row["shipped"] > now_ else ""
    return f"{name} {was} → {now_}{gone}"


def baseline_of(known: Order, stored: Mapping[str, OrderLine], before: Before) -> Row:
    buyer = None if known.erased_at else before.buyer()
    lines = [x for x in stored.values() if x.removed_at is None and x.quantity]
    return {
        "lines": [
            {
                "line": x.external_id,
                "line_id": str(x.pk),
                "sku": x.sku,
                "name": x.name,
                "product": _product(x.external_product_id, x.external_variant_id, x.sku),
                "quantity": x.quantity,
                "unit_price": str(x.unit_price),
            }
            for x in sorted(lines, key=lambda x: x.position)
        ],
        "method": _method(before.charges),
        **_marks(known, buyer),
    }


def _pieces_of(baseline: Mapping[str, Any], lines: Lines) -> list[_Piece]:
    shipped = {x.external_id: x.shipped for x in lines.all}
    return [
        _Piece(
            **{
                **row,
                "product": tuple(row["product"]),
                "unit_price": Decimal(row["unit_price"]),
                "shipped": shipped.get(row["line"], 0),
            }
        )
        for row in baseline["lines"]
    ]


def _pieces(data: OrderData, lines: Lines) -> list[_Piece]:
    drafted = {x.external_id: x for x in lines.all}
    return [
        _Piece(
            line=told.external_id,
            line_id=drafted[told.external_id].id,
            sku=told.sku[:128],
            name=told.name[:300],
            product=tuple(_product(told.external_product_id, told.external_variant_id, told.sku)),
            quantity=told.quantity,
            unit_price=told.unit_price,
            shipped=drafted[told.external_id].shipped,
        )
        for told in data.lines
        if told.quantity
    ]


def _compare(was: list[_Piece], now_: list[_Piece]) -> list[Change]:
    """What differs, in the order's own sequence. A line that was taken out and put in again under
    another id is the same, unless something of it had left.
    """
    left = {x.line: x for x in was}
    changes: list[Change] = []
    new: list[_Piece] = []
    for piece in now_:
        before = left.pop(piece.line, None)
        if before is None:
            new.append(piece)
        else:
            changes.append(Change(before, piece))
    for piece in new:
        again = next((x for x in left.values() if not x.shipped and x.is_same_as(piece)), None)
        if again:
            del left[again.line]
        changes.append(Change(again, piece))
    changes += [Change(gone, None) for gone in left.values()]
    return [x for x in changes if x.holds or _is_repriced(x)]


def _is_repriced(change: Change) -> bool:
    assert change.before is not None  # noqa: S101 - what holds nothing has both
    assert change.after is not None  # noqa: S101
    same = (change.before.sku, change.before.unit_price)
    return same != (change.after.sku, change.after.unit_price)


def _fields(baseline: Mapping[str, Any], data: OrderData, known: Order) -> list[Row]:
    """Of the address and the note only that they are others; a method has a name."""
    found: list[Row] = []
    marks = _marks(known, None if known.erased_at else data.buyer)
    if baseline.get("address") and marks["address"] not in ("", baseline["address"]):
        found.append({"field": "address", "before": None, "after": None})
    told = [{"kind": x.kind, "title": x.title} for x in data.charges]
    method = _method(told)
    if method != baseline.get("method"):
        found.append({"field": "method", "before": baseline.get("method"), "after": method})
    if baseline.get("note") and marks["note"] != baseline["note"]:
        found.append({"field": "note", "before": None, "after": None})
    return found


def _method(charges: Iterable[Mapping[str, Any]]) -> str:
    return ", ".join(x["title"] for x in charges if x["kind"] == ChargeKind.SHIPPING and x["title"])


def place_of(buyer: Buyer | None) -> Address:
    """Where goods go to; an empty address where nobody says."""
    if buyer is None:
        return Address()
    return buyer.shipping if buyer.shipping != Address() else buyer.billing


def _marks(known: Order, buyer: Buyer | None) -> dict[str, str]:
    """By which an address or a note is known again and cannot be read."""
    place = place_of(buyer)
    is_told = place != Address()
    return {
        "address": crypto.blind_index(known.merchant_id, _encoder.encode(place).decode())
        if is_told
        else "",
        "note": crypto.blind_index(known.merchant_id, f"note:{buyer.note}") if buyer else "",
    }


def _product(product: str, variant: str, sku: str) -> list[str]:
    """A SKU that the store renames is no other product."""
    return [product, variant] if product or variant else [sku[:128]]
