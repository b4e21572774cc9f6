"""Order lines while their order is drafted: what was ordered, refunded and has left, and what that
asks of stock. Builds rows, touches no database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from inventory.ledger import Demand
from orders.data import LineData, OrderData
from orders.models import OrderLine, Refund
from orders.parcels import Parcels
from orders.status import UNFINISHED, OrderStatus

# (the line's variant, the variant whose stock counts for it); both None when unknown.
VariantOf = Callable[[LineData], tuple[UUID | None, UUID | None]]
Row = dict[str, Any]


@dataclass(slots=True)
class DraftLine:
    """One line while its order is drafted. Units: ``shipped`` is what left, real or assumed from
    the store's word; ``kept_back`` was refunded before anything was said to have left; ``undone``
    were in parcels taken back after that was said, ``came_back`` in those the store says so of now.
    """

    id: UUID
    external_id: str
    before: OrderLine | None
    variant_id: UUID | None
    item_id: UUID | None
    quantity: int
    refunded: int
    kept_back: int
    in_parcels: int
    requires_shipping: bool
    assigned: Mapping[str, int] = field(default_factory=dict)
    shipped: int = 0
    undone: int = 0
    came_back: int = 0
    removed: bool = False
    held: int = 0

    def resolve_shipped(self, data: OrderData, order: OrderStatus) -> None:
        """Parcels count; a store that said once that the order is completed is believed where it
        shows no parcels, but for what another store's warehouse is to send; what has left stays
        gone, unless the store opens the order again.
        """
        before = self.before.quantity_shipped - self.came_back if self.before else 0
        self.shipped = self.in_parcels
        finished = order not in UNFINISHED
        was_completed = finished and data.completed_at is not None and not data.shipments
        if data.status.fulfilled_assumed or was_completed:
            believed = self.quantity - self.kept_back - self.undone - self.outside
            self.shipped = max(self.shipped, before, believed)
        elif finished:
            self.shipped = max(self.shipped, before)

    @property
    def outside(self) -> int:
        """Units that another store's warehouse is to send."""
        return self.before.outside_quantity if self.before else 0

    @property
    def left_outside(self) -> int:
        """Those of ``shipped`` that left there: no stock of ours."""
        return self.before.outside_shipped if self.before else 0

    @property
    def required(self) -> int:
        """Units that must leave: ordered less what was refunded before it left."""
        return max(self.shipped, self.quantity - self.refunded) if not self.removed else 0

    @property
    def bound(self) -> int:
        """Units kept for it, those that left included: what must leave, and what was wanted before
        an edit that nobody decided yet.
        """
        return max(self.required, self.held - self.refunded)

    @property
    def is_edit(self) -> bool:
        """The store changed how many units are wanted since we last looked."""
        if self.before is None:
            return True
        if self.removed:
            return self.before.removed_at is None
        return self.before.removed_at is not None or self.before.quantity != self.quantity

    def demand(
        self, order_id: UUID, store_id: Any, data: OrderData, binds: bool, until: datetime | None
    ) -> Demand:
        """``until``: when an unpaid order lets go of what it holds."""
        assert self.item_id is not None  # noqa: S101 - the caller picks lines with an item
        return Demand(
            line_ref=self.id,
            order_ref=order_id,
            store_id=store_id,
            variant_id=self.item_id,
            outstanding=max(0, self.bound - self.shipped - self.outside) if binds else 0,
            shipped=max(0, self.shipped - self.left_outside),
            placed_at=data.placed_at,
            expires_at=until,
            assigned=self.assigned,
            is_moved=self.is_reassigned,
            is_new=self.before is None,
        )

    @property
    def is_reassigned(self) -> bool:
        """The store wants it sent from elsewhere than it did."""
        before = self.before.assigned if self.before else self.assigned
        return bool(self.assigned) and before != self.assigned


@dataclass(slots=True)
class Lines:
    """Rows to write, and ``all``: every line of the order, those removed at the store included."""

    all: list[DraftLine] = field(default_factory=list)
    new: list[Row] = field(default_factory=list)
    changed: list[Row] = field(default_factory=list)


