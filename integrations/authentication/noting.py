"""What the use of a store tells about it: it answered, or it does not let us in any more."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone

from integrations import lifecycle, policy
from integrations.errors import PlatformError
from integrations.models import Credential, Store, StoreStatus

log = structlog.get_logger(__name__)

OK_EVERY = timedelta(minutes=1)


def note_success(store: Store) -> None:
    """The store answered. Written at most once a minute."""
    now = timezone.now()
    if store.last_ok_at is not None and now - store.last_ok_at < OK_EVERY:
        return
    old = models.Q(last_ok_at=None) | models.Q(last_ok_at__lt=Now() - OK_EVERY)
    Store.objects.filter(old, pk=store.pk).update(last_ok_at=Now())
    store.last_ok_at = now


def note_failure(store: Store, error: PlatformError) -> None:
    """Stop a store whose credentials are dead: only its merchant can make them work again, and
    until then every call would be refused. Errors that leave the rest of the store working
    (``policy``) change nothing.
    """
    if not policy.rule_for(error).stops_store or not lifecycle.may_move(
        store, StoreStatus.NEEDS_MERCHANT
    ):
        return
    try:
        with transaction.atomic():
            lifecycle.move(
                store,
                StoreStatus.NEEDS_MERCHANT,
                actor="platform",
                action="store.needs_merchant",
                reason=str(error),
                details={"error": error.code},
            )
            Credential.objects.filter(store=store, state=Credential.State.OK).update(
                state=Credential.State.REAUTH
            )
    except lifecycle.MoveRefused:
        log.info("store_stopped_already", store=str(store.pk))
        return
    log.warning("store_needs_merchant", store=str(store.pk), error=error.code)
