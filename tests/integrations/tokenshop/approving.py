"""TokenShop with a scope that it gives to apps it approved for it."""

from __future__ import annotations

from dataclasses import replace

from tests.integrations.tokenshop.platform import CARD as PLAIN

OLD_ORDERS = "read_old_orders"
CARD = replace(
    PLAIN,
    extra_scopes=(OLD_ORDERS,),
    scope_words={OLD_ORDERS: "See orders of any age", "write_stock": "Set stock"},
)
