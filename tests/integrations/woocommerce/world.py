"""The simulated WooCommerce store as a world of the conformance suite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from integrations.events import RawDelivery
from integrations.sandbox.server import Server
from integrations.sandbox.woocommerce import acts, placing, selling
from integrations.sandbox.woocommerce.models import Line
from integrations.sandbox.woocommerce.money import MICRO
from integrations.sandbox.woocommerce.options import StoreOptions
from integrations.sandbox.woocommerce.shop import Shop
from integrations.woocommerce.platform import CARD
from tests.integrations.conformance.receiver import Receiver, receiver

KEY, SECRET = "ck_" + "0" * 40, "cs_" + "1" * 40
_PATH = "/api/v1/woocommerce/webhooks/receive/token-of-the-suite"


class WooWorld:
    """``with woo_world(orders=40) as world``."""

    slug = "woocommerce"
    locations = ()
    credentials = {"consumer_key": KEY, "consumer_secret": SECRET}
    wrong_credentials = {"consumer_key": "ck_" + "2" * 40, "consumer_secret": "cs_" + "3" * 40}

    def __init__(self, shop: Shop, url: str, inbox: Receiver) -> None:
        self.shop, self.url, self._inbox = shop, url, inbox
        self.callback = inbox.url + _PATH

    def order_ids(self) -> set[str]:
        with self.shop.store.working():
            return {str(key) for key in self.shop.store.orders.ids()}

    def place_order(self) -> str:
        (order_id,) = placing.place(self.shop.store, self.shop.chance)
        return str(order_id)

    def edit_order(self, order_id: str) -> None:
        acts.edit(self.shop.store, int(order_id))

    def edit_many(self, order_ids: Sequence[str]) -> None:
        acts.touch(self.shop.store, [int(key) for key in order_ids])

    def cancel_order(self, order_id: str) -> None:
        selling.cancel(self.shop.store, int(order_id))

    def refund_a_unit(self, order_id: str) -> None:
        acts.refund(self.shop.store, int(order_id))

    def delete_order(self, order_id: str) -> None:
        selling.delete(self.shop.store, int(order_id))

    def withdraw_order(self, order_id: str) -> None:
        selling.trash(self.shop.store, int(order_id))

    def is_cancelled(self, order_id: str) -> bool:
        return selling.existing(self.shop.store, int(order_id)).status == "cancelled"

    def notes(self, order_id: str) -> list[str]:
        return [note.text for note in selling.existing(self.shop.store, int(order_id)).notes]

    @property
    def mails_of_parcels(self) -> bool:
        """The tracking plugins write with the order's own mails."""
        return not any(p in self.shop.store.options.plugins for p in ("shipment_tracking", "ast"))

    def mails(self, order_id: str) -> list[str]:
        order = selling.existing(self.shop.store, int(order_id))
        found = [note.text for note in order.notes if note.to_customer]
        rows = self.shop.store.fulfillments.values()
        return found + [w for row in rows if row.order_id == int(order_id) for w in row.mails]

    def refunds(self, order_id: str) -> list[tuple[Decimal, str, dict[str, int]]]:
        order = selling.existing(self.shop.store, int(order_id))
        return [
            (
                Decimal(row.amount) / MICRO,
                row.reason,
                {str(_refunded(line)): -line.quantity for line in row.lines},
            )
            for row in order.refunds
        ]

    def fields(self, order_id: str) -> dict[str, Any]:
        order = selling.existing(self.shop.store, int(order_id))
        return {row.key: row.value for row in order.meta}

    def parcels(self, order_id: str) -> list[tuple[str, ...]]:
        """What a customer learned of parcels, wherever this store keeps it."""
        key, store = int(order_id), self.shop.store
        order = selling.existing(store, key)
        found = [("note", n.text) for n in order.notes if n.to_customer and "on its way" in n.text]
        found += [("plugin", row.number) for row in store.trackings.get(key, [])]
        found += [
            ("fulfillment", str({m.key: m.value for m in row.meta}.get("_tracking_number")))
            for row in store.fulfillments.values()
            if row.order_id == key and row.deleted is None
        ]
        return found

    def stock(
        self, external_product_id: str, external_variant_id: str, external_location_id: str = ""
    ) -> int | None:
        return self.shop.store.products[int(external_variant_id)].stock

    def writes(self) -> int:
        return sum(row.method != "GET" and row.status < 400 for row in self.shop.requests)

    def subscriptions(self) -> list[tuple[str, str, bool]]:
        hooks = self.shop.store.webhooks.values()
        return [(hook.topic, hook.delivery_url, hook.status == "active") for hook in hooks]

    def put_subscription_to_sleep(self) -> None:
        next(iter(self.shop.store.webhooks.values())).status = "disabled"

    def deliveries(self) -> list[tuple[RawDelivery, str]]:
        assert self.shop.deliveries.settle(10)
        scheme = CARD.webhooks
        assert scheme is not None
        return [
            (
                RawDelivery(
                    topic=row.headers.get(scheme.topic_header, ""),
                    body=row.body,
                    headers={k: v for k, v in row.headers.items() if k in scheme.kept_headers},
                ),
                row.headers.get(scheme.signature_header, ""),
            )
            for row in self._inbox.received
        ]

    def trouble(self, kind: str, **settings: Any) -> None:
        self.shop.faults.turn_on(kind, **settings)

    def peace(self) -> None:
        self.shop.faults.clear()


def _refunded(line: Line) -> Any:
    return next(row.value for row in line.meta if row.key == "_refunded_item_id")


@contextmanager
def woo_world(*, has_control: bool = False, **options: Any) -> Iterator[WooWorld]:
    chosen = {"orders": 40, "products": 20, "consumer_key": KEY, "consumer_secret": SECRET}
    shop = Shop(StoreOptions(**{**chosen, **options}), webhook_delay_s=0, has_control=has_control)
    with receiver() as inbox, Server(shop) as server:
        yield WooWorld(shop, server.url, inbox)
