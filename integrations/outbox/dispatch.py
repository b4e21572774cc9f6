"""Sends the commands of one store. Claimed with the attempt counted first; a lost answer makes a
command ``unknown``, and the adapter's look before each write keeps the next attempt from doubling
it.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from integrations import authentication, policy
from integrations.base import BaseEcommerceIntegration
from integrations.errors import PlatformError, Wait
from integrations.models import Command, Store
from integrations.outbox import commands, gate, outside, parcels, telling
from integrations.outbox.reasons import SENTENCES, Reason
from integrations.outbox.telling import Told
from integrations.policy import Decision, What

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
IN_FLIGHT = 2
BUDGET_S = 40.0
# The store's own news of what we told it is read this long after, once for all that was told
# meanwhile.
READ_BACK = timedelta(seconds=2)

_State = Command.State
_CAN_WAIT = Q(kind=Command.Kind.FIELDS)


def send_commands(store_id: UUID) -> int:
    """Send what is due for one store, in order per order; return how many were done. Very many
    parcels go out in a file instead. Safe to run beside itself.

    Stops at the first trouble that concerns the whole store.
    """
    done, looked = 0, False
    end = time.monotonic() + BUDGET_S
    with ExitStack() as stack:
        adapter: BaseEcommerceIntegration | None = None
        while time.monotonic() < end:
            store = _callable(store_id)
            if store and not looked:
                looked = True
                parcels.gather(store)
            claim = _claim_next(store_id) if store else None
            if store is None or claim is None:
                return done
            try:
                if adapter is None:
                    adapter = stack.enter_context(authentication.adapter_for(store))
                told = telling.tell(adapter, claim.command)
            except Exception as err:
                if not _failed(store, claim, err):
                    return done
            else:
                done += _succeeded(store, claim, told)
    commands.ring_commands(store_id, delay_s=0.2)
    return done


@dataclass(frozen=True, slots=True)
class _Claim:
    """A command in our hands; ``before`` is the state it returns to if it surely was not sent."""

    command: Command
    before: str


def _callable(store_id: UUID) -> Store | None:
    """The store with ``now`` by the database's clock, or None when nothing may be written to it."""
    store = (
        Store.objects.live()
        .select_related("data_key", "merchant")
        .annotate(now=Now())
        .filter(pk=store_id)
        .first()
    )
    if store and not store.writes_enabled:
        _block(store, None, Reason.WRITES_OFF, SENTENCES[Reason.WRITES_OFF])
        return None
    return store


def _now(store: Store) -> datetime:
    return store.now  # type: ignore[attr-defined]


def _claim_next(store_id: UUID) -> _Claim | None:
    """The next command, claimed by a conditional update: of two workers one gets it."""
    while True:
        with transaction.atomic():
            busy = Command.objects.filter(
                store_id=store_id, state=_State.BUSY, lease_until__gt=Now()
            )
            if busy.count() >= IN_FLIGHT:
                return None
            skips = connection.features.has_select_for_update_skip_locked
            due = (
                commands.due()
                .filter(store_id=store_id)
                .order_by("next_at", "sequence", "pk")
                .select_for_update(of=("self",), skip_locked=skips)
            )
            # A page of orders may want its fields told: parcels do not queue behind them.
            command = due.exclude(_CAN_WAIT).first() or due.filter(_CAN_WAIT).first()
            if command is None:
                return None
            if command.attempts >= policy.MAX_ATTEMPTS:
                reason = Reason.TOO_MANY_ATTEMPTS
                commands.park(command, reason, SENTENCES[reason])
                continue
            taken = Command.objects.filter(
                pk=command.pk, fence=command.fence, state=command.state
            ).update(
                state=_State.BUSY,
                fence=F("fence") + 1,
                attempts=F("attempts") + 1,
                lease_until=Now() + LEASE,
            )
        if taken:
            before = command.state
            command.state, command.fence = _State.BUSY, command.fence + 1
            command.attempts += 1
            return _Claim(command, before)


def _succeeded(store: Store, claim: _Claim, told: Told) -> bool:
    kept = commands.done(claim.command, changed=told.changed, title=told.title)
    if not kept:
        log.warning("command_fenced", command=str(claim.command.pk))
    if told.changed or claim.command.kind != Command.Kind.FIELDS:
        _read_back(store, claim.command, after=READ_BACK)
    return kept


def _failed(store: Store, claim: _Claim, error: Exception) -> bool:
    """Do what the policy says. False when the trouble is the whole store's."""
    command = claim.command
    decision = policy.decide(error, attempts=command.attempts)
    if not isinstance(error, PlatformError):
        log.error("command_failed", command=str(command.pk), exc_info=error)
    log.info("command_not_done", command=str(command.pk), code=decision.code, what=decision.what)
    if decision.what is What.REFUSE:
        commands.refuse(command, store, decision.code, decision.sentence)
        _read_back(store, command)
        return True
    if decision.what is What.PARK:
        commands.park(command, decision.code, decision.sentence)
        _read_back(store, command)
        return True
    before = _State.UNKNOWN if decision.look_first else claim.before
    _give_back(store, command, before, decision)
    if not isinstance(error, PlatformError):
        return True
    authentication.note_failure(store, error)
    _share(store, command, decision, isinstance(error, Wait))
    return False


def _read_back(store: Store, command: Command, *, after: timedelta = timedelta()) -> None:
    """The orders of other stores that a store sends are not among its own."""
    if command.kind not in outside.KINDS:
        gate.pull_orders(store.pk, _now(store), after=after)


def _give_back(store: Store, command: Command, before: str, decision: Decision) -> None:
    blocked = decision.what is not What.WAIT
    told = ("store_not_told", f"{store.name} was not told yet: {decision.sentence}")
    commands.end(
        command,
        told if blocked else None,
        state=before,
        attempts=command.attempts - (not decision.counts),
        next_at=_later(store, decision.delay_s),
        problem_code=decision.code[:60],
        problem=decision.sentence,
    )


def _share(store: Store, command: Command, decision: Decision, is_wait: bool) -> None:
    """The rest of the store's commands share its fate; a missing permission concerns those of its
    kind.
    """
    until = _later(store, decision.delay_s)
    if is_wait:
        Command.objects.filter(store=store, state__in=commands.WAITING, next_at__lt=until).update(
            next_at=until, problem_code=decision.code[:60], problem=decision.sentence
        )
        return
    one_kind = not decision.stops_store and decision.what is What.MERCHANT
    _block(store, until, decision.code, decision.sentence, kind=command.kind if one_kind else None)


def _block(
    store: Store, until: datetime | None, code: str, sentence: str, kind: str | None = None
) -> None:
    rows = Command.objects.filter(store=store, state__in=commands.WAITING, next_at__isnull=False)
    if kind:
        rows = rows.filter(kind=kind)
    rows.update(next_at=until, problem_code=code[:60], problem=sentence)


def _later(store: Store, delay_s: float | None) -> datetime | None:
    return None if delay_s is None else _now(store) + timedelta(seconds=delay_s)
