"""One reader at a time: a lease with a fence on a stream or a run, taken and kept by conditional
updates.

The fence settles the race of a worker that slept past its lease: its next write finds another fence
and is refused.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeAlias

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

LEASE = timedelta(seconds=120)
Rows: TypeAlias = models.Manager[Any] | models.QuerySet[Any]


class Fenced(Exception):
    """Another worker took over. Nothing of this transaction may stay."""


def owner() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"[:80]


def take(
    manager: Rows, pk: Any, changes: Mapping[str, Any] | None = None, **conditions: Any
) -> int | None:
    """The new fence, or None when somebody else holds the lease or a condition does not hold.
    ``changes`` are written by the same statement.
    """
    me = owner()
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    taken = manager.filter(free, pk=pk, **conditions).update(
        lease_owner=me, lease_until=Now() + LEASE, fence=F("fence") + 1, **(changes or {})
    )
    if not taken:
        return None
    # Whoever slept here past the lease must not be told its successor's fence.
    return manager.filter(pk=pk, lease_owner=me).values_list("fence", flat=True).first()


def keep(manager: Rows, pk: Any, fence: int, **changes: Any) -> None:
    """Write ``changes`` and renew the lease. Raises Fenced."""
    kept = manager.filter(pk=pk, fence=fence).update(lease_until=Now() + LEASE, **changes)
    if not kept:
        raise Fenced


def drop(manager: Rows, pk: Any, fence: int, **changes: Any) -> bool:
    """Write ``changes`` and give the lease back. False: it was lost, and nothing was written."""
    dropped = manager.filter(pk=pk, fence=fence).update(lease_owner="", lease_until=None, **changes)
    return bool(dropped)
