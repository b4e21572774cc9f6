"""Lists of orders whose times a test chooses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.base import Filters
from tests.integrations.shopify import make
from tests.integrations.shopify.shop import Shelf, Shop

START = datetime(2026, 11, 1, tzinfo=UTC)
EVERYTHING = Filters(since=datetime(2020, 1, 1, tzinfo=UTC))


def at(second: int) -> str:
    return (START + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%SZ")


def an_order(number: int, changed: int, **changes: Any) -> dict[str, Any]:
    times = {"createdAt": at(number), "updatedAt": at(changed)}
    return make.order(number, **times, **changes)


def shelf_of(shop: Shop, rows: list[dict[str, Any]], **about: Any) -> Shelf:
    """The shop's list of orders, and its lean twin."""
    shelf = Shelf("orders", rows, **about)
    shop.on("Orders", shelf)
    shop.on("OrderIds", shelf)
    shop.on("OrdersById", shelf.by_id)
    return shelf


def ids_of(pages: Any) -> list[str]:
    return [order.external_id for page in pages for order in page.records]


def lean(size: int, **about: Any) -> Filters:
    return Filters(since=EVERYTHING.since, page_size=size, **about)
