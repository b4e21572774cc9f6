"""The orders of the past: what was bought in the account's history, and what became of it since."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from integrations.sandbox.amazon.clock import DAY
from integrations.sandbox.amazon.orders.kinds import KINDS
from integrations.sandbox.amazon.orders.life import DELIVERY_S, WAREHOUSE_S, settle
from integrations.sandbox.amazon.orders.models import TO_SHIP, UNPAID, Order, Package
from integrations.sandbox.amazon.orders.people import CARRIERS, REASONS
from integrations.sandbox.amazon.orders.placing import drawn
from integrations.sandbox.dice import dice

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

_OPEN = (
    "plain", "pending", "several", "fba_pending", "cancel_requested", "gift", "foreign", "fba",
    "unfulfillable", "business",
)  # fmt: skip
"""The newest orders, newest first: every account shows them, whatever its seed."""

_OPEN_S = 2 * DAY
"""Younger ones may still wait for the seller."""


def seeded(store: SellerStore) -> None:
    """Fill the account. Equal seeds give equal orders; what can be bought is what is left of it."""
    options, now = store.options, store.state.seeded_at
    chance = dice(options.seed, "orders")
    names = list(KINDS)
    shares = [kind.share for kind in KINDS.values()]
    span = options.history_days * DAY
    for number in range(options.orders):
        left = options.orders - number
        if left <= len(_OPEN):
            name, created = _OPEN[left - 1], now - 600 - left * 90
        else:
            # Oldest first; more of late, as in a business that grows.
            age = span * (1 - (number + 0.5) / options.orders) ** 1.5
            name, created = chance.choices(names, shares)[0], int(now - age) - 3_600
        order = drawn(store, chance, KINDS[name], created=created)
        if order is None:
            continue
        if left > len(_OPEN):
            _grow_old(store, chance, order, now)
        elif order.status == "PENDING":
            store.at(order.created + store.options.authorise_s, "authorised", order.id)
        elif name == "several":
            _ship_one(order, now)
        store.state.orders[order.id] = order
        if order.is_amazons and order.status in UNPAID | TO_SHIP:
            _reserve(store, order)
        for package in order.packages:
            if package.status == "SHIPPED":
                key = f"{order.id} {package.reference}"
                store.at(package.ship_time + DELIVERY_S, "delivered", key)
    same = list(store.state.orders.values())[-options.same_second :] if options.same_second else ()
    for order in same:
        order.updated = now - 300


def _reserve(store: SellerStore, order: Order) -> None:
    """Its units lie ready in Amazon's warehouse."""
    for item in order.items:
        row = store.state.listings.get(item.sku)
        if row is not None and row.stock is not None:
            row.stock.pending_orders += item.quantity
            item.taken = item.quantity


def _grow_old(store: SellerStore, chance: Random, order: Order, now: int) -> None:
    """What has happened to it until now."""
    age = now - order.created
    if order.status == "PENDING":
        if age < store.options.authorise_s:
            store.at(order.created + store.options.authorise_s, "authorised", order.id)
            return
        order.status = "UNSHIPPED"
    if order.status in UNPAID or order.status not in TO_SHIP:
        return
    order.updated = min(now, order.created + chance.randrange(60, 1_800))
    if chance.random() < 0.06:
        _cancel(chance, order, now)
    elif order.is_amazons:
        if age > WAREHOUSE_S:
            _send_all(order, int(order.created + WAREHOUSE_S))
        else:
            store.at(order.created + WAREHOUSE_S, "left_warehouse", order.id)
    elif age > _OPEN_S or chance.random() < 0.25:
        _ship(chance, order, now)


def _cancel(chance: Random, order: Order, now: int) -> None:
    by = chance.choice(("BUYER", "MERCHANT"))
    for item in order.items:
        item.cancelled_by, item.cancel_reason = by, chance.choice(REASONS)
    settle(order)
    order.updated = min(now, order.updated + chance.randrange(60, 7_200))


def _send_all(order: Order, moment: int) -> None:
    for item in order.items:
        item.shipped = item.quantity
    settle(order)
    order.updated = moment


def _ship_one(order: Order, now: int) -> None:
    """The first unit is on its way, the rest waits."""
    item = order.items[0]
    left = now - 240
    order.packages.append(
        Package("1", "DHL", "00340434161000000001", left, left, "DHL Paket", {item.id: 1})
    )
    item.shipped = 1
    settle(order)
    order.updated = left


def _ship(chance: Random, order: Order, now: int) -> None:
    """In one package, in two, or only a part of it so far."""
    left = min(now - 60, order.updated + chance.randrange(3_600, 2 * DAY))
    units = [(item, 1) for item in order.items for _ in range(item.quantity)]
    parted = len(units) > 1 and chance.random() < 0.3
    halves = [units[::2], units[1::2]] if parted else [units]
    if parted and now - order.created < 4 * DAY:
        halves = halves[:1]
    for place, half in enumerate(halves, 1):
        carrier, service = chance.choice(CARRIERS)
        package = Package(
            reference=str(place),
            carrier=carrier,
            tracking=f"00340434161{chance.randrange(10**9):09d}",
            ship_time=left,
            created=left,
            service=service,
            status="DELIVERED" if now - left > 2 * DAY else "SHIPPED",
        )
        for item, many in half:
            package.items[item.id] = package.items.get(item.id, 0) + many
            item.shipped += many
        order.packages.append(package)
    settle(order)
    order.updated = left + (2 * DAY if now - left > 2 * DAY else 0)
