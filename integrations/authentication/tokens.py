"""The token of a store: read from its row, renewed by one worker under a lease, waited for by the
others.

The worker that holds the lease asks the platform, commits the new pair, and only then uses it. If
it dies in between, the lease runs out and the next one asks with the old refresh token, which
platforms accept until the new token is first used.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from integrations.authentication import credentials, granting
from integrations.authentication.credentials import Held
from integrations.authentication.noting import note_failure
from integrations.errors import MerchantMustAct, PlatformError, Unavailable
from integrations.models import Credential, Store, StoreStatus

log = structlog.get_logger(__name__)

# Longer than the call for new tokens may take (granting.TOTAL_S), so that nobody asks beside it.
LEASE = timedelta(seconds=40)
# How long a call waits for a token that another worker is fetching.
PATIENCE_S = 10.0
_LOOK_EVERY_S = 0.1
# A token that still works is not renewed over and over while the platform gives none out.
_LATER = timedelta(minutes=1)
ENDS_SOON = timedelta(days=7)
_A_ROUND = 100
_BUDGET_S = 25.0


class StoreToken:
    """The ``AccessToken`` of a store. Safe between threads; ``tell`` hears of each new token before
    it is used.
    """

    def __init__(self, store: Store, held: Held, tell: Callable[[Held], None]) -> None:
        self._store = store
        self._held = held
        self._tell = tell
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"StoreToken({self._store.pk})"

    def current(self) -> str:
        """Renewed when it is due; while another worker is at that, the old one as long as it lives.
        Raises PlatformError.
        """
        with self._lock:
            if self._held.is_due(timezone.now()):
                self._take(_another(self._store, self._held, refused=False))
            return self._held.access_token

    def renew(self, refused: str) -> str:
        """The store did not take ``refused``: the newer one that is there already, else a fresh
        one. The same where tokens of this store do not change. Raises PlatformError.
        """
        with self._lock:
            if self._held.access_token == refused:
                self._take(_another(self._store, self._held, refused=True))
            return self._held.access_token

    def _take(self, held: Held) -> None:
        self._held = held
        self._tell(held)


def refresh_due(limit: int = _A_ROUND) -> int:
    """Renew the tokens whose time has come, longest due first, each under its lease; return how
    many were. Paused stores are only kept from losing their consent for good. Call it every minute.
    """
    due = Credential.objects.filter(
        Q(store__status=StoreStatus.ACTIVE)
        | Q(store__status=StoreStatus.PAUSED, refresh_expires_at__lt=Now() + ENDS_SOON),
        Q(lease_until=None) | Q(lease_until__lt=Now()),
        state=Credential.State.OK,
        refresh_due_at__lte=Now(),
    )
    until = time.monotonic() + _BUDGET_S
    renewed = 0
    rows = due.select_related("store__data_key", "store__merchant").order_by("refresh_due_at")
    for row in rows[:limit]:
        if time.monotonic() > until:
            break
        renewed += _refresh_one(row.store)
    return renewed


def _refresh_one(store: Store) -> bool:
    """A store's trouble is its own."""
    try:
        before = credentials.held(store)
        if not before.is_due(timezone.now()):
            return False  # another worker was faster
        return not _another(store, before, refused=False).is_same(before)
    except PlatformError as err:
        log.warning("token_not_renewed", store=str(store.pk), code=err.code)
        note_failure(store, err)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("token_not_renewed", store=str(store.pk))
    return False


def _another(store: Store, seen: Held, *, refused: bool) -> Held:
    """What to go on with in place of ``seen``, which is due or was ``refused``. Raises
    PlatformError when there is nothing.
    """
    until = time.monotonic() + PATIENCE_S
    while True:
        now = timezone.now()
        held = credentials.held(store)
        is_other = not held.is_same(seen) and held.is_alive(now)
        is_good = is_other if refused else not held.is_due(now)
        if is_good or not held.is_renewable:
            return held
        fence = _lease(held)
        if fence is not None:
            return _renew(store, held, fence, may_wait=not refused and held.is_alive(now))
        if not refused and held.is_alive(now):
            return held
        if time.monotonic() > until:
            raise Unavailable(
                f"Another worker is fetching a new token for {store.name}.", code="token_awaited"
            )
        time.sleep(_LOOK_EVERY_S)


def _lease(held: Held) -> int | None:
    """The fence under which this worker alone may renew ``held``; None when another one has the
    lease, or the row has changed. Committed at once: others must see it while the platform is
    asked.
    """
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    rows = Credential.objects.filter(free, pk=held.row_id, version=held.version, fence=held.fence)
    with transaction.atomic(durable=True):
        taken = rows.update(lease_until=Now() + LEASE, fence=F("fence") + 1)
    return held.fence + 1 if taken else None


def _renew(store: Store, held: Held, fence: int, *, may_wait: bool) -> Held:
    """Ask for new tokens and commit them. ``may_wait``: the old one works still, so where none is
    given out at the moment, or staff must mend something first, there is time for it.
    """
    try:
        grant = granting.renewed(store, held)
    except MerchantMustAct:
        _give_back(held, fence)
        # Whoever connected the store again in the meantime made the answer worthless.
        found = credentials.held(store)
        if found.is_same(held):
            raise
        return found
    except PlatformError as err:
        _give_back(held, fence)
        if not may_wait:
            raise
        log.warning("token_not_renewed", store=str(store.pk), code=err.code)
        return credentials.held(store)
    if credentials.keep_grant(store, held, fence, grant):
        log.info("token_renewed", store=str(store.pk), version=held.version + 1)
    else:
        log.warning("token_fenced", store=str(store.pk))
    found = credentials.held(store)
    if found.is_same(held):
        raise Unavailable(f"The new token of {store.name} was lost.", code="token_awaited")
    return found


def _give_back(held: Held, fence: int) -> None:
    """Nothing came of it: the next try is a minute away, unless the token ends before."""
    rows = Credential.objects.filter(pk=held.row_id, version=held.version, fence=fence)
    rows.update(lease_until=None, refresh_due_at=timezone.now() + _LATER)