def draft(
    order_id: UUID,
    data: OrderData,
    *,
    stored: Mapping[str, OrderLine],
    refunds: Mapping[str, Refund],
    line_ids: Mapping[str, UUID],
    variant_of: VariantOf,
    parcels: Parcels,
    order: OrderStatus,
    erased: bool,
    now: datetime,
) -> Lines:
    """``order``: the order's status to be."""
    done = Lines()
    refunded, kept_back = _refunded_units(data, refunds)
    for position, told in enumerate(data.lines):
        before = stored.get(told.external_id)
        variant_id, item_id = _variant(told, before, variant_of)
        line = DraftLine(
            id=line_ids[told.external_id],
            external_id=told.external_id,
            before=before,
            variant_id=variant_id,
            item_id=item_id,
            quantity=told.quantity,
            refunded=min(refunded[told.external_id], told.quantity),
            kept_back=min(kept_back[told.external_id], told.quantity),
            in_parcels=parcels.shipped.get(told.external_id, 0),
            requires_shipping=told.requires_shipping,
            assigned=dict(told.assigned),
            undone=parcels.undone.get(told.external_id, 0),
            came_back=parcels.came_back.get(told.external_id, 0),
        )
        line.resolve_shipped(data, order)
        row = _row(order_id, told, position, line, erased=erased)
        if before is None:
            done.new.append(row)
        elif any(getattr(before, key) != value for key, value in row.items()):
            done.changed.append(row)
        done.all.append(line)
    kept = {x.external_id for x in data.lines}
    for before in stored.values():
        if before.external_id not in kept:
            gone = _removed(before, parcels.came_back.get(before.external_id, 0))
            done.all.append(gone)
            if before.removed_at is None or before.quantity_shipped != gone.shipped:
                row = {"quantity_shipped": gone.shipped, "removed_at": before.removed_at or now}
                done.changed.append({**_stored_row(before), **row})
    return done


def hold(done: Lines, held: Mapping[str, int]) -> None:
    """``held``: units wanted before an undecided edit, by external id; of the other lines none."""
    rows = {row["id"]: row for row in done.changed}
    for line in done.all:
        line.held = held.get(line.external_id, 0)
        if line.before is None or line.before.held_quantity == line.held:
            continue
        if line.id not in rows:
            done.changed.append(_stored_row(line.before))
            rows[line.id] = done.changed[-1]
        rows[line.id]["held_quantity"] = line.held


def _variant(
    told: LineData, before: OrderLine | None, variant_of: VariantOf
) -> tuple[UUID | None, UUID | None]:
    """A line that was matched stays so when its listing is unlinked: it names the same product. One
    that is known by its SKU alone stays so too when the store gives that SKU to another listing.
    """
    variant_id, item_id = variant_of(told)
    may_stay = variant_id is None or not told.external_variant_id
    if may_stay and before is not None and before.variant_id is not None:
        ours = (before.sku, before.external_product_id, before.external_variant_id)
        if ours == (told.sku[:128], told.external_product_id, told.external_variant_id):
            return before.variant_id, item_of(before)
    return variant_id, item_id


def item_of(line: OrderLine) -> UUID | None:
    """The variant whose stock counts for a stored line, as read by ``with_items``."""
    return line.counted_as_id or line.variant_id  # type: ignore[attr-defined]  # annotated


def _removed(before: OrderLine, came_back: int) -> DraftLine:
    shipped = max(0, before.quantity_shipped - came_back)
    return DraftLine(
        id=before.pk,
        external_id=before.external_id,
        before=before,
        variant_id=before.variant_id,
        item_id=item_of(before),
        quantity=0,
        refunded=before.quantity_refunded,
        kept_back=0,
        in_parcels=shipped,
        requires_shipping=before.requires_shipping,
        shipped=shipped,
        removed=True,
    )


def _refunded_units(
    data: OrderData, stored: Mapping[str, Refund]
) -> tuple[dict[str, int], dict[str, int]]:
    """Units refunded by line: all of them, and those refunded before the order was completed. From
    this answer where it tells, else from what an earlier answer told.
    """
    units: dict[str, int] = defaultdict(int)
    kept_back: dict[str, int] = defaultdict(int)
    for refund in data.refunds or ():
        before = stored.get(refund.external_id)
        if refund.lines is not None:
            told = [(x.line_external_id, x.quantity) for x in refund.lines]
        else:
            told = [(row["line"], row["quantity"]) for row in (before.lines if before else ())]
        at = refund.created_at or (before.created_at if before else None)
        returned = at is not None and data.completed_at is not None and at > data.completed_at
        for line, quantity in told:
            units[line] += quantity
            if not returned:
                kept_back[line] += quantity
    return units, kept_back


def _row(order_id: UUID, told: LineData, position: int, line: DraftLine, *, erased: bool) -> Row:
    return {
        "id": line.id,
        "order_id": order_id,
        "external_id": told.external_id,
        "position": position,
        "variant_id": line.variant_id,
        "sku": told.sku[:128],
        "name": told.name[:300],
        "external_product_id": told.external_product_id,
        "external_variant_id": told.external_variant_id,
        "quantity": told.quantity,
        "quantity_refunded": line.refunded,
        "quantity_shipped": line.shipped,
        "unit_price": told.unit_price,
        "subtotal": told.subtotal,
        "total": told.total,
        "tax": told.tax,
        "requires_shipping": told.requires_shipping,
        "held_quantity": line.before.held_quantity if line.before else 0,
        "outside_quantity": line.outside,
        "outside_shipped": line.left_outside,
        "assigned": line.assigned,
        # What a buyer had engraved is the buyer's.
        "attributes": {} if erased else dict(told.attributes),
        "removed_at": None,
    }


_COLUMNS = tuple(f.attname for f in OrderLine._meta.concrete_fields)


def _stored_row(line: OrderLine) -> Row:
    return {name: getattr(line, name) for name in _COLUMNS}
