"""The doorbell: tells a worker that there is work in the database. Losing a ring loses nothing but
a few seconds.

The database is the queue of record and the sweepers find what nobody rang for, so a broker that is
down must never hurt whoever rings: after one failure this process does not publish for ten seconds
(a refused or silent broker costs up to a second each time).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from threading import Timer
from typing import Any

import structlog
from django.db import transaction

from logix import broker

log = structlog.get_logger(__name__)

QUIET_S = 10.0
# Shorter delays are waited out by a thread of this process. RabbitMQ puts off by whole seconds, and
# Celery 5.7 refuses to publish what is to wait for less than one (kombu, calculate_routing_key).
BROKER_DELAYS_FROM_S = 1.0

Ring = tuple[str, tuple[Any, ...]]

_quiet_until = 0.0
_kept: ContextVar[deque[Ring] | None] = ContextVar("kept_rings", default=None)
# Delayed rings this process has out, by what they ring: monotonic time of the next to arrive.
_out: dict[tuple[str, tuple[Any, ...]], float] = {}


def ring(task_name: str, *args: Any, queue: str, delay_s: float = 0.0) -> None:
    """Publish the task once the present transaction is committed; at once outside of one. Never
    raises.

    ``args`` must survive JSON (ids as ``str``). ``delay_s`` is for work that ripens within seconds:
    one that arrives earlier is enough, so the task must ask again for what was not ripe yet.
    """
    # No partial: Django asks what failed after a commit for a name, which it has not (5.2).
    transaction.on_commit(
        lambda: publish(task_name, args, queue=queue, delay_s=delay_s), robust=True
    )


def publish(task_name: str, args: tuple[Any, ...], *, queue: str, delay_s: float = 0.0) -> bool:
    """Publish now, or have it published after ``delay_s``. False when it was not needed, or the
    broker could not be reached or is being left alone.
    """
    global _quiet_until
    kept = _kept.get()
    if kept is not None:
        return _keep(kept, (task_name, args), delay_s)
    now = time.monotonic()
    if now < _quiet_until or (delay_s and _is_out(task_name, args, now, delay_s)):
        return False
    try:
        if 0 < delay_s < BROKER_DELAYS_FROM_S:
            later = partial(copy_context().run, publish, task_name, args, queue=queue)
            Timer(delay_s, later).start()
        else:
            _send(task_name, args, queue=queue, delay_s=delay_s)
    except Exception as err:
        _quiet_until = time.monotonic() + QUIET_S
        log.warning("bell_silent", task=task_name, error=type(err).__name__, quiet_s=QUIET_S)
        return False
    if delay_s:
        _out[task_name, args] = now + delay_s
    return True


@contextmanager
def kept() -> Iterator[deque[Ring]]:
    """Inside the block rings go into the deque instead of to the broker: for whoever answers them
    itself. A delayed ring is left out; what ripens later is found by the next round.
    """
    rings: deque[Ring] = deque()
    token = _kept.set(rings)
    try:
        yield rings
    finally:
        _kept.reset(token)


def _keep(rings: deque[Ring], ring: Ring, delay_s: float) -> bool:
    if delay_s or ring in rings:
        return False
    rings.append(ring)
    return True


def _send(task_name: str, args: tuple[Any, ...], *, queue: str, delay_s: float) -> None:
    # Not celery.current_app: it is thread-local, and in a web server's threads a default app
    # without our broker.
    from logix.celery import app

    routed: dict[str, Any] = {}
    if broker.kind(app.conf.broker_url) != "amqp":
        # The default exchange knows queues by name. For any other one kombu asks these brokers
        # first which queues are bound to it, at every message.
        routed = {"exchange": "", "routing_key": queue}
    app.send_task(
        task_name,
        args=list(args),
        queue=queue,
        countdown=delay_s or None,
        ignore_result=True,
        **routed,
    )


def _is_out(task_name: str, args: tuple[Any, ...], now: float, delay_s: float) -> bool:
    """Whether a delayed ring that arrives in time is on its way. Forgets what has arrived."""
    if len(_out) > 1000:
        for key in [k for k, at in _out.items() if at <= now]:
            _out.pop(key, None)
    return now < _out.get((task_name, args), 0.0) <= now + delay_s


def reset() -> None:
    """Forget failures and rings that are out, as a fresh process would."""
    global _quiet_until
    _quiet_until = 0.0
    _out.clear()
