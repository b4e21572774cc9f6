"""The state of one store: catalogue, orders, keys, webhooks, ids, and whom to tell about changes.

What the rest of the sandbox relies on::

    store = WooStore(StoreOptions(seed=7, orders=1_000), now=None)   # now() -> epoch seconds
    app = App(store, post=None)              # post(url, body, headers) -> status; see ``app``
    app.answer(wire.Request(...)) -> wire.Answer                     # thread-safe
    store.subscribe(callback)                # callback(topic: str, resource_id: int)
    with store.working(): ...                # the lock; events leave when it closes, each once
    store.payload(topic, resource_id)        # the webhook's document, built when it is sent
    store.snapshot() -> dict                 # JSON-able, only what differs from the seed
    WooStore.restore(options, snapshot, now=None) -> WooStore

    # while working; every verb does so by itself
        store.orders.get(order_id)           # Order or None; made from the seed when first read
        store.orders.ids()                   # every order id that is not in the trash
        store.products[product_id]           # also variations
        store.webhooks, store.keys           # by id

The verbs are functions that take the store first; each moves ``modified`` and tells the
subscribers::

    selling.place_order(store, lines=[(product_id, variation_id, quantity)], status="on-hold")
    selling.edit_order(store, order_id, note=..., quantities={line_id: 3})
    selling.set_status(store, order_id, "completed")
    selling.cancel(store, order_id)
    selling.refund(store, order_id, amount=None, lines={line_id: quantity}, reason="")
    selling.ship(store, order_id, carrier, number)
    selling.trash(store, order_id) / selling.delete(...) / selling.restore(...)
    stocking.set_stock(store, product_id, quantity) / stocking.change_stock(store, product_id, by)

Topics are WooCommerce's: order.created, order.updated, order.deleted, order.restored, product.*.
Subscribers are called while the lock is held: they note the event and return.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import msgspec

from integrations.sandbox.woocommerce import product_shapes, shapes
from integrations.sandbox.woocommerce.clock import Now, SiteClock
from integrations.sandbox.woocommerce.ids import Ids
from integrations.sandbox.woocommerce.models import (
    ApiKey,
    Fulfillment,
    Line,
    Order,
    Product,
    Tracking,
    Webhook,
)
from integrations.sandbox.woocommerce.money import currency_facts
from integrations.sandbox.woocommerce.options import NEW, StoreOptions
from integrations.sandbox.woocommerce.orderbook import OrderBook
from integrations.sandbox.woocommerce.routes import CORE_STATUSES, Surface
from integrations.sandbox.woocommerce.seed_orders import (
    FIRST_ITEM,
    FIRST_META,
    FIRST_NOTE,
    ITEMS_EACH,
    METAS_EACH,
    NOTES_EACH,
    Plan,
    SeedOrders,
)
from integrations.sandbox.woocommerce.seed_products import catalogue

Callback = Callable[[str, int], None]
_ALL = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Saved(msgspec.Struct):
    """What a store remembers beyond its options: all that differs from the seed."""

    seeded_at: int
    ids: Ids
    orders: list[Order] = []
    orders_gone: list[int] = []
    products: list[Product] = []
    products_gone: list[int] = []
    webhooks: list[Webhook] = []
    keys: list[ApiKey] = []
    fulfillments: list[Fulfillment] = []
    trackings: dict[str, list[Tracking]] = {}


class WooStore:
    def __init__(self, options: StoreOptions, *, now: Now | None = None) -> None:
        self.options = options
        self.clock = SiteClock(options.timezone, now)
        self.seeded_at = options.seeded_at or self.clock.now()
        self.decimals = currency_facts(options.currency)[0]
        self.is_new = int(options.version.split(".")[0]) >= int(NEW.split(".")[0])
        self.home_url = options.home_url.rstrip("/") + "/"
        self._lock = threading.RLock()
        self._depth = 0
        self._events: dict[tuple[str, int], None] = {}
        self._subscribers: list[Callback] = []
        self._seed()

    def _seed(self) -> None:
        options = self.options
        self.ids = Ids(post=0, item=0, meta=0, note=0)
        self.products = catalogue(
            seed=options.seed,
            count=options.products,
            now=self.seeded_at,
            decimals=self.decimals,
            new_meta_id=lambda: self.ids.next("meta"),
        )
        plan = Plan(
            seed=options.seed,
            count=options.orders,
            first_id=max(options.first_order_id, max(self.products, default=0) + 1),
            now=self.seeded_at,
            currency=options.currency,
            decimals=self.decimals,
            prices_include_tax=options.prices_include_tax,
            version=options.version,
            history_days=options.history_days,
            same_second=options.same_second,
            custom_statuses=options.custom_statuses,
        )
        seed = SeedOrders(plan, self.products)
        self.ids.post = seed.next_post_id - 1
        self.ids.item = FIRST_ITEM + ITEMS_EACH * (plan.count + 1)
        self.ids.meta = FIRST_META + METAS_EACH * (plan.count + 1)
        self.ids.note = FIRST_NOTE + NOTES_EACH * (plan.count + 1)
        self.orders = OrderBook(seed, self.products)
        self.changed_products: set[int] = set()
        self.products_gone: set[int] = set()
        self.webhooks: dict[int, Webhook] = {}
        self.keys: dict[int, ApiKey] = {}
        self.fulfillments: dict[int, Fulfillment] = {}
        self.trackings: dict[int, list[Tracking]] = {}
        self.nonces: dict[tuple[int, str], int] = {}
        self.add_key(options.consumer_key, options.consumer_secret, options.permissions, "Sandbox")

    # -- work and events -----------------------------------------------------------------------

    @contextmanager
    def working(self) -> Iterator[None]:
        """Hold the store; what was emitted meanwhile goes out once at the end, as a webhook is
        queued once per request (includes/class-wc-webhook.php, should_deliver).
        """
        with self._lock:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if not self._depth:
                    events, self._events = self._events, {}
                    for topic, number in events:
                        for subscriber in self._subscribers:
                            subscriber(topic, number)

    def subscribe(self, callback: Callback) -> None:
        """``callback`` runs while the store is held: it notes the event and returns."""
        self._subscribers.append(callback)

    def emit(self, topic: str, number: int) -> None:
        self._events[topic, number] = None

    def payload(self, topic: str, number: int) -> dict[str, Any]:
        """A delivery's body as of now; what is gone, and every ``deleted``, is its id alone."""
        resource, _, event = topic.partition(".")
        with self.working():
            if event == "deleted":
                return {"id": number}
            if resource == "order" and (order := self.orders.get(number)):
                return shapes.order_document(self, order)
            if resource == "product" and (product := self.products.get(number)):
                return product_shapes.product_document(self, product)
        return {"id": number}

    # -- changes -------------------------------------------------------------------------------

    def save_order(
        self, order: Order, event: str = "updated", *, moment: int | None = None
    ) -> None:
        """Keep a changed order: it is modified now, or at ``moment`` (epoch seconds), and
        subscribers hear of it.
        """
        order.modified = self.clock.now() if moment is None else moment
        self.orders.put(order)
        self.emit(f"order.{event}", order.id)

    def save_product(self, product: Product, event: str = "updated") -> None:
        product.modified = self.clock.now()
        self.products[product.id] = product
        self.changed_products.add(product.id)
        self.emit(f"product.{event}", product.id)

    def drop_product(self, product_id: int) -> None:
        """For good, and no webhook tells of it: ``product.deleted`` hangs on trashing alone."""
        self.products.pop(product_id, None)
        self.changed_products.discard(product_id)
        self.products_gone.add(product_id)

    def add_key(
        self, consumer_key: str, consumer_secret: str, permissions: str, description: str
    ) -> ApiKey:
        key = ApiKey(self.ids.next("key"), consumer_key, consumer_secret, permissions, description)
        self.keys[key.id] = key
        return key

    # -- what the documents ask ----------------------------------------------------------------

    @cached_property
    def surface(self) -> Surface:
        return Surface(
            is_new=self.is_new,
            plugins=frozenset(self.options.plugins),
            statuses=(*CORE_STATUSES, *self.options.custom_statuses),
            currency=self.options.currency,
            decimals=self.decimals,
            ignores_modified=self.options.ignores_modified,
        )

    @property
    def home_path(self) -> str:
        """``/`` or, for a site in a sub-directory, ``/shop/``."""
        return urlsplit(self.home_url).path

    def rest_url(self, path: str) -> str:
        if self.options.permalinks == "plain":
            return f"{self.home_url}index.php?rest_route={path}"
        return f"{self.home_url}{self.options.rest_prefix}{path}"

    def links(
        self, path: str, collection: str, *, up: str = "", allow: tuple[str, ...] = _ALL
    ) -> dict[str, Any]:
        """``targetHints`` came with WordPress 6.7; the recorded 8.9.3 store runs 6.5."""
        own: dict[str, Any] = {"href": self.rest_url(path)}
        if self.is_new:
            own["targetHints"] = {"allow": list(allow)}
        links: dict[str, Any] = {
            "self": [own],
            "collection": [{"href": self.rest_url(collection)}],
        }
        if up:
            links["up"] = [{"href": self.rest_url(up)}]
        return links

    def sold(self, line: Line) -> Product | None:
        """The product of a line. A variation that is gone leaves its parent in its place. Source:
        includes/class-wc-order-item-product.php, set_variation_id and get_product.
        """
        return self.products.get(line.variation_id) or self.products.get(line.product_id)

    def needs_processing(self, order: Order) -> bool:
        """Whether anything in it has to be shipped or made. Source: includes/class-wc-order.php."""
        for line in order.lines:
            product = self.sold(line)
            if product and not (product.is_virtual and product.extra.get("downloadable")):
                return True
        return False

    # -- keeping -------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """JSON-able; holds the keys and webhook secrets of this invented store."""
        with self.working():
            saved = Saved(
                seeded_at=self.seeded_at,
                ids=self.ids,
                orders=list(self.orders.changed.values()),
                orders_gone=sorted(self.orders.gone),
                products=[self.products[number] for number in sorted(self.changed_products)],
                products_gone=sorted(self.products_gone),
                webhooks=list(self.webhooks.values()),
                keys=list(self.keys.values()),
                fulfillments=list(self.fulfillments.values()),
                trackings={str(number): rows for number, rows in self.trackings.items()},
            )
            found: dict[str, Any] = msgspec.to_builtins(saved)
            return found

    @classmethod
    def restore(
        cls, options: StoreOptions, saved: dict[str, Any], *, now: Now | None = None
    ) -> WooStore:
        """The same seed, then what had changed. Raises msgspec.ValidationError."""
        kept = msgspec.convert(saved, Saved)
        store = cls(msgspec.structs.replace(options, seeded_at=kept.seeded_at), now=now)
        store.ids = kept.ids
        for order in kept.orders:
            store.orders.put(order)
        for number in kept.orders_gone:
            store.orders.drop(number)
        store.products.update((product.id, product) for product in kept.products)
        for number in kept.products_gone:
            store.products.pop(number, None)
        store.changed_products = {product.id for product in kept.products}
        store.products_gone = set(kept.products_gone)
        store.webhooks = {row.id: row for row in kept.webhooks}
        store.keys = {row.id: row for row in kept.keys}
        store.fulfillments = {row.id: row for row in kept.fulfillments}
        store.trackings = {int(number): rows for number, rows in kept.trackings.items()}
        return store
