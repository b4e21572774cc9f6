"""Real workers on a real broker and PostgreSQL: rings arrive, a killed worker is only a pause."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from integrations.models import Heartbeat
from logix.celery import app
from logix.common import bell
from tests.conftest import ROOT

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a worker on the test's own database and broker; all are ended afterwards."""
    if not {"TEST_DATABASE_URL", "TEST_BROKER_URL"} <= set(os.environ):
        pytest.fail("Set TEST_DATABASE_URL and TEST_BROKER_URL, as .ci/run does.")
    url = urlsplit(os.environ["TEST_DATABASE_URL"])
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "logix.settings",
        "DATABASE_URL": url._replace(path=f"/{connection.settings_dict['NAME']}").geturl(),
        "CELERY_BROKER_URL": os.environ["TEST_BROKER_URL"],
        "LOGIX_DATA": str(tmp_path / "var"),
        "LOGIX_KEYS": settings.LOGIX_KEYS,
        "LOGIX_PEPPER": settings.LOGIX_PEPPER,
        "SECRET_KEY": settings.SECRET_KEY,
    }
    started: list[subprocess.Popen[bytes]] = []

    def worker() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "celery", "-A", "logix", "worker"]
        lanes = ["--queues", "live,push,bulk,admin", "--concurrency", "2"]
        with (tmp_path / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [*command, *lanes, "--without-gossip", "--without-mingle"],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        started.append(process)
        return process

    with app.connection_for_write() as broker:
        for queue in app.amqp.queues.values():
            queue(broker.default_channel).declare()
            queue(broker.default_channel).purge()
    yield worker
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def ring() -> None:
    bell.reset()
    assert bell.publish("integrations.tasks.heartbeat", (), queue="live")


def answered(within_s: float) -> bool:
    """Whether a worker wrote its sign of life."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if Heartbeat.objects.exists():
            return True
        time.sleep(0.05)
    return False


def test_a_ring_reaches_a_worker_and_a_stop_is_clean(start: Start, tmp_path: Path) -> None:
    worker = start()
    ring()

    assert answered(within_s=30), (tmp_path / "worker.log").read_text()

    worker.terminate()
    assert worker.wait(timeout=30) == 0


def test_what_was_rung_while_no_worker_lived_is_answered_by_the_next(start: Start) -> None:
    first = start()
    ring()
    assert answered(within_s=30)

    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    Heartbeat.objects.all().delete()
    ring()
    assert not answered(within_s=1)
    start()

    assert answered(within_s=30)
