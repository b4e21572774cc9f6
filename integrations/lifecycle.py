"""The states of a store and the moves between them. The only place that writes ``Store.status``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from integrations.models import Store, StoreStatus
from logix.accounts import audit

S = StoreStatus

MOVES: Mapping[StoreStatus, frozenset[StoreStatus]] = {
    S.DRAFT: frozenset({S.AUTHORISING, S.TESTING, S.DISCONNECTED}),
    S.AUTHORISING: frozenset({S.TESTING, S.DRAFT, S.DISCONNECTED}),
    S.TESTING: frozenset({S.ACTIVE, S.NEEDS_MERCHANT, S.DISCONNECTED}),
    S.ACTIVE: frozenset({S.PAUSED, S.NEEDS_MERCHANT, S.DISCONNECTED}),
    S.PAUSED: frozenset({S.ACTIVE, S.NEEDS_MERCHANT, S.DISCONNECTED}),
    S.NEEDS_MERCHANT: frozenset({S.ACTIVE, S.PAUSED, S.DISCONNECTED}),
    # Connecting the same address again brings the store back, with its orders.
    S.DISCONNECTED: frozenset({S.TESTING}),
}


class ConnectError(Exception):
    """What the hub itself refuses to do with a connection. The message is a sentence for the person
    who asked.
    """

    def __init__(self, message: str, *, code: str = "refused") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class MoveRefused(ConnectError):
    """The store is not in a state from which it may go there."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="wrong_state")


def may_move(store: Store, to: StoreStatus) -> bool:
    return to in MOVES[StoreStatus(store.status)]


def move(
    store: Store,
    to: StoreStatus,
    *,
    actor: str,
    action: str,
    reason: str = "",
    details: Mapping[str, Any] | None = None,
    **changes: Any,
) -> None:
    """Bring the store to ``to``, write ``changes`` with it and note both in the audit log. Raises
    MoveRefused.

    The conditional update settles the race of two people, or of a person and a worker: the move is
    allowed from the state that is in the database then, not from the one that was read before.
    """
    sources = [state for state, targets in MOVES.items() if to in targets]
    values = {"status": to, "status_reason": reason, **changes}
    with transaction.atomic():
        before = Store.objects.values_list("status", flat=True).get(pk=store.pk)
        if not Store.objects.filter(pk=store.pk, status__in=sources).update(**values):
            now = StoreStatus(Store.objects.values_list("status", flat=True).get(pk=store.pk))
            raise MoveRefused(
                f"{store.name} is “{now.label.lower()}” and cannot become “{to.label.lower()}”."
            )
        told = {
            "from": before,
            "to": to,
            **({"reason": reason} if reason else {}),
            **(details or {}),
        }
        audit.record(action, actor=actor, merchant=store.merchant, obj=store, details=told)
    for name, value in values.items():
        setattr(store, name, value)
