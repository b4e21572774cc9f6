"""Turns one incoming order and what we know of it into the rows to write. Builds rows, touches no
database.

The order of business: money, lines with what was refunded and shipped, parcels, the three status
axes, problems, timeline, and what stock must become (``demands``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from inventory.ledger import Demand
from logix.common.crypto import Vault
from logix.common.ids import uuid7
from orders import money, privacy, timeline
from orders.data import Authority, LineData, OrderData, ShipmentData
from orders.models import Order, OrderLine, Payment, Refund, Shipment
from orders.status import (
    Flag,
    FulfillmentStatus,
    ImportState,
    OrderStatus,
    PaymentStatus,
    fulfillment_status,
    payment_status,
)

PAYLOAD_KEPT = timedelta(days=30)
_UNFINISHED = frozenset({OrderStatus.PENDING, OrderStatus.OPEN, OrderStatus.ON_HOLD})
_FINISHED = frozenset({OrderStatus.COMPLETED, OrderStatus.CANCELLED})

VariantOf = Callable[[LineData], tuple[UUID | None, UUID | None]]


@dataclass(slots=True)
class Known:
    """The parts of an order as they are stored now, by external id."""

    lines: dict[str, OrderLine] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    shipments: list[Shipment] = field(default_factory=list)


@dataclass(slots=True)
class Draft:
    """Rows to write for one order."""

    known: Order | None
    order: dict[str, Any] = field(default_factory=dict)
    new_lines: list[dict[str, Any]] = field(default_factory=list)
    changed_lines: list[dict[str, Any]] = field(default_factory=list)
    new_payments: list[dict[str, Any]] = field(default_factory=list)
    new_refunds: list[dict[str, Any]] = field(default_factory=list)
    changed_refunds: list[dict[str, Any]] = field(default_factory=list)
    new_shipments: list[dict[str, Any]] = field(default_factory=list)
    changed_shipments: list[dict[str, Any]] = field(default_factory=list)
    new_shipment_lines: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    payload: dict[str, Any] | None = None
    demands: list[Demand] = field(default_factory=list)
    external_id: str = ""
    lacks_refund_lines: bool = False

    @classmethod
    def make(
        cls,
        *,
        store: Any,
        data: OrderData,
        digest: str,
        details: dict[str, str],
        known: Order | None,
        parts: Known,
        variant_of: VariantOf,
        vault: Vault,
        authority: Authority,
        observed_at: datetime,
        now: datetime,
    ) -> Draft:
        draft = cls(known, external_id=data.external_id)
        order_id = known.pk if known else uuid7()
        draft._money_rows(order_id, data, parts)
        shipped = draft._shipments(order_id, data, parts, now)
        lines = draft._lines(order_id, data, parts, variant_of, shipped, now)
        amounts = money.amounts(data, parts.payments.values(), parts.refunds.values())
        status = _status(data, known, lines, amounts)
        moves_stock = known.moves_stock if known else not _is_past(data, status.order, store)
        draft.order = {
            "id": order_id,
            **_identity(store, data, known),
            **_status_columns(data, known, status, lines),
            **amounts.columns,
            **_times(data, known),
            **_buyer_columns(store, data, known, vault),
            "binds_stock": status.binds_stock,
            "moves_stock": moves_stock,
            "line_count": sum(1 for x in lines if not x.removed),
            "unit_count": sum(x.quantity for x in lines if not x.removed),
            "custom": dict(data.custom),
            "changed_at": data.changed_at,
            "source_version": data.version,
            "authority": int(authority),
            "observed_at": observed_at,
            "digest": digest,
            "details": {**known.details, **details} if known else details,
            "revision": known.revision + 1 if known else 1,
            "applied_at": now,
        }
        if data.raw and not (known and known.erased_at):
            draft.payload = {
                "order_id": order_id,
                "sealed": privacy.seal_payload(vault, store.pk, data.external_id, data.raw),
                "at": observed_at,
                "purge_after": now + PAYLOAD_KEPT,
            }
        draft.events = timeline.of_import(
            order_id, store.name, data, known, parts, lines, draft, now
        )
        if moves_stock:
            draft.lacks_refund_lines = any(
                r.lines is None and r.external_id not in parts.refunds for r in data.refunds
            )
            draft.demands = [
                x.demand(order_id, store.pk, data, status.binds_stock) for x in lines if x.item_id
            ]
        return draft

    def _money_rows(self, order_id: UUID, data: OrderData, parts: Known) -> None:
        for payment in data.payments:
            if payment.external_id not in parts.payments:
                self.new_payments.append(
                    {
                        "id": uuid7(),
                        "order_id": order_id,
                        "external_id": payment.external_id,
                        "kind": payment.kind,
                        "amount": payment.amount,
                        "method": payment.method[:120],
                        "reference": payment.reference[:160],
                        "at": payment.at,
                    }
                )
        for refund in data.refunds:
            lines = [
                {
                    "line": x.line_external_id,
                    "quantity": x.quantity,
                    "amount": str(x.amount),
                    "tax": str(x.tax),
                }
                for x in refund.lines or ()
            ]
            before = parts.refunds.get(refund.external_id)
            if before is None:
                self.new_refunds.append(
                    {
                        "id": uuid7(),
                        "order_id": order_id,
                        "external_id": refund.external_id,
                        "amount": refund.amount,
                        "reason": refund.reason[:300],
                        "lines": lines,
                        "created_at": refund.created_at,
                    }
                )
            elif refund.lines is not None and before.lines != lines:
                self.changed_refunds.append({"id": before.pk, "lines": lines})

    def _shipments(
        self, order_id: UUID, data: OrderData, parts: Known, now: datetime
    ) -> dict[str, int]:
        """Write parcels the store reports; return the units shipped by line (external id), ours
        included.
        """
        shipped: dict[str, int] = defaultdict(int)
        external = {line.pk: line.external_id for line in parts.lines.values()}
        for parcel in parts.shipments:
            if parcel.cancelled_at is None:
                for part in parcel.lines.all():
                    shipped[external[part.line_id]] += part.quantity
        for told in data.shipments or ():
            before = _same_parcel(told, parts.shipments)
            if before is None:
                self._new_shipment(order_id, told, parts, shipped, now)
            elif _tracking_differs(before, told):
                self.changed_shipments.append(
                    {
                        "id": before.pk,
                        "external_id": told.external_id or before.external_id,
                        "carrier": told.carrier[:80] or before.carrier,
                        "tracking_number": told.tracking_number[:120] or before.tracking_number,
                        "tracking_url": told.tracking_url[:500] or before.tracking_url,
                    }
                )
        return shipped

    def _new_shipment(
        self,
        order_id: UUID,
        told: ShipmentData,
        parts: Known,
        shipped: dict[str, int],
        now: datetime,
    ) -> None:
        shipment_id = uuid7()
        reference = told.reference or told.external_id or told.tracking_number or str(shipment_id)
        self.new_shipments.append(
            {
                "id": shipment_id,
                "order_id": order_id,
                "reference": reference[:64],
                "external_id": told.external_id,
                "origin": Shipment.Origin.STORE,
                "carrier": told.carrier[:80],
                "tracking_number": told.tracking_number[:120],
                "tracking_url": told.tracking_url[:500],
                "shipped_at": told.shipped_at or now,
                "version": 1,
            }
        )
        for part in told.lines:
            shipped[part.line_external_id] += part.quantity
            line = parts.lines.get(part.line_external_id)
            self.new_shipment_lines.append(
                {
                    "id": uuid7(),
                    "shipment_id": shipment_id,
                    "line_id": line.pk if line else part.line_external_id,
                    "quantity": part.quantity,
                }
            )

    def _lines(
        self,
        order_id: UUID,
        data: OrderData,
        parts: Known,
        variant_of: VariantOf,
        shipped: dict[str, int],
        now: datetime,
    ) -> list[DraftLine]:
        refunded = _refunded_units(data, parts)
        drafts: list[DraftLine] = []
        for position, told in enumerate(data.lines):
            before = parts.lines.get(told.external_id)
            variant_id, item_id = variant_of(told)
            line = DraftLine(
                id=before.pk if before else uuid7(),
                external_id=told.external_id,
                before=before,
                variant_id=variant_id,
                item_id=item_id,
                quantity=told.quantity,
                refunded=min(refunded[told.external_id], told.quantity),
                shipped_told=shipped[told.external_id],
                requires_shipping=told.requires_shipping,
            )
            line.resolve_shipped(data)
            row = _line_row(order_id, told, position, line)
            if before is None:
                self.new_lines.append(row)
            elif any(getattr(before, key) != value for key, value in row.items()):
                self.changed_lines.append(row)
            drafts.append(line)
        kept = {x.external_id for x in data.lines}
        for before in parts.lines.values():
            if before.external_id not in kept:
                drafts.append(DraftLine.removed_line(before))
                if before.removed_at is None:
                    self.changed_lines.append(
                        {**_stored_row(before), "quantity": before.quantity, "removed_at": now}
                    )
        by_external = {x.external_id: x.id for x in drafts}
        self.new_shipment_lines = [
            {**row, "line_id": by_external.get(row["line_id"], row["line_id"])}
            for row in self.new_shipment_lines
            if row["line_id"] in by_external or isinstance(row["line_id"], UUID)
        ]
        return drafts


@dataclass(slots=True)
class DraftLine:
    """One line while its order is drafted. Units: ``shipped`` is what left, real or assumed from
    the store's word.
    """

    id: UUID
    external_id: str
    before: OrderLine | None
    variant_id: UUID | None
    item_id: UUID | None
    quantity: int
    refunded: int
    shipped_told: int
    requires_shipping: bool
    shipped: int = 0
    removed: bool = False

    @classmethod
    def removed_line(cls, before: OrderLine) -> DraftLine:
        return cls(
            id=before.pk,
            external_id=before.external_id,
            before=before,
            variant_id=before.variant_id,
            item_id=before.variant_id,
            quantity=0,
            refunded=0,
            shipped_told=before.quantity_shipped,
            requires_shipping=before.requires_shipping,
            shipped=before.quantity_shipped,
            removed=True,
        )

    def resolve_shipped(self, data: OrderData) -> None:
        """Parcels count; a store that says "completed" without parcels is believed; what has left
        stays gone, unless the store opens the order again.
        """
        before = self.before.quantity_shipped if self.before else 0
        self.shipped = self.shipped_told
        if data.status.fulfilled_assumed:
            self.shipped = max(self.shipped, before, self.quantity - self.refunded)
        elif data.status.order not in _UNFINISHED:
            self.shipped = max(self.shipped, before)

    @property
    def required(self) -> int:
        """Units that must leave: ordered less what was refunded before it left."""
        return max(self.shipped, self.quantity - self.refunded) if not self.removed else 0

    def demand(self, order_id: UUID, store_id: Any, data: OrderData, binds: bool) -> Demand:
        assert self.item_id is not None  # noqa: S101 - the caller picks lines with an item
        return Demand(
            line_ref=self.id,
            order_ref=order_id,
            store_id=store_id,
            variant_id=self.item_id,
            outstanding=max(0, self.required - self.shipped) if binds else 0,
            shipped=self.shipped,
            placed_at=data.placed_at,
        )


@dataclass(frozen=True, slots=True)
class _Status:
    order: OrderStatus
    payment: PaymentStatus
    fulfillment: FulfillmentStatus
    binds_stock: bool


def _status(
    data: OrderData, known: Order | None, lines: list[DraftLine], amounts: money.Amounts
) -> _Status:
    reading = data.status
    shipped = sum(x.shipped for x in lines if x.requires_shipping)
    required = sum(x.required for x in lines if x.requires_shipping)
    order = reading.order
    if order is OrderStatus.CANCELLED and reading.payment is PaymentStatus.REFUNDED and shipped:
        order = OrderStatus.COMPLETED
    if (data.gone or not reading.known) and known:
        order = OrderStatus(known.order_status)
    payment = payment_status(
        word=reading.payment,
        total=data.total,
        captured=amounts.captured,
        authorized=amounts.authorized,
        refunded=amounts.refunded,
    )
    fulfillment = fulfillment_status(word=reading.fulfillment, required=required, shipped=shipped)
    binds = reading.reserve and order in _UNFINISHED and not data.gone and not reading.skip
    return _Status(order, payment, fulfillment, binds)


def _status_columns(
    data: OrderData, known: Order | None, status: _Status, lines: list[DraftLine]
) -> dict[str, Any]:
    state, problem = _import_state(data, lines)
    flags = set(data.flags)
    if known:
        flags |= known.flag_set & {Flag.OVERSOLD, Flag.EDITED_AFTER_IMPORT, Flag.CANCEL_REQUESTED}
        if _was_edited(lines) and any(x.shipped_told for x in lines):
            flags.add(Flag.EDITED_AFTER_IMPORT)
        if status.order is OrderStatus.CANCELLED and any(x.shipped for x in lines):
            flags.add(Flag.CANCEL_REQUESTED)
    return {
        "order_status": status.order,
        "payment_status": status.payment,
        "fulfillment_status": status.fulfillment,
        "import_state": state,
        "import_problem": problem,
        "flags": ",".join(sorted(flags)),
        "raw_status": data.raw_status[:60],
        "raw_payment": data.raw_payment[:60],
        "raw_fulfillment": data.raw_fulfillment[:60],
    }


def _import_state(data: OrderData, lines: list[DraftLine]) -> tuple[ImportState, str]:
    if data.gone:
        return (
            ImportState.NEEDS_REVIEW,
            "The store moved this order to the trash or deleted it. Decide whether to cancel it.",
        )
    if not data.status.known:
        return (
            ImportState.NEEDS_REVIEW,
            f"The store's status “{data.raw_status}” is not known here. Map it to a Logix status.",
        )
    if data.status.skip:
        return ImportState.SKIPPED, "A draft at the store: nothing to do until it is placed."
    unknown = [x for x in lines if x.variant_id is None and not x.removed]
    if unknown:
        return ImportState.AWAITING_MAPPING, unknown_lines_sentence(len(unknown), len(lines))
    return ImportState.ACCEPTED, ""


def unknown_lines_sentence(unknown: int, total: int) -> str:
    return (
        f"{unknown} of {total} lines name a product that Logix does not know. "
        "It finishes by itself when the product is imported or linked."
    )


def _was_edited(lines: list[DraftLine]) -> bool:
    return any(x.removed or x.before is None or x.before.quantity != x.quantity for x in lines)


def _is_past(data: OrderData, order: OrderStatus, store: Any) -> bool:
    """Finished before this store's stock was first counted here: the figure already knows it."""
    if order not in _FINISHED:
        return False
    finished_at = data.completed_at or data.cancelled_at or data.changed_at
    return store.stock_since is None or finished_at < store.stock_since


