"""``manage.py demo``: a whole hub on this machine with a simulated store, until Ctrl-C. Run again,
it goes on.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations import connect
from integrations.management.demo import people
from integrations.management.demo.processes import ChildDied, Group, free_port, wait_for
from integrations.management.demo.screen import Screen
from integrations.management.demo.warehouse import Warehouse
from integrations.models import Store, StoreStatus
from logix.accounts.models import Merchant

_CHOSEN = "LOGIX_DEMO_STORE_PORT"
_KEY = "ck_" + "d" * 40
_SECRET = "cs_" + "d" * 40
_ACTOR = "demo"


class Command(BaseCommand):
    help = "Start a complete hub with a simulated WooCommerce store. Ctrl-C stops everything."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--orders", type=int, default=1000, help="Orders in the store.")
        parser.add_argument("--products", type=int, default=120)
        parser.add_argument(
            "--per-minute", type=float, default=12, help="New traffic in the store."
        )
        parser.add_argument("--seconds", type=float, help="Stop by itself after so long.")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.LOGIX_ENV != "embedded":
            raise CommandError("The demo runs on an embedded hub only. Unset LOGIX_ENV.")
        if _CHOSEN not in os.environ:
            _settle_ports()
        signal.signal(signal.SIGTERM, _as_interrupt)
        data = Path(settings.LOGIX_DATA)
        self.stdout.write(f"Logix demo · everything is kept in {_short(data)}")
        call_command("migrate", verbosity=0, interactive=False)
        merchant, access = people.prepare(data)
        store_url = f"http://127.0.0.1:{os.environ[_CHOSEN]}"
        try:
            with Group(data / "logs") as group:
                self._start(group, data, store_url, options)
                store = self._connect(merchant, store_url)
                screen = Screen(self.stdout, store)
                screen.follow_import(group)
                screen.welcome(settings.LOGIX_PUBLIC_URL, store_url, access)
                warehouse = Warehouse(store)
                screen.follow_life(group, seconds=options["seconds"], each_second=warehouse.step)
        except KeyboardInterrupt:
            self.stdout.write("\nStopping …")
        except ChildDied as err:
            raise CommandError(str(err)) from err
        self.stdout.write("Everything is stopped. `make demo` goes on from here.")

    def _start(self, group: Group, data: Path, store_url: str, options: dict[str, Any]) -> None:
        manage = [sys.executable, str(Path(settings.ROOT) / "manage.py")]
        port = settings.LOGIX_PUBLIC_URL.rsplit(":", 1)[1]
        group.start(
            "store",
            [
                *manage,
                "sandbox",
                f"--port={os.environ[_CHOSEN]}",
                f"--key={_KEY}",
                f"--secret={_SECRET}",
                f"--orders={options['orders']}",
                f"--products={options['products']}",
                f"--per-minute={options['per_minute']}",
                f"--state={data / 'sandbox.json'}",
            ],
        )
        group.start(
            "web",
            [
                *(sys.executable, "-m", "gunicorn", "logix.wsgi"),
                *("--bind", f"127.0.0.1:{port}"),
                *("--worker-class", "gthread", "--workers", "1", "--threads", "8"),
                *("--graceful-timeout", "5", "--chdir", str(settings.ROOT)),
            ],
        )
        group.start(
            "worker",
            [
                *(sys.executable, "-m", "celery", "-A", "logix"),
                *("--workdir", str(settings.ROOT)),
                *("worker", "--pool", "threads", "--concurrency", "8", "--beat"),
                *("--queues", "live,push,bulk,admin", "--loglevel", "INFO"),
                *("--scheduler", "django_celery_beat.schedulers:DatabaseScheduler"),
                *("--without-gossip", "--without-mingle"),
            ],
        )
        wait_for(f"{store_url}/", group)
        wait_for(f"{settings.LOGIX_PUBLIC_URL}/livez", group)

    def _connect(self, merchant: Merchant, store_url: str) -> Store:
        """The store of an earlier demo, or a new connection. The address may have moved to another
        port.
        """
        store = (
            Store.objects.filter(merchant=merchant).exclude(status=StoreStatus.DISCONNECTED).first()
        )
        if store is None:
            self.stdout.write(f"Connecting the simulated store at {store_url} …")
            return connect.connect_store(
                merchant=merchant,
                platform="woocommerce",
                base_url=store_url,
                credentials={"consumer_key": _KEY, "consumer_secret": _SECRET},
                name="Sandbox shop",
                writes_enabled=True,
                actor=_ACTOR,
            )
        self.stdout.write(f"Going on with {store.name} …")
        if store.base_url != store_url:
            Store.objects.filter(pk=store.pk).update(base_url=store_url)
            store.base_url = store_url
        connect.reconcile_webhooks(store)
        return store


def _settle_ports() -> None:
    """Choose free ports and start again with them: the settings read the address once, at start."""
    os.environ["LOGIX_PUBLIC_URL"] = f"http://127.0.0.1:{free_port(8000)}"
    os.environ[_CHOSEN] = str(free_port(8090))
    os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606 - ourselves, same arguments


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
