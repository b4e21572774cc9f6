"""The quick starts work: each of their calls, in their order, against a simulated store; and each
is found from where people begin.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from django.core.management import call_command

from integrations import outbox, registry
from integrations.models import RateBucket, Store
from logix.accounts import tokens
from logix.accounts.models import Merchant, Scope
from orders.models import Order
from tests import factories
from tests.conftest import ROOT
from tests.integrations.amazon.world import AmazonWorld, amazon_world
from tests.integrations.api.client import Api
from tests.integrations.api.test_reference import as_request
from tests.integrations.shopify.world import ShopifyWorld, shopify_world
from tests.integrations.woocommerce.world import WooWorld, woo_world

World = WooWorld | ShopifyWorld | AmazonWorld
Open = Callable[[], AbstractContextManager[tuple[World, Mapping[str, str]]]]

GUIDES = ROOT / "docs" / "integrations"
_COMMAND = re.compile(r"^curl (?:.*\\\n)*.*?(?:'\{\n(?:.*\n)*?\}'|$)", re.MULTILINE)


def page(platform: str) -> str:
    return (GUIDES / f"QUICK_START_{platform.upper()}.md").read_text(encoding="utf-8")


def commands(platform: str) -> list[list[str]]:
    """The calls of the page in words; those of the section on an account of one's own left out."""
    text = page(platform).partition("\n## 6.")[0]
    return [shlex.split(x.replace("\\\n", " "), comments=True) for x in _COMMAND.findall(text)]


@contextmanager
def a_shop() -> Iterator[tuple[WooWorld, Mapping[str, str]]]:
    with woo_world(orders=4, serves_plain_http_as_tls=True) as world:
        yield world, world.credentials


@contextmanager
def a_boutique() -> Iterator[tuple[ShopifyWorld, Mapping[str, str]]]:
    app = {"client_id": "0123456789abcdef", "client_secret": "shpss_" + "0" * 32}
    with shopify_world(orders=4, products=8, is_multi_location=True, **app) as world:
        yield world, app


@contextmanager
def an_account() -> Iterator[tuple[AmazonWorld, Mapping[str, str]]]:
    with amazon_world(orders=4) as world:
        yield world, world.credentials


STORES: Mapping[str, Open] = {
    "woocommerce": a_shop,
    "shopify": a_boutique,
    "amazon": an_account,
}


def work() -> None:
    """What is due is done, after a pause: nothing of the call limit is used up."""
    RateBucket.objects.all().delete()
    call_command("drain")
    for store in Store.objects.all():
        outbox.send_commands(store.pk)
    RateBucket.objects.all().delete()


@pytest.fixture
def merchant(transactional_db: None) -> Merchant:
    return factories.make_merchant()


@pytest.fixture
def api(merchant: Merchant, settings: Any) -> Api:
    # Nobody listens there: what is read here is read by asking.
    settings.LOGIX_PUBLIC_URL = "http://127.0.0.1:9"
    _, token = tokens.issue(merchant, name="first steps", scopes=Scope.values)
    return Api(token)


@pytest.mark.parametrize("platform", STORES)
def test_a_quick_start_is_answered_call_by_call(platform: str, api: Api) -> None:
    with STORES[platform]() as (world, credentials):
        placed = world.place_order()
        for command in commands(platform):
            method, path, headers, body = as_request(_filled(command, world, credentials), {})
            answer = api.client.generic(
                method,
                f"/api/v1{path}",
                body,
                content_type="application/x-www-form-urlencoded",
                headers={**api.headers, **headers},
            )
            assert 200 <= answer.status_code < 300, (command, answer.status_code, answer.content)
            work()
        parcels = world.parcels(placed)

    assert Order.objects.get(external_id=placed).shipments.count() == 1
    shown = [word for parcel in parcels for word in parcel]
    assert any("00340434161094042557" in word for word in shown), parcels


def _filled(command: list[str], world: World, credentials: Mapping[str, str]) -> list[str]:
    """What stands for something of the reader's own is theirs."""
    store, order = Store.objects.first(), Order.objects.order_by("-placed_at").first()
    own = {
        "STORE_ID": str(store and store.pk),
        "ORDER_ID": str(order and order.pk),
        "ORDER_NUMBER": order.number if order else "",
    }
    words = [re.sub("|".join(own), lambda found: own[found[0]], word) for word in command]
    given = {"store_url": world.url, **credentials}
    return [_with_values(word, given) if '"store_url"' in word else word for word in words]


def _with_values(body: str, given: Mapping[str, str]) -> str:
    return re.sub(r'"(\w+)": "([^"]*)"', lambda found: f'"{found[1]}": "{given[found[1]]}"', body)


@pytest.mark.parametrize("platform", registry.BUILT_IN)
def test_every_platform_has_a_quick_start_that_is_linked(platform: str) -> None:
    name = f"QUICK_START_{platform.upper()}.md"
    guide = (ROOT / "docs" / registry.card(platform).guide).read_text(encoding="utf-8")

    assert platform in STORES
    assert f"](docs/integrations/{name})" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"]({name})" in guide
    headings = re.findall(r"^## (\d\. .+)$", page(platform), re.MULTILINE)
    assert headings[:1] == ["1. Start a hub, if there is none"]
    assert headings[2:5] == ["3. Connect", "4. Watch the orders come", "5. Let Logix write"]
