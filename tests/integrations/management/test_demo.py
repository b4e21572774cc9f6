"""The demonstration's processes: one demo a folder, and nothing left behind however it ends; and
what it reads first of its seller account.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from integrations import sync
from integrations.management.demo import shops
from integrations.management.demo.processes import RunsAlready, alone
from integrations.models import RunState, Stream, SyncRun
from logix.common import bell
from orders.models import Order
from tests.factories import make_merchant, make_store
from tests.integrations.amazon.world import amazon_world
from tests.integrations.sync.conftest import run_to_end


@contextmanager
def another(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Another process, from the moment it says so; killed at the end."""
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()


HOLD = """
    import sys, time
    from pathlib import Path
    from integrations.management.demo.processes import alone
    with alone(Path(sys.argv[1]), "http://127.0.0.1:8000/admin/"):
        print("held", flush=True)
        time.sleep(60)
"""

PARENT = """
    import sys, time
    from pathlib import Path
    from integrations.management.demo.processes import Group
    with Group(Path(sys.argv[1])) as group:
        group.start("child", [sys.executable, "-c", "import time; time.sleep(60)"])
        print(group._children["child"].pid, flush=True)
        time.sleep(60)
"""


def test_a_second_demo_in_one_folder_is_told_where_the_first_one_is(tmp_path: Path) -> None:
    with another(HOLD, str(tmp_path)) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(RunsAlready, match=r"127\.0\.0\.1:8000/admin/"), alone(tmp_path, ""):
            pass

    with alone(tmp_path, "now us"):  # a demo that was killed holds nothing
        assert (tmp_path / "demo.lock").read_text() == "now us"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent")
def test_a_demo_that_is_killed_takes_its_processes_with_it(tmp_path: Path) -> None:
    with another(PARENT, str(tmp_path)) as demo:
        assert demo.stdout is not None
        child = int(demo.stdout.readline())
        demo.send_signal(signal.SIGKILL)
        demo.wait()

    end = time.monotonic() + 10
    while _lives(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _lives(child)


@pytest.mark.django_db(transaction=True)
def test_the_first_reading_of_the_seller_account_is_complete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bell, "publish", lambda *_args, **_options: True)
    shop = next(shop for shop in shops.SHOPS if shop.platform == "amazon")
    with amazon_world(orders=40, **shop.credentials) as world:
        store = shops.connect_new(make_merchant(), shop, world.url)
        for name in ("products", "orders"):
            while sync.run_stream(Stream.objects.get(store=store, name=name).pk):
                pass
        run = SyncRun.objects.get(store=store, stream__name="orders", kind="backfill")
        run_to_end(run)
        there = world.order_ids()

    run.refresh_from_db()
    assert (run.state, run.problem) == (RunState.COMPLETED, "")
    assert set(Order.objects.values_list("external_id", flat=True)) == there


@pytest.mark.django_db
def test_a_store_that_somebody_connected_to_the_demo_is_not_taken_for_its_own() -> None:
    merchant, shop = make_merchant(), shops.SHOPS[0]
    own = make_store(merchant, name="Sandbox shop", platform=shop.platform)
    make_store(merchant, name="Another", platform=shop.platform, base_url="https://another.example")

    assert shops.earlier(merchant, shop) == own


def _lives(pid: int) -> bool:
    """A process that ended but was not waited for counts as ended."""
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
