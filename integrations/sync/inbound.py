"""What stands between a store's raw record and ours: the field rules that count for it, and the
mark that says which raw record, by which rules, an order was made of.

A record whose mark is stored needs no mapping and no judgement: it would come to the same. The mark
changes with the record's bytes, the store's rules and status words, and the version of Logix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec
import structlog
from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from integrations.base import Unreadable
from integrations.mapping import rules
from integrations.models import FieldRule, ParkedRecord, Store, StreamName
from inventory.data import ProductData
from orders import apart
from orders.data import OrderData
from orders.models import Order, Payout

log = structlog.get_logger(__name__)
Record = TypeVar("Record", OrderData, ProductData)

_COLUMNS = ("path", "target", "cast", "value_map", "default", "mode")


@dataclass(frozen=True, slots=True)
class Inbound:
    """One store's rules for one stream, as they are now. ``written`` are the store's fields that
    rules write: their values come back.
    """

    rules: Sequence[rules.Rule]
    key: bytes
    written: frozenset[str]

    @classmethod
    def of(cls, store: Store, stream: str) -> Inbound:
        """One statement. Rules are checked when they are saved. One that cannot work all the same
        (it was written past the forms) must not stop a store's orders: it is left out, and the
        store's health names it.
        """
        rows = FieldRule.objects.filter(store=store, stream=stream, enabled=True).order_by("pk")
        found, told, written = [], [], set()
        for row in rows:
            if row.direction == FieldRule.Direction.OUT:
                written.add(row.target)
                continue
            told.append([getattr(row, name) for name in _COLUMNS])
            try:
                found.append(row.compiled())
            except rules.RuleInvalid as err:
                log.error("rule_left_out", store=str(store.pk), rule=row.pk, problem=str(err))
        words = store.options.get("status_words")
        made_by = msgspec.json.encode([settings.LOGIX_VERSION, words, told])
        return cls(found, blake2b(made_by, digest_size=32).digest(), frozenset(written))

    def mark(self, raw: bytes) -> str:
        return blake2b(raw, digest_size=16, key=self.key).hexdigest()

    def apply(self, records: Sequence[Record]) -> tuple[Sequence[Record], list[Unreadable]]:
        """The records with the rules' values; one that fails a required rule is set aside."""
        if not self.rules:
            return records, []
        mapped: list[Record] = []
        failed: list[Unreadable] = []
        for record in records:
            try:
                mapped.append(rules.apply_in(self.rules, record))
            except rules.RuleFailed as err:
                failed.append(
                    Unreadable(
                        external_id=record.external_id,
                        code="rule_failed",
                        reason=str(err),
                        path=err.path,
                        placed_at=getattr(record, "placed_at", None),
                        raw=record.raw,
                    )
                )
        return mapped, failed


def known_orders(store: Store, raws: Mapping[str, bytes]) -> set[str]:
    """Of raw orders by id, those that are stored as they are (``Filters.known``). One that is
    parked is looked at again. Two statements.
    """
    return _known(store, StreamName.ORDERS, Order.objects.all(), raws)


def known_payouts(store: Store, raws: Mapping[str, bytes]) -> set[str]:
    """Likewise of payouts: those whose lines are all here and add up. Two statements."""
    return _known(store, StreamName.PAYOUTS, Payout.objects.filter(problem=""), raws)


def orders_owed(store: Store, most: int) -> list[str]:
    """The orders that are here and do not show yet what was told of them apart. One that is parked
    has its own tries.
    """
    aside = ParkedRecord.objects.filter(
        store=store,
        stream=StreamName.ORDERS,
        state=ParkedRecord.State.PARKED,
        external_id=OuterRef("external_id"),
    )
    rows = apart.owed(store.pk).filter(~Exists(aside)).order_by("pk")
    return list(rows.values_list("external_id", flat=True)[:most])


def _known(store: Store, stream: str, rows: QuerySet[Any], raws: Mapping[str, bytes]) -> set[str]:
    inbound = Inbound.of(store, stream)
    aside = ParkedRecord.objects.filter(
        store=store,
        stream=stream,
        state=ParkedRecord.State.PARKED,
        external_id=OuterRef("external_id"),
    )
    stored = rows.filter(~Exists(aside), store=store, external_id__in=list(raws))
    return {
        external_id
        for external_id, mark in stored.values_list("external_id", "raw_mark")
        if mark and mark == inbound.mark(raws[external_id])
    }
