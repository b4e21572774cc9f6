"""``/orders/{id}/notes``. Source:
includes/rest-api/Controllers/Version2/class-wc-rest-order-notes-v2-controller.php.
"""

from __future__ import annotations

from integrations.sandbox.woocommerce import stocking
from integrations.sandbox.woocommerce.calls import Call, created, ok
from integrations.sandbox.woocommerce.models import Note, Order
from integrations.sandbox.woocommerce.shapes import note_document
from integrations.sandbox.woocommerce.wire import Answer, Refused

_NO_ORDER = Refused("woocommerce_rest_order_invalid_id", "Invalid order ID.", 404)
_NO_NOTE = Refused("woocommerce_rest_invalid_id", "Invalid resource ID.", 404)


def _order(call: Call, refusal: Refused = _NO_ORDER) -> Order:
    return call.found(call.store.orders.get(int(call.args["order_id"])), refusal)


def _note(call: Call, order: Order) -> Note:
    note = next((row for row in order.notes if row.id == call.number), None)
    if note is None:
        raise _NO_NOTE
    return note


def index(call: Call) -> Answer:
    """All of them, newest first; the core has no pages here."""
    order = _order(
        call, Refused("woocommerce_rest_shop_order_invalid_id", "Invalid order ID.", 404)
    )
    wanted = {"customer": (True,), "internal": (False,)}.get(call.args["type"], (True, False))
    rows = sorted(order.notes, key=lambda note: (note.created, note.id), reverse=True)
    return ok([note_document(call.store, order, row) for row in rows if row.to_customer in wanted])


def show(call: Call) -> Answer:
    order = _order(call)
    return ok(note_document(call.store, order, _note(call, order)))


def create(call: Call) -> Answer:
    """A note is a comment: it does not touch the order's date."""
    store, order = call.store, _order(call)
    note = stocking.add_note(
        store,
        order,
        call.args["note"],
        to_customer=bool(call.args.get("customer_note")),
        author="Merchant" if call.args.get("added_by_user") else "WooCommerce",
    )
    store.orders.put(order)
    return created(call, note_document(store, order, note))


def delete(call: Call) -> Answer:
    if not call.args.get("force"):
        raise Refused(
            "woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.", 501
        )
    order = _order(call)
    note = _note(call, order)
    order.notes.remove(note)
    call.store.orders.put(order)
    return ok(note_document(call.store, order, note))
