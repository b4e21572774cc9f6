"""One reader at a time: a lease with a fence on a stream or a run, taken and kept by conditional
updates.

The fence settles the race of a worker that slept past its lease: its next write finds another fence
and is refused.
"""

from __future__ import annotations

import os
import socket
import threading
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

LEASE = timedelta(seconds=120)


class Fenced(Exception):
    """Another worker took over. Nothing of this transaction may stay."""


def owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"[:80]


def take(manager: models.Manager[Any], pk: Any, **conditions: Any) -> int | None:
    """The new fence, or None when somebody else holds the lease or a condition does not hold."""
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    taken = manager.filter(free, pk=pk, **conditions).update(
        lease_owner=owner(), lease_until=Now() + LEASE, fence=F("fence") + 1
    )
    if not taken:
        return None
    return manager.filter(pk=pk).values_list("fence", flat=True).get()


def keep(manager: models.Manager[Any], pk: Any, fence: int, **changes: Any) -> None:
    """Write ``changes`` and renew the lease. Raises Fenced."""
    kept = manager.filter(pk=pk, fence=fence).update(lease_until=Now() + LEASE, **changes)
    if not kept:
        raise Fenced


def drop(manager: models.Manager[Any], pk: Any, fence: int, **changes: Any) -> None:
    manager.filter(pk=pk, fence=fence).update(lease_owner="", lease_until=None, **changes)
