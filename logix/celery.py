"""The Celery application, and what travels with every message: the id of the request that caused
it.
"""

from __future__ import annotations

import os
from typing import Any

import structlog
from celery import Celery, signals
from django.db import close_old_connections

from logix import broker, environment
from logix.common.ids import uuid7

log = structlog.get_logger(__name__)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "logix.settings")
environment.settings_or_exit()

app = Celery("logix")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.worker_init.connect
@signals.beat_init.connect
def stop_a_broken_start(**_kwargs: Any) -> None:
    from logix.checks import stop_on_errors  # models: only once Django is set up

    stop_on_errors()


@signals.worker_init.connect
def make_all_lanes(**_kwargs: Any) -> None:
    """Every worker makes every lane, also those it does not serve: RabbitMQ can only be told to
    delay rings for lanes that are there, and Celery 5.7 gives up on all of it at the first that is
    not. A broker that is away is waited for elsewhere.
    """
    try:
        with app.connection_for_write() as link:
            for lane in app.amqp.queues.values():
                lane(link.default_channel).declare()
    except Exception as err:  # any transport, any failure: the worker starts and waits for it
        log.warning("lanes_not_made", error=type(err).__name__)


@signals.celeryd_init.connect
def loosen_for_worker(conf: Any, **_kwargs: Any) -> None:
    """A worker may wait for a slow broker; the settings suit web processes, which may not."""
    conf.broker_connection_timeout = broker.WORKER_CONNECT_TIMEOUT_S
    options = broker.WORKER_OPTIONS.get(broker.kind(conf.broker_url))
    if options is not None:
        conf.broker_transport_options = options


# Celery's Django fixup closes the database connection before and after every task. Ours are kept
# for CONN_MAX_AGE and checked before use, in every pool; a count nobody reaches switches the
# fixup's off.
app.conf["CELERY_DB_REUSE_MAX"] = 2**31


@signals.task_prerun.connect
@signals.task_postrun.connect
def drop_stale_connections(**_kwargs: Any) -> None:
    close_old_connections()


@signals.setup_logging.connect
def keep_our_logging(**_kwargs: Any) -> None:
    """Django has configured logging already; a receiver of this signal keeps Celery from doing it
    again.
    """


@signals.before_task_publish.connect
def send_request_id(headers: dict[str, Any], **_kwargs: Any) -> None:
    context = structlog.contextvars.get_contextvars()
    headers["request_id"] = context.get("request_id") or uuid7().hex


@signals.task_prerun.connect
def bind_request_id(task_id: str, task: Any, **_kwargs: Any) -> None:
    structlog.contextvars.clear_contextvars()
    request_id = getattr(task.request, "request_id", None) or task_id
    structlog.contextvars.bind_contextvars(request_id=request_id, task=task.name)


@signals.task_postrun.connect
def unbind_request_id(**_kwargs: Any) -> None:
    structlog.contextvars.clear_contextvars()
