"""Writing to an order, other than its parcels: status, cancellation, note. Each looks first."""

from __future__ import annotations

import time
from collections.abc import Callable

from integrations.errors import OutcomeUnknown, Rejected
from integrations.shopify import shapes, shipping
from integrations.shopify.client import ShopifyClient
from integrations.shopify.shapes import Camel
from integrations.shopify.values import text
from orders.status import OrderStatus

# orderCancel works by a job; how long somebody waits for it, and between looks.
PATIENCE_S = 20.0
_LOOK_EVERY_S = (0.3, 0.5, 1.0, 2.0)
_MOST_STAFF_NOTE = 255
_REASONS = {
    "buyer": "CUSTOMER",
    "customer": "CUSTOMER",
    "declined": "DECLINED",
    "fraud": "FRAUD",
    "inventory": "INVENTORY",
    "staff": "STAFF",
    "stock": "INVENTORY",
}


class _Job(Camel):
    id: str = ""
    done: bool = False


def set_status(
    client: ShopifyClient, order_id: str, status: OrderStatus, *, pause: Callable[[float], None]
) -> bool:
    """True changed, False already so. Completed: what is left is marked as sent and the order
    closed; open: a closed one is opened again. Raises Rejected for what Shopify has no word for.
    """
    if status is OrderStatus.CANCELLED:
        return cancel(client, order_id, "", pause=pause)
    desk = shipping.look(client, order_id)
    if desk.cancelled_at:
        raise Rejected("The order is cancelled at the store.", code="cancelled_at_store")
    if status is OrderStatus.COMPLETED:
        return _complete(client, order_id, desk)
    if status is OrderStatus.OPEN:
        if not desk.closed_at:
            return False
        client.change("open_order", {"id": desk.id}, "orderOpen", repeatable=True)
        return True
    raise Rejected(f"Shopify has no status for “{status}”.", code="no_such_status")


def _complete(client: ShopifyClient, order_id: str, desk: shipping.Desk) -> bool:
    has_shipped = shipping.ship_rest(client, desk)
    # Shopify closes an order by itself when all of it is sent and paid.
    if has_shipped and shipping.look(client, order_id).closed_at:
        return True
    if desk.closed_at:
        return has_shipped
    client.change("close_order", {"id": desk.id}, "orderClose", repeatable=True)
    return True


def cancel(
    client: ShopifyClient,
    order_id: str,
    reason: str,
    *,
    notify_customer: bool = True,
    pause: Callable[[float], None],
) -> bool:
    """Units go back on sale at the store, authorisations are voided, and the customer is told if
    that is wanted. Money that was taken is not given back: that is for the merchant to do. Raises
    Rejected where Shopify refuses, OutcomeUnknown where it is not done in time.
    """
    desk = shipping.look(client, order_id)
    if desk.cancelled_at:
        return False
    variables = {
        "id": desk.id,
        "reason": _reason(reason),
        "staffNote": text(reason, _MOST_STAFF_NOTE) or None,
        "notify": notify_customer,
    }
    made = client.change("cancel_order", variables, "orderCancel", errors="orderCancelUserErrors")
    raw = bytes(made.get("job", b"null"))
    job = shapes.decode(raw, _Job) if raw != b"null" else _Job(done=True)
    _wait_for(client, job, pause)
    if not shipping.look(client, order_id).cancelled_at:
        raise Rejected(
            "Shopify did not cancel the order. Open returns, parcels that cannot be called back or "
            "a closed location may stand in the way; look at the order in Shopify.",
            code="not_cancelled",
        )
    return True


def add_note(client: ShopifyClient, order_id: str, note: str, *, to_customer: bool) -> bool:
    """A line at the end of the order's note, once. Nobody else should write at the same moment: the
    note is written whole.
    """
    if to_customer:
        raise Rejected(
            "Shopify has no notes that the customer sees. Write to the customer from Shopify.",
            code="no_customer_notes",
        )
    desk = shipping.look(client, order_id)
    there = (desk.note or "").splitlines()
    wanted = note.splitlines()
    if any(there[n : n + len(wanted)] == wanted for n in range(len(there))):
        return False
    told = {"id": desk.id, "note": "\n".join([*there, *wanted])}
    client.change("update_order", {"input": told}, "orderUpdate", repeatable=True)
    return True


def _wait_for(client: ShopifyClient, job: _Job, pause: Callable[[float], None]) -> None:
    end = time.monotonic() + PATIENCE_S
    looks = 0
    while not job.done:
        if time.monotonic() > end or looks > 2 * PATIENCE_S:
            raise OutcomeUnknown(
                "Shopify is still at cancelling the order. Logix looks again later.", code="busy"
            )
        pause(_LOOK_EVERY_S[min(looks, len(_LOOK_EVERY_S) - 1)])
        looks += 1
        job = client.ask("job", {"id": job.id}).at("job", _Job)


def _reason(words: str) -> str:
    """Shopify's word for why, found in ours; what it has none for is OTHER."""
    said = words.casefold()
    return next((spelled for word, spelled in _REASONS.items() if word in said), "OTHER")
