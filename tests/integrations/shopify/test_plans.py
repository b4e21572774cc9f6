"""How fast a store may be called is its plan's: known from the connection on, in every process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from integrations import connect, sync
from integrations.connect import hooks
from integrations.models import CallLog, Store, Stream
from integrations.sandbox.server import Server
from integrations.sandbox.shopify.options import StoreOptions
from integrations.sandbox.shopify.shop import Shop
from tests.factories import make_merchant

pytestmark = pytest.mark.django_db(transaction=True)

KEYS = {"access_token": "shpat_" + "8" * 32, "client_secret": "shpss_" + "8" * 32}


@pytest.fixture
def shop() -> Iterator[Shop]:
    options = StoreOptions(orders=5, products=60, plan="plus", **KEYS)
    made = Shop(options, webhook_delay_s=0, has_control=False)
    with Server(made):
        yield made


def test_a_store_on_a_large_plan_is_read_and_written_without_waiting(shop: Shop) -> None:
    store = connect.connect_store(
        merchant=make_merchant(),
        platform="shopify",
        base_url=shop.store.url,
        credentials=KEYS,
        auto_sync=False,
        actor="user:anna",
    )
    for name in ("products", "orders", "payouts"):
        while sync.run_stream(Stream.objects.get(store=store, name=name).pk):
            pass

    assert hooks.try_webhooks(Store.objects.get()) == ""
    assert Store.objects.get().features["rate"] == 1000
    assert not CallLog.objects.exclude(error="").exists()
    assert not CallLog.objects.filter(wait_ms__gt=0).exists()
