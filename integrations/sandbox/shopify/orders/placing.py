"""Orders placed in the living store, of every kind there is."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

from integrations.sandbox.shopify.orders import states
from integrations.sandbox.shopify.orders.acts import Refusal
from integrations.sandbox.shopify.orders.customers import FIRST_CUSTOMER, Customer
from integrations.sandbox.shopify.orders.desk import desk
from integrations.sandbox.shopify.orders.drafting import Draft, PlaceOf
from integrations.sandbox.shopify.orders.kinds import KINDS
from integrations.sandbox.shopify.orders.models import LineItem, Order
from integrations.sandbox.shopify.orders.offers import Offer, of_variant

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore

MOST_AT_ONCE = 5_000
ORDER_KINDS: dict[str, str] = {name: kind.about for name, kind in KINDS.items()}


def place(store: ShopStore, chance: Random, *, kind: str = "plain", count: int = 1) -> list[int]:
    """Place ``count`` orders of a kind; their ids. Raises Refusal."""
    if kind not in KINDS:
        raise Refusal(f"There is no kind of order “{kind}”. There are: {', '.join(KINDS)}.")
    if not 1 <= count <= MOST_AT_ONCE:
        raise Refusal(f"count lies between 1 and {MOST_AT_ONCE}, not {count}.")
    placed = []
    for _ in range(count):
        with store.working():
            placed.append(_tell(store, KINDS[kind].write(_draft(store, chance))))
    return placed


def place_with(store: ShopStore, chance: Random, lines: Sequence[tuple[str, int]]) -> int:
    """An order of these (SKU, quantity); its id. Raises Refusal for a SKU the store has not."""
    with store.working():
        bought: list[tuple[Offer, int]] = []
        for sku, quantity in lines:
            variant = store.catalogue.by_sku(sku)
            if variant is None:
                raise Refusal(f"The store has no product with the SKU “{sku}”.")
            if quantity < 1:
                raise Refusal(f"A quantity is at least 1, not {quantity}.")
            bought.append((of_variant(store.catalogue, variant), quantity))
        draft = _draft(store, chance)
        draft.fill(bought)
        draft.deliver()
        return _tell(store, draft.settle(gateway="shopify_payments"))


def _draft(store: ShopStore, chance: Random) -> Draft:
    room = store.orders

    def known(number: int) -> Customer:
        return room.changed_customers.get(number) or room.known_customer(number)

    now = desk(store.options, store.catalogue, room.companies, known)
    if not now.homes:
        raise Refusal("The store has no active location to ship from.")
    return Draft(
        now,
        room.hand,
        chance,
        order_id=store.ids.next("Order"),
        number=store.ids.next("OrderNumber"),
        customer=known(FIRST_CUSTOMER + chance.randrange(room.seed.people)),
        place_of=_nearest(store, now.homes),
    )


def _nearest(store: ShopStore, homes: Sequence[int]) -> PlaceOf:
    """The first location with enough of it, else the first that keeps it at all."""

    def place_of(line: LineItem) -> int:
        if line.item_id is None:
            return homes[0]
        levels = [store.catalogue.levels.get((line.item_id, home)) for home in homes]
        kept = [level for level in levels if level is not None and level.is_active]
        enough = [level for level in kept if level.available >= line.quantity]
        return next((level.location_id for level in (*enough, *kept)), homes[0])

    return place_of


def _tell(store: ShopStore, order: Order) -> int:
    room, now = store.orders, store.clock.now()
    room.keep(order)
    room.await_day(order)
    room.hand.tell("orders/create", order.id)
    if states.financial(order, now) == "PAID":
        room.hand.tell("orders/paid", order.id)
    for work in order.fulfillment_orders:
        room.hand.tell("fulfillment_orders/order_routing_complete", work.id)
    return order.id
