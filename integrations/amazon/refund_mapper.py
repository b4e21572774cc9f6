"""A transaction of Amazon's finances as a refund: what the buyer got back. Pure.

What was sold and taxed is taken back from the seller (below zero), and the buyer has it; what
Amazon gives back of its fees is no part of it. Units are not told: ``quantityShipped`` is the
order's also where money alone was given back. Source: the model ``finances_2024-06-19``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from integrations.amazon.transactions import Booked, Part, Whose, sum_of
from integrations.amazon.values import known_moment, text
from integrations.errors import ContractBroken
from orders.data import PartData, RefundData, RefundLineData

# Of a line itself; the rest is beside the lines.
_GOODS = frozenset({"productcharges", "ourpriceprincipal", "principal", "principle"})
_GOODS_TAX = frozenset({"ourpricetax"})


def to_refund(found: Booked) -> PartData | None:
    """None for what is no refund, and where fees alone moved. Raises ContractBroken."""
    if not found.told.is_refund:
        return None
    parts = found.of(Whose.BUYER, Whose.TAX)
    back = -sum_of(parts)
    if back < 0:
        raise ContractBroken(
            "Amazon took back a refund of this order: the seller has the money again. Logix does "
            "not take refunds back; look at the order's transactions in Seller Central.",
            path="$.totalAmount",
            code="refund_reversed",
        )
    if not back:
        return None
    return PartData(
        external_order_id=found.told.order_id,
        currency=found.currency,
        by_sku=True,
        raw=found.raw,
        told=RefundData(
            external_id=found.told.transaction_id[:100],
            amount=back,
            reason=text(found.told.description, 300),
            created_at=known_moment(found.told.posted_date, "$.postedDate"),
            lines=tuple(_lines(parts)),
        ),
    )


def _lines(parts: Iterable[Part]) -> Iterator[RefundLineData]:
    """One for each SKU."""
    by_sku: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        by_sku[part.sku].append(part)
    by_sku.pop("", None)
    for sku, mine in by_sku.items():
        goods = sum_of(x for x in mine if x.is_under(_GOODS))
        tax = sum_of(x for x in mine if x.is_under(_GOODS_TAX) and not x.is_under(_GOODS))
        if goods or tax:
            yield RefundLineData(line_external_id=text(sku, 128), amount=-goods, tax=-tax)
