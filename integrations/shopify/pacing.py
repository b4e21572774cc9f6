"""Points: what operations cost, how large a page may be, and what each answer says about the quota.

Shopify lets a query begin when the bucket holds what it may cost at most (requested), and gives
back what it did not (actual). Our own bucket does the same: it is asked for what an operation was
found to request, and each answer gives back the rest.
Source: https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from integrations.kit.answer import Answer
from integrations.kit.ratelimit import LimitNews
from integrations.shopify.operations import Operation
from integrations.shopify.platform import CARD
from integrations.shopify.shapes import Camel

MOST_POINTS = CARD.limits[0].largest
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
    cost = told.extensions.cost if told.extensions else None
    status = cost.throttle_status if cost else None
    if cost is None or status is None or status.restore_rate <= 0:
        return None
    return LimitNews(
        remaining=status.currently_available,
        rate=status.restore_rate,
        cost=cost.actual_query_cost,
    )


def wait_s(cost: Cost | None, expected: float) -> float:
    """Seconds until a throttled query has room."""
    status = cost.throttle_status if cost else None
    if cost is None or status is None or status.restore_rate <= 0:
        return SHORTEST_WAIT_S
    missing = (cost.requested_query_cost or expected) - status.currently_available
    return max(SHORTEST_WAIT_S, missing / status.restore_rate)


class Found(NamedTuple):
    """What a query for ``few`` nodes was found to request, and what one for ``many``."""

    few: float
    least: float
    many: float
    most: float


@dataclass(slots=True)
class Ledger:
    """What operations were found to request. A larger page requests less for each of its nodes, so
    small and large ones are remembered apart. ``kept`` is what earlier uses of the store found.
    ``rate`` is how many points a second its plan gives, 0 while that was not told.
    """

    kept: Any = None
    rate: float = 0
    _found: dict[str, Found] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, told in self.kept.items() if isinstance(self.kept, dict) else ():
            if isinstance(told, list) and len(told) == 4 and all(_is_number(x) for x in told):
                self._found[str(name)] = Found(*(float(x) for x in told))

    def fit(self, operation: Operation, wanted: int) -> int:
        """How many of ``wanted`` nodes one query may ask for."""
        known = self._known(operation)
        each = known.most / known.many if known else operation.each or operation.base
        room = (MOST_POINTS - operation.base) / each
        return max(1, min(wanted, int(room)))

    def charge(self, operation: Operation, count: int) -> float:
        """What the limiter is asked for: what was found, in proportion between few and many."""
        known = self._known(operation)
        if known is None:
            return min(float(operation.cost(count)), MOST_POINTS)
        if count <= known.few:
            return known.least
        if count >= known.many:
            return known.most * count / known.many
        part = (count - known.few) / (known.many - known.few)
        return known.least + (known.most - known.least) * part

    def note(self, operation: Operation, count: int, cost: Cost | None) -> None:
        if cost and cost.throttle_status:
            self.rate = cost.throttle_status.restore_rate
        if not (cost and cost.requested_query_cost):
            return
        told = cost.requested_query_cost
        known = self._found.get(operation.name) or Found(count, told, count, told)
        if count <= known.few:
            known = known._replace(few=count, least=told)
        if 2 * count >= known.many:
            known = known._replace(many=count, most=told)
        self._found[operation.name] = known

    def refused(self, operation: Operation, count: int, cost: float | None) -> None:
        """The query was too costly: the next one asks for half as much, or for what fits."""
        each = max(cost or 0.0, 2 * MOST_POINTS) / count
        self._found[operation.name] = Found(1, each, 1, each)

    def news(self) -> dict[str, list[float]]:
        """To be kept: what was found, once some of it is well off what was kept."""
        before = Ledger(self.kept)._found
        if all(_is_near(before.get(name), found) for name, found in self._found.items()):
            return {}
        return {name: [round(x, 1) for x in found] for name, found in self._found.items()}

    def _known(self, operation: Operation) -> Found | None:
        """Until nodes were asked for by their ids, a list of the same says what they request."""
        found = self._found
        return found.get(operation.name) or found.get(operation.name.removesuffix("_by_id"))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 10**6


def _is_near(before: Found | None, found: Found) -> bool:
    if before is None:
        return False
    return all(abs(b - f) <= _NEAR * f for b, f in zip(before, found, strict=True))
