"""The state of this room: orders out of the seed when read, kept once changed; customers alike."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from integrations.sandbox.shopify.money import Money
from integrations.sandbox.shopify.orders import customers as people
from integrations.sandbox.shopify.orders import holding, parts, states
from integrations.sandbox.shopify.orders.customers import FIRST_CUSTOMER, Customer, companies
from integrations.sandbox.shopify.orders.desk import desk
from integrations.sandbox.shopify.orders.drafting import brought_in_at
from integrations.sandbox.shopify.orders.hand import Hand, StoreHand
from integrations.sandbox.shopify.orders.models import Order
from integrations.sandbox.shopify.orders.seed import (
    FIRST_NUMBER,
    PARTS,
    SeedOrders,
)
from integrations.sandbox.shopify.orders.shelf import Shelf
from integrations.sandbox.shopify.orders.touching import touch

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore

_CACHED = 5_000
_COUNTED = 1_000
Paid = tuple[int, str, int, int, Money, str]


class Saved(msgspec.Struct):
    orders: list[Order] = []
    orders_gone: list[int] = []
    counted: list[int] = []
    customers: list[Customer] = []


class OrderRoom:
    """Not locked: whoever calls holds the store.

    What seeded orders still have to ship is committed in the stock: of a small store at once, of a
    large one when an order is first changed, so that nothing else of it need be written.
    """

    def __init__(self, store: ShopStore) -> None:
        options = store.options
        self._store = store
        self.seed = SeedOrders(
            seed=options.seed,
            count=options.orders,
            now=store.seeded_at,
            history_days=options.history_days,
            same_second=options.same_second,
        )
        self.companies = companies(store.seeded_at)
        self.desk = desk(options, store.catalogue, self.companies, self.known_customer)
        self.hand: Hand = StoreHand(store)
        self.changed: dict[int, Order] = {}
        self.gone: set[int] = set()
        self.changed_customers: dict[int, Customer] = {}
        self._made: OrderedDict[int, Order] = OrderedDict()
        self._owners: dict[tuple[str, int], int] = {}
        self._counted: set[int] = set()
        numbered = [self.seed.id_of(place) for place in range(len(self.seed))]
        self.by_created: Shelf = Shelf(zip(self.seed.created, numbered, strict=True))
        self.by_updated: Shelf = Shelf(zip(self.seed.updated, numbered, strict=True))
        store.ids.reserve("Order", self.seed.last_order_id)
        store.ids.last["OrderNumber"] = FIRST_NUMBER + len(self.seed) - 1
        store.ids.reserve("Customer", FIRST_CUSTOMER + self.seed.people)
        for kind in PARTS:
            store.ids.reserve(kind, self.seed.last_part_id)
        for order_id, moment in self.seed.waiting():
            self._open_at(order_id, moment)
        if len(self.seed) <= _COUNTED:
            for order_id in numbered:
                self._count(self.existing(order_id))

    # -- orders --------------------------------------------------------------------------------

    def get(self, order_id: int) -> Order | None:
        """The same object as long as anybody is likely to hold it."""
        kept = self.changed.get(order_id)
        if kept is not None or order_id in self.gone:
            return kept
        made = self._made.get(order_id)
        if made is not None:
            self._made.move_to_end(order_id)
            return made
        number = self.seed.number_of(order_id)
        if number is None:
            return None
        made = self.seed.make(number, self.desk)
        self._made[order_id] = made
        if len(self._made) > _CACHED:
            self._made.popitem(last=False)
        return made

    def existing(self, order_id: int) -> Order:
        """Raises KeyError."""
        order = self.get(order_id)
        if order is None:
            raise KeyError(order_id)
        return order

    def ids(self) -> Sequence[int]:
        """By date of creation."""
        return [number for _, number in self.by_created.span()]

    @contextmanager
    def changing(self, order_id: int) -> Iterator[tuple[Hand, Order]]:
        """What was done in it is kept unless it raises, which acts do before they change anything.
        Raises KeyError.
        """
        order = self.existing(order_id)
        self._count(order)
        yield self.hand, order
        self.keep(order)

    def _count(self, order: Order) -> None:
        """Commit what a seeded order has open, once; what can be sold is net of it already."""
        if order.id in self._counted or self.seed.number_of(order.id) is None:
            return
        self._counted.add(order.id)
        catalogue = self._store.catalogue
        for work in states.open_work(order):
            for row in work.lines:
                item = catalogue.items.get(order.line(row.line_item_id).item_id or 0)
                level = catalogue.levels.get((item.id, work.location_id)) if item else None
                if item is not None and item.tracked and level is not None:
                    level.committed += row.remaining
                    if len(self.seed) > _COUNTED:  # a small store counts anew when it starts
                        catalogue.changed_levels.add((item.id, work.location_id))

    def keep(self, order: Order) -> None:
        """A new or changed order."""
        self.changed[order.id] = order
        self._made.pop(order.id, None)
        self.by_created.put(order.created_at, order.id)
        self.by_updated.put(order.updated_at, order.id)
        for kind, number in parts.numbered(order):
            self._owners[kind, number] = order.id

    def await_day(self, order: Order) -> None:
        """Its work for a later day is opened when that comes."""
        for work in order.fulfillment_orders:
            if work.status == "SCHEDULED" and work.fulfill_at is not None:
                self._open_at(order.id, work.fulfill_at)

    def _open_at(self, order_id: int, moment: int) -> None:
        wait_s = moment - self._store.clock.now()
        self._store.later(wait_s, lambda store: store.orders.open_due(order_id))

    def open_due(self, order_id: int) -> None:
        """Nothing, where the order is gone or its work was opened, moved or cancelled meanwhile."""
        order = self.get(order_id)
        if order is None:
            return
        now = self._store.clock.now()
        ready = [work for work in order.fulfillment_orders if holding.open_due(work, now)]
        for work in ready:
            work.updated_at = now
            self.hand.tell("fulfillment_orders/scheduled_fulfillment_order_ready", work.id)
        if ready:
            touch(self.hand, order)
            self.keep(order)

    def delete(self, order_id: int) -> None:
        """Gone for good. Raises KeyError."""
        order = self.existing(order_id)
        self._count(order)
        for work in states.open_work(order):
            for row in work.lines:
                line = order.line(row.line_item_id)
                self.hand.uncommit(line, work.location_id, row.remaining)
        self.changed.pop(order_id, None)
        self._made.pop(order_id, None)
        self.gone.add(order_id)
        self.by_created.drop(order_id)
        self.by_updated.drop(order_id)
        self._store.emit("orders/delete", order.id, {"id": order.id})

    def owner(self, kind: str, part_id: int) -> Order | None:
        """The order that has the part of this type and number."""
        order_id = self._owners.get((kind, part_id)) or self.seed.owner_of(part_id)
        return None if order_id is None else self.get(order_id)

    def touched(self, order: Order) -> None:
        """It was changed in place."""
        order.updated_at = self._store.clock.now()
        self.keep(order)
        self._store.emit("orders/updated", order.id)

    def paid(self, limit: int) -> Iterator[Paid]:
        """What came in by Shopify Payments and went back, of the newest ``limit`` orders: order id,
        its name, transaction, moment, amount in the shop's currency, kind.
        """
        newest = self.by_created.span()[-limit:] if limit else ()
        for _, order_id in reversed(newest):
            order = self.existing(order_id)
            for row in reversed(order.transactions):
                if (
                    row.gateway == "shopify_payments"
                    and row.status == "SUCCESS"
                    and row.kind in ("SALE", "CAPTURE", "REFUND")
                ):
                    yield order.id, order.name, row.id, row.created_at, row.amount.shop, row.kind

    def processed_at(self, order_id: int) -> int:
        """Of any order, without writing it."""
        kept = self.changed.get(order_id)
        if kept is not None:
            return kept.processed_at
        number, created = self.seed.number_of(order_id), self.by_created.moment(order_id)
        if number is not None and self.seed.kinds[number] == "custom_app":
            return brought_in_at(created, FIRST_NUMBER + number)
        return created

    # -- customers -----------------------------------------------------------------------------

    def customer(self, number: int) -> Customer | None:
        return self.changed_customers.get(number) or self.seed.customer(number - FIRST_CUSTOMER)

    def customer_ids(self) -> list[int]:
        seeded = range(FIRST_CUSTOMER, FIRST_CUSTOMER + self.seed.people)
        return sorted({*seeded, *self.changed_customers})

    def keep_customer(self, customer: Customer) -> None:
        customer.updated_at = self._store.clock.now()
        self.changed_customers[customer.id] = customer
        self._store.emit("customers/update", customer.id)

    def orders_of(self, customer_id: int) -> list[Order]:
        """Oldest first."""
        seeded = self.seed.orders_of.get(customer_id - FIRST_CUSTOMER, ())
        numbers = {self.seed.id_of(place) for place in seeded} | self.changed.keys()
        found = (self.get(number) for number in sorted(numbers))
        return [order for order in found if order is not None and order.customer_id == customer_id]

    def b2b(self) -> list[Order]:
        """Orders of companies."""
        kinds = enumerate(self.seed.kinds)
        numbers = {self.seed.id_of(place) for place, kind in kinds if kind == "b2b"}
        found = (self.get(number) for number in sorted(numbers | self.changed.keys()))
        return [order for order in found if order is not None and order.company is not None]

    def known_customer(self, number: int) -> Customer:
        customer = self.seed.customer(number - people.FIRST_CUSTOMER)
        if customer is None:
            raise KeyError(number)
        return customer

    # -- keeping -------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        saved = Saved(
            orders=[self.changed[number] for number in sorted(self.changed)],
            orders_gone=sorted(self.gone),
            counted=sorted(self._counted) if len(self.seed) > _COUNTED else [],
            customers=[self.changed_customers[number] for number in sorted(self.changed_customers)],
        )
        found: dict[str, Any] = msgspec.to_builtins(saved)
        return found

    def restore(self, saved: dict[str, Any]) -> None:
        kept = msgspec.convert(saved, Saved)
        self._counted |= set(kept.counted)
        for number in kept.orders_gone:
            self.gone.add(number)
            self.by_created.drop(number)
            self.by_updated.drop(number)
        for order in kept.orders:
            self.keep(order)
            self.await_day(order)
        self.changed_customers = {customer.id: customer for customer in kept.customers}
