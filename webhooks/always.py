"""Deliveries that are worked whatever state their store is in, of the topics a card names: privacy
requests, most of which come when the connection is over. To read one, neither the store is asked
nor are its keys needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import structlog
from django.db import transaction

from integrations import privacy, registry
from integrations.errors import ContractBroken
from integrations.events import Event, PrivacyAsk, RawDelivery
from integrations.sync.leases import Fenced
from webhooks import claims, verdicts
from webhooks.claims import DATABASE_AWAY
from webhooks.models import Delivery
from webhooks.reading import Reading, read
from webhooks.single import given_up, request_id, settle_failure

log = structlog.get_logger(__name__)


def work_ready(limit: int) -> int:
    """Work what may be worked now; return how many deliveries that were."""
    ready = claims.ready_always().order_by("received_at")
    return sum(work_one(pk) for pk in list(ready.values_list("pk", flat=True)[:limit]))


def work_one(delivery_id: UUID) -> bool:
    """Work this one, due or not. False when it is not waiting."""
    delivery = claims.claim_this(delivery_id)
    if delivery is None:
        return False
    with structlog.contextvars.bound_contextvars(**request_id(delivery)):
        if given_up(delivery):
            return True
        try:
            adapter = registry.adapter_class(delivery.store.platform)
            _settle(read(getattr(adapter, "read_always", _unread), delivery))
        except Fenced:
            log.warning("fenced", delivery=str(delivery.pk))
        except DATABASE_AWAY:
            raise
        except Exception as err:
            settle_failure(delivery, err)
    return True


@transaction.atomic
def _settle(reading: Reading) -> None:
    """Each request is kept. The body, which names a buyer, goes in the same moment."""
    delivery = reading.delivery
    asks = [event.privacy for event in reading.events if event.privacy is not None]
    account = delivery.endpoint.account
    if asks and not all(_is_about(account, ask) for ask in asks):
        sentence = "What is signed names another store than this one; nothing was done."
        reading.problem = ("other_account", sentence)
    claims.settle([verdicts.of_asks(reading, asks)])
    if reading.problem:
        return
    for ask in asks:
        privacy.take(delivery.store, ask, reference=str(delivery.pk), asked_at=delivery.received_at)
    Delivery.objects.filter(pk=delivery.pk).update(body_sealed=None)


def _is_about(account: str, ask: PrivacyAsk) -> bool:
    """Headers are not signed. What the signed body says of the store has the last word."""
    return not ask.account or not account or ask.account.strip().casefold() == account


def _unread(payload: RawDelivery) -> Sequence[Event]:
    raise ContractBroken(f"Nothing says what “{payload.topic}” means.", path="$")
