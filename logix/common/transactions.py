"""Running a transaction again when another one was faster, or only to see what it would do."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, transaction

T = TypeVar("T")


def again_on(*conflicts: type[Exception], attempts: int = 6) -> Callable[[Callable[[], T]], T]:
    """Call the function in a transaction; on one of ``conflicts``, a deadlock or a serialisation
    failure, call it again after a short random pause. The last failure is raised. Inside an outer
    transaction it runs once: only the outermost may run again.
    """

    clashes: tuple[type[Exception], ...] = (OperationalError, *conflicts)

    def run(work: Callable[[], T]) -> T:
        if transaction.get_connection().in_atomic_block:
            return work()
        for attempt in range(1, attempts + 1):
            try:
                with transaction.atomic():
                    return work()
            except clashes as err:
                if attempt == attempts or not (isinstance(err, conflicts) or _is_clash(err)):
                    raise
            time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - jitter
        raise AssertionError("unreachable")

    return run


def rehearsed(work: Callable[[], T]) -> T:
    """What the work answers, with all it wrote taken back and none of what it rang for rung. It
    must call nobody outside.
    """
    with transaction.atomic():
        done = work()
        transaction.set_rollback(True)
    return done


def _is_clash(err: Exception) -> bool:
    """Deadlock (40P01) and serialisation failure (40001) in PostgreSQL; a lock that SQLite gave up
    waiting for.
    """
    state = getattr(err.__cause__, "sqlstate", None)
    return state in {"40P01", "40001"} or "database is locked" in str(err)
