"""Reading payouts of Shopify Payments by the time they were issued, each with the balance
transactions it is made of.

A store whose money does not go through Shopify Payments has no account, so no payouts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec

from integrations.base import Filters, Page
from integrations.errors import NotFound, Unsupported
from integrations.shopify import payout_mapper, reading, records, shapes
from integrations.shopify.client import Reply, ShopifyClient
from integrations.shopify.payout_mapper import Transaction
from integrations.shopify.reading import MOST_LISTED, Way
from integrations.shopify.records import Batch, Question, Source
from orders.data import PayoutData

ACCOUNT = "shopifyPaymentsAccount"
# Each brings a list of its own, so few make a page.
PAGE = 20
ISSUED = Way("issued_at", "ISSUED_AT", lambda item: item.created_at, timedelta(0))
_NO_ACCOUNT = (
    "This store does not use Shopify Payments, so Shopify pays nothing out to it: there are no "
    "payouts to read."
)


class PayoutReader:
    def __init__(self, client: ShopifyClient) -> None:
        self.client = client
        self.source: Source[PayoutData] = Source(
            client=client,
            kind="ShopifyPaymentsPayout",
            root="payouts",
            pages="payouts",
            ids="payouts",
            by_ids="payouts_by_id",
            variables={},
            to_record=self._to_payout,
            page=PAGE,
        )

    def read(self, filters: Filters) -> Iterator[Page[PayoutData]]:
        """Raises Unsupported for a store that has no payouts."""
        return reading.read(self.source, filters, way=ISSUED, ask=_listed)

    def _to_payout(self, raw: bytes) -> PayoutData:
        payout = payout_mapper.decode(raw)
        found = list(
            self.client.connection(
                "payout_lines",
                {"query": f"payments_transfer_id:{payout.legacy_resource_id}"},
                ACCOUNT,
                "balanceTransactions",
                Transaction,
            )
        )
        complete = len(found) < MOST_LISTED
        return payout_mapper.to_payout(raw, payout, found, complete=complete)


def _listed(source: Source[Any], question: Question, wanted: int) -> Batch:
    asked = {**source.variables, **question.variables}
    reply, _ = source.client.page(source.pages, asked, wanted)
    account = _account(reply)
    payouts = bytes(account.get(source.root, b"null"))
    found = shapes.decode(payouts, shapes.Connection[msgspec.Raw])
    return records.as_batch(source, found, reply.store_time)


def _account(reply: Reply) -> dict[str, msgspec.Raw]:
    try:
        return reply.at(ACCOUNT, dict[str, msgspec.Raw])
    except NotFound:
        raise Unsupported(_NO_ACCOUNT) from None
