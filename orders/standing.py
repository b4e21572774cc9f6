"""Where an order stands after an import: its three axes, import state, flags, and what it means to
stock. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from orders.data import OrderData
from orders.lines import DraftLine
from orders.models import Order
from orders.money import Amounts
from orders.status import (
    FINISHED,
    UNFINISHED,
    Flag,
    FulfillmentStatus,
    ImportState,
    OrderStatus,
    PaymentStatus,
    fulfillment_status,
    payment_status,
)

_ALL_LEFT = frozenset({FulfillmentStatus.FULFILLED, FulfillmentStatus.DELIVERED})
# What only a person, or the ledger, puts an end to.
_LASTING = frozenset(
    {Flag.OVERSOLD, Flag.BACKORDERED, Flag.EDITED_AFTER_IMPORT, Flag.CANCEL_REQUESTED}
)


@dataclass(frozen=True, slots=True)
class Standing:
    order: OrderStatus
    payment: PaymentStatus
    fulfillment: FulfillmentStatus
    import_state: ImportState
    problem: str
    flags: frozenset[Flag]
    binds_stock: bool
    moves_stock: bool

    @property
    def columns(self) -> dict[str, Any]:
        return {
            "order_status": self.order,
            "payment_status": self.payment,
            "fulfillment_status": self.fulfillment,
            "import_state": self.import_state,
            "import_problem": self.problem,
            "flags": ",".join(sorted(self.flags)),
            "binds_stock": self.binds_stock,
            "moves_stock": self.moves_stock,
        }


def order_status(data: OrderData, known: Order | None) -> OrderStatus:
    """By the store's word; one that says nothing (unknown, trash) leaves what was known."""
    kept = _kept(data, known)
    return OrderStatus(kept.order_status) if kept else data.status.order


def stand(
    data: OrderData,
    known: Order | None,
    order: OrderStatus,
    lines: Sequence[DraftLine],
    amounts: Amounts,
    store: Any,
    *,
    in_conflict: bool | None = None,
    ended_there: bool = False,
) -> Standing:
    """``order`` is what ``order_status`` said; lines may still turn it. ``in_conflict``: an edit
    after picking began waits for a person (True), does so no longer (False), or there was none.
    ``ended_there``: the store took back a parcel that was sent from here.
    """
    reading, kept = data.status, _kept(data, known)
    present = [x for x in lines if not x.removed and x.requires_shipping]
    has_left = any(x.shipped for x in lines)
    if order is OrderStatus.CANCELLED and reading.payment is PaymentStatus.REFUNDED and has_left:
        order = OrderStatus.COMPLETED
    moves = not _is_past(data, order, store)
    flags = set(data.flags) | ({*kept.flag_set} & {Flag.PLATFORM_FULFILLED} if kept else set())
    elsewhere = Flag.PLATFORM_FULFILLED in flags
    if elsewhere:
        # It leaves a shelf of the platform's, which is not counted here.
        moves = False
    elif known:
        # One imported as past and opened again is an order like any other, if nothing had left.
        moves = known.moves_stock or (order in UNFINISHED and not has_left)
    reserve = kept.binds_stock if kept else reading.reserve
    payment = _payment(data, kept, amounts)
    # The store calls it finished still, and goods that had left are back to leave again.
    undone = any(x.undone and x.required > x.shipped for x in present)
    leaves_again = (
        undone and order is OrderStatus.COMPLETED and payment is not PaymentStatus.REFUNDED
    )
    word = FulfillmentStatus(kept.fulfillment_status) if kept else reading.fulfillment
    if undone and word in _ALL_LEFT:
        word = FulfillmentStatus.UNFULFILLED
    state, problem = _import_state(data, lines)
    return Standing(
        order=order,
        payment=payment,
        fulfillment=fulfillment_status(
            word=word,
            required=sum(x.required for x in present),
            shipped=sum(x.shipped for x in present),
        ),
        import_state=state,
        problem=problem,
        flags=_flags(
            flags,
            known,
            order,
            lines,
            moves=moves,
            in_conflict=in_conflict,
            ended_there=ended_there,
        ),
        binds_stock=(leaves_again or (reserve and order in UNFINISHED))
        and not data.gone
        and not reading.skip
        and not elsewhere,
        moves_stock=moves,
    )


def unknown_lines_sentence(unknown: int, total: int) -> str:
    named = "Its only line names" if total == 1 else f"{unknown} of {total} lines name"
    return (
        f"{named} a product that Logix does not know, or whose SKU is not its alone. "
        "It finishes by itself when the product is imported or linked."
    )


def _kept(data: OrderData, known: Order | None) -> Order | None:
    """What we knew, where the store's word does not say what became of it."""
    return known if data.gone or not data.status.known else None


def _payment(data: OrderData, kept: Order | None, amounts: Amounts) -> PaymentStatus:
    word = data.status.payment
    if kept and (data.gone or word is PaymentStatus.UNKNOWN):
        word = PaymentStatus(kept.payment_status)
    return payment_status(
        word=word,
        total=data.total,
        captured=amounts.captured,
        authorized=amounts.authorized,
        refunded=amounts.refunded,
    )


def _flags(
    told: Collection[Flag],
    known: Order | None,
    order: OrderStatus,
    lines: Sequence[DraftLine],
    *,
    moves: bool,
    in_conflict: bool | None,
    ended_there: bool,
) -> frozenset[Flag]:
    flags = set(told)
    if known:
        flags |= known.flag_set & _LASTING
    if in_conflict:
        flags.add(Flag.EDITED_AFTER_IMPORT)
    elif in_conflict is False:
        flags.discard(Flag.EDITED_AFTER_IMPORT)
    newly_cancelled = order is OrderStatus.CANCELLED and not (known and known.is_cancelled)
    if ended_there or (newly_cancelled and moves and any(x.shipped for x in lines)):
        flags.add(Flag.CANCEL_REQUESTED)
    return frozenset(flags)


def _import_state(data: OrderData, lines: Sequence[DraftLine]) -> tuple[ImportState, str]:
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
    present = [x for x in lines if not x.removed]
    unknown = sum(1 for x in present if x.variant_id is None)
    if unknown:
        return ImportState.AWAITING_MAPPING, unknown_lines_sentence(unknown, len(present))
    return ImportState.ACCEPTED, ""


def _is_past(data: OrderData, order: OrderStatus, store: Any) -> bool:
    """Finished before this store's stock was first counted here: the figure already knows it."""
    if order not in FINISHED:
        return False
    finished_at = data.completed_at or data.cancelled_at or data.changed_at
    return store.stock_since is None or finished_at < store.stock_since
