"""What became of the seed's orders after they were placed, told with the acts of the living store
at moments of the past.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from integrations.sandbox.shopify.orders import (
    cancelling,
    editing,
    holding,
    parcels,
    paying,
    people,
    refunding,
    returning,
    states,
    totals,
)
from integrations.sandbox.shopify.orders.fulfillment_models import Fulfillment, Tracking
from integrations.sandbox.shopify.orders.hand import SeedHand
from integrations.sandbox.shopify.orders.models import Order
from integrations.sandbox.shopify.orders.refusals import Impossible

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Told:
    """``homes`` are where work can be moved to."""

    hand: SeedHand
    chance: Random
    order: Order
    homes: Sequence[int]


Step = Callable[[Told], object]


def live(told: Told, fate: str, until: int, now: int) -> None:
    """Its steps, the last of them at ``until``; one that an order's kind rules out is left out."""
    steps = FATES[fate][0]
    begun = told.hand.now
    for place, step in enumerate(steps, 1):
        told.hand.now = begun + (until - begun) * place // len(steps)
        _open_due(told, told.hand.now)
        try:
            step(told)
        except Impossible:
            continue
    told.hand.now = until
    told.order.updated_at = until
    _open_due(told, now)


def _open_due(told: Told, now: int) -> None:
    for work in told.order.fulfillment_orders:
        holding.open_due(work, now)


def tracking(chance: Random, order: Order) -> list[Tracking]:
    number = f"00340434161{order.number:09d}"
    return parcels.numbered(chance.choice(people.CARRIERS), [number])


# --- steps ----------------------------------------------------------------------------------------


def _capture(told: Told) -> None:
    paying.capture(told.hand, told.order)


def _ship(told: Told) -> None:
    """All that is open, one parcel from each place, numbered."""
    for work in _shippable(told.order):
        parcels.ship(
            told.hand, told.order, [parcels.everything(work)], tracking(told.chance, told.order)
        )


def _ship_unnumbered(told: Told) -> None:
    for work in _shippable(told.order):
        parcels.ship(told.hand, told.order, [parcels.everything(work)])


def _number(told: Told) -> None:
    for parcel in _gone(told.order):
        parcels.track(told.hand, told.order, parcel, tracking(told.chance, told.order))


def _ship_some(told: Told) -> None:
    """One unit of the first line of each work."""
    for work in _shippable(told.order)[:1]:
        parcels.ship(
            told.hand, told.order, [(work, [(work.lines[0], 1)])],
            tracking(told.chance, told.order),
        )  # fmt: skip


def _two_numbers(told: Told) -> None:
    """One parcel, two labels, the second without a link."""
    for parcel in _gone(told.order)[:1]:
        numbers = [f"1Z827WK7463{told.order.number}", f"H{told.order.number:012d}"]
        parcels.track(told.hand, told.order, parcel, parcels.numbered("UPS", numbers))


def _in_transit(told: Told) -> None:
    for parcel in _gone(told.order):
        parcels.report(told.hand, told.order, parcel, "IN_TRANSIT")


def _deliver(told: Told) -> None:
    for parcel in _gone(told.order):
        parcels.report(told.hand, told.order, parcel, "DELIVERED")


def _undo(told: Told) -> None:
    for parcel in _gone(told.order)[:1]:
        parcels.cancel(told.hand, told.order, parcel)


def _archive(told: Told) -> None:
    if states.fulfillment(told.order) == "FULFILLED":
        told.order.closed_at = told.hand.now


def _hold(told: Told) -> None:
    reasons = ("INCORRECT_ADDRESS", "INVENTORY_OUT_OF_STOCK", "OTHER")
    for work in _shippable(told.order):
        holding.hold(
            told.hand, told.order, work, told.chance.choice(reasons), notes="Bitte prüfen 🔍"
        )


def _release(told: Told) -> None:
    for work in told.order.fulfillment_orders:
        holding.release(told.hand, told.order, work)


def _move(told: Told) -> None:
    for work in _shippable(told.order)[:1]:
        others = [place for place in told.homes if place != work.location_id]
        if others:
            holding.move(told.hand, told.order, work, others[0])


def _cancel(told: Told) -> None:
    reason = told.chance.choice(("CUSTOMER", "INVENTORY", "FRAUD", "OTHER", "DECLINED", "STAFF"))
    cancelling.cancel(told.hand, told.order, reason, restocks=told.chance.random() < 0.8)


