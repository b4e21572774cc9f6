"""What a person does with an order. The store decides; the order changes here when it says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from django.http import HttpRequest

from integrations import privacy, registry, sync
from integrations.admin.acts import ASKS_STORES, Act, again
from integrations.admin.roles import actor
from integrations.platform import Ability
from logix.accounts import audit
from logix.accounts.models import Role
from orders import services
from orders.changing import lines_of, units_left_here
from orders.models import Order
from orders.status import UNFINISHED, Flag, FulfillmentStatus, OrderStatus

T = TypeVar("T")

_BEGUN = (FulfillmentStatus.IN_PROGRESS, FulfillmentStatus.PARTIALLY_FULFILLED)
_LEFT = (
    FulfillmentStatus.PARTIALLY_FULFILLED,
    FulfillmentStatus.FULFILLED,
    FulfillmentStatus.DELIVERED,
)
_SHIPPED = (
    FulfillmentStatus.FULFILLED,
    FulfillmentStatus.DELIVERED,
    FulfillmentStatus.NOT_REQUIRED,
)


def _refetch(request: HttpRequest, order: Order) -> str:
    done = sync.refetch_order(order.store, external_id=order.external_id, actor=actor(request))
    record(request, order, "order.refetched")
    if done.parked:
        return f"Order {order} was read again and parked: see Parked records."
    news = "it changed." if done.changed else "nothing new."
    return f"Order {order} was read again from {order.store}: {news}"


def _ship_all(request: HttpRequest, order: Order) -> str:
    parcel = _audited(request, order, "order.shipped", services.add_shipment)
    return f"Parcel {parcel.reference} was made; {told(order)}"


def _complete(request: HttpRequest, order: Order) -> str:
    _ask_for(request, order, OrderStatus.COMPLETED)
    return f"Completing order {order} was asked for; {told(order)}"


def _hold(request: HttpRequest, order: Order) -> str:
    _ask_for(request, order, OrderStatus.ON_HOLD)
    return f"Holding order {order} was asked for; {told(order)}"


def _release(request: HttpRequest, order: Order) -> str:
    _ask_for(request, order, OrderStatus.OPEN)
    return f"Releasing order {order} was asked for; {told(order)}"


def _ask_for(request: HttpRequest, order: Order, status: OrderStatus) -> None:
    asked = partial(services.request_status, status=status)
    _audited(request, order, "order.status_requested", asked, status=status.value)


def _review(request: HttpRequest, order: Order) -> str:
    _audited(request, order, "order.reviewed", services.mark_reviewed)
    return f"Order {order} is reviewed; it goes on."


def _begin_picking(request: HttpRequest, order: Order) -> str:
    _audited(request, order, "order.picking_begun", services.begin_picking)
    return f"Picking of order {order} began: an edit at the store waits for a person from now on."


def _undo_picking(request: HttpRequest, order: Order) -> str:
    _audited(request, order, "order.picking_undone", services.undo_picking)
    return f"Order {order} is not being picked after all."


def _erase(request: HttpRequest, order: Order) -> str:
    privacy.erase_buyer(order, actor=actor(request))
    return f"The buyer of order {order} is erased. Amounts, country and city stay."


def _audited(
    request: HttpRequest, order: Order, action: str, work: Callable[..., T], **details: Any
) -> T:
    """Do the work and leave its audit row, in one transaction."""

    def both() -> T:
        result = work(order, actor=actor(request))
        record(request, order, action, **details)
        return result

    return again(both)


def record(request: HttpRequest, order: Order, action: str, **details: Any) -> None:
    """What a person did with an order, on the audit log."""
    audit.record(
        action, actor=actor(request), merchant=order.store.merchant, obj=order, details=details
    )


def told(order: Order) -> str:
    """What becomes of a write to the order's store."""
    if not order.store.writes_enabled:
        return f"writing to {order.store} is off, so it waits. Turn it on at the store."
    if not order.store.is_active:
        return f"{order.store} is not active, so it waits until it is."
    return f"{order.store} is being told."


def is_open(order: Order) -> bool:
    return order.order_status in UNFINISHED and order.gone_at is None


def is_shippable(order: Order) -> bool:
    from_here = Flag.PLATFORM_FULFILLED not in order.flag_set
    return is_open(order) and from_here and order.fulfillment_status not in _SHIPPED


