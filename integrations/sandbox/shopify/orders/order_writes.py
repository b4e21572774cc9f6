"""Mutations of a whole order: update, cancel, close, open, mark as paid; and tags taken off."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from integrations.sandbox.shopify import ids
from integrations.sandbox.shopify.api import root
from integrations.sandbox.shopify.api.errors import refuse
from integrations.sandbox.shopify.api.resolving import Call, Fields
from integrations.sandbox.shopify.ids import number_of
from integrations.sandbox.shopify.models import Attribute
from integrations.sandbox.shopify.orders import (
    cancelling,
    order_lists,
    paying,
    people,
    states,
    totals,
)
from integrations.sandbox.shopify.orders.hand import Hand
from integrations.sandbox.shopify.orders.models import Address, Order
from integrations.sandbox.shopify.orders.refusals import Impossible
from integrations.sandbox.shopify.orders.touching import touch

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore

CANCEL_AFTER_S = 0.3
Input = dict[str, Any]


@contextmanager
def changing(
    call: Call, order_id: int, *field: str, code: str | None = None
) -> Iterator[tuple[Hand, Order]]:
    """An order to change; what cannot be is a user error below ``field``'s first step."""
    if order_lists.seen(call, order_id) is None:
        raise refuse("Order does not exist", *field, code=code)
    try:
        with call.store.orders.changing(order_id) as (hand, order):
            yield hand, order
    except Impossible as err:
        raise refuse(str(err), *err.field, code=err.code) from err


# --- update ---------------------------------------------------------------------------------------

_PLAIN = {"note": "note", "email": "email", "phone": "phone", "poNumber": "po_number"}
_ADDRESS = {
    "firstName": "first_name",
    "lastName": "last_name",
    "company": "company",
    "address1": "address1",
    "address2": "address2",
    "city": "city",
    "zip": "zip",
    "phone": "phone",
    "provinceCode": "province_code",
}


def order_update(_: Any, info: Any, *, input: Input) -> dict[str, Any]:
    call: Call = info.context
    with changing(call, number_of(input["id"], "Order"), "id") as (hand, order):
        for key, attribute in _PLAIN.items():
            if key in input:
                setattr(order, attribute, input[key] or ("" if key in ("email", "phone") else None))
        if "tags" in input:
            order.tags = sorted({tag.strip() for tag in input["tags"] or () if tag.strip()})
        if "customAttributes" in input:
            order.custom_attributes = [
                Attribute(row["key"], row["value"]) for row in input["customAttributes"] or ()
            ]
        if given := input.get("shippingAddress"):
            _readdress(hand, order, given)
        touch(hand, order)
    if rows := input.get("metafields"):
        owned = [{**row, "ownerId": input["id"]} for row in rows]
        root.metafields_set(None, info, metafields=owned)
    return {"order": order}


def _readdress(hand: Hand, order: Order, given: Input) -> None:
    """What is not named stays."""
    if order.shipping is None:
        order.shipping = Address(hand.number("MailingAddress"))
    address = order.shipping
    for key, attribute in _ADDRESS.items():
        if key in given:
            setattr(address, attribute, given[key] or "")
    if code := given.get("countryCode"):
        address.country_code = code
        address.country = next(
            (place.country for place in people.PLACES if place.country_code == code), code
        )


# --- cancel ---------------------------------------------------------------------------------------


def order_cancel(
    _: Any,
    info: Any,
    *,
    order_id: str,
    reason: str,
    restock: bool,
    refund: bool | None = None,
    refund_method: Input | None = None,
    notify_customer: bool | None = None,
    staff_note: str | None = None,
) -> dict[str, Any]:
    """Checked at once, done a moment later by a job."""
    call: Call = info.context
    store, number = call.store, number_of(order_id, "Order")
    order = order_lists.seen(call, number)
    if order is None:
        raise refuse("Order does not exist", "orderId", code="NOT_FOUND")
    try:
        cancelling.check(order)
    except Impossible as err:
        raise refuse(str(err), *err.field, code=err.code) from err
    restocks = restock and _can_restock(call, order)
    gives_back = bool((refund_method or {}).get("originalPaymentMethodsRefund", refund))
    job = store.new_job()

    def run(later: ShopStore) -> None:
        # Shipped, cancelled or deleted in between: the job ends and nothing is done.
        with suppress(Impossible, KeyError), later.orders.changing(number) as (hand, found):
            cancelling.cancel(
                hand, found, reason, restocks=restocks, gives_back=gives_back, note=staff_note
            )
            found.cancel_mails = bool(notify_customer)
        job.is_done = True

    store.later(CANCEL_AFTER_S, run)
    return {"job": job}


def _can_restock(call: Call, order: Order) -> bool:
    """Goods of a location that was deactivated go nowhere, which a paid order does not allow.
    Source: the description of orderCancel in the official schema.
    """
    places = call.store.catalogue.locations
    if all(places[work.location_id].is_active for work in states.open_work(order)):
        return True
    if totals.received(order).shop.amount > 0:
        raise refuse("Cannot restock to a deactivated location", "restock", code="INVALID")
    return False


# --- close, open, paid, tags ----------------------------------------------------------------------


def order_close(_: Any, info: Any, *, input: Input) -> dict[str, Any]:
    with changing(info.context, number_of(input["id"], "Order"), "id") as (hand, order):
        order.closed_at = order.closed_at or hand.now
        touch(hand, order)
    return {"order": order}


def order_open(_: Any, info: Any, *, input: Input) -> dict[str, Any]:
    with changing(info.context, number_of(input["id"], "Order"), "id") as (hand, order):
        order.closed_at = None
        touch(hand, order)
    return {"order": order}


def order_mark_as_paid(_: Any, info: Any, *, input: Input) -> dict[str, Any]:
    with changing(info.context, number_of(input["id"], "Order"), "id") as (hand, order):
        if order.cancelled_at is not None or totals.outstanding(order).shop.amount <= 0:
            raise Impossible("Order cannot be marked as paid.", "id")
        if paying.capture(hand, order) is None:
            paying.pay(hand, order, "manual")
        hand.tell("orders/paid", order.id)
        touch(hand, order)
    return {"order": order}


def tags_remove(_: Any, info: Any, *, id: str, tags: list[str]) -> dict[str, Any]:
    store = info.context.store
    kind, number = ids.parted(id)
    load = store.nodes.get(kind)
    thing = load(store, number) if load else None
    if thing is None or not hasattr(thing, "tags"):
        raise refuse(f"{kind or 'Node'} does not exist", "id")
    gone = {tag.strip().lower() for one in tags for tag in one.split(",")}
    left = [tag for tag in thing.tags if tag.lower() not in gone]
    if len(left) != len(thing.tags):
        thing.tags = left
        store.touched(thing)
    return {"node": thing}


FIELDS: Fields = {
    "Mutation": {
        "orderUpdate": order_update,
        "orderCancel": order_cancel,
        "orderClose": order_close,
        "orderOpen": order_open,
        "orderMarkAsPaid": order_mark_as_paid,
        "tagsRemove": tags_remove,
    },
}
