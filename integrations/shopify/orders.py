"""Reading orders: what a list shows of each, completed by calls of their own where a list inside it
is longer than shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.base import Filters, Page, ReadBy
from integrations.errors import NotFound, PermissionMissing
from integrations.shopify import bulk, mapper, parcels, reading, records, resale, shapes
from integrations.shopify.bulk_orders import BulkReader
from integrations.shopify.client import ShopifyClient
from integrations.shopify.records import Question, Source
from integrations.shopify.values import gid
from orders.data import OrderData

ALL_ORDERS = "read_all_orders"
# By the day they were placed. Source: https://shopify.dev/docs/api/usage/access-scopes, orders
# permissions.
SEEN_FOR = timedelta(days=60)
_TOO_OLD = (
    "The order is older than those this app may see: 60 days, without the scope read_all_orders, "
    "which Shopify approves for an app."
)
_MOST_KEYS = 25
# Measured on the simulator, whose costs are fitted to real ones: an order costs 6.3 points in pages
# of 50, 3.1 in pages of 150, and a quarter more where it is read which locations are to send it. So
# 10,000 orders take the smallest plan six minutes; that many are exported (``bulk_orders``).
_PAGE = 150


class Count(shapes.Camel):
    count: int


class OrderReader:
    """``sees_customers``: the app may read customers; ``sees_returns``: returns; ``sees_all``:
    orders of any age. ``assigned``: read where the units that are left are to be sent from.
    ``fields``: metafields to read besides, as ``namespace.key``. ``words`` says which of Shopify's
    statuses a newer one counts as. ``asks_back``: where goods came back, ask which are on sale
    again, with one more call for such an order.
    """

    def __init__(
        self,
        client: ShopifyClient,
        *,
        sees_customers: bool,
        sees_returns: bool = False,
        sees_all: bool = False,
        assigned: bool = False,
        fields: Sequence[str] = (),
        words: Mapping[str, str] | None = None,
        asks_back: bool = False,
    ) -> None:
        self.client = client
        self.asks_back, self.sees_returns = asks_back, sees_returns
        self.words = words or {}
        self.sees_all = sees_all
        keys = list(fields)[:_MOST_KEYS]
        self.source: Source[OrderData] = Source(
            client=client,
            kind="Order",
            root="orders",
            pages="orders",
            ids="order_ids",
            by_ids="orders_by_id",
            variables={
                "assigned": assigned,
                "customers": sees_customers,
                "keys": keys,
                "withKeys": bool(keys),
                "returns": sees_returns,
            },
            to_record=self._to_order,
            page=_PAGE,
        )

    def read(self, filters: Filters) -> Iterator[Page[OrderData]]:
        """Raises Unsupported where Shopify does not prepare the ``whole`` of them."""
        term = reading.term(self.source, reading.PLACED, filters.since, filters.until)
        if filters.whole:
            yield from BulkReader(self.source, term, filters).pages()
            return
        pages = reading.read(self.source, filters)
        if filters.counted and (first := next(pages, None)):
            yield replace(first, total=self._count(term))
        yield from pages

    def drop(self, position: Mapping[str, Any]) -> None:
        bulk.cancel(self.client, str(position["operation"]))

    def ids(self, filters: Filters) -> Iterable[str]:
        return reading.ids(self.source, filters)

    def one(self, order_id: str) -> OrderData:
        """Raises NotFound, PermissionMissing for one that is too old to be seen."""
        gid("Order", order_id)
        found = records.by_ids(self.source, [order_id])
        if found:
            return self._to_order(found[0].raw)
        if not self.sees_all and int(order_id) < self._oldest():
            raise PermissionMissing(_TOO_OLD, scopes=(ALL_ORDERS,), code="scope_missing")
        raise NotFound("The store does not have this order (any more).")

    def withheld(self, filters: Filters) -> str:
        is_other = bool(filters.ids or filters.number) or filters.by is not ReadBy.PLACED
        oldest = datetime.now(UTC) - SEEN_FOR
        if self.sees_all or is_other or (filters.since and filters.since >= oldest):
            return ""
        return (
            f"Orders placed before {oldest:%d %B %Y}, if there are any, are not shown to this app: "
            f"that takes the scope {ALL_ORDERS}, which Shopify approves for an app. Once it has, "
            "connect the store again with it and read all orders."
        )

    def _count(self, term: str) -> int:
        """How many orders a search finds."""
        return self.client.ask("order_count", {"query": term}).at("ordersCount", Count).count

    def _oldest(self) -> int:
        """The number of the oldest order the app may see; numbers grow with time. 0 for none."""
        first = records.lean_batch(self.source, Question("", "CREATED_AT"), 1).items
        return int(first[0].external_id) if first and first[0].external_id.isdigit() else 0

    def _to_order(self, raw: bytes) -> OrderData:
        order = shapes.decode(raw, shapes.Order)
        self._complete(order)
        return mapper.to_order(raw, order=order, words=self.words, back=self._back(order))

    def _back(self, order: shapes.Order) -> resale.Back | None:
        if not (self.asks_back and resale.may_be(order)):
            return None
        asked = {"id": order.id, "returns": self.sees_returns}
        return self.client.ask("back_on_sale", asked).at("order", resale.Back)

    def _complete(self, order: shapes.Order) -> None:
        """Put what the page left out behind what it showed."""
        if rest := order.line_items.rest:
            order.line_items.nodes += self.client.connection(
                "order_lines", {"id": order.id}, "order", "lineItems", shapes.Line, rest
            )
        if rest := order.shipping_lines.rest:
            order.shipping_lines.nodes += self.client.connection(
                "order_shipping_lines",
                {"id": order.id},
                "order",
                "shippingLines",
                shapes.ShippingLine,
                rest,
            )
        for told in order.fulfillments:
            complete_fulfillment(self.client, told)
        if order.fulfillment_orders is not None and mapper.has_left_to_send(order):
            self._complete_assigned(order.id, order.fulfillment_orders)
        for refund in order.refunds:
            if rest := refund.refund_line_items.rest:
                refund.refund_line_items.nodes += self.client.connection(
                    "refund_lines",
                    {"id": refund.id},
                    "refund",
                    "refundLineItems",
                    shapes.RefundLine,
                    rest,
                )
        if order.returns is not None:
            self._complete_returns(order.id, order.returns)

    def _complete_assigned(
        self, order_id: str, told: shapes.Connection[shapes.FulfillmentOrder]
    ) -> None:
        if rest := told.rest:
            told.nodes += self.client.connection(
                "order_assignments",
                {"id": order_id},
                "order",
                "fulfillmentOrders",
                shapes.FulfillmentOrder,
                rest,
            )
        for one in told.nodes:
            if not parcels.is_over(one):
                complete_fulfillment_order(self.client, one)

    def _complete_returns(self, order_id: str, told: shapes.Connection[shapes.Return]) -> None:
        if rest := told.rest:
            told.nodes += self.client.connection(
                "order_returns", {"id": order_id}, "order", "returns", shapes.Return, rest
            )
        for one in told.nodes:
            if rest := one.return_line_items.rest:
                one.return_line_items.nodes += self.client.connection(
                    "return_lines",
                    {"id": one.id},
                    "return",
                    "returnLineItems",
                    shapes.ReturnLine,
                    rest,
                )


def complete_fulfillment(client: ShopifyClient, told: shapes.Fulfillment) -> None:
    if rest := told.fulfillment_line_items.rest:
        told.fulfillment_line_items.nodes += client.connection(
            "fulfillment_lines",
            {"id": told.id},
            "fulfillment",
            "fulfillmentLineItems",
            shapes.FulfillmentLine,
            rest,
        )


def complete_fulfillment_order(client: ShopifyClient, told: shapes.FulfillmentOrder) -> None:
    if rest := told.line_items.rest:
        told.line_items.nodes += client.connection(
            "fulfillment_order_lines",
            {"id": told.id},
            "fulfillmentOrder",
            "lineItems",
            shapes.Remaining,
            rest,
        )
