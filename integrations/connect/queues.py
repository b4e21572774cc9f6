"""The queue of a store's merchant, from which its news are fetched: there while the keys of the
store open one.
"""

from __future__ import annotations

from django.utils import timezone

from integrations import authentication
from integrations.models import Endpoint, NewsQueue, Store
from integrations.platform import Ability, PlatformCard


def opened_by_keys(store: Store, card: PlatformCard) -> str:
    """The queue that the store's keys open, as it was typed; '' for none. Raises PlatformError."""
    if not card.can(Ability.NEWS_QUEUE):
        return ""
    return card.queue_of(authentication.held(store).values)


def queue_of(store: Store) -> NewsQueue | None:
    """The queue that is listened to."""
    open_ones = NewsQueue.objects.exclude(endpoint__status=Endpoint.Status.CLOSED)
    return open_ones.select_related("endpoint").filter(endpoint__store=store).first()


def listen(endpoint: Endpoint, address: str) -> NewsQueue:
    """Have the queue asked, at once."""
    queue, _ = NewsQueue.objects.update_or_create(
        endpoint=endpoint, defaults={"address": address, "next_at": timezone.now()}
    )
    return queue


def shared(queue: NewsQueue, store: Store) -> str:
    """In words, which other store of the merchant has its news in the same queue; '' for none."""
    same = NewsQueue.objects.filter(
        address=queue.address, endpoint__store__merchant=store.merchant_id
    ).exclude(endpoint__status=Endpoint.Status.CLOSED)
    other = same.exclude(pk=queue.pk).select_related("endpoint__store").first()
    if other is None:
        return ""
    return (
        f"{other.endpoint.store} has its news in the same queue, so each takes the other's. Give "
        "each a queue of its own."
    )


def close(store: Store) -> None:
    """The keys of the store open no queue any more."""
    queue = queue_of(store)
    if queue is None:
        return
    Endpoint.objects.filter(pk=queue.endpoint_id).update(
        status=Endpoint.Status.CLOSED, subscriptions=[], problem=""
    )
    queue.delete()
