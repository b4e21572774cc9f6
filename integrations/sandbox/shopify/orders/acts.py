"""What may be done with the orders of a simulated store, by name. The control page, its API and the
traffic draw on these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from integrations.sandbox.shopify.orders import (
    cancelling,
    editing,
    holding,
    parcels,
    paying,
    refunding,
    returning,
    states,
    totals,
)
from integrations.sandbox.shopify.orders.fulfillment_models import (
    FulfillmentLine,
    FulfillmentOrder,
)
from integrations.sandbox.shopify.orders.hand import Hand
from integrations.sandbox.shopify.orders.models import LineItem, Order
from integrations.sandbox.shopify.orders.offers import all_offers
from integrations.sandbox.shopify.orders.refusals import Impossible
from integrations.sandbox.shopify.orders.touching import touch as touched

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore


class Refusal(Exception):
    """It cannot be done; the message is for the person who asked."""


Act = Callable[["ShopStore", Hand, Order], object]


# --- parcels --------------------------------------------------------------------------------------


def _ship(_: ShopStore, hand: Hand, order: Order) -> None:
    """All that is open, from each place, numbered."""
    for work in _shippable(order):
        number = f"00340434161{len(order.fulfillments)}{order.number:08d}"
        tracking = parcels.numbered("DHL", [number])
        parcels.ship(hand, order, [parcels.everything(work)], tracking)


def _ship_one(_: ShopStore, hand: Hand, order: Order) -> None:
    """One unit, without a number."""
    work = _shippable(order)[0]
    row = next(row for row in work.lines if row.remaining)
    parcels.ship(hand, order, [(work, [(row, 1)])])


def _number(_: ShopStore, hand: Hand, order: Order) -> None:
    """A number for the newest parcel that has none."""
    for parcel in reversed(order.fulfillments):
        if parcel.status == "SUCCESS" and not parcel.tracking:
            tracking = parcels.numbered("UPS", [f"1Z{order.number:08d}{parcel.place:04d}"])
            parcels.track(hand, order, parcel, tracking)
            return
    raise Impossible("No parcel waits for a number.")


def _deliver(_: ShopStore, hand: Hand, order: Order) -> None:
    for parcel in order.fulfillments:
        if parcel.status == "SUCCESS" and parcel.shipment != "DELIVERED":
            parcels.report(hand, order, parcel, "DELIVERED")
            return
    raise Impossible("No parcel is on its way.")


def _unship(_: ShopStore, hand: Hand, order: Order) -> None:
    for parcel in reversed(order.fulfillments):
        if parcel.status == "SUCCESS":
            parcels.cancel(hand, order, parcel)
            return
    raise Impossible("No parcel has left.")


def _shippable(order: Order) -> list[FulfillmentOrder]:
    found = [
        work
        for work in order.fulfillment_orders
        if work.status in parcels.FULFILLABLE and work.remaining
    ]
    if not found or order.cancelled_at is not None:
        raise Impossible("Nothing of the order is to be shipped now.")
    return found


# --- work -----------------------------------------------------------------------------------------


def _hold(_: ShopStore, hand: Hand, order: Order) -> None:
    holding.hold(hand, order, _shippable(order)[0], "INCORRECT_ADDRESS", notes="Adresse prüfen 🔍")


def _release(_: ShopStore, hand: Hand, order: Order) -> None:
    for work in order.fulfillment_orders:
        if work.holds:
            holding.release(hand, order, work)
            return
    raise Impossible("Nothing of the order is on hold.")


def _move(store: ShopStore, hand: Hand, order: Order) -> None:
    """To the next location."""
    work = _shippable(order)[0]
    others = [
        place.id
        for place in store.catalogue.active_locations()
        if place.id != work.location_id and place.fulfills_online_orders
    ]
    if not others:
        raise Impossible("The store has one location alone.")
    holding.move(hand, order, work, others[0])


# --- changes --------------------------------------------------------------------------------------


def _goods(order: Order) -> list[LineItem]:
    found = [line for line in order.lines if not line.is_tip and totals.current_units(order, line)]
    if not found:
        raise Impossible("Nothing is left of the order.")
    return found


def _edit(store: ShopStore, hand: Hand, order: Order) -> None:
    """The customer rang up: one more of the first line, and a note."""
    editing.add_units(hand, order, _goods(order)[0], 1)
    order.note = f"Changed by phone at {store.clock.local(hand.now)}"


def _add(store: ShopStore, hand: Hand, order: Order) -> None:
    """Something else comes along."""
    known = {line.variant_id for line in order.lines}
    offers = [one for one in all_offers(store.catalogue) if one.variant_id not in known]
    if not offers:
        raise Impossible("The store sells nothing else.")
    editing.add_offer(hand, order, offers[order.number % len(offers)], 1)


def _remove(_: ShopStore, hand: Hand, order: Order) -> None:
    """One less of the first line that is not shipped yet."""
    for line in _goods(order):
        if states.unfulfilled_units(order, line):
            editing.remove_units(hand, order, line, 1)
            return
    raise Impossible("All of the order is shipped.")


def _cancel(_: ShopStore, hand: Hand, order: Order) -> None:
    cancelling.cancel(hand, order, "CUSTOMER", note="Kunde hat storniert")


def _refund(_: ShopStore, hand: Hand, order: Order) -> None:
    """One unit of the first line that has any left, and its money."""
    line = _goods(order)[0]
    is_shipped = not states.unfulfilled_units(order, line)
    subtotal, tax = totals.units(order, line, 1)
    worth = subtotal if order.taxes_included else subtotal + tax
    refunding.refund(
        hand,
        order,
        refunding.Plan(
            units=[refunding.Units(line, 1, "RETURN" if is_shipped else "CANCEL")],
            money=refunding.spread(order, worth),
            note="Sent back by the customer",
        ),
    )


def _return(_: ShopStore, hand: Hand, order: Order) -> None:
    """One shipped unit is announced to come back."""
    asked = returning.Asked(_returnable(order), 1, "UNWANTED", "Gefällt nicht")
    returning.open_return(hand, order, [asked])


def _ask(_: ShopStore, hand: Hand, order: Order) -> None:
    """The buyer asks whether one shipped unit may come back."""
    asked = returning.Asked(_returnable(order), 1, "DEFECTIVE", "Henkel ab")
    returning.open_return(hand, order, [asked], is_request=True)


def _approve(_: ShopStore, hand: Hand, order: Order) -> None:
    for one in order.returns:
        if one.status == "REQUESTED":
            returning.approve(hand, order, one)
            return
    raise Impossible("Nobody asked for a return.")


def _returnable(order: Order) -> FulfillmentLine:
    for parcel in order.fulfillments:
        for row in parcel.lines:
            if returning.returnable(order, row):
                return row
    raise Impossible("Nothing of the order can come back.")


def _arrive(store: ShopStore, hand: Hand, order: Order) -> None:
    """What was announced is there, is put on the shelf, and its money goes back."""
    place = store.catalogue.active_locations()[0].id
    for one in order.returns:
        if one.status == "OPEN":
            arrived = [
                returning.Arrived(row, left, [(place, left)])
                for row in one.lines
                if (left := row.quantity - row.processed)
            ]
            money = refunding.spread(order, returning.worth(order, one))
            returning.process(hand, order, one, arrived, money)
            return
    raise Impossible("Nothing is on its way back.")


def _pay(_: ShopStore, hand: Hand, order: Order) -> None:
    """What is open is paid, or what is held is taken."""
    if order.cancelled_at is not None or totals.outstanding(order).shop.amount <= 0:
        raise Impossible("Nothing is left to pay.")
    if paying.capture(hand, order) is None:
        paying.pay(hand, order, "Bank Deposit")
    hand.tell("orders/paid", order.id)
    touched(hand, order)


def _archive(_: ShopStore, hand: Hand, order: Order) -> None:
    order.closed_at = hand.now
    touched(hand, order)


def _note(store: ShopStore, hand: Hand, order: Order) -> None:
    order.note = f"Touched at {store.clock.local(hand.now)}"
    touched(hand, order)


_ACTS: dict[str, Act] = {
    "edit": _edit,
    "add": _add,
    "remove": _remove,
    "cancel": _cancel,
    "refund": _refund,
    "pay": _pay,
    "ship": _ship,
    "ship_one": _ship_one,
    "number": _number,
    "deliver": _deliver,
    "unship": _unship,
    "hold": _hold,
    "release": _release,
    "move": _move,
    "return": _return,
    "ask_return": _ask,
    "approve_return": _approve,
    "arrive": _arrive,
    "archive": _archive,
    "touch": _note,
}


def _verb(name: str) -> Callable[[ShopStore, int], None]:
    def run(store: ShopStore, order_id: int) -> None:
        with store.working(), store.orders.changing(order_id) as (hand, order):
            _ACTS[name](store, hand, order)

    return run


def _delete(store: ShopStore, order_id: int) -> None:
    with store.working():
        store.orders.delete(order_id)


VERBS: dict[str, Callable[[ShopStore, int], object]] = {
    **{name: _verb(name) for name in _ACTS},
    "delete": _delete,
}


def act(store: ShopStore, verb: str, order_id: int) -> None:
    """Raises Refusal."""
    done = VERBS.get(verb)
    if done is None:
        raise Refusal(f"There is no “{verb}” for an order. There are: {', '.join(VERBS)}.")
    try:
        done(store, order_id)
    except KeyError as err:
        raise Refusal(f"There is no order {order_id}.") from err
    except Impossible as err:
        raise Refusal(str(err)) from err


def touch(store: ShopStore, order_ids: Sequence[int]) -> None:
    """Change orders within one second, as a bulk action of the admin does: all of them or, where
    one does not exist, none. Raises Refusal.
    """
    with store.working():
        missing = [number for number in order_ids if store.orders.get(number) is None]
        if missing:
            raise Refusal(f"There is no order {missing[0]}.")
        moment = store.clock.now()
        for number in order_ids:
            order = store.orders.existing(number)
            order.note = f"Touched at {store.clock.local(moment)}"
            order.updated_at = moment
            store.orders.keep(order)
            store.emit("orders/updated", number)


def newest(store: ShopStore, limit: int) -> list[int]:
    """Ids, the newest first."""
    with store.working():
        return list(store.orders.ids())[-limit:][::-1] if limit > 0 else []


def row(store: ShopStore, order_id: int) -> dict[str, Any]:
    """What the control page shows of it. Raises KeyError."""
    with store.working():
        order = store.orders.existing(order_id)
        known = store.orders.customer(order.customer_id) if order.customer_id else None
        total = totals.current(order).total.presentment
        return {
            "id": order.id,
            "name": order.name,
            "customer": known.display_name if known else "",
            "financial": states.financial(order, store.clock.now()),
            "fulfillment": states.fulfillment(order),
            "lines": ", ".join(
                f"{totals.current_units(order, line)} × {line.name}" for line in order.lines[:5]
            ),
            "total": f"{total.amount} {total.currency}",
            "updated_at": store.clock.local(order.updated_at),
        }
