"""A transaction of Amazon's finances as fees: what Amazon keeps of an order, or gives back of that
with a refund. Pure. Tax that it withholds for a state is none. Source: the model
``finances_2024-06-19``.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from integrations.amazon.transactions import Booked, Part, Whose, plain
from integrations.amazon.values import known_moment, text
from orders.data import FeeLine, FeesData, PartData

# What a fee is told apart into; none of them says which fee it is.
_WITHIN_A_FEE = frozenset({"base", "tax", "promo", "promotion", "discount"})


def to_fees(found: Booked) -> PartData | None:
    """With the tax on them, in Amazon's words. None where no fee moved. Raises ContractBroken."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for part in found.of(Whose.AMAZON):
        sums[_word(part)] -= part.amount
    lines = tuple(FeeLine(word=word, amount=amount) for word, amount in sums.items() if amount)
    if not lines:
        return None
    return PartData(
        external_order_id=found.told.order_id,
        currency=found.currency,
        raw=found.raw,
        told=FeesData(
            external_id=found.told.transaction_id[:100],
            posted_at=known_moment(found.told.posted_date, "$.postedDate"),
            amounts=lines,
        ),
    )


def _word(part: Part) -> str:
    """The innermost that says which fee it is."""
    named = [word for word in part.words if plain(word) not in _WITHIN_A_FEE]
    return text(named[-1], 60)