def _refund_unit(told: Told) -> None:
    order = told.order
    line = next((one for one in order.lines if totals.current_units(order, one)), None)
    if line is None:
        return
    is_shipped = not states.unfulfilled_units(order, line)
    subtotal, tax = totals.units(order, line, 1)
    worth = subtotal if order.taxes_included else subtotal + tax
    refunding.refund(
        told.hand,
        order,
        refunding.Plan(
            units=[refunding.Units(line, 1, "RETURN" if is_shipped else "CANCEL")],
            money=refunding.spread(order, worth),
            note="Beschädigt – Foto liegt vor",
        ),
    )


def _refund_kindness(told: Told) -> None:
    """Money back for nothing."""
    order = told.order
    amount = totals.net_payment(order).part(1, 10)
    refunding.refund(told.hand, order, refunding.Plan(money=refunding.spread(order, amount)))


def _refund_all(told: Told) -> None:
    order = told.order
    refunding.refund(
        told.hand,
        order,
        refunding.Plan(
            units=[
                refunding.Units(line, left, "NO_RESTOCK")
                for line in order.lines
                if (left := totals.current_units(order, line))
            ],
            shipping=refunding.shipping_left(order) if order.shipping_lines else None,
            money=refunding.spread(order, totals.net_payment(order)),
        ),
    )


def _return(told: Told) -> None:
    rows = [row for parcel in _gone(told.order) for row in parcel.lines]
    asked = [returning.Asked(row, 1, told.chance.choice(_REASONS), "Passt nicht") for row in rows]
    if asked:
        returning.open_return(told.hand, told.order, asked[:1])


def _ask_return(told: Told) -> None:
    rows = [row for parcel in _gone(told.order) for row in parcel.lines]
    if rows:
        asked = [returning.Asked(rows[0], 1, told.chance.choice(_REASONS))]
        returning.open_return(told.hand, told.order, asked, is_request=True)


def _process(told: Told) -> None:
    order = told.order
    for one in order.returns:
        arrived = [
            returning.Arrived(row, row.quantity, [(told.homes[0], row.quantity)])
            for row in one.lines
        ]
        money = refunding.spread(order, returning.worth(order, one))
        returning.process(told.hand, order, one, arrived, money)


def _add_unit(told: Told) -> None:
    line = next(line for line in told.order.lines if not line.is_tip)
    editing.add_units(told.hand, told.order, line, 1)


def _remove_unit(told: Told) -> None:
    editing.remove_units(told.hand, told.order, told.order.lines[0], 1)


_REASONS = ("SIZE_TOO_SMALL", "DEFECTIVE", "UNWANTED", "NOT_AS_DESCRIBED", "OTHER")


def _shippable(order: Order) -> list[holding.FulfillmentOrder]:
    return [
        work
        for work in order.fulfillment_orders
        if work.status in parcels.FULFILLABLE and work.remaining
    ]


def _gone(order: Order) -> list[Fulfillment]:
    return [parcel for parcel in order.fulfillments if parcel.status == "SUCCESS"]


# fate → its steps, and how many of a thousand seeded orders meet it
FATES: dict[str, tuple[tuple[Step, ...], int]] = {
    "waits": ((), 250),
    "shipped": ((_capture, _ship), 200),
    "delivered": ((_capture, _ship, _in_transit, _deliver, _archive), 170),
    "numbered_late": ((_ship_unnumbered, _number), 50),
    "not_numbered": ((_ship_unnumbered,), 30),
    "two_numbers": ((_ship, _two_numbers), 15),
    "begun": ((_capture, _ship_some), 45),
    "in_pieces": ((_ship_some, _ship), 30),
    "undone": ((_ship, _undo), 10),
    "shipped_again": ((_ship, _undo, _ship), 10),
    "held": ((_hold,), 25),
    "released": ((_hold, _release), 10),
    "moved": ((_move,), 15),
    "cancelled": ((_cancel,), 50),
    "refunded_unshipped": ((_refund_unit,), 15),
    "refunded_partly": ((_ship, _refund_unit), 20),
    "refunded_in_kindness": ((_ship, _refund_kindness), 5),
    "refunded": ((_ship, _refund_all, _archive), 15),
    "return_asked": ((_ship, _ask_return), 5),
    "coming_back": ((_ship, _return), 10),
    "returned": ((_ship, _return, _process), 15),
    "edited_more": ((_add_unit,), 5),
    "edited_less": ((_remove_unit, _ship), 5),
}
