"""The simulated store and an adapter that has it export its orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from integrations.base import Filters, Page, ReadBy
from integrations.kit.breaker import MemoryBreaker
from integrations.kit.http import PlatformSession
from integrations.kit.oauth2 import StaticToken
from integrations.kit.ratelimit import MemoryLimiter
from integrations.kit.ssrf import AddressGuard
from integrations.platform import Connection, RateLimit
from integrations.sandbox.server import Server
from integrations.sandbox.shopify.bulk.models import BulkOperation
from integrations.sandbox.shopify.options import StoreOptions
from integrations.sandbox.shopify.orders import acts
from integrations.sandbox.shopify.shop import Shop
from integrations.shopify.service import ShopifyIntegration
from orders.data import OrderData

TOKEN = "shpat_" + "0" * 32
WINDOW = {"since": datetime(2000, 1, 1, tzinfo=UTC), "until": datetime(2040, 1, 1, tzinfo=UTC)}
OWN_FIELD = "erp.document"
FREE = {"default": RateLimit(rate=100_000, burst=2_000_000)}


class Exporting:
    """``with exporting(orders=40) as store``. Points are no matter, and nobody sleeps."""

    def __init__(self, shop: Shop, url: str) -> None:
        self.shop, self.url = shop, url
        self.adapter = self.adapter_with()

    def adapter_with(self, *, fields: tuple[str, ...] = (), **about: Any) -> ShopifyIntegration:
        session = PlatformSession(
            self.url,
            limiter=MemoryLimiter(FREE),
            breaker=MemoryBreaker(),
            guard=AddressGuard(allow_loopback_http=True),
            store_id="s1",
            sleep=lambda _seconds: None,
        )
        about.setdefault("locations", self.locations)
        options = {"all_orders": True, "order_metafields": list(fields)}
        return ShopifyIntegration(
            Connection(
                store_id="s1",
                base_url=self.url,
                credentials={},
                http=session,
                options=options,
                token=StaticToken(TOKEN),
                **about,
            )
        )

    @property
    def locations(self) -> tuple[str, ...]:
        return tuple(str(key) for key in self.shop.store.catalogue.locations)

    # -- reading -------------------------------------------------------------------------------

    def by_pages(self) -> dict[str, OrderData]:
        filters = Filters(**WINDOW, by=ReadBy.PLACED)
        return records_of(list(self.adapter.read_orders(filters)))

    def read(self, position: Any = None, **about: Any) -> list[Page[OrderData]]:
        """One look at what the store prepares."""
        filters = Filters(**WINDOW, by=ReadBy.PLACED, whole=True, position=position, **about)
        return list(self.adapter.read_orders(filters))

    def begin(self) -> Any:
        """The position of an export that is ready."""
        (page,) = self.read()
        assert page.wait_s is not None
        return page.position

    def whole(self, position: Any = None) -> list[Page[OrderData]]:
        """Look until there is nothing to wait for; the pages that brought something."""
        for _ in range(9):
            pages = self.read(position)
            if all(page.wait_s is None for page in pages):
                return pages
            position = pages[-1].position
        raise AssertionError(f"still waiting at {position}")

    # -- the store's side ----------------------------------------------------------------------

    def act(self, name: str, order_id: str) -> None:
        acts.act(self.shop.store, name, int(order_id))

    def forget(self, order_id: str) -> None:
        with self.shop.store.working():
            self.shop.store.orders.delete(int(order_id))

    def later(self, seconds: int) -> None:
        self.shop.store.clock.ahead_s += seconds

    @property
    def operations(self) -> list[BulkOperation]:
        with self.shop.store.working():
            return list(self.shop.store.bulk.operations.values())

    def change_file(self, change: Callable[[list[bytes]], list[bytes]]) -> None:
        """Another content, which is as long as the operation then says."""
        room = self.shop.store.bulk
        with self.shop.store.working():
            ((name, (signature, content, until)),) = room._files.items()
            told = b"\n".join(change(content.splitlines())) + b"\n"
            room._files[name] = (signature, told, until)
            self.operations[-1].file_size = len(told)

    def lose_files(self) -> None:
        with self.shop.store.working():
            self.shop.store.bulk._files.clear()


@contextmanager
def exporting(**options: Any) -> Iterator[Exporting]:
    chosen = {"orders": 40, "products": 20, "plan": "enterprise", "bulk_s": 0.0}
    shop = Shop(
        StoreOptions(**{**chosen, "access_token": TOKEN, **options}),
        webhook_delay_s=0,
        has_control=False,
    )
    with Server(shop) as server:
        yield Exporting(shop, server.url)


def records_of(pages: list[Page[OrderData]]) -> dict[str, OrderData]:
    """By id. An order that is there twice fails."""
    found = [record for page in pages for record in page.records]
    told = {record.external_id: record for record in found}
    assert len(told) == len(found)
    return told