def is_left_here(order: Order) -> bool:
    """Whether anything is to be shipped that no other store's warehouse is to send."""
    if not is_shippable(order):
        return False
    lines = lines_of(order).values()
    return not any(x.outside_quantity for x in lines) or any(map(units_left_here, lines))


def _exempt(order: Order) -> Mapping[Ability, str]:
    """What no store of the order's platform can be asked for, and why."""
    try:
        return registry.card(order.store.platform).exempt
    except registry.UnknownPlatform:
        return {}


def may_ask(order: Order, ability: Ability) -> bool:
    return ability not in _exempt(order)


def only_there(order: Order) -> list[str]:
    """What may be wanted of the order and cannot be asked for from here, as its platform's card
    says.
    """
    exempt = _exempt(order)
    wanted = {
        Ability.CANCEL: is_open(order),
        Ability.REFUNDS_WRITE: order.refunded_total < order.paid_total,
        Ability.STATUS_WRITE: is_open(order),
    }
    return [exempt[x] for x, is_wanted in wanted.items() if is_wanted and x in exempt]


def may_cancel(order: Order) -> bool:
    """What has left in part can only be refunded."""
    can = is_open(order) and order.fulfillment_status not in _LEFT
    return can and may_ask(order, Ability.CANCEL)


def _may_set_status(order: Order) -> bool:
    return is_open(order) and may_ask(order, Ability.STATUS_WRITE)


def _may_hold(order: Order) -> bool:
    return _may_set_status(order) and order.order_status != OrderStatus.ON_HOLD


def _may_release(order: Order) -> bool:
    return _may_set_status(order) and order.order_status == OrderStatus.ON_HOLD


def _may_begin_picking(order: Order) -> bool:
    """Where a parcel or the store says so already there is nothing to add."""
    return (
        is_shippable(order)
        and order.picking_since is None
        and order.fulfillment_status not in _BEGUN
    )


def _may_undo_picking(order: Order) -> bool:
    return is_open(order) and order.picking_since is not None


def _waits_for_review(order: Order) -> bool:
    return bool(services.reviewable(order))


def _still_to_ship(order: Order) -> str:
    if not is_shippable(order):
        return ""
    return (
        f"Order {order} has not been shipped completely. Once its buyer is erased, Logix no longer "
        "knows where it goes."
    )


ACTS = (
    Act(
        verb="refetch",
        label="Read again from the store",
        run=_refetch,
        bulk=True,
        most=ASKS_STORES,
    ),
    Act(
        verb="ship",
        label="Ship all that is left",
        run=_ship_all,
        shown=is_left_here,
        confirm="One parcel with everything left is recorded and told to the store.",
    ),
    Act(
        verb="complete",
        label="Complete at the store",
        run=_complete,
        shown=_may_set_status,
        confirm="The store is asked to set this order to completed. It may tell the buyer.",
    ),
    Act(
        verb="hold",
        label="Put on hold",
        run=_hold,
        shown=_may_hold,
        confirm="The store is asked to put this order on hold. It may tell the buyer.",
    ),
    Act(
        verb="release",
        label="Release",
        run=_release,
        shown=_may_release,
        confirm="The store is asked to let this order go on. It may tell the buyer.",
    ),
    Act(
        verb="picking",
        label="Picking began",
        run=_begin_picking,
        shown=_may_begin_picking,
        bulk=True,
        tries=True,
    ),
    Act(
        verb="picking-undo",
        label="Not being picked after all",
        run=_undo_picking,
        shown=_may_undo_picking,
        bulk=True,
        tries=True,
    ),
    Act(
        verb="review",
        label="Mark as reviewed",
        run=_review,
        shown=_waits_for_review,
        bulk=True,
    ),
    Act(
        verb="erase",
        label="Erase the buyer",
        run=_erase,
        role=Role.OWNER,
        shown=lambda order: order.erased_at is None,
        danger=True,
        warns=_still_to_ship,
        confirm="Name, addresses, e-mail, phone and notes of this buyer are erased from Logix for "
        "good, along with what the store sent about them; what the store still sends is not kept. "
        "Amounts, country and city stay. The store itself is not told. This cannot be taken back.",
    ),
)
