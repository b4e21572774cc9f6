"""The clock's few ticks. Rows are made once at migrate; afterwards they belong to the admin and are
left as they are.
"""

from __future__ import annotations

from typing import Any

# name: (task, every seconds, queue)
TICKS = {
    "Ring what is due": ("integrations.tasks.tick", 2, "live"),
    "Take back what dead workers held": ("integrations.tasks.sweep", 15, "admin"),
    "Take back webhook deliveries": ("webhooks.tasks.sweep", 15, "admin"),
    "Ask merchants' queues for news": ("webhooks.tasks.listen", 5, "live"),
    "Sign of life": ("integrations.tasks.heartbeat", 15, "live"),
    "Renew tokens": ("integrations.tasks.renew_tokens", 60, "admin"),
    "Audit webhooks, close gaps": ("integrations.tasks.reconcile", 300, "admin"),
    "Delete what has outlived its use": ("integrations.tasks.maintain", 3600, "admin"),
    "Delete old webhook bodies": ("webhooks.tasks.maintain", 3600, "admin"),
}


def ensure(**_: Any) -> None:
    """Add missing ticks. A tick that fires while the last one waits is worthless, so each expires
    with its interval.
    """
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    for name, (task, seconds, queue) in TICKS.items():
        if PeriodicTask.objects.filter(name=name).exists():
            continue
        every, _created = IntervalSchedule.objects.get_or_create(
            every=seconds, period=IntervalSchedule.SECONDS
        )
        PeriodicTask.objects.create(
            name=name, task=task, interval=every, queue=queue, expire_seconds=max(10, seconds)
        )
