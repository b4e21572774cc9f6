"""The simulated seller account as a world of the conformance suite."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from integrations.events import RawDelivery
from integrations.sandbox.amazon.options import AccountOptions
from integrations.sandbox.amazon.orders import acts, placing
from integrations.sandbox.amazon.orders.models import Order
from integrations.sandbox.amazon.play.acts import move_clock
from integrations.sandbox.amazon.shop import Shop
from integrations.sandbox.amazon.wire import Answer
from integrations.sandbox.server import Incoming, Server
from tests.integrations.sandbox.amazon.official import Asked

SELLER = "A2SANDBOX7SELL"
KEYS = {
    "client_id": "amzn1.application-oa2-client.sandbox",
    "client_secret": "amzn1.oa2-cs.v1.sandbox",
    "refresh_token": "Atzr|sandbox",
    "seller_id": SELLER,
}
_API = (
    "/orders/",
    "/listings/",
    "/sellers/",
    "/reports/",
    "/finances/",
    "/fba/",
    "/notifications/",
    "/feeds/",
)
# The suite's words for trouble, where Amazon's are others.
_TROUBLE: dict[str, tuple[str, dict[str, Any]]] = {
    "changed_types": ("missing_fields", {"route": "searchOrders"}),
    "key_read_only": ("role_missing", {"route": "ListingsItem"}),
    "key_revoked": ("token_revoked", {}),
    "maintenance": ("unavailable", {}),
    "rate_limited": ("throttled", {}),
    "server_error": ("internal_failure", {}),
}


class Unhurried(Shop):
    """A shop whose quotas are always full, and which remembers the calls of its API."""

    def __init__(self, options: AccountOptions, *, is_hurried: bool = False, **more: Any) -> None:
        super().__init__(options, **more)
        self.is_hurried = is_hurried
        self.asked: list[Asked] = []

    def handle(self, incoming: Incoming) -> Answer:
        if not self.is_hurried:
            self.store.quotas.fill()
        answer = super().handle(incoming)
        is_api = incoming.path.startswith(_API)
        if is_api and not self.requests[-1].faults:
            self.asked.append(
                Asked(
                    incoming.method,
                    incoming.raw_path,
                    incoming.raw_query,
                    incoming.headers,
                    incoming.body,
                    answer.status,
                    {name.lower(): value for name, value in answer.headers},
                    answer.content(),
                )
            )
        return answer


class AmazonWorld:
    """``with amazon_world(orders=40) as world``."""

    slug = "amazon"
    locations = ()
    callback = ""
    mails_of_parcels = False
    credentials = KEYS
    wrong_credentials = {**KEYS, "refresh_token": "Atzr|of-somebody-else"}

    def __init__(self, shop: Unhurried, url: str) -> None:
        self.shop, self.url = shop, url

    def order_ids(self) -> set[str]:
        with self.shop.store.working():
            return set(self.shop.store.state.orders)

    def place_order(self) -> str:
        """Three of one thing and one of another, ready to be sent."""
        with self.shop.store.working():
            place = self.shop.store.options.sells_in[0]
            rows = self.shop.store.state.listings.values()
            first, second = [x.sku for x in rows if x.quantity and place in x.offers][:2]
        return self.buy((first, 3), (second, 1))

    def buy(self, *lines: tuple[str, int], status: str = "UNSHIPPED") -> str:
        return placing.place_with(self.shop.store, self.shop.chance, list(lines), status=status)

    def place(self, kind: str, count: int = 1) -> list[str]:
        return placing.place(self.shop.store, self.shop.chance, kind=kind, count=count)

    def act(self, verb: str, order_id: str) -> None:
        acts.act(self.shop.store, verb, order_id)

    def edit_order(self, order_id: str) -> None:
        acts.act(self.shop.store, "touch", order_id)

    def edit_many(self, order_ids: Sequence[str]) -> None:
        acts.touch(self.shop.store, list(order_ids))

    def cancel_order(self, order_id: str) -> None:
        acts.act(self.shop.store, "cancel", order_id)

    def refund_a_unit(self, order_id: str, *, ago_s: float = 600) -> None:
        """It was sent, and a unit came back and was paid back."""
        with self.earlier(ago_s):
            order = self.order(order_id)
            if order.status != "SHIPPED":
                acts.act(self.shop.store, "ship", order_id)
            acts.act(self.shop.store, "return", order_id)
            if not order.is_amazons:
                acts.act(self.shop.store, "arrive", order_id)

    def delete_order(self, order_id: str) -> None:
        with self.shop.store.working():
            del self.shop.store.state.orders[order_id]

    def withdraw_order(self, order_id: str) -> None:
        self.delete_order(order_id)

    def is_cancelled(self, order_id: str) -> bool:
        return self.order(order_id).status == "CANCELLED"

    def notes(self, order_id: str) -> list[str]:
        return []

    def mails(self, order_id: str) -> list[str]:
        return []

    def refunds(self, order_id: str) -> list[tuple[Decimal, str, dict[str, int]]]:
        return []

    def fields(self, order_id: str) -> dict[str, Any]:
        return {}

    def parcels(self, order_id: str) -> list[tuple[str, ...]]:
        return [(one.tracking,) for one in self.order(order_id).packages]

    def stock(
        self, external_product_id: str, external_variant_id: str, external_location_id: str = ""
    ) -> int | None:
        with self.shop.store.working():
            return self.shop.store.state.listings[external_variant_id].quantity

    def writes(self) -> int:
        return sum(
            row.method != "GET" and 0 < row.status < 400 and row.path.startswith(("/or", "/li"))
            for row in self.shop.requests
        )

    def subscriptions(self) -> list[tuple[str, str, bool]]:
        return []

    def put_subscription_to_sleep(self) -> None:
        return

    def deliveries(self) -> list[tuple[RawDelivery, str]]:
        return []

    def trouble(self, kind: str, **settings: Any) -> None:
        if kind == "php_notice" or settings.get("method") in ("PUT", "DELETE"):
            # Nothing here is said in PHP, and no call of ours has these methods.
            return
        known, own = _TROUBLE.get(kind, (kind, {}))
        self.shop.faults.turn_on(known, **{**own, **settings})

    def peace(self) -> None:
        self.shop.faults.clear()

    @contextmanager
    def earlier(self, seconds: float) -> Iterator[None]:
        """What is done here happened so long ago: money is not told of at once."""
        clock = self.shop.store.clock
        clock.ahead_s -= seconds
        try:
            yield
        finally:
            clock.ahead_s += seconds

    def wait(self, seconds: float) -> None:
        """Answers bear the hour of this machine, so over hours it is the reports that grow old: by
        whole seconds, as times are told, and never by less.
        """
        if seconds <= 3_600:
            move_clock(self.shop.store, seconds)
            return
        older = int(seconds) + 2
        with self.shop.store.working():
            for report in self.shop.store.state.reports.values():
                report.created -= older
                report.ended = report.ended and report.ended - older

    def own_skus(self) -> list[str]:
        """Those that can be sold, of units that are the seller's own."""
        with self.shop.store.working():
            rows = self.shop.store.state.listings.values()
            return [x.sku for x in rows if x.quantity is not None and x.offers and not x.children]

    def order(self, order_id: str) -> Order:
        with self.shop.store.working():
            return self.shop.store.state.orders[order_id]

    def calls(self, operation: str) -> int:
        row = self.shop.store.quotas.counts.get(operation)
        return row.calls if row else 0


@contextmanager
def amazon_world(
    *, has_control: bool = False, is_hurried: bool = False, **options: Any
) -> Iterator[AmazonWorld]:
    """What changes is seen at once, unless said otherwise."""
    chosen = {"orders": 40, "products": 20, "lag_s": 0.0, "accept_s": 0.0}
    made = AccountOptions(**{**chosen, **options})
    shop = Unhurried(made, is_hurried=is_hurried, has_control=has_control)
    with Server(shop) as server:
        yield AmazonWorld(shop, server.url)
