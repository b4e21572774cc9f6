"""Orders placed in the living account, of every kind there is."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

from integrations.sandbox.amazon.listings.models import Listing
from integrations.sandbox.amazon.orders import building, life
from integrations.sandbox.amazon.orders.kinds import KINDS, Kind
from integrations.sandbox.amazon.orders.models import Order
from integrations.sandbox.amazon.refusals import Refusal

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

MOST_AT_ONCE = 5_000
ORDER_KINDS: dict[str, str] = {name: kind.about for name, kind in KINDS.items()}


def place(store: SellerStore, chance: Random, *, kind: str = "plain", count: int = 1) -> list[str]:
    """Place ``count`` orders of a kind; their ids. Raises Refusal."""
    if kind not in KINDS:
        raise Refusal(f"There is no kind of order “{kind}”. There are: {', '.join(KINDS)}.")
    if not 1 <= count <= MOST_AT_ONCE:
        raise Refusal(f"count lies between 1 and {MOST_AT_ONCE}, not {count}.")
    placed = []
    for _ in range(count):
        with store.working():
            order = drawn(store, chance, KINDS[kind], created=store.clock.now())
            if order is None:
                raise Refusal("The account has no listing for such an order.")
            life.place(store, order)
            placed.append(order.id)
    return placed


def place_with(
    store: SellerStore,
    chance: Random,
    lines: Sequence[tuple[str, int]],
    *,
    status: str = "UNSHIPPED",
) -> str:
    """An order of these (SKU, quantity) in the first marketplace that offers all of them; its id.
    UNSHIPPED or PENDING. Raises Refusal.
    """
    with store.working():
        bought: list[tuple[Listing, int]] = []
        for sku, quantity in lines:
            row = store.state.listings.get(sku)
            if row is None:
                raise Refusal(f"The account has no listing with the SKU “{sku}”.")
            if quantity < 1:
                raise Refusal(f"A quantity is at least 1, not {quantity}.")
            bought.append((row, quantity))
        channels = {row.is_amazons for row, _ in bought}
        places = [
            name
            for name in store.options.sells_in
            if bought and all(name in row.offers for row, _ in bought)
        ]
        if len(channels) != 1 or not places or status not in ("UNSHIPPED", "PENDING"):
            raise Refusal(
                "One order is of things one party keeps, offered in one marketplace, and UNSHIPPED"
                " or PENDING."
            )
        order = building.order(
            store,
            chance,
            bought,
            place=places[0],
            created=store.clock.now(),
            fulfilled_by="AMAZON" if channels == {True} else "MERCHANT",
        )
        building.tax_on_top(order)
        order.status = status
        life.place(store, order)
        return order.id


def drawn(store: SellerStore, chance: Random, kind: Kind, *, created: int) -> Order | None:
    """An order of this kind, not placed yet; None where no listing suits."""
    places = store.options.sells_in
    place = chance.choice(places[1:]) if kind.is_abroad and len(places) > 1 else places[0]
    rows = [
        row
        for row in store.state.listings.values()
        if place in row.offers and row.is_amazons == kind.is_amazons and not row.is_suppressed
    ]
    if not rows:
        return None
    bought = chance.sample(rows, min(kind.lines, len(rows)))
    order = building.order(
        store,
        chance,
        [(row, chance.choice((1, 1, 1, 2))) for row in bought],
        place=place,
        created=created,
        fulfilled_by="AMAZON" if kind.is_amazons else "MERCHANT",
    )
    kind.write(store, chance, order)
    building.tax_on_top(order)
    return order
