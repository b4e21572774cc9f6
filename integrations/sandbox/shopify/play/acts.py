"""What may be done with the catalogue, the stock and the app, by name. The control page and its API
draw on these; what may be done with orders stands in ``orders/acts``.
"""

from __future__ import annotations

from collections.abc import Callable

from integrations.sandbox.shopify.access.room import compressed
from integrations.sandbox.shopify.catalogue import stock
from integrations.sandbox.shopify.catalogue.models import InventoryLevel, Location, Product
from integrations.sandbox.shopify.orders.acts import Refusal
from integrations.sandbox.shopify.store import ShopStore

# --- stock ----------------------------------------------------------------------------------------


def set_stock(store: ShopStore, sku: str, quantity: int, location_id: int = 0) -> InventoryLevel:
    """What is available of a SKU at a location, the first that stocks it where none is named.
    Raises Refusal.
    """
    with store.working():
        variant = store.catalogue.by_sku(sku)
        if variant is None:
            raise Refusal(f"The store has no variant with the SKU “{sku}”.")
        levels = store.catalogue.levels_of(variant.item_id)
        level = next((one for one in levels if location_id in (0, one.location_id)), None)
        if level is None:
            raise Refusal(f"“{sku}” is not stocked there.")
        stock.change(store, level, available=quantity - level.available)
        return level


# --- products and locations -----------------------------------------------------------------------


def _touch(store: ShopStore, product: Product) -> None:
    store.catalogue.touch_product(product)


def _delete(store: ShopStore, product: Product) -> None:
    store.catalogue.delete_product(product)


def _activate(store: ShopStore, place: Location) -> None:
    place.is_active, place.deactivated_at = True, None
    store.catalogue.touch_location(place, "locations/activate")


def _deactivate(store: ShopStore, place: Location) -> None:
    if len(store.catalogue.active_locations()) == 1:
        raise Refusal("A store keeps one location at least.")
    place.is_active, place.deactivated_at = False, store.clock.now()
    store.catalogue.touch_location(place, "locations/deactivate")


PRODUCT_VERBS: dict[str, Callable[[ShopStore, Product], None]] = {
    "touch": _touch,
    "delete": _delete,
}
LOCATION_VERBS: dict[str, Callable[[ShopStore, Location], None]] = {
    "activate": _activate,
    "deactivate": _deactivate,
}


def on_product(store: ShopStore, verb: str, number: int) -> None:
    """Raises Refusal."""
    with store.working():
        product = store.catalogue.products.get(number)
        act = PRODUCT_VERBS.get(verb)
        if product is None or act is None:
            raise Refusal(f"There is no product {number}, or no “{verb}” for one.")
        act(store, product)


def on_location(store: ShopStore, verb: str, number: int) -> None:
    """Raises Refusal."""
    with store.working():
        place = store.catalogue.locations.get(number)
        act = LOCATION_VERBS.get(verb)
        if place is None or act is None:
            raise Refusal(f"There is no location {number}, or no “{verb}” for one.")
        act(store, place)


# --- the app --------------------------------------------------------------------------------------


def _install(store: ShopStore) -> None:
    """With all it asks for, and its permanent token where it has one."""
    store.access.install(compressed(store.options.scopes))
    if store.options.access_token:
        store.access.admit(store.options.access_token)


APP_VERBS: dict[str, Callable[[ShopStore], None]] = {
    "install": _install,
    "revoke": lambda store: store.access.revoke(),
    "uninstall": lambda store: store.access.uninstall(),
}


def on_app(store: ShopStore, verb: str) -> None:
    """Raises Refusal."""
    act = APP_VERBS.get(verb)
    if act is None:
        raise Refusal(f"There is no “{verb}” for the app. There are: {', '.join(APP_VERBS)}.")
    with store.working():
        act(store)


def narrow(store: ShopStore, scopes: list[str] | None, *, is_for_later: bool) -> tuple[str, ...]:
    """What the app holds from now on, or (for later) what the merchant grants when asked again;
    None: all that is asked for.
    """
    with store.working():
        if is_for_later:
            store.access.fewer = None if scopes is None else tuple(scopes)
        else:
            store.access.install(
                compressed(store.options.scopes if scopes is None else tuple(scopes))
            )
        return store.access.granted


def move_clock(store: ShopStore, seconds: int) -> int:
    """On, never back; what was put off until then is done. Raises Refusal."""
    if not 0 <= seconds <= 400 * 24 * 3600:
        raise Refusal(f"seconds lie between 0 and 400 days, not {seconds}.")
    store.clock.ahead_s += seconds
    with store.working():
        return store.clock.now()
