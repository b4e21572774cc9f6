"""The platforms a load is measured for: how the hub is connected to a store of each, and which
modules serve it and read it for the floor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import requests

Row = tuple[Any, ...]
WOO_KEY, WOO_SECRET = "ck_" + "b" * 40, "cs_" + "b" * 40
SHOPIFY_TOKEN = "shpat_" + "b" * 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """``credentials`` and ``options`` are what ``connect_store`` takes. ``floor`` and ``store``
    name modules, so that a process loads no more than it measures.
    """

    name: str
    credentials: Mapping[str, str]
    options: Mapping[str, Any]
    floor: str
    store: str

    @property
    def pages(self) -> Callable[[requests.Session, str], Iterator[list[bytes]]]:
        """All orders of the store at an address, a page of them raw at a time."""
        pages: Callable[[requests.Session, str], Iterator[list[bytes]]]
        pages = import_module(self.floor).pages
        return pages

    @property
    def rows(self) -> Callable[[bytes, bytes], tuple[Row, list[Row]]]:
        """Of one raw order and its digest: the order's row and those of its lines."""
        rows: Callable[[bytes, bytes], tuple[Row, list[Row]]] = import_module(self.floor).rows
        return rows


PLATFORMS = {
    "woocommerce": Platform(
        name="WooCommerce",
        credentials={"consumer_key": WOO_KEY, "consumer_secret": WOO_SECRET},
        options={"calls_per_s": 100},
        floor="tests.bench.floor_woocommerce",
        store="tests.bench.store_woocommerce",
    ),
    "shopify": Platform(
        name="Shopify",
        credentials={"access_token": SHOPIFY_TOKEN},
        options={},
        floor="tests.bench.floor_shopify",
        store="tests.bench.store_shopify",
    ),
}