def _identity(store: Any, data: OrderData, known: Order | None) -> dict[str, Any]:
    if known is not None:
        return {"number": data.number[:64], "currency": data.currency}
    return {
        "merchant_id": store.merchant_id,
        "store_id": store.pk,
        "external_id": data.external_id,
        "number": data.number[:64],
        "currency": data.currency,
        "map_version": 0,
    }


def _times(data: OrderData, known: Order | None) -> dict[str, Any]:
    gone_at = (known.gone_at if known else None) or data.changed_at if data.gone else None
    return {
        "placed_at": data.placed_at,
        "paid_at": data.paid_at,
        "completed_at": data.completed_at,
        "cancelled_at": data.cancelled_at,
        "gone_at": gone_at,
    }


def _buyer_columns(
    store: Any, data: OrderData, known: Order | None, vault: Vault
) -> dict[str, Any]:
    """A buyer who was erased stays erased, whatever the store still sends."""
    if known and known.erased_at:
        return {
            "buyer_sealed": None,
            "email_index": "",
            "phone_index": "",
            "external_customer_id": known.external_customer_id,
            "ship_country": known.ship_country,
            "ship_region": known.ship_region,
            "ship_city": known.ship_city,
        }
    if data.buyer is None:
        return {"buyer_sealed": None, "email_index": "", "phone_index": "", **_plain_place(data)}
    buyer = data.buyer
    phone = buyer.phone or buyer.billing.phone or buyer.shipping.phone
    return {
        "buyer_sealed": privacy.seal_buyer(vault, store.pk, data.external_id, buyer),
        "email_index": privacy.email_index(store.merchant_id, buyer.email),
        "phone_index": privacy.phone_index(store.merchant_id, phone),
        **_plain_place(data),
    }


