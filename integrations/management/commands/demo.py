"""``manage.py demo``: a whole hub on this machine with simulated stores, until Ctrl-C. Run again,
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

from integrations.management.demo import people, scenes, shops
from integrations.management.demo.processes import (
    ChildDied,
    Group,
    RunsAlready,
    alone,
    free_port,
    wait_for,
)
from integrations.management.demo.screen import Screen
from integrations.management.demo.shops import SHARED_SKUS, SHOPS, Shop
from integrations.management.demo.warehouse import Warehouse
from integrations.models import Store
from logix.accounts.models import Merchant

_FIRST_HUB_PORT, _FIRST_STORE_PORT = 8000, 8090


class Command(BaseCommand):
    help = "Start a complete hub with a simulated store of each platform. Ctrl-C stops everything."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--orders", type=int, default=1000, help="Orders in the first store.")
        parser.add_argument("--products", type=int, default=120)
        parser.add_argument(
            "--per-minute", type=float, default=12, help="New traffic in the first store."
        )
        parser.add_argument("--seconds", type=float, help="Stop by itself after so long.")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.LOGIX_ENV != "embedded":
            raise CommandError("The demo runs on an embedded hub only. Unset LOGIX_ENV.")
        if any(shop.port_variable not in os.environ for shop in SHOPS):
            _settle_ports()
        signal.signal(signal.SIGTERM, _as_interrupt)
        data = Path(settings.LOGIX_DATA)
        try:
            with alone(data, f"{settings.LOGIX_PUBLIC_URL}/admin/"):
                self._run(data, options)
        except RunsAlready as err:
            raise CommandError(
                f"A demo runs already, at {err}. End it with Ctrl-C first, or give this one a "
                "folder of its own: LOGIX_DATA=var.other make demo"
            ) from err

    def _run(self, data: Path, options: dict[str, Any]) -> None:
        self.stdout.write(f"Logix demo · everything is kept in {_short(data)}")
        call_command("migrate", verbosity=0, interactive=False)
        merchant, access = people.prepare(data)
        try:
            with Group(data / "logs") as group:
                self._start(group, data, options)
                stores = [self._connect(merchant, shop) for shop in SHOPS]
                screen = Screen(self.stdout, stores)
                screen.follow_import(group)
                screen.welcome(settings.LOGIX_PUBLIC_URL, access)
                warehouse = Warehouse(merchant, stores)
                staged = scenes.play(stores, SHARED_SKUS, settings.LOGIX_PUBLIC_URL)
                screen.follow_life(
                    group,
                    seconds=options["seconds"],
                    each_second=(warehouse.step, lambda: next(staged, "")),
                )
        except KeyboardInterrupt:
            self.stdout.write("\nStopping …")
        except ChildDied as err:
            raise CommandError(str(err)) from err
        self.stdout.write("Everything is stopped. `make demo` goes on from here.")

    def _start(self, group: Group, data: Path, options: dict[str, Any]) -> None:
        manage = [sys.executable, str(Path(settings.ROOT) / "manage.py")]
        port = settings.LOGIX_PUBLIC_URL.rsplit(":", 1)[1]
        for shop in SHOPS:
            group.start(
                shop.platform,
                [
                    *(*manage, "sandbox", f"--platform={shop.platform}", *shop.arguments),
                    f"--port={os.environ[shop.port_variable]}",
                    f"--orders={round(options['orders'] * shop.share)}",
                    f"--products={options['products']}",
                    f"--per-minute={options['per_minute'] * shop.share}",
                    f"--state={data / shop.state_file}",
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
        for shop in SHOPS:
            wait_for(f"{_url(shop)}/", group)
        wait_for(f"{settings.LOGIX_PUBLIC_URL}/livez", group)

    def _connect(self, merchant: Merchant, shop: Shop) -> Store:
        store = shops.earlier(merchant, shop)
        if store is not None:
            self.stdout.write(f"Going on with {store.name} …")
            shops.go_on(store, _url(shop))
            return store
        self.stdout.write(f"Connecting {shop.name} at {_url(shop)} …")
        return shops.connect_new(merchant, shop, _url(shop))


def _url(shop: Shop) -> str:
    return f"http://127.0.0.1:{os.environ[shop.port_variable]}"


def _settle_ports() -> None:
    """Choose free ports and start again with them: the settings read the address once, at start."""
    os.environ["LOGIX_PUBLIC_URL"] = f"http://127.0.0.1:{free_port(_FIRST_HUB_PORT)}"
    port = _FIRST_STORE_PORT
    for shop in SHOPS:
        port = free_port(port)
        os.environ[shop.port_variable] = str(port)
        port += 1
    os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606 - ourselves, same arguments


def _as_interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
