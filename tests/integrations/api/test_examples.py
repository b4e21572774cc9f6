"""The clients for developers work as their pages say, against a live hub: in Python everywhere, in
JavaScript where there is Node.js, which is on every CI machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from integrations.models import Store
from inventory.models import StockLevel
from logix.accounts import tokens
from logix.accounts.models import Merchant, Scope
from orders.models import Order, Shipment
from tests import factories
from tests.conftest import ROOT
from tests.integrations.api.client import import_orders, import_products
from tests.integrations.api.shop import KEYS, Shop

EXAMPLES = ROOT / "docs" / "examples"
Run = Callable[..., subprocess.CompletedProcess[str]]


def _node() -> str:
    found = shutil.which("node")
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("There is no Node.js on this CI machine; the JavaScript example needs it.")
    if found is None:
        pytest.skip("There is no Node.js here, which the JavaScript example is for.")
    return found


@pytest.fixture(params=["python", "node"])
def program(request: pytest.FixtureRequest) -> list[str]:
    if request.param == "python":
        return [sys.executable, str(EXAMPLES / "python_woocommerce.py")]
    return [_node(), str(EXAMPLES / "js_woocommerce.js")]


@pytest.fixture
def run(program: list[str], live_server: Any, merchant: Merchant) -> Run:
    _, token = tokens.issue(merchant, name="example", scopes=Scope.values)
    env = {**os.environ, "LOGIX_URL": live_server.url, "LOGIX_TOKEN": token}

    def call(*words: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*program, *words],
            env={**env, **changes},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    return call


@pytest.mark.django_db(transaction=True)
def test_a_store_is_connected_read_shipped_and_counted(run: Run, shop: Shop) -> None:
    connected = run("connect", "https://pottery.example", *KEYS.values())
    store = Store.objects.get()
    assert connected.stdout == f"Pottery is connected: {store.pk}\n", connected.stderr

    import_products(store, 1)
    shop.orders = {"1001": factories.make_order(1)}
    assert run("sync", str(store.pk)).stdout == "The store is being read.\n"
    assert run("sync", str(store.pk), "1001").stdout == "Order 1001: 1 new, 0 changed\n"
    order = Order.objects.get()
    assert run("orders").stdout == f"{order.pk}  1001  28.75 EUR\n"

    first = run("ship", str(order.pk), "DHL", "00340434161094042557")
    again = run("ship", str(order.pk), "DHL", "00340434161094042557")
    assert first.stdout == again.stdout == "Parcel LGX-1001-1 with 2 units\n", first.stderr
    assert Shipment.objects.count() == 1
    assert run("orders").stdout == ""

    counted = run("count", "SKU-1", "12", "Count")
    assert counted.stdout.startswith("SKU-1: ")
    assert counted.stdout.endswith(" → 12\n")
    assert StockLevel.objects.get().on_hand == 12


@pytest.mark.django_db(transaction=True)
def test_a_refusal_is_told_in_its_sentence(run: Run, shop: Shop) -> None:
    refused = run("count", "NO-SUCH", "1", "Count")

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "There is no variant with the SKU NO-SUCH. (invalid)\n"
    assert run("orders", LOGIX_TOKEN="lgx_x").stderr == (
        "The token is unknown, expired or revoked. (token_invalid)\n"
    )


@pytest.mark.django_db(transaction=True)
def test_a_list_is_followed_to_its_last_page(
    run: Run, shop: Shop, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.api.paging._page_size", lambda request: 2)
    store = factories.make_store(merchant)
    import_products(store, 1)
    import_orders(store, [factories.make_order(n) for n in range(5)])

    lines = run("orders").stdout.splitlines()

    assert sorted(line.split()[1] for line in lines) == ["1000", "1001", "1002", "1003", "1004"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("words", [(), ("dance",), ("ship", "only-the-order")])
def test_without_a_command_it_says_what_there_is(run: Run, words: tuple[str, ...]) -> None:
    told = run(*words)

    assert told.returncode == 2
    for word in ("LOGIX_URL", "LOGIX_TOKEN", "connect", "ship"):
        assert word in told.stderr
