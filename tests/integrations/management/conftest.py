"""A hub in which all is well, and the questions put to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations.management.commands.doctor import examine
from integrations.management.findings import Finding, Level
from integrations.models import (
    Heartbeat,
    ScheduleSlot,
    Store,
    Stream,
)
from tests.factories import make_store


@pytest.fixture
def alive() -> None:
    """A worker and a clock that were seen just now, and a broker that answers."""
    now = timezone.now()
    Heartbeat.objects.create(name="worker@here:1", kind="worker", at=now)
    ScheduleSlot.objects.create(job="tick", slot=now)


@pytest.fixture
def idle(alive: None) -> Store:
    """A hub with one well store that has nothing to do."""
    store = make_store()
    Stream.objects.update(next_at=timezone.now() + timedelta(minutes=1))
    return store


def wrong(*levels: Level) -> list[Finding]:
    wanted = levels or (Level.BAD,)
    return [finding for finding in examine() if finding.level in wanted]


def ago(**span: float) -> Any:
    return timezone.now() - timedelta(**span)
