"""The simulated Shopify store as a world of the conformance suite."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from integrations.events import RawDelivery
from integrations.sandbox.server import Server
from integrations.sandbox.shopify.options import StoreOptions
from integrations.sandbox.shopify.orders import acts, placing, refunding
from integrations.sandbox.shopify.orders.models import Order
from integrations.sandbox.shopify.shop import Shop
from integrations.shopify.platform import CARD
from tests.integrations.conformance.receiver import Receiver, receiver
from tests.integrations.conformance.world import SECRET

TOKEN = "shpat_" + "0" * 32
_PATH = "/api/v1/shopify/webhooks/receive/token-of-the-suite"
_MUTATIONS = frozenset(
    {
        "fulfillmentCancel",
        "fulfillmentCreate",
        "fulfillmentTrackingInfoUpdate",
        "inventoryActivate",
        "inventorySetQuantities",
        "metafieldsDelete",
        "metafieldsSet",
        "orderCancel",
        "orderClose",
        "orderOpen",
        "orderUpdate",
        "refundCreate",
        "webhookSubscriptionCreate",
        "webhookSubscriptionDelete",
        "webhookSubscriptionUpdate",
    }
)
# The suite's words for trouble, where Shopify's are others.
_TROUBLE: dict[str, tuple[str, dict[str, Any]]] = {
    "changed_types": ("unexpected_nulls", {"route": "orders"}),
    "key_read_only": ("scopes_narrowed", {}),
    "key_revoked": ("token_revoked", {}),
    "maintenance": ("server_error", {"status": 503}),
}
# GraphQL has one method; the suite's stand for what they do.
_ROUTES = {"POST": "fulfillmentCreate", "PUT": "metafieldsSet", "DELETE": "fulfillmentCancel"}


class ShopifyWorld:
    """``with shopify_world(orders=40) as world``."""

    slug = "shopify"
    mails_of_parcels = True
    credentials = {"access_token": TOKEN}
    wrong_credentials = {"access_token": "shpat_" + "9" * 32}

    def __init__(self, shop: Shop, url: str, inbox: Receiver) -> None:
        self.shop, self.url, self._inbox = shop, url, inbox
        self.callback = inbox.url + _PATH
        mine = (x for x in shop.store.catalogue.active_locations() if not x.service)
        self.locations = tuple(str(place.id) for place in mine)

    def order_ids(self) -> set[str]:
        with self.shop.store.working():
            return {str(key) for key in self.shop.store.orders.ids()}

    def place_order(self) -> str:
        """Three of one thing and one of another, ready to be sent."""
        catalogue = self.shop.store.catalogue
        skus = [one.sku for one in catalogue.variants.values() if not one.components]
        first, second = [sku for sku in skus if sku and skus.count(sku) == 1][:2]
        lines = [(first, 3), (second, 1)]
        return str(placing.place_with(self.shop.store, self.shop.chance, lines))

    def edit_order(self, order_id: str) -> None:
        acts.act(self.shop.store, "touch", int(order_id))

    def edit_many(self, order_ids: Sequence[str]) -> None:
        acts.touch(self.shop.store, [int(key) for key in order_ids])

    def cancel_order(self, order_id: str) -> None:
        acts.act(self.shop.store, "cancel", int(order_id))

    def refund_a_unit(self, order_id: str) -> None:
        acts.act(self.shop.store, "refund", int(order_id))

    def delete_order(self, order_id: str) -> None:
        with self.shop.store.working():
            self.shop.store.orders.delete(int(order_id))

    def withdraw_order(self, order_id: str) -> None:
        acts.act(self.shop.store, "cancel", int(order_id))
        acts.act(self.shop.store, "delete", int(order_id))

    def is_cancelled(self, order_id: str) -> bool:
        return self._order(order_id).cancelled_at is not None

    def notes(self, order_id: str) -> list[str]:
        return (self._order(order_id).note or "").splitlines()

    def mails(self, order_id: str) -> list[str]:
        order = self._order(order_id)
        found = [word for told in order.fulfillments for word in told.mails]
        return found + ["cancelled"] * order.cancel_mails

    def refunds(self, order_id: str) -> list[tuple[Decimal, str, dict[str, int]]]:
        order = self._order(order_id)
        return [
            (
                refunding.paid_back(order, row).shop.amount,
                row.note or "",
                {str(line.line_item_id): line.quantity for line in row.lines},
            )
            for row in order.refunds
        ]

    def fields(self, order_id: str) -> dict[str, Any]:
        """Metafields of Logix's own namespace by their bare keys, others with theirs."""
        return {
            f"{row.namespace}.{row.key}".removeprefix("logix."): _value(row.type, row.value)
            for row in self._order(order_id).metafields
        }

    def parcels(self, order_id: str) -> list[tuple[str, ...]]:
        return [
            tuple(str(tracking.number) for tracking in told.tracking)
            for told in self._order(order_id).fulfillments
            if told.status == "SUCCESS"
        ]

    def stock(
        self, external_product_id: str, external_variant_id: str, external_location_id: str = ""
    ) -> int | None:
        catalogue = self.shop.store.catalogue
        variant = catalogue.variants[int(external_variant_id)]
        return catalogue.levels[variant.item_id, int(external_location_id)].available

    def writes(self) -> int:
        return sum(
            bool(_MUTATIONS & set(row.asked.split())) and 0 < row.status < 400
            for row in self.shop.requests
        )

    def subscriptions(self) -> list[tuple[str, str, bool]]:
        hooks = self.shop.store.hooks.subscriptions.values()
        return [(hook.topic, hook.uri, True) for hook in hooks]

    def put_subscription_to_sleep(self) -> None:
        """Shopify deletes one that failed too often."""
        hooks = self.shop.store.hooks
        with self.shop.store.working():
            hooks.drop(next(iter(hooks.subscriptions)))

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
        if kind == "php_notice":
            return
        known, own = _TROUBLE.get(kind, (kind, {}))
        if (method := settings.pop("method", "")) and "route" not in settings:
            own = {**own, "route": _ROUTES[method]}
        self.shop.faults.turn_on(known, **{**own, **settings})

    def peace(self) -> None:
        self.shop.faults.clear()

    def _order(self, order_id: str) -> Order:
        with self.shop.store.working():
            return self.shop.store.orders.existing(int(order_id))


@contextmanager
def shopify_world(*, has_control: bool = False, **options: Any) -> Iterator[ShopifyWorld]:
    """On the largest plan, so that points are no matter, and with one location."""
    chosen = {
        "orders": 40,
        "products": 20,
        "plan": "enterprise",
        "is_multi_location": False,
        "bulk_s": 0.0,
        "access_token": TOKEN,
        "client_secret": SECRET,
    }
    shop = Shop(StoreOptions(**{**chosen, **options}), webhook_delay_s=0, has_control=has_control)
    with receiver() as inbox, Server(shop) as server:
        yield ShopifyWorld(shop, server.url, inbox)


def _value(type_: str, value: str) -> Any:
    is_text = type_ in ("single_line_text_field", "multi_line_text_field")
    return value if is_text else json.loads(value)
