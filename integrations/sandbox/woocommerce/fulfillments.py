"""``/orders/{id}/fulfillments``, where the store has the feature. Source:
src/Admin/Features/Fulfillments/OrderFulfillmentsRestController.php and FulfillmentsDataStore.php.
"""

from __future__ import annotations

from typing import Any

from integrations.sandbox.woocommerce import drafts
from integrations.sandbox.woocommerce.calls import Call, ok
from integrations.sandbox.woocommerce.models import Fulfillment, Meta, Order
from integrations.sandbox.woocommerce.store import WooStore
from integrations.sandbox.woocommerce.wire import Answer, Refused

_NO_ORDER = Refused("woocommerce_rest_order_invalid_id", "Invalid order ID.", 404)


class RefusedByNumber(Refused):
    """A caught PHP exception: its number is the code, the status always 400."""

    def __init__(self, message: str, number: int = 0) -> None:
        super().__init__("", message, 400)
        self.number = number

    def document(self) -> dict[str, Any]:
        return super().document() | {"code": self.number}


def fulfillment_document(store: WooStore, row: Fulfillment) -> dict[str, Any]:
    return {
        "id": row.id,
        "entity_type": "WC_Order",
        "entity_id": str(row.order_id),
        "status": row.status,
        "is_fulfilled": row.is_fulfilled,
        "date_updated": store.clock.site(row.updated),
        "date_deleted": store.clock.site(row.deleted),
        "date_fulfilled": store.clock.site(row.fulfilled),
        "meta_data": [{"id": meta.id, "key": meta.key, "value": meta.value} for meta in row.meta],
    }


def _order(call: Call) -> Order:
    return call.found(call.store.orders.get(int(call.args["order_id"])), _NO_ORDER)


def _one(call: Call) -> Fulfillment:
    order = _order(call)
    row = call.store.fulfillments.get(int(call.args["fulfillment_id"]))
    if row is None or row.order_id != order.id or row.deleted is not None:
        raise RefusedByNumber("Fulfillment not found.", 404)
    return row


def index(call: Call) -> Answer:
    order = _order(call)
    rows = [
        row
        for row in call.store.fulfillments.values()
        if row.order_id == order.id and row.deleted is None
    ]
    return ok([fulfillment_document(call.store, row) for row in rows])


def show(call: Call) -> Answer:
    return ok(fulfillment_document(call.store, _one(call)))


def create(call: Call) -> Answer:
    """It neither moves the order's status nor its date."""
    store, order = call.store, _order(call)
    meta: list[Meta] = []
    for row in call.args.get("meta_data") or []:
        drafts.write_meta(store, meta, str(row["key"]), row.get("value"))
    _check_items(meta)
    made = Fulfillment(
        id=store.ids.next("fulfillment"),
        order_id=order.id,
        status="unfulfilled",
        is_fulfilled=False,
        updated=store.clock.now(),
        meta=meta,
    )
    _write(store, made, call.args)
    _mail(call, made, "created")
    store.fulfillments[made.id] = made
    return ok(fulfillment_document(store, made), 201)


def update(call: Call) -> Answer:
    """Meta data that is sent replaces all there was: keys left out are gone."""
    store, row = call.store, _one(call)
    sent = call.args.get("meta_data")
    if sent is not None:
        keys = {str(item["key"]) for item in sent}
        meta = [Meta(m.id, m.key, m.value) for m in row.meta if m.key in keys]
        for item in sent:
            drafts.write_meta(store, meta, str(item["key"]), item.get("value"))
        _check_items(meta)
        row.meta = meta
    was_fulfilled = row.is_fulfilled
    _write(store, row, call.args)
    _mail(call, row, "updated" if was_fulfilled else "created")
    row.updated = store.clock.now()
    return ok(fulfillment_document(store, row))


def delete(call: Call) -> Answer:
    """Softly: the row stays, and answers no more."""
    row = _one(call)
    row.deleted = call.store.clock.now()
    _mail(call, row, "deleted")
    return ok({"message": "Fulfillment deleted successfully."})


def _write(store: WooStore, row: Fulfillment, args: dict[str, Any]) -> None:
    row.status = args.get("status") or row.status
    if args.get("is_fulfilled") is not None:
        row.is_fulfilled = bool(args["is_fulfilled"])
    if row.is_fulfilled and row.fulfilled is None:
        row.fulfilled = store.clock.now()


def _mail(call: Call, row: Fulfillment, word: str) -> None:
    """What the customer is mailed of a parcel that left, if that is asked for."""
    if row.is_fulfilled and call.args.get("notify_customer"):
        row.mails.append(word)


def _check_items(meta: list[Meta]) -> None:
    items = next((row.value for row in meta if row.key == "_items"), None)
    if not items:
        raise RefusedByNumber("The fulfillment should contain at least one item.")
    if not isinstance(items, list):
        raise RefusedByNumber("The fulfillment items should be an array.")
    for item in items:
        number, quantity = item.get("item_id"), item.get("qty")
        if type(number) is not int or type(quantity) not in (int, float):
            raise RefusedByNumber("Invalid item.")
        if number <= 0 or quantity <= 0:
            raise RefusedByNumber("Invalid item.")
