"""Eight workers that keep asking one Shopify store on the smallest plan: it is not asked for more
than it gives, and a person who tests the connection meanwhile need not wait.

``LOGIX_TEST_LIMITER_S`` is how many seconds they ask.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from integrations import connect
from integrations.models import Store
from integrations.sandbox.server import Incoming, Server
from integrations.sandbox.shopify.options import StoreOptions
from integrations.sandbox.shopify.shop import Shop
from integrations.sandbox.shopify.wire import Answer
from logix import broker
from logix.accounts.models import Merchant
from tests.services.asking import PERSON
from tests.services.hub import ROOT, environment

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

TOKEN = "shpat_" + "6" * 32
SECONDS = float(os.environ.get("LOGIX_TEST_LIMITER_S", "20"))
PLAN_POINTS_PER_S = 100
MOST_THROTTLED = 0.001
LONGEST_TEST_S = 2.0
_GRACE_S = 60.0


class CountingShop(Shop):
    """``calls`` taken, those of them that were ``throttled``, and the ``points`` all cost."""

    def __init__(self) -> None:
        super().__init__(
            StoreOptions(plan="standard", orders=600, products=60, access_token=TOKEN),
            webhook_delay_s=0,
            has_control=False,
        )
        self.calls = self.throttled = self.points = 0
        self._counting = threading.Lock()

    def handle(self, incoming: Incoming) -> Answer:
        answer = super().handle(incoming)
        cost = answer.document.get("extensions", {}).get("cost", {})
        with self._counting:
            self.calls += 1
            self.throttled += b'"THROTTLED"' in answer.content()
            self.points += cost.get("actualQueryCost") or 0
        return answer


@pytest.fixture
def shop() -> Iterator[CountingShop]:
    made = CountingShop()
    with Server(made):
        yield made


@pytest.fixture
def store(shop: CountingShop, transactional_db: None) -> Store:
    with override_settings(LOGIX_LIMITER_URL=_limiter_url()):
        return connect.connect_store(
            merchant=Merchant.objects.create(name="Acme", slug="acme"),
            platform="shopify",
            base_url=shop.store.url,
            credentials={"access_token": TOKEN},
            auto_sync=False,
            actor="user:anna",
        )


def test_eight_workers_never_ask_for_more_than_the_store_gives_and_a_person_need_not_wait(
    shop: CountingShop, store: Store, tmp_path: Path
) -> None:
    with shop.store.working():
        order_ids = list(shop.store.orders.ids())
    workers = [
        *("orders", "orders", "orders", "products", "payouts", "order ids"),
        *(f"one order:{order_id}" for order_id in order_ids[:2]),
    ]

    told = _all_ask(store, [*workers, PERSON], tmp_path)

    person = told.pop()
    print(  # noqa: T201 - the figures, for whoever runs it by hand
        f"\n{len(workers)} workers, {SECONDS:.0f} s: {shop.calls} calls of {shop.points} points, "
        f"{shop.throttled} throttled; {len(person['took'])} tests of the connection, the longest "
        f"{max(person['took'])} s",
        *zip(workers, told, strict=True),
        sep="\n",
    )
    assert shop.points > SECONDS * PLAN_POINTS_PER_S / 2, "the store had more to give"
    assert shop.throttled <= shop.calls * MOST_THROTTLED
    assert person["failed"] == []
    assert max(person["took"]) < LONGEST_TEST_S


def _all_ask(store: Store, roles: list[str], logs: Path) -> list[dict[str, Any]]:
    """What each process told when its time was over."""
    logged = {}
    for number, role in enumerate(roles):
        log = logs / f"{number}.log"
        logged[_start(store, role, log)] = log
    try:
        for child, log in logged.items():
            assert child.stdout.readline() == "ready\n", log.read_text()[-2000:]
        for child in logged:
            child.stdin.write("go\n")
            child.stdin.flush()
        answers = [child.communicate(timeout=SECONDS + _GRACE_S)[0] for child in logged]
    finally:
        for child in logged:
            child.kill()
            child.wait()
    for child, log in logged.items():
        assert child.returncode == 0, log.read_text()[-2000:]
    return [json.loads(answer) for answer in answers]


def _start(store: Store, role: str, log: Path) -> subprocess.Popen[str]:
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.services.asking", str(store.pk), role, str(SECONDS)],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
        )


def _limiter_url() -> str:
    """Redis where the broker is one; else the limiter lives in the database."""
    return broker.redis_or_nothing(os.environ["TEST_BROKER_URL"])
