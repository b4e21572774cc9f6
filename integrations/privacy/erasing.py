"""Carrying erasures out: one worker at a time under a lease, order after order, each in its own
transaction, so that a worker who dies leaves nothing half done and the next one goes on.

What is found is erased in two walks, ten minutes apart: an import that had begun before the request
came may write after the first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from integrations import authentication, policy
from integrations.errors import PlatformError
from integrations.lifecycle import ConnectError
from integrations.models import Command, ParkedRecord, PrivacyRequest, Store, StoreStatus
from integrations.privacy import rekeying, signals, subjects
from integrations.privacy.buyers import erase_buyer
from integrations.privacy.taking import CARRY_OUT
from inventory.ledger import LedgerConflict
from logix.accounts import audit
from logix.common import bell
from logix.common.transactions import again_on
from orders.errors import OrderChangedMeanwhile
from orders.models import Order, OrderPayload

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
BUDGET_S = 20.0
# Longer than any import may take (integrations.tasks: its time limit is six minutes).
SECOND_WALK = timedelta(minutes=10)
# A store that still lets us in is asked again whether it does.
_ASK_AGAIN = timedelta(days=1)
_A_ROUND = 20
_BATCH = 50
_PAYLOADS = 500

_Kind = PrivacyRequest.Kind
_again = again_on(OrderChangedMeanwhile, LedgerConflict)


class _Fenced(Exception):
    """Another worker took over."""


def work_due(limit: int = _A_ROUND, *, budget_s: float = 5.0) -> int:
    """Go on with what is due, oldest first; return how many requests were worked on. For sweeps,
    which have more to do: the rest has a task of its own.
    """
    until = time.monotonic() + budget_s
    due = _free().filter(next_at__lte=Now()).order_by("created_at")
    worked = 0
    for request_id in list(due.values_list("pk", flat=True)[:limit]):
        left_s = until - time.monotonic()
        if left_s <= 0:
            break
        work(request_id, budget_s=left_s)
        worked += 1
    return worked


def work(request_id: UUID, *, budget_s: float = BUDGET_S) -> bool:
    """Go on with one erasure that is due, until it is done or the time is over. True when more is
    left to do at once.
    """
    request = _claim(request_id)
    if request is None:
        return False
    until = time.monotonic() + budget_s
    try:
        return _STEPS[_Kind(request.kind)](request, until)
    except _Fenced:
        log.warning("privacy_fenced", asked=str(request_id))
    except (OperationalError, InterfaceError):
        raise
    except Exception as err:
        if not isinstance(err, PlatformError):
            log.exception("privacy_failed", asked=str(request_id))
        _put_off(request, err)
    return False


def carry_out(request: PrivacyRequest, *, actor: str) -> None:
    """A person decides that all buyers of a store are erased although it still lets us in. Raises
    ConnectError when there is nothing to decide.
    """
    rows = PrivacyRequest.objects.open().filter(
        pk=request.pk, kind=_Kind.ERASE_STORE, confirmed=False
    )
    now = timezone.now()
    # The fence keeps out a worker that is asking the store just now.
    told = {"lease_until": None, "fence": F("fence") + 1}
    if not rows.update(confirmed=True, next_at=now, problem="", **told):
        raise ConnectError("This request waits for nobody.", code="wrong_state")
    audit.record("privacy.confirmed", actor=actor, merchant=request.store.merchant, obj=request)
    bell.ring(CARRY_OUT, str(request.pk), queue="admin")


# -- one buyer, and all of a store


def _erase_buyer(request: PrivacyRequest, until: float) -> bool:
    if not _walk(request, subjects.orders_of(request), until):
        return True
    named = [str(external_id)[:128] for external_id in request.order_ids]
    parked = ParkedRecord.objects.filter(
        store=request.store_id, stream="orders", external_id__in=named
    )
    _end_walk(request, lambda: _empty(request, parked, external_ids=named))
    return False


def _erase_store(request: PrivacyRequest, until: float) -> bool:
    """Only the body is signed, not what it is sent as: that the app is gone has to show."""
    if not request.confirmed:
        if not _keeps_us_out(request.store):
            _keep(
                request,
                lease_until=None,
                attempts=0,
                next_at=Now() + _ASK_AGAIN,
                problem=f"{request.store.name} still lets Logix in, so nothing was erased. Carry "
                "it out if it was meant; Logix asks the store again tomorrow.",
            )
            return False
        _keep(request, confirmed=True)
        request.confirmed = True
    orders = Order.objects.filter(store=request.store_id)
    if not _walk(request, orders, until):
        return True
    payloads = OrderPayload.objects.filter(order__store=request.store_id)
    while ids := list(payloads.values_list("pk", flat=True)[:_PAYLOADS]):
        OrderPayload.objects.filter(pk__in=ids).delete()
        _keep(request)
    Command.objects.filter(store=request.store_id).exclude(words_sealed=None).update(
        words_sealed=None
    )
    parked = ParkedRecord.objects.filter(store=request.store_id)
    _end_walk(request, lambda: _empty(request, parked, external_ids=None), renews_key=True)
    return False


_STEPS: Mapping[PrivacyRequest.Kind, Callable[[PrivacyRequest, float], bool]] = {
    _Kind.ERASE_BUYER: _erase_buyer,
    _Kind.ERASE_STORE: _erase_store,
}


def _keeps_us_out(store: Store) -> bool:
    """By asking it, past its breaker; True where nothing is left to ask with. Raises PlatformError
    for an answer that tells neither.
    """
    if store.status == StoreStatus.DISCONNECTED:
        return True
    try:
        with authentication.adapter_for(store, insists=True) as adapter:
            adapter.authenticate()
    except PlatformError as err:
        if policy.keeps_out(err):
            return True
        raise
    return False


def _walk(request: PrivacyRequest, orders: QuerySet[Order], until: float) -> bool:
    """Erase the buyers of these orders. False when the time was over before. One that fails stops
    no other; its error is raised at the end.
    """
    left = orders.filter(erased_at=None).order_by("pk")
    failed: Exception | None = None
    batch = list(left[:_BATCH])
    while batch:
        for order in batch:
            if time.monotonic() > until:
                _keep(request, lease_until=None, attempts=0)
                return False
            try:
                _again(partial(_erase_one, request, order))
            except (_Fenced, OperationalError, InterfaceError):
                raise
            except Exception as err:
                log.exception("buyer_not_erased", order=str(order.pk))
                failed = failed or err
        batch = list(left.filter(pk__gt=batch[-1].pk)[:_BATCH])
    if failed is not None:
        raise failed
    return True


def _erase_one(request: PrivacyRequest, order: Order) -> None:
    erase_buyer(order, actor="platform")
    _keep(request, orders_done=F("orders_done") + 1)


def _empty(
    request: PrivacyRequest, parked: QuerySet[ParkedRecord], *, external_ids: list[str] | None
) -> dict[str, int]:
    counts = {"parked": parked.exclude(raw_sealed=None).update(raw_sealed=None)}
    answers: Any = signals.erased.send(sender=Store, store=request.store, external_ids=external_ids)
    for _, told in answers:
        counts |= told
    return counts


def _end_walk(
    request: PrivacyRequest, empty: Callable[[], dict[str, int]], *, renews_key: bool = False
) -> None:
    """The first walk is followed by a second one, the second ends the request."""

    def end() -> None:
        found = empty()
        # What came meanwhile and is not read yet needs the key it is sealed with.
        is_waited_for = renews_key and bool(found.pop("deliveries_waiting", 0))
        counts = {k: request.counts.get(k, 0) + n for k, n in found.items()}
        if request.walked_at is None or is_waited_for:
            told: dict[str, Any] = {"walked_at": timezone.now(), "next_at": Now() + SECOND_WALK}
            _keep(request, counts=counts, lease_until=None, attempts=0, problem="", **told)
            return
        if renews_key:
            counts["data_key_destroyed"] = int(rekeying.renew_key(request.store))
        done = {"counts": counts, "done_at": timezone.now(), "done_by": "system"}
        _keep(request, **subjects.FORGOTTEN, **done, state=PrivacyRequest.State.DONE)
        request.refresh_from_db(fields=["orders_done"])
        audit.record(
            "privacy.done",
            actor="system",
            merchant=request.store.merchant,
            obj=request,
            details={"kind": request.kind, "orders": request.orders_done, **counts},
        )

    _again(end)


# -- the lease


def _free() -> QuerySet[PrivacyRequest]:
    rows: QuerySet[PrivacyRequest] = PrivacyRequest.objects.open()
    return rows.filter(Q(lease_until=None) | Q(lease_until__lt=Now()), kind__in=list(_STEPS))


def _claim(request_id: UUID) -> PrivacyRequest | None:
    """The request, taken by raising its fence; None when it is not due or somebody has it."""
    rows = _free().filter(pk=request_id, next_at__lte=Now())
    found = rows.select_related("store__merchant").first()
    if found is None:
        return None
    # Settles the race of two workers: the second finds another fence than it read.
    taken = rows.filter(fence=found.fence).update(
        lease_until=Now() + LEASE,
        fence=F("fence") + 1,
        attempts=min(found.attempts + 1, policy.MAX_ATTEMPTS),
    )
    if not taken:
        return None
    found.fence += 1
    found.attempts += 1
    return found


def _keep(request: PrivacyRequest, **changes: Any) -> None:
    """Write ``changes`` and renew the lease. Raises _Fenced."""
    rows = PrivacyRequest.objects.open().filter(pk=request.pk, fence=request.fence)
    if not rows.update(**{"lease_until": Now() + LEASE, **changes}):
        raise _Fenced


def _put_off(request: PrivacyRequest, err: Exception) -> None:
    """A law's due date waits for nobody: it is tried until it is done, a day apart at most."""
    words = policy.decide(err).sentence
    delay = timedelta(seconds=policy.next_delay_s(request.attempts))
    rows = PrivacyRequest.objects.open().filter(pk=request.pk, fence=request.fence)
    rows.update(lease_until=None, next_at=Now() + delay, problem=words)
