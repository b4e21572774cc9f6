"""Fetching news from merchants' own queues into the inbox, one worker at a queue.

A message is taken out of its queue only after its row is committed. Whoever dies in between leaves
it there: it comes again, and its key finds the row. A queue that cannot be read costs nothing but
time: polling goes on, and the endpoint says why.
"""

from __future__ import annotations

import time
from datetime import timedelta

import structlog
from django.db import transaction
from django.db.models.functions import Now

from integrations import authentication, connect, policy, registry
from integrations.base import BaseEcommerceIntegration, QueuedNews
from integrations.errors import PlatformError, Wait
from integrations.models import Endpoint, NewsQueue, StoreStatus
from integrations.sync import leases
from integrations.sync.leases import Fenced
from webhooks.accept import accept_all
from webhooks.claims import DATABASE_AWAY
from webhooks.sameness import dedupe_key

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=10)
# After trouble that ends by itself, and after any other.
_SOON, _LATER = timedelta(minutes=1), timedelta(minutes=5)
# A call that waits a little asks all of a queue's machines, and costs a worker so long.
_WAIT_S = 1.0
BUDGET_S = 20.0
_MOST_QUEUES = 200


def due() -> list[int]:
    """Queues that are to be asked now, longest due first. One statement."""
    rows = NewsQueue.objects.filter(
        next_at__lte=Now(),
        endpoint__status=Endpoint.Status.ACTIVE,
        endpoint__store__status=StoreStatus.ACTIVE,
        endpoint__store__auto_sync=True,
    )
    return list(rows.order_by("next_at").values_list("pk", flat=True)[:_MOST_QUEUES])


def listen(queue_id: int, *, budget_s: float = BUDGET_S) -> int:
    """Take in what waits in this queue; how many messages that were. Does nothing while another
    worker is at it, or before its time.
    """
    fence = leases.take(NewsQueue.objects, queue_id, next_at__lte=Now())
    if fence is None:
        return 0
    queue = _loaded(queue_id)
    until = time.monotonic() + budget_s
    taken, again_in = 0, EVERY
    try:
        with authentication.adapter_for(queue.endpoint.store) as adapter:
            while news := adapter.receive_news(wait_s=0.0 if taken else _WAIT_S):
                _keep(queue.endpoint, news)
                adapter.acknowledge_news([one.receipt for one in news])
                taken += len(news)
                leases.keep(NewsQueue.objects, queue_id, fence)
                if time.monotonic() > until:
                    again_in = timedelta(0)
                    break
    except Fenced:
        log.warning("fenced", queue=queue_id)
        return taken
    except DATABASE_AWAY:
        raise
    except Exception as err:
        _is_deaf(queue, fence, err)
        return taken
    _has_answered(queue, fence, again_in)
    return taken


def _loaded(queue_id: int) -> NewsQueue:
    rows = NewsQueue.objects.select_related(
        "endpoint__store__data_key", "endpoint__store__merchant"
    )
    return rows.get(pk=queue_id)


@transaction.atomic(durable=True)
def _keep(endpoint: Endpoint, news: list[QueuedNews]) -> None:
    adapter: type[BaseEcommerceIntegration] = registry.adapter_class(endpoint.store.platform)
    keyed = [(dedupe_key(adapter, one.delivery), one.delivery) for one in news]
    created = accept_all(endpoint, keyed)
    log.info("news_taken", store=str(endpoint.store_id), came=len(news), new=created)


def _has_answered(queue: NewsQueue, fence: int, again_in: timedelta) -> None:
    kept = leases.drop(
        NewsQueue.objects,
        queue.pk,
        fence,
        next_at=Now() + again_in,
        asked_at=Now(),
        is_deaf=False,
    )
    if kept and queue.is_deaf:
        # What else may be wrong with it, the audit says again.
        rows = Endpoint.objects.filter(pk=queue.endpoint_id)
        rows.update(problem="", last_checked_at=None)


def _is_deaf(queue: NewsQueue, fence: int, err: Exception) -> None:
    """Nobody is stopped: the store's own keys are others, and it is polled."""
    store = queue.endpoint.store
    if isinstance(err, PlatformError):
        log.warning("queue_not_read", store=str(store.pk), code=err.code)
    else:
        log.error("queue_not_read", store=str(store.pk), exc_info=err)
    again_in = _SOON if isinstance(err, Wait) else _LATER
    if not leases.drop(NewsQueue.objects, queue.pk, fence, next_at=Now() + again_in, is_deaf=True):
        return
    words = policy.decide(err).sentence
    meanwhile = connect.polled_meanwhile(registry.card(store.platform))
    Endpoint.objects.filter(pk=queue.endpoint_id).update(problem=f"{words} {meanwhile}")