def _plain_place(data: OrderData) -> dict[str, Any]:
    buyer = data.buyer
    place = (buyer.shipping if buyer.shipping.country else buyer.billing) if buyer else None
    return {
        "external_customer_id": data.external_customer_id,
        "ship_country": place.country[:2] if place else "",
        "ship_region": place.region[:80] if place else "",
        "ship_city": place.city[:120] if place else "",
    }


def _refunded_units(data: OrderData, parts: Known) -> dict[str, int]:
    """Units refunded by line, from this answer where it tells, else from what an earlier answer
    told.
    """
    units: dict[str, int] = defaultdict(int)
    for refund in data.refunds:
        if refund.lines is not None:
            for line in refund.lines:
                units[line.line_external_id] += line.quantity
            continue
        before = parts.refunds.get(refund.external_id)
        for row in before.lines if before else ():
            units[row["line"]] += row["quantity"]
    return units


def _same_parcel(told: ShipmentData, known: list[Shipment]) -> Shipment | None:
    for parcel in known:
        if told.external_id and told.external_id == parcel.external_id:
            return parcel
        if told.reference and told.reference == parcel.reference:
            return parcel
        if told.tracking_number and told.tracking_number == parcel.tracking_number:
            return parcel
    return None


def _tracking_differs(before: Shipment, told: ShipmentData) -> bool:
    pairs = (
        (before.external_id, told.external_id),
        (before.carrier, told.carrier[:80]),
        (before.tracking_number, told.tracking_number[:120]),
        (before.tracking_url, told.tracking_url[:500]),
    )
    return any(new and new != old for old, new in pairs)


def _line_row(order_id: UUID, told: LineData, position: int, line: DraftLine) -> dict[str, Any]:
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
        "attributes": dict(told.attributes),
        "removed_at": None,
    }


_LINE_COLUMNS = tuple(f.attname for f in OrderLine._meta.concrete_fields)


def _stored_row(line: OrderLine) -> dict[str, Any]:
    return {name: getattr(line, name) for name in _LINE_COLUMNS}
