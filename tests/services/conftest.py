"""A running hub, a simulated store connected to it, and what must hold when all has settled."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from integrations import connect, schedule
from integrations.models import Store, Stream
from integrations.sandbox.server import Server
from integrations.sandbox.woocommerce.options import StoreOptions
from integrations.sandbox.woocommerce.shop import Shop
from logix.accounts.models import Merchant
from tests.services.hub import Hub

KEY, SECRET = "ck_" + "4" * 40, "cs_" + "5" * 40


@pytest.fixture
def hub(tmp_path: Path, transactional_db: None) -> Iterator[Hub]:
    for name in ("TEST_DATABASE_URL", "TEST_BROKER_URL"):
        if name not in os.environ:
            pytest.fail(f"These tests need {name}; .ci/run sets it.")
    schedule.ensure()
    with Hub(tmp_path) as running, override_settings(LOGIX_PUBLIC_URL=running.url):
        yield running


@pytest.fixture
def shop() -> Iterator[Shop]:
    """1,500 orders, of which some happened in one second."""
    options = StoreOptions(
        orders=1_500,
        products=60,
        same_second=250,
        consumer_key=KEY,
        consumer_secret=SECRET,
        plugins=("shipment_tracking",),
        custom_statuses=("partial-shipped",),
    )
    made = Shop(options, webhook_delay_s=0)
    with Server(made) as server:
        made.store.home_url = f"{server.url}/"
        yield made


def connected(shop: Shop, *, every_s: int = 5) -> Store:
    store = connect.connect_store(
        merchant=Merchant.objects.create(name="Acme", slug="acme"),
        platform="woocommerce",
        base_url=shop.store.home_url.rstrip("/"),
        credentials={"consumer_key": KEY, "consumer_secret": SECRET},
        options={"calls_per_s": 50},
        writes_enabled=True,
        actor="user:anna",
    )
    Stream.objects.filter(store=store).update(every_s=every_s)
    return store
