"""The call log: what was called, how long it took, how it ended. No body, no query, no secret."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction

from integrations.kit.http import CallRecord
from integrations.models import CallLog

log = structlog.get_logger(__name__)

_BUFFER = 100


class CallRecorder:
    """Collects the calls of one session and writes them together, so that no call waits for the
    log.

    ``close`` writes what is left. Inside a transaction nothing is written before its commit: a page
    that is rolled back must not take the log's lock along, and the log must not lengthen the page.
    """

    def __init__(self, store_id: UUID) -> None:
        self._store_id = store_id
        self._records: list[CallRecord] = []
        self._lock = threading.Lock()
        self.answered = False

    def __call__(self, record: CallRecord) -> None:
        self.answered = self.answered or not record.error
        with self._lock:
            self._records.append(record)
            full = len(self._records) >= _BUFFER
        if full and not transaction.get_connection().in_atomic_block:
            self._write(self._take())

    def close(self) -> None:
        records = self._take()
        if records:
            transaction.on_commit(lambda: self._write(records), robust=True)

    def _take(self) -> list[CallRecord]:
        with self._lock:
            records, self._records = self._records, []
        return records

    def _write(self, records: Sequence[CallRecord]) -> None:
        try:
            CallLog.objects.bulk_create([_row(self._store_id, record) for record in records])
        except DatabaseError:
            log.warning(
                "call_log_lost", store=str(self._store_id), calls=len(records), exc_info=True
            )


def _row(store_id: UUID, record: CallRecord) -> CallLog:
    return CallLog(
        store_id=store_id,
        at=record.at,
        method=record.method[:8],
        route=record.route[:160],
        status=record.status,
        error=record.error[:60],
        attempts=min(record.attempts, 32_767),
        elapsed_ms=_ms(record.elapsed_s),
        wait_ms=_ms(record.wait_s),
        bytes_in=min(record.bytes_in, 2**31 - 1),
        request_id=record.request_id[:64],
    )


def _ms(seconds: float) -> int:
    return max(0, min(round(seconds * 1000), 2**31 - 1))
