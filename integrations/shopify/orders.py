"""Reading orders: what a list shows of each, completed by calls of their own where a list inside it
is longer than shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from integrations.base import Filters, Page
from integrations.errors import NotFound, PermissionMissing
from integrations.shopify import mapper, reading, records, shapes
from integrations.shopify.client import ShopifyClient
from integrations.shopify.records import Question, Source
from integrations.shopify.values import gid
from orders.data import OrderData

ALL_ORDERS = "read_all_orders"
_TOO_OLD = (
    "The order is older than those this app may see: 60 days, without the scope read_all_orders, "
    "which Shopify approves for an app."
)
_MOST_KEYS = 25
# Measured on the simulator, whose costs are fitted to real ones: an order costs 5.7 points in pages
# of 50, 2.7 in pages of 150. So 10,000 orders take the smallest plan six minutes. A bulk operation
# is refused what lies in lists (the lines of parcels and of refunds), so most orders would have to
# be asked for again by their ids after it.
# Source: github.com/estuary/connectors, pull request 4650.
_PAGE = 150


class OrderReader:
    """``sees_customers``: the app may read customers; ``sees_all``: orders of any age. ``fields``:
    metafields to read besides, as ``namespace.key``. ``words`` says which of Shopify's statuses a
    newer one counts as.
    """

    def __init__(
        self,
        client: ShopifyClient,
        *,
        sees_customers: bool,
        sees_all: bool = False,
        fields: Sequence[str] = (),
        words: Mapping[str, str] | None = None,
    ) -> None:
        self.client = client
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
            variables={"customers": sees_customers, "keys": keys, "withKeys": bool(keys)},
            to_record=self._to_order,
            page=_PAGE,
        )

    def read(self, filters: Filters) -> Iterator[Page[OrderData]]:
        yield from reading.read(self.source, filters)

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

    def _oldest(self) -> int:
        """The number of the oldest order the app may see; numbers grow with time. 0 for none."""
        first = records.lean_batch(self.source, Question("", "CREATED_AT"), 1).items
        return int(first[0].external_id) if first and first[0].external_id.isdigit() else 0

    def _to_order(self, raw: bytes) -> OrderData:
        order = shapes.decode(raw, shapes.Order)
        self._complete(order)
        return mapper.to_order(raw, order=order, words=self.words)

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
