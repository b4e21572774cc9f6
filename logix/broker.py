"""How Celery speaks to its broker: lanes, limits, time-outs.

The database is the only queue of record. A message is a doorbell that carries an id; losing every
one of them costs seconds, so nothing here tries to be a store. What matters is that whoever rings
is never held up: a web process gives a dead or silent broker about a second.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kombu import Exchange, Queue

from logix import filebroker

LIVE, PUSH, BULK, ADMIN = "live", "push", "bulk", "admin"
LANES = (LIVE, PUSH, BULK, ADMIN)

# Who may wait for whom: fresh events never queue behind a back-fill, one store's pushes never
# behind another's page.
ROUTES = {
    "webhooks.tasks.*": {"queue": LIVE},
    "integrations.tasks.tick": {"queue": LIVE},
    "integrations.tasks.heartbeat": {"queue": LIVE},
    "integrations.tasks.sweep": {"queue": LIVE},
    "integrations.tasks.run_stream": {"queue": LIVE},
    "integrations.tasks.send_*": {"queue": PUSH},
    "integrations.tasks.run_backfill": {"queue": BULK},
    "integrations.tasks.prove_stock": {"queue": BULK},
    "integrations.tasks.reconcile": {"queue": ADMIN},
    "integrations.tasks.maintain": {"queue": ADMIN},
    "integrations.tasks.carry_out_privacy": {"queue": ADMIN},
}

# Publishing, by transport. Silent broker: about 1 s. Refused port: at once, no retries.
_NO_RETRIES = {"max_retries": 0, "interval_start": 0, "interval_step": 0}
_REDIS = {"visibility_timeout": 3600, "health_check_interval": 15}
PUBLISHER_OPTIONS: dict[str, dict[str, Any]] = {
    "redis": {**_REDIS, **_NO_RETRIES, "socket_timeout": 1, "socket_connect_timeout": 1},
    "amqp": {**_NO_RETRIES, "read_timeout": 1, "write_timeout": 1},
}
# A worker would rather wait for a slow link than lose its connection.
WORKER_OPTIONS: dict[str, dict[str, Any]] = {
    "redis": {**_REDIS, "socket_timeout": 5, "socket_connect_timeout": 5},
    "amqp": {},
}
WORKER_CONNECT_TIMEOUT_S = 4


EMBEDDED_URL = f"{filebroker.SCHEME}://localhost"


def kind(url: str) -> str:
    """``redis``, ``amqp`` or ``files``."""
    scheme = urlsplit(url).scheme
    return {"rediss": "redis", "amqps": "amqp", "pyamqp": "amqp"}.get(scheme, scheme)


def redis_or_nothing(url: str) -> str:
    return url if kind(url) == "redis" else ""


def settings(url: str, folder: Path) -> dict[str, Any]:
    """Celery's settings for a process that publishes; ``logix.celery`` loosens them in workers."""
    transport = kind(url)
    options = PUBLISHER_OPTIONS.get(transport)
    if options is None:
        options = {"folder": str(folder), "polling_interval": 0.05}
    return {
        "broker_transport_options": options,
        "broker_connection_timeout": 1,
        "broker_connection_retry_on_startup": True,
        # Workers and clock wait for as long as it takes; a hundred tries would end them in an hour.
        "broker_connection_max_retries": None,
        "task_queues": _queues(transport),
        "task_default_queue": LIVE,
        "task_default_exchange": "logix",
        "task_default_exchange_type": "topic",
        "task_default_routing_key": LIVE,
        "task_create_missing_queues": False,
        "task_routes": ROUTES,
        "task_publish_retry": False,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_ignore_result": True,
        "result_expires": None,
        "task_soft_time_limit": 60,
        "task_time_limit": 90,
        "task_serializer": "json",
        "accept_content": ["json"],
        "enable_utc": True,
        "timezone": "UTC",
        "worker_prefetch_multiplier": 1,
        "worker_max_tasks_per_child": 500,
        "worker_max_memory_per_child": 250_000,
        "worker_soft_shutdown_timeout": 20,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": False,
        "worker_send_task_events": False,
        "beat_scheduler": "django_celery_beat.schedulers:DatabaseScheduler",
        # What rings when stands in the database, editable in the admin (integrations.schedule).
        "beat_max_loop_interval": 5,
    }


def _queues(transport: str) -> list[Queue]:
    # Replicated queues survive the loss of a RabbitMQ node; delayed rings need the topic exchange
    # there.
    arguments = {"x-queue-type": "quorum"} if transport == "amqp" else None
    exchange = Exchange("logix", type="topic")
    return [Queue(lane, exchange, routing_key=lane, queue_arguments=arguments) for lane in LANES]
