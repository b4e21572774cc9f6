"""Outbound field rules: which orders are to be told by them, and what they say of one.

A command of fields carries no values: they are computed from the order as it is when the command
is sent. So one open command an order is enough, and it holds up no other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef, Q
from django.db.models.functions import Now

from integrations.errors import Rejected
from integrations.mapping import rules
from integrations.models import Command, FieldRule, Store
from integrations.outbox.commands import WAITING, ring_commands
from integrations.outbox.reasons import SENTENCES, Reason
from logix.common import bulk
from logix.common.ids import uuid7
from orders import services, shapes
from orders.models import Order
from orders.status import ImportState

log = structlog.get_logger(__name__)

_State = Command.State
_FIELDS = Q(kind=Command.Kind.FIELDS)
_OPEN = (*WAITING, _State.PARKED)
# More writes to one order in so short a time are no news but a fight with another system.
_MOST_WRITES, _WITHIN = 10, timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Fields:
    """What the store is to be told of one order. Those in ``fill`` only where it has nothing."""

    values: Mapping[str, Any]
    fill: frozenset[str]


def want_fields(store_id: UUID, revisions: Mapping[UUID, int], *, request_id: str = "") -> int:
    """Have orders told by the store's outbound rules; return how many commands are new or go again.
    ``revisions``: the orders' ids, each with the revision that is news.

    One statement for a store without such rules, else six, whatever the number. Call it in the
    transaction that changes the orders. Orders of the past, drafts and deleted ones are left alone.
    """
    on = _on(store_id) if revisions else None
    if on is None:
        return 0
    writes, now = on
    waits = {
        "next_at": now if writes else None,
        "problem_code": "" if writes else Reason.WRITES_OFF,
        "problem": "" if writes else SENTENCES[Reason.WRITES_OFF],
    }
    with transaction.atomic():
        external_ids = _tellable(store_id, revisions)
        mine = Command.objects.filter(store_id=store_id, order_ref__in=external_ids)
        last = dict(mine.order_by().values_list("order_ref").annotate(Max("sequence")))
        # One that is being claimed or dropped this moment is left to that; a new one takes its
        # place. Waiting for it here, with the order locked, could wait for ever.
        skips = connection.features.has_select_for_update_skip_locked
        waiting = mine.filter(_FIELDS, state__in=_OPEN).select_for_update(skip_locked=skips)
        known = {command.order_ref: command for command in waiting}
        raised = [_raised(c, revisions[ref], last[ref] + 1, waits) for ref, c in known.items()]
        new = [
            {
                **_new(store_id, pk, external_id, revisions[pk], request_id),
                "sequence": last.get(pk, 0) + 1,
                **waits,
            }
            for pk, external_id in external_ids.items()
            if pk not in known
        ]
        # The same revision again is the same news.
        count = len(bulk.insert(Command, new, ignore_conflicts=True))
        count += len(bulk.update(Command, raised, versioned="fence"))
        if count and writes:
            ring_commands(store_id)
    return count


def rules_changed(store_id: UUID) -> int:
    """What a rule has parked may pass now: try it again."""
    again = Command.objects.filter(
        _FIELDS, store_id=store_id, state=_State.PARKED, problem_code=Reason.RULE_FAILED
    ).update(state=_State.NEW, next_at=Now(), attempts=0, problem_code="", problem="")
    if again:
        ring_commands(store_id)
    return again


def fields_of(command: Command) -> Fields:
    """What the rules say of the command's order as it is now. Raises Rejected, with the rule's
    sentence, for an order that does not satisfy one.
    """
    found = _rules(command.store_id)
    order = (
        Order.objects.select_related("store__data_key")
        .prefetch_related(*shapes.PARTS)
        .get(pk=command.order_ref)
    )
    try:
        values = rules.apply_out(found, shapes.for_rules(order, services.buyer_of(order)))
    except rules.RuleFailed as err:
        raise Rejected(str(err), code=Reason.RULE_FAILED) from err
    fill = frozenset(rule.target for rule in found if rule.mode is rules.Mode.FILL)
    return Fields(values, fill)


def refuse_a_fight(command: Command) -> None:
    """Raises Rejected when the order's fields were written again and again of late."""
    written = Command.objects.filter(
        _FIELDS,
        store_id=command.store_id,
        order_ref=command.order_ref,
        changed=True,
        done_at__gt=Now() - _WITHIN,
    )
    if written.count() >= _MOST_WRITES:
        reason = Reason.FIELDS_FOUGHT_OVER
        raise Rejected(SENTENCES[reason], code=reason)


def _on(store_id: UUID) -> tuple[bool, datetime] | None:
    """Whether the store may be written to, and the database's time; None without outbound rules."""
    out = FieldRule.objects.filter(
        store=OuterRef("pk"), direction=FieldRule.Direction.OUT, enabled=True
    )
    return (
        Store.objects.filter(Exists(out), pk=store_id).values_list("writes_enabled", Now()).first()
    )


def _tellable(store_id: UUID, order_ids: Collection[UUID]) -> dict[UUID, str]:
    """Of these orders, the ones that concern the store, with their ids there."""
    rows = Order.objects.filter(pk__in=order_ids, store_id=store_id, moves_stock=True, gone_at=None)
    rows = rows.exclude(import_state=ImportState.SKIPPED)
    return dict(rows.values_list("pk", "external_id"))


def _rules(store_id: UUID) -> list[rules.Rule]:
    """One that cannot work (it was written past the forms) is left out; health names it."""
    rows = FieldRule.objects.filter(store=store_id, direction=FieldRule.Direction.OUT, enabled=True)
    found = []
    for row in rows:
        try:
            found.append(row.compiled())
        except rules.RuleInvalid as err:
            log.error("rule_left_out", store=str(store_id), rule=row.pk, problem=str(err))
    return found


def _new(
    store_id: UUID, order_id: UUID, external_id: str, revision: int, request_id: str
) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "store_id": store_id,
        "kind": Command.Kind.FIELDS,
        "key": f"fields:{order_id}:{revision}",
        "order_ref": order_id,
        "external_order_id": external_id,
        "payload": {"revision": revision},
        "state": _State.NEW,
        "attempts": 0,
        "fence": 0,
        "requested_by": "rules",
        "request_id": request_id,
    }


def _raised(
    command: Command, revision: int, sequence: int, waits: Mapping[str, Any]
) -> dict[str, Any]:
    """An open command that tells the newer revision, in its place behind what the order waits for.
    One that was parked goes again, as the order may satisfy the rules now; a fight is for a person
    to end.
    """
    row: dict[str, Any] = {
        "id": command.pk,
        "payload": {"revision": revision},
        "sequence": sequence,
        "fence": command.fence + 1,
        "state": command.state,
        "attempts": command.attempts,
        "next_at": command.next_at,
        "problem_code": command.problem_code,
        "problem": command.problem,
    }
    if command.state == _State.PARKED and command.problem_code != Reason.FIELDS_FOUGHT_OVER:
        row |= {"state": _State.NEW, "attempts": 0, **waits}
    return row
