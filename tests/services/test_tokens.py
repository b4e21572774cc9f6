"""A token that ends under eight processes, and a process that is killed while it holds the next one
in its hands: at a simulated shop whose refresh tokens rotate, as Shopify's do.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.db import connection
from django.utils import timezone

from integrations import authentication, connect
from integrations.models import Credential, Store, StoreStatus
from integrations.sandbox.server import Incoming, Server
from integrations.sandbox.shopify.options import StoreOptions
from integrations.sandbox.shopify.shop import Shop
from integrations.sandbox.shopify.wire import Answer
from logix.accounts.models import AuditEvent, Merchant
from logix.common import bell
from tests.integrations.shopify.agreeing import agree
from tests.services.hub import ROOT, environment, until

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

APP = {"client_id": "0123456789abcdef" * 2, "client_secret": "shpss_" + "7" * 32}
WORKERS = 8
WAIT_S = 180.0


class RotatingShop(Shop):
    """Of a public app, whose tokens live for an hour. ``asked`` counts the new pairs that were
    asked for; ``answering`` is called when such an answer is ready and not sent yet.
    """

    def __init__(self) -> None:
        super().__init__(
            StoreOptions(orders=2, products=2, access_token="", app_kind="public", **APP),
            webhook_delay_s=0,
            has_control=False,
        )
        self.asked = 0
        self.answering: Callable[[], None] = lambda: None

    def handle(self, incoming: Incoming) -> Answer:
        answer = super().handle(incoming)
        form = parse_qs(incoming.body.decode("utf-8", "replace"))
        if incoming.path.endswith("/access_token") and form.get("grant_type") == ["refresh_token"]:
            self.asked += 1
            self.answering()
        return answer

    def end_tokens(self) -> None:
        """An hour has passed for every access token."""
        with self.store.working():
            for grant in self.store.access.grants.values():
                grant.expires_at = self.store.clock.now() - 1


@pytest.fixture
def shop() -> Iterator[RotatingShop]:
    made = RotatingShop()
    with Server(made):
        yield made


@pytest.fixture
def store(
    shop: RotatingShop, transactional_db: None, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> Store:
    monkeypatch.setattr(bell, "publish", lambda *_args, **_options: True)
    settings.LOGIX_OAUTH_APPS = {"shopify": f"{APP['client_id']}:{APP['client_secret']}"}
    merchant = Merchant.objects.create(name="Acme", slug="acme")
    url, _ = connect.begin_oauth(
        merchant=merchant,
        platform="shopify",
        base_url=shop.store.url,
        options={"auto_sync": False},
        actor="user:anna",
    )
    return connect.finish_oauth("shopify", agree(url), merchant=merchant)


class Workers:
    """Processes that are up and call the store when they are told to."""

    def __init__(self, store: Store, logs: Path) -> None:
        self._store, self._logs = store, logs
        self._children: list[subprocess.Popen[str]] = []

    def start(self, count: int) -> list[subprocess.Popen[str]]:
        """So many, all ready."""
        app = f"{APP['client_id']}:{APP['client_secret']}"
        started = []
        for _ in range(count):
            with self._log(len(self._children)).open("wb") as log:
                child = subprocess.Popen(
                    [sys.executable, "-m", "tests.services.renewing", str(self._store.pk)],
                    cwd=ROOT,
                    env=environment(LOGIX_OAUTH_SHOPIFY=app),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
            self._children.append(child)
            started.append(child)
        assert [_line(child) for child in started] == ["ready"] * count, self._said()
        return started

    def meet(self, count: int = WORKERS) -> list[dict[str, Any]]:
        """What came of it, when so many called at once."""
        together = self.start(count)
        for child in together:
            go(child)
        lines = [_line(child) for child in together]
        assert all(lines), self._said()
        return [json.loads(line) for line in lines]

    def end(self) -> None:
        for child in self._children:
            child.kill()
            child.communicate()

    def _log(self, number: int) -> Path:
        return self._logs / f"{number}.log"

    def _said(self) -> list[str]:
        return [self._log(number).read_text()[-2000:] for number in range(len(self._children))]


def go(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()


def _line(child: subprocess.Popen[str]) -> str:
    """The next line that it prints; '' when it ended instead."""
    assert child.stdout is not None
    ready, _, _ = select.select([child.stdout], [], [], WAIT_S)
    assert ready, f"A process said nothing for {WAIT_S:.0f} s."
    return child.stdout.readline().strip()


@pytest.fixture
def workers(store: Store, tmp_path: Path) -> Iterator[Workers]:
    made = Workers(store, tmp_path)
    yield made
    made.end()


def the_hub_knows() -> None:
    """That the hour has passed."""
    ended = timezone.now() - timedelta(seconds=1)
    Credential.objects.update(refresh_due_at=ended, expires_at=ended)


def kept(store: Store) -> dict[str, Any]:
    """What a process tells that called with the token that is kept now."""
    token = authentication.held(store).access_token
    return {"token": sha256(token.encode()).hexdigest(), "code": ""}


@pytest.mark.parametrize("knows", [the_hub_knows, lambda: None], ids=["known", "refused"])
def test_eight_processes_at_an_ended_token_ask_once_for_the_next(
    shop: RotatingShop, store: Store, workers: Workers, knows: Callable[[], None]
) -> None:
    before = authentication.held(store)
    shop.end_tokens()
    knows()

    told = workers.meet()

    assert shop.asked == 1
    after = authentication.held(store)
    assert told == [kept(store)] * WORKERS
    assert (after.version, after.is_same(before)) == (before.version + 1, False)
    row = Credential.objects.get()
    assert (row.state, row.lease_until) == ("ok", None)
    assert Store.objects.get().status == StoreStatus.ACTIVE


@pytest.fixture
def killed(shop: RotatingShop, store: Store, workers: Workers) -> Credential:
    """A process got the next pair from the shop and was killed before it could commit it. What is
    kept is still the old pair, under the dead one's lease.

    It is held at the commit by a lock on the row, taken while the answer is on its way.
    """
    assert connection.vendor == "postgresql"
    before = authentication.held(store)
    shop.end_tokens()
    the_hub_knows()
    row = Credential.objects.get()
    lock = connection.copy()
    lock.inc_thread_sharing()  # the shop's thread takes it, this one lets it go
    try:
        lock.set_autocommit(False)

        def hold() -> None:
            with lock.cursor() as cursor:
                cursor.execute(
                    "SELECT 1 FROM integrations_credential WHERE id = %s FOR UPDATE", [row.pk]
                )

        shop.answering = hold
        (victim,) = workers.start(1)
        go(victim)
        until(_somebody_waits_for_a_lock, WAIT_S, "the process is at its commit")
        os.kill(victim.pid, signal.SIGKILL)
        victim.wait()
    finally:
        shop.answering = lambda: None
        lock.rollback()
        lock.close()
    until(lambda: not _somebody_waits_for_a_lock(), WAIT_S, "the dead one's statement is over")
    assert shop.asked == 1
    now = authentication.held(store)
    assert (now.access_token, now.version) == (before.access_token, before.version)
    row.refresh_from_db()
    assert row.lease_until is not None
    return row


def _somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def the_lease_runs_out() -> None:
    Credential.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def test_after_a_kill_between_answer_and_commit_the_store_works(
    shop: RotatingShop, store: Store, workers: Workers, killed: Credential
) -> None:
    waited = workers.meet(1)
    assert waited == [{"token": "", "code": "token_awaited"}], "whoever comes soon comes back later"
    assert Store.objects.get().status == StoreStatus.ACTIVE
    the_lease_runs_out()

    told = workers.meet()

    assert shop.asked == 2, "by the old refresh token, which is good until the new one is used"
    assert told == [kept(store)] * WORKERS
    assert Credential.objects.get().version == killed.version + 1
    assert Store.objects.get().status == StoreStatus.ACTIVE


def test_where_the_old_one_is_dead_by_then_the_merchant_is_asked_once_and_nobody_else(
    shop: RotatingShop, store: Store, workers: Workers, killed: Credential
) -> None:
    with shop.store.working():
        shop.store.access.refreshes.clear()
    the_lease_runs_out()

    told = workers.meet()

    assert {answer["code"] for answer in told} == {"invalid_grant"}
    kept_store = Store.objects.get()
    assert kept_store.status == StoreStatus.NEEDS_MERCHANT
    assert "Connect the store again" in kept_store.status_reason
    assert AuditEvent.objects.filter(action="store.needs_merchant").count() == 1
    asked = shop.asked
    assert asked <= 1 + WORKERS
    for _ in range(3):
        assert authentication.refresh_due() == 0
    assert shop.asked == asked, "the clock leaves it alone"
    assert connect.recheck_refused() == 0
    assert shop.asked == asked + 1, "it is asked once an hour whether it was mended"
    url, _ = connect.begin_oauth(
        merchant=store.merchant, platform="shopify", base_url=shop.store.url, actor="user:anna"
    )
    again = connect.finish_oauth("shopify", agree(url), merchant=store.merchant)
    assert (again.pk, again.status) == (store.pk, StoreStatus.ACTIVE)
