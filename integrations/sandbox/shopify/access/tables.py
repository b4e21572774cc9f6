"""The tables of this room; ``rooms`` says what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from integrations.sandbox.shopify.access import fields
from integrations.sandbox.shopify.access.facts import Facts
from integrations.sandbox.shopify.api.resolving import Fields, Nodes

if TYPE_CHECKING:
    from integrations.sandbox.shopify.store import ShopStore


def _shop(store: ShopStore, number: int) -> Facts | None:
    return Facts(store) if number == store.options.shop_id else None


FIELDS: tuple[Fields, ...] = (fields.FIELDS,)
NODES: Nodes = {"Shop": _shop}
PAYLOADS: dict[str, Any] = {
    "app/uninstalled": lambda store, _: Facts(store).rest(),
    "shop/update": lambda store, _: Facts(store).rest(),
}
TOUCHED: dict[type, Any] = {}
