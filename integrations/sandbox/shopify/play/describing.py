"""Everything the control page shows, as plain data."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from integrations.sandbox.shopify.clock import utc
from integrations.sandbox.shopify.orders import acts as order_acts

if TYPE_CHECKING:
    from integrations.sandbox.shopify.shop import Shop
    from integrations.sandbox.shopify.store import ShopStore

_SHOWN_ORDERS, _SHOWN_STOCK, _SHOWN_LOG = 20, 25, 25


def described(shop: Shop) -> dict[str, Any]:
    store = shop.store
    with store.working():
        return {
            "store": _facts(shop),
            "app": _app(store),
            "counts": {
                "orders": len(store.orders.ids()),
                "products": len(store.catalogue.products),
            },
            "orders": [
                order_acts.row(store, number) for number in order_acts.newest(store, _SHOWN_ORDERS)
            ],
            "locations": [
                {"id": place.id, "name": place.name, "is_active": place.is_active}
                for place in store.catalogue.locations.values()
            ],
            "stock": _stock(store),
            "webhooks": [
                {
                    "id": one.id,
                    "topic": one.topic,
                    "name": one.name,
                    "host": urlsplit(one.uri).netloc,
                }
                for one in store.hooks.subscriptions.values()
            ],
            "deliveries": {
                "waiting": shop.deliveries.waiting,
                "overflowed": shop.deliveries.overflowed,
                "last": [asdict(row) for row in list(shop.deliveries.sent)[::-1][:_SHOWN_LOG]],
            },
            "faults": shop.faults.document(),
            "traffic": {"per_minute": shop.traffic.per_minute},
            "requests": shop.log(_SHOWN_LOG),
        }


def _facts(shop: Shop) -> dict[str, Any]:
    options = shop.store.options
    return {
        "title": options.title,
        "url": shop.store.url,
        "domain": options.domain,
        "currency": options.currency,
        "timezone": options.timezone,
        "plan": options.plan,
        "now": utc(shop.store.clock.now()),
        "access_token": shop.token,
        "client_id": options.client_id,
        "client_secret": options.client_secret,
    }


def _app(store: ShopStore) -> dict[str, Any]:
    access = store.access
    return {
        "title": store.options.app_title,
        "is_installed": access.is_installed,
        "scopes": list(access.granted),
        "tokens": sum(1 for token in access.grants if access.grant_of(token)),
        "points": store.bucket(store.options.client_id).status(),
    }


def _stock(store: ShopStore) -> list[dict[str, Any]]:
    catalogue = store.catalogue
    rows = []
    for level in catalogue.levels.values():
        item = catalogue.items[level.item_id]
        if not item.tracked or not item.sku or not level.is_active:
            continue
        product = catalogue.products[catalogue.variants[item.variant_id].product_id]
        rows.append(
            {
                "sku": item.sku,
                "title": product.title,
                "location_id": level.location_id,
                "location": catalogue.locations[level.location_id].name,
                "available": level.available,
                "committed": level.committed,
                "on_hand": level.on_hand,
            }
        )
        if len(rows) == _SHOWN_STOCK:
            break
    return rows
