"""A platform made for these tests: a store in memory that signs like WooCommerce and tells thin or
whole news.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from integrations.base import BaseEcommerceIntegration, Filters, Page, StoreIdentity, Subscription
from integrations.errors import ContractBroken, NotFound
from integrations.events import IN_BACKGROUND, Event, EventKind, RawDelivery
from integrations.platform import (
    Ability,
    AuthKind,
    Connection,
    PlatformCard,
    SignIn,
    WebhookScheme,
)
from inventory.data import ProductData, StockResult, StockUpdate
from orders.data import OrderData, ShipmentData
from orders.status import OrderStatus
from tests.factories import make_order, make_product

SECRET = "toy-secret"
TOPIC, SIGNATURE = "X-Toy-Topic", "X-Toy-Signature"

CARD = PlatformCard(
    slug="toy",
    name="Toy",
    service="tests.webhooks.toy.ToyIntegration",
    routes="",
    sign_ins=(SignIn(kind=AuthKind.API_KEYS, label="Keys"),),
    abilities=frozenset({Ability.WEBHOOKS, Ability.ORDER_BY_ID}),
    exempt={
        ability: "not needed in tests"
        for ability in Ability
        if ability not in {Ability.WEBHOOKS, Ability.ORDER_BY_ID}
    },
    webhooks=WebhookScheme(
        scheme="hmac-sha256-base64",
        signature_header=SIGNATURE,
        topic_header=TOPIC,
        kept_headers=("X-Toy-Delivery",),
    ),
)


class ToyStore:
    """What the store holds, what it answers when asked, and how often it was asked."""

    def __init__(self) -> None:
        self.orders: dict[str, OrderData] = {}
        self.products: dict[str, ProductData] = {}
        self.asked: list[str] = []
        self.failing: Exception | None = None
        self.before_answer: Any = None

    def answer(self, shelf: dict[str, Any], key: str) -> Any:
        self.asked.append(key)
        if self.before_answer:
            self.before_answer()
        if self.failing:
            raise self.failing
        if key not in shelf:
            raise NotFound(f"No {key} here.")
        return shelf[key]

    @contextmanager
    def adapter(self, store: Any, **_options: Any) -> Iterator[ToyIntegration]:
        yield ToyIntegration(
            Connection(
                store_id=str(store.pk),
                base_url=store.base_url,
                credentials={},
                http=None,  # type: ignore[arg-type]  # nothing is called over HTTP
                options={"toy": self},
            )
        )


class ToyIntegration(BaseEcommerceIntegration):
    card = CARD

    @staticmethod
    def is_ping(body: bytes) -> bool:
        return body == b"webhook_id=1"

    def handle_webhook(self, payload: RawDelivery) -> list[Event]:
        told = json.loads(payload.body)
        if told.get("explode"):
            raise ZeroDivisionError("a mistake of ours")
        if "id" not in told:
            raise ContractBroken("The order has no id.", path="$.id")
        kind = payload.topic.partition(".")[0]
        if kind == "coupon":
            return [
                Event(kind=EventKind.IGNORED, topic=payload.topic, reason="coupons are not kept")
            ]
        external_id = str(told["id"])
        event = {"external_id": external_id, "topic": payload.topic}
        if kind == "gone":
            return [Event(kind=EventKind.STORE_GONE, confirm=True, **event)]
        if kind in IN_BACKGROUND:
            ability = Ability(told["ability"]) if "ability" in told else None
            return [Event(kind=EventKind(kind), ability=ability, **event)]
        deleted = payload.topic.endswith(".deleted")
        if kind == "product":
            product = None if deleted or told.get("thin") else product_of(told)
            return [Event(kind=EventKind.PRODUCT, product=product, confirm=deleted, **event)]
        order = None if deleted or told.get("thin") else order_of(told)
        return [Event(kind=EventKind.ORDER, order=order, confirm=deleted, **event)]

    def read_order(self, order_id: str) -> OrderData:
        return self._store.answer(self._store.orders, order_id)

    def read_product(self, product_id: str) -> ProductData:
        return self._store.answer(self._store.products, product_id)

    def authenticate(self) -> bool:
        self._store.answer({"me": True}, "me")
        return True

    @property
    def _store(self) -> ToyStore:
        return self.connection.options["toy"]

    def identify(self) -> StoreIdentity:
        return StoreIdentity(name="Toy", base_url="", currency="EUR", timezone="UTC")

    def read_orders(self, filters: Filters) -> Iterator[Page[OrderData]]:
        return iter(())

    def read_products(self, filters: Filters) -> Iterator[Page[ProductData]]:
        return iter(())

    def update_order_status(
        self, order_id: str, status: OrderStatus, shipment: ShipmentData | None = None
    ) -> bool:
        return False

    def update_inventories(self, updates: Sequence[StockUpdate]) -> list[StockResult]:
        return []

    def setup_webhooks(self, events: Sequence[str]) -> list[Subscription]:
        return []


def order(number: int, **changes: Any) -> OrderData:
    """An order whose id and number are ``number``."""
    return make_order(number - 1000, **changes)


def order_of(told: dict[str, Any]) -> OrderData:
    return order(
        told["id"],
        changed_at=datetime.fromisoformat(told["changed_at"]),
        word=told.get("status", "processing"),
    )


def product_of(told: dict[str, Any]) -> ProductData:
    changed_at = datetime.fromisoformat(told["changed_at"])
    return make_product(
        external_id=str(told["id"]), title=told.get("title", "Mug"), changed_at=changed_at
    )


def body_of(**told: Any) -> bytes:
    return json.dumps(told).encode()


def sign(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
