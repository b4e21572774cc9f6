"""Points: what operations cost, how large a page may be, and what each answer says about the quota.

Shopify lets a query begin when the bucket holds what it may cost at most (requested), and gives
back what it did not (actual). So our own bucket is charged what an operation was found to cost, and
is corrected by each answer. Source: https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from integrations.kit.answer import Answer
from integrations.kit.ratelimit import LimitNews
from integrations.shopify.operations import Operation
from integrations.shopify.shapes import Camel

# A single query above 1,000 points is refused; the rest is room for pages that cost unevenly.
MOST_POINTS = 900
SHORTEST_WAIT_S = 0.5
# Costs differ from page to page; what is this near is no news.
_NEAR = 0.5


class Throttle(Camel):
    maximum_available: float = 0
    currently_available: float = 0
    restore_rate: float = 0


class Cost(Camel):
    requested_query_cost: float | None = None
    actual_query_cost: float | None = None
    throttle_status: Throttle | None = None


class Extensions(Camel):
    cost: Cost | None = None


class _Told(Camel):
    extensions: Extensions | None = None


def learn(answer: Answer) -> LimitNews | None:
    """The hook of ``PlatformSession``."""
    if answer.is_html:
        return None
    try:
        told = msgspec.json.decode(answer.body, type=_Told)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    status = told.extensions and told.extensions.cost and told.extensions.cost.throttle_status
    if not status or status.restore_rate <= 0:
        return None
    return LimitNews(remaining=status.currently_available, rate=status.restore_rate)


def wait_s(cost: Cost | None, expected: float) -> float:
    """Seconds until a throttled query has room."""
    status = cost.throttle_status if cost else None
    if cost is None or status is None or status.restore_rate <= 0:
        return SHORTEST_WAIT_S
    missing = (cost.requested_query_cost or expected) - status.currently_available
    return max(SHORTEST_WAIT_S, missing / status.restore_rate)


class Found(NamedTuple):
    """What a page of ``size`` nodes was found to cost for each of them."""

    requested: float
    actual: float
    size: float


@dataclass(slots=True)
class Ledger:
    """What operations were found to cost. A larger page costs less for each of its nodes, so what
    is known of large ones is not forgotten for a small one. ``kept`` is what earlier uses of the
    store found.
    """

    kept: Any = None
    _found: dict[str, Found] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, told in self.kept.items() if isinstance(self.kept, dict) else ():
            if isinstance(told, list) and len(told) == 3 and all(_is_cost(cost) for cost in told):
                self._found[str(name)] = Found(*(float(cost) for cost in told))

    def fit(self, operation: Operation, wanted: int) -> int:
        """How many of ``wanted`` nodes one query may ask for."""
        known = self._known(operation)
        each = known.requested if known else operation.each or operation.base
        room = (MOST_POINTS - operation.base) / each
        return max(1, min(wanted, int(room)))

    def charge(self, operation: Operation, count: int) -> float:
        """What the limiter is asked for."""
        known = self._known(operation)
        return max(1.0, known.actual * count) if known else float(operation.cost(count))

    def note(self, operation: Operation, count: int, cost: Cost | None) -> None:
        if not (cost and cost.requested_query_cost and cost.actual_query_cost):
            return
        known = self._found.get(operation.name)
        if known is None or 2 * count >= known.size:
            requested, actual = cost.requested_query_cost / count, cost.actual_query_cost / count
            self._found[operation.name] = Found(requested, actual, count)

    def refused(self, operation: Operation, count: int, cost: float | None) -> None:
        """The query was too costly: the next one asks for half as much, or for what fits."""
        told = cost / count if cost else 0.0
        requested = max(told, 2 * MOST_POINTS / count)
        known = self._known(operation)
        actual = known.actual if known else float(operation.each or operation.base)
        self._found[operation.name] = Found(requested, actual, 1)

    def news(self) -> dict[str, list[float]]:
        """To be kept: what was found, once some of it is well off what was kept."""
        before = Ledger(self.kept)._found
        if all(_is_near(before.get(name), found) for name, found in self._found.items()):
            return {}
        return {name: [round(cost, 1) for cost in found] for name, found in self._found.items()}

    def _known(self, operation: Operation) -> Found | None:
        """Until nodes were asked for by their ids, a list of the same says what they may cost."""
        found = self._found
        return found.get(operation.name) or found.get(operation.name.removesuffix("_by_id"))


def _is_cost(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 10**6


def _is_near(before: Found | None, found: Found) -> bool:
    """What was given back for lack of nodes differs from answer to answer and is no news."""
    if before is None:
        return False
    pairs = ((before.requested, found.requested), (before.size, found.size))
    return all(abs(b - f) <= _NEAR * f for b, f in pairs)
