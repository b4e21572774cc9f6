"""Does what is due of any file on its way to a store."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import structlog

from integrations.models import StockHandOver
from integrations.outbox import files
from integrations.outbox.handing import Job
from integrations.outbox.handing_figures import FigureJob
from integrations.outbox.handing_parcels import ParcelJob

log = structlog.get_logger(__name__)


def work_hand_over(file_id: UUID) -> None:
    """Safe to run twice or beside itself."""
    file = files.take(file_id)
    if file is None:
        return
    job = _job(file)
    try:
        while job.go_on():
            pass
        job.rest()
    except files.Fenced:
        log.info("hand_over_fenced", hand_over=str(file_id))


def _job(file: files.File) -> Job[Any]:
    return FigureJob(file) if isinstance(file, StockHandOver) else ParcelJob(file)
