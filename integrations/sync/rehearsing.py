"""What a change of a store's status words or field rules would make of the orders that are kept: by
the code that reads them, taken back. Stores are read for it and never written.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.db.models import Count, QuerySet
from django.utils import timezone

from integrations import authentication, registry
from integrations.base import Unreadable
from integrations.mapping.rules import Rule, RuleFailed, apply_in
from integrations.models import Store
from integrations.platform import Ability
from integrations.sync import applying, reading
from integrations.sync.fieldrules import as_record
from integrations.sync.rereading import waiting_orders
from logix.common.transactions import again_on, rehearsed
from orders import services
from orders.data import Authority, OrderData
from orders.models import Order

MOST_NAMED = 10
# Orders whose stored record one look opens.
MOST_LOOKED_AT = 1_000
STATUSES = ("import_state", "order_status", "payment_status", "fulfillment_status")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reread:
    """One order: its statuses now, and as they would be read. ``problem``: why it could not be."""

    order: Order
    before: Mapping[str, str]
    after: Mapping[str, str]
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsTried:
    """``waiting``: orders that would be read again, by the status that gets a meaning; the first of
    them are ``named``. ``later``: orders of such a status that are settled, and read so when the
    store next tells of them.
    """

    waiting: Mapping[str, int]
    later: int
    named: tuple[Reread, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesTried:
    """Of the newest orders (``looked_at``) those that would be read differently, that would be set
    aside, and whose record is no longer kept. ``is_all``: these were all of the store's.
    """

    looked_at: int
    is_all: bool
    differ: int
    set_aside: int
    unread: int


def try_words(store: Store, words: Mapping[str, str]) -> WordsTried:
    """As if ``words`` (checked already) were the store's status words from now on. At most
    ``MOST_NAMED`` orders are read from the store, by their ids. Raises PlatformError.
    """
    known = store.options.get("status_words") or {}
    news = sorted(word for word, meaning in words.items() if known.get(word) != meaning)
    orders = Order.objects.filter(store=store, raw_status__in=news, gone_at=None)
    waiting = waiting_orders(store).filter(raw_status__in=news)
    counts = dict(waiting.values_list("raw_status").annotate(n=Count("pk")).order_by())
    named: tuple[Reread, ...] = ()
    if counts and registry.card(store.platform).can(Ability.ORDER_BY_ID):
        supposed = copy.copy(store)
        supposed.options = {**store.options, "status_words": dict(words)}
        named = _reread(supposed, waiting)
    return WordsTried(
        waiting={word: counts.get(word, 0) for word in news},
        later=orders.count() - sum(counts.values()),
        named=named,
    )


def try_rules(store: Store, rules: Sequence[Rule]) -> RulesTried:
    """As if these inbound rules held for the orders that are kept. Raises SealBroken."""
    inbound = [rule for rule in rules if not rule.outbound]
    rows = Order.objects.filter(store=store).select_related("store", "payload")
    newest = rows.order_by("-placed_at", "-id")[: MOST_LOOKED_AT + 1] if inbound else rows.none()
    found = {"differ": 0, "set_aside": 0, "unread": 0, "same": 0}
    looked_at = 0
    for order in newest.iterator():
        if looked_at == MOST_LOOKED_AT:
            return _tried(found, looked_at, is_all=False)
        looked_at += 1
        found[_read_by(inbound, order)] += 1
    return _tried(found, looked_at, is_all=True)


def _tried(found: Mapping[str, int], looked_at: int, *, is_all: bool) -> RulesTried:
    return RulesTried(
        looked_at=looked_at,
        is_all=is_all,
        differ=found["differ"],
        set_aside=found["set_aside"],
        unread=found["unread"],
    )


def _read_by(rules: Sequence[Rule], order: Order) -> str:
    raw = services.payload_of(order)
    if raw is None:
        return "unread"
    record = as_record(order, raw)
    try:
        return "same" if apply_in(rules, record) == record else "differ"
    except RuleFailed:
        return "set_aside"


def _reread(store: Store, waiting: QuerySet[Order]) -> tuple[Reread, ...]:
    """Each is asked for outside of any transaction, then read in one that is taken back."""
    done = []
    with authentication.adapter_for(store) as adapter:
        for order in waiting.order_by("pk")[:MOST_NAMED]:
            asked_at = timezone.now()
            found = reading.by_id(adapter, order.external_id)
            before = _statuses(order)
            if isinstance(found, Unreadable):
                done.append(Reread(order=order, before=before, after=before, problem=found.reason))
                continue
            after = again_on(*applying.CLASHES)(
                partial(rehearsed, partial(_applied, store, order, found, asked_at))
            )
            done.append(Reread(order=order, before=before, after=after))
    return tuple(done)


def _applied(store: Store, order: Order, record: OrderData, asked_at: Any) -> dict[str, str]:
    applying.apply_orders(
        store, [record], authority=Authority.BY_ID, observed_at=asked_at, origin="rehearsal"
    )
    return _statuses(Order.objects.get(pk=order.pk))


def _statuses(order: Order) -> dict[str, str]:
    return {name: str(getattr(order, name)) for name in STATUSES}
