"""Celery's doors to the inbox. Losing every ring loses nothing: the clock rings ``process`` and
``sweep`` anyway.
"""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from integrations.upkeep import take_slot
from logix.common import bell
from webhooks import inbox, listening

_BUDGET_S = 20.0


@shared_task(name="webhooks.tasks.process")
def process() -> None:
    """Work what is ready without a call; stores that must be asked get a task each, so a slow one
    costs only itself.
    """
    limit = 2000
    if inbox.process_ready(limit, budget_s=_BUDGET_S, ask=_ask) >= limit:
        bell.ring("webhooks.tasks.process", queue="live")


def _ask(store_id: UUID) -> None:
    bell.ring("webhooks.tasks.process_store", str(store_id), queue="live")


@shared_task(name="webhooks.tasks.process_store")
def process_store(store_id: str) -> None:
    """Work one store's deliveries that need its word or failed before."""
    if inbox.process_store(UUID(store_id), budget_s=_BUDGET_S):
        bell.ring("webhooks.tasks.process", queue="live")


@shared_task(name="webhooks.tasks.listen")
def listen() -> None:
    """Every 5 s: queues of merchants that are due get a task each, so a slow one costs only
    itself.
    """
    for queue_id in listening.due():
        bell.ring("webhooks.tasks.fetch_news", queue_id, queue="live")


@shared_task(name="webhooks.tasks.fetch_news")
def fetch_news(queue_id: int) -> None:
    """Take in what waits in one queue; what came is worked by its own bell."""
    listening.listen(queue_id)


@shared_task(name="webhooks.tasks.sweep")
def sweep() -> None:
    """Every 15 s. Works off what is ready itself: the bell may be the thing that is broken."""
    if not take_slot("webhooks.sweep", seconds=10):
        return
    if inbox.sweep().oldest_ready_age_s > 10:
        inbox.process_ready(budget_s=_BUDGET_S)


@shared_task(name="webhooks.tasks.maintain")
def maintain() -> None:
    """Every hour: retention."""
    if take_slot("webhooks.maintain", seconds=60):
        inbox.purge()
