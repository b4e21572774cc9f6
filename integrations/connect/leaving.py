"""What a store says about our app there: that it was removed, or that it may do other things now.
Either is only a message's word, so the store is asked before it is believed.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import structlog
from django.db import transaction

from integrations import authentication, lifecycle, registry
from integrations.authentication import Held
from integrations.base import StoreIdentity
from integrations.connect import signals, testing
from integrations.models import Credential, Endpoint, Store, StoreStatus
from logix.accounts import audit

log = structlog.get_logger(__name__)


@transaction.atomic
def uninstalled(store: Store, held: Held, *, at: datetime) -> bool:
    """Our app was removed at the store, which refused ``held`` when asked. Its keys are void,
    nothing is read or written any more; orders and stock stay, and connecting it again goes on with
    them, by the app of the merchant's own if there was one. False when it was given new keys
    meanwhile: nothing is changed then.
    """
    # Settles the race with whoever connects it again: new keys are another version or row.
    if not authentication.void(store, held):
        return False
    name = registry.card(store.platform).name
    reason = f"Logix was uninstalled at {name} on {at:%d %B %Y}."
    action = "store.uninstalled"
    store.refresh_from_db(fields=["status"])
    if lifecycle.may_move(store, StoreStatus.NEEDS_MERCHANT):
        lifecycle.move(
            store, StoreStatus.NEEDS_MERCHANT, actor="platform", action=action, reason=reason
        )
    elif store.status == StoreStatus.NEEDS_MERCHANT:
        Store.objects.filter(pk=store.pk).update(status_reason=reason)
        store.status_reason = reason
        told = {"reason": reason}
        audit.record(action, actor="platform", merchant=store.merchant, obj=store, details=told)
    # The subscriptions went with the app.
    Endpoint.objects.filter(store=store).update(subscriptions=[], problem="")
    log.warning("store_uninstalled", store=str(store.pk))
    return True


@transaction.atomic
def scopes_changed(store: Store, identity: StoreIdentity) -> None:
    """Keep what the store now grants, as ``identify`` said. What a granted scope was lacking for
    goes on.
    """
    before = _missing(store)
    testing.take_identity(store, identity)
    if before == set(identity.missing):
        return
    audit.record(
        "store.scopes_changed",
        actor="platform",
        merchant=store.merchant,
        obj=store,
        details={"missing": {"from": sorted(before), "to": sorted(identity.missing)}},
    )
    if before - set(identity.missing) and store.is_active:
        signals.store_opened.send(sender=Store, store=store, actor="platform")


def _missing(store: Store) -> set[str]:
    rows: Collection[list[str]] = Credential.objects.filter(store=store).values_list(
        "missing", flat=True
    )
    return {scope for row in rows for scope in row}
