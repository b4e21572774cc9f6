"""The client for developers works as its page says: against a live hub and a simulated Shopify
store that sends online orders from two locations.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import call_command

from integrations.models import RateBucket, Store
from integrations.sandbox.server import Server
from integrations.sandbox.shopify.options import StoreOptions
from integrations.sandbox.shopify.orders import placing
from integrations.sandbox.shopify.shop import Shop
from logix.accounts import tokens
from logix.accounts.models import Merchant, Scope
from orders.models import Order
from tests import factories
from tests.conftest import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

APP = ("0123456789abcdef", "shpss_" + "0" * 32)
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def merchant(transactional_db: None) -> Merchant:
    return factories.make_merchant()


@pytest.fixture
def shop() -> Iterator[tuple[Shop, str]]:
    """A store with a few products and no orders, on the largest plan, and its address."""
    client_id, client_secret = APP
    options = StoreOptions(orders=0, products=8, client_id=client_id, client_secret=client_secret)
    shop = Shop(options, has_control=False)
    with Server(shop) as server:
        yield shop, server.url


@pytest.fixture
def run(live_server: Any, merchant: Merchant, settings: Any) -> Run:
    # Nobody listens there: what is read here is read by asking.
    settings.LOGIX_PUBLIC_URL = "http://127.0.0.1:9"
    _, token = tokens.issue(merchant, name="example", scopes=Scope.values)
    env = {**os.environ, "LOGIX_URL": live_server.url, "LOGIX_TOKEN": token}

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "docs" / "examples" / "python_shopify.py"), *words],
            env=env,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    return call


def work() -> None:
    """What is due is done, after a pause: nothing of the call limit is used up."""
    RateBucket.objects.all().delete()
    call_command("drain")
    RateBucket.objects.all().delete()


def test_a_store_is_connected_checked_read_and_shipped(run: Run, shop: tuple[Shop, str]) -> None:
    simulated, url = shop
    sku = next(v.sku for v in simulated.store.catalogue.variants.values() if not v.components)
    number = placing.place_with(simulated.store, simulated.chance, [(sku, 2)])

    connected = run("connect", url, *APP)
    assert connected.returncode == 0, connected.stderr
    store = Store.objects.get()
    first_line, warning = connected.stdout.splitlines()
    assert first_line == f"Musterladen is connected: {store.pk}"
    assert warning.startswith("- The store keeps stock at several locations")
    warehouse = store.locations.get(external_id="61000001")
    chosen = run("places", str(store.pk), f"main={warehouse.external_id}")
    assert chosen.stdout == f"{warehouse.name} shows main\n", chosen.stderr
    assert run("check", str(store.pk)).stdout == "Connected to Musterladen (Shopify 2026-07).\n"
    assert run("writes", str(store.pk)).stdout == "Logix writes to Musterladen\n"

    work()
    order = Order.objects.get(external_id=str(number))
    listed = run("orders", str(store.pk)).stdout
    assert listed == f"{order.pk}  {order.number}  {order.total:.2f} EUR\n"
    assert run("sync", str(store.pk)).stdout == "The store is being read.\n"
    read_again = run("sync", str(store.pk), order.number)
    assert read_again.stdout == f"Order {order.number}: 0 new, 0 changed\n", read_again.stderr

    first = run("ship", str(order.pk), "DHL", "00340434161094042557")
    again = run("ship", str(order.pk), "DHL", "00340434161094042557")
    assert first.stdout == again.stdout, first.stderr
    assert first.stdout.endswith(" with 2 units\n")
    work()
    with simulated.store.working():
        (parcel,) = simulated.store.orders.existing(number).fulfillments
    assert [told.number for told in parcel.tracking] == ["00340434161094042557"]
    assert run("orders", str(store.pk)).stdout == ""

    made = run("places", str(store.pk)).stdout.splitlines()
    assert made[0] == f"{warehouse.name} shows main"
    assert len(made) == store.locations.filter(is_active=True).count() > 1


def test_the_merchant_is_sent_to_the_store_with_the_own_app_or_the_hubs(
    run: Run, settings: Any
) -> None:
    settings.LOGIX_OAUTH_APPS = {"shopify": "hubs0app0id:shpss_1"}

    by_own, by_hub = run("consent", "acme", *APP), run("consent", "acme")

    for begun, client_id in ((by_own, APP[0]), (by_hub, "hubs0app0id")):
        address = urlsplit(begun.stdout.splitlines()[1])
        assert address.netloc == "acme.myshopify.com"
        query = parse_qs(address.query)
        assert query["client_id"] == [client_id]
        assert query["redirect_uri"] == ["http://127.0.0.1:9/api/v1/shopify/oauth/callback"]


def test_a_refusal_is_told_in_its_sentence(run: Run, shop: tuple[Shop, str]) -> None:
    refused = run("connect", shop[1], APP[0], "shpss_" + "9" * 32)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        "Shopify does not accept the client id and secret of the app. Copy both again from the "
        "app's settings. (store_app_refused)\n"
    )


@pytest.mark.parametrize("words", [(), ("dance",), ("ship", "only-the-order")])
def test_without_a_command_it_says_what_there_is(run: Run, words: tuple[str, ...]) -> None:
    told = run(*words)

    assert told.returncode == 2
    for word in ("LOGIX_URL", "LOGIX_TOKEN", "connect", "consent", "ship"):
        assert word in told.stderr
