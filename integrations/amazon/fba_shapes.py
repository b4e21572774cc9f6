"""What ``getInventorySummaries`` answers, typed: only what is read. Source: the official model
``fbaInventory`` (github.com/amzn/selling-partner-api-models), in which every field is optional.
"""

from __future__ import annotations

import msgspec

from integrations.amazon.shapes import Camel, Pages


class Reserved(Camel):
    total_reserved_quantity: int | None = None


class Researching(Camel):
    total_researching_quantity: int | None = None


class Unfulfillable(Camel):
    total_unfulfillable_quantity: int | None = None


class Details(Camel):
    fulfillable_quantity: int | None = None
    inbound_working_quantity: int | None = None
    inbound_shipped_quantity: int | None = None
    inbound_receiving_quantity: int | None = None
    reserved_quantity: Reserved | None = None
    researching_quantity: Researching | None = None
    unfulfillable_quantity: Unfulfillable | None = None


class KeptSku(Camel):
    """What tells summaries apart."""

    seller_sku: str


class KeptSummary(KeptSku):
    fn_sku: str | None = None
    product_name: str | None = None
    last_updated_time: str | None = None
    total_quantity: int | None = None
    inventory_details: Details | None = None


class KeptRows(Camel):
    inventory_summaries: list[msgspec.Raw]


class KeptAnswer(Camel):
    payload: KeptRows
    pagination: Pages | None = None
