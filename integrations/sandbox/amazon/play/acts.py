"""What may be done with stock, listings, the app and the clock, by name. The control page and its
API draw on these; what may be done with orders stands in ``orders/acts``.
"""

from __future__ import annotations

from collections.abc import Callable

from integrations.sandbox.amazon.listings import submissions, warehouses
from integrations.sandbox.amazon.listings.models import Listing
from integrations.sandbox.amazon.login import room
from integrations.sandbox.amazon.options import ALL_ROLES
from integrations.sandbox.amazon.outbound import life as outbound
from integrations.sandbox.amazon.refusals import Refusal
from integrations.sandbox.amazon.store import SellerStore


def set_stock(store: SellerStore, sku: str, quantity: int) -> Listing:
    """What can be bought of a SKU: typed into Seller Central, or found in Amazon's warehouse.
    Raises Refusal.
    """
    if quantity < 0:
        raise Refusal(f"A quantity is at least 0, not {quantity}.")
    with store.working():
        row = store.state.listings.get(sku)
        if row is None:
            raise Refusal(f"The account has no listing with the SKU “{sku}”.")
        now = store.clock.now()
        if row.stock is not None:
            row.stock.fulfillable = quantity
            warehouses.changed(store, sku, row.stock, now)
        elif row.quantity is not None:
            row.quantity = quantity
            for entry in row.attributes.get("fulfillment_availability", []):
                entry["quantity"] = quantity
        else:
            raise Refusal(f"“{sku}” is the parent of a variation and is not counted.")
        submissions.touch(row, now)
        return row


# --- listings -------------------------------------------------------------------------------------


def _touch(store: SellerStore, row: Listing) -> None:
    submissions.touch(row, store.clock.now())


def _delete(store: SellerStore, row: Listing) -> None:
    del store.state.listings[row.sku]


def _to_amazon(store: SellerStore, row: Listing) -> None:
    """The seller lets Amazon keep it from now on; nothing has arrived there yet."""
    place = next(iter(row.offers), "")
    if row.quantity is None or not place:
        raise Refusal(f"“{row.sku}” is not kept by the seller.")
    submissions.to_amazon(row, place, store.clock.now())


LISTING_VERBS: dict[str, Callable[[SellerStore, Listing], None]] = {
    "touch": _touch,
    "delete": _delete,
    "to_amazon": _to_amazon,
}


def on_listing(store: SellerStore, verb: str, sku: str) -> None:
    """Raises Refusal."""
    with store.working():
        row, act = store.state.listings.get(sku), LISTING_VERBS.get(verb)
        if row is None or act is None:
            raise Refusal(f"There is no listing “{sku}”, or no “{verb}” for one.")
        act(store, row)


def on_outbound(store: SellerStore, verb: str, name: str) -> str:
    """``go_on``: what would happen next of an order of another shop happens now. Raises Refusal."""
    with store.working():
        order = store.state.outbound.get(name)
        if order is None or verb != "go_on":
            raise Refusal(f"There is no order {name} of another shop, or no “{verb}” for one.")
        if order.status not in outbound.STEPS_S:
            raise Refusal(f"The order is {order.status}; nothing more happens to it.")
        outbound.go_on(store, f"{order.id} {order.status}", store.clock.exact())
        return order.status


# --- the app --------------------------------------------------------------------------------------

APP_VERBS: dict[str, Callable[[SellerStore], None]] = {
    "authorise": room.authorise,
    "revoke": room.revoke,
    "expire_tokens": room.expire_tokens,
    "expire_secret": room.expire_secret,
    "rotate_secret": room.rotate_secret,
}


def on_app(store: SellerStore, verb: str) -> None:
    """Raises Refusal."""
    act = APP_VERBS.get(verb)
    if act is None:
        raise Refusal(f"There is no “{verb}” for the app. There are: {', '.join(APP_VERBS)}.")
    with store.working():
        act(store)


def grant(store: SellerStore, roles: list[str] | None) -> tuple[str, ...]:
    """What the app may from now on; None: all there is. Raises Refusal."""
    unknown = set(roles or ()) - set(ALL_ROLES)
    if unknown:
        raise Refusal(f"There is no role “{unknown.pop()}”. There are: {', '.join(ALL_ROLES)}.")
    with store.working():
        store.state.login.roles = ALL_ROLES if roles is None else tuple(roles)
        return store.state.login.roles


def move_clock(store: SellerStore, seconds: float) -> int:
    """On, never back; what was due until then is done. Raises Refusal."""
    if not 0 <= seconds <= 800 * 24 * 3600:
        raise Refusal(f"seconds lie between 0 and 800 days, not {seconds}.")
    store.clock.ahead_s += seconds
    with store.working():
        return store.clock.now()


def reset_counts(store: SellerStore) -> None:
    with store.working():
        store.quotas.counts.clear()


def fill_quotas(store: SellerStore) -> None:
    """As if nobody had called for a long time."""
    with store.working():
        store.quotas.fill()
