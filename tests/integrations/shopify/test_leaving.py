"""The whole way over HTTP: a simulated shop is connected, sells, removes the app, and asks two days
later that its buyers are forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations import authentication, connect, privacy
from integrations.errors import Misconfigured
from integrations.models import Credential, Endpoint, PrivacyRequest, Store, StoreStatus
from integrations.sandbox.server import Server
from integrations.sandbox.shopify.options import StoreOptions
from integrations.sandbox.shopify.orders import placing
from integrations.sandbox.shopify.shop import Shop
from logix.accounts.models import DataKey, Merchant
from logix.common import bell
from orders import services
from orders.models import Order
from tests.factories import make_merchant
from tests.integrations.shopify.agreeing import agree
from webhooks import accept, inbox
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db(transaction=True)

APP = {"client_id": "0123456789abcdef" * 2, "client_secret": "shpss_" + "0" * 32}


@pytest.fixture(autouse=True)
def quiet_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell, "publish", lambda *_args, **_options: True)
    accept.forget()


@pytest.fixture
def shop(live_server: Any, settings: Any) -> Iterator[Shop]:
    """Its two days until shop/redact last half a second."""
    settings.LOGIX_PUBLIC_URL = live_server.url
    options = StoreOptions(
        orders=0,
        products=4,
        hour_s=0.01,
        compliance_uri=f"{live_server.url}/api/v1/shopify/webhooks/receive",
        **APP,
    )
    shop = Shop(options, webhook_delay_s=0, has_control=False)
    with Server(shop) as server:
        shop.url = server.url  # type: ignore[attr-defined]
        yield shop


def consented(shop: Shop, **options: Any) -> Store:
    """The merchant agrees at the shop, and a program of theirs brings back what it says."""
    merchant = Merchant.objects.first() or make_merchant()
    url, _ = connect.begin_oauth(
        merchant=merchant,
        platform="shopify",
        base_url=shop.url,  # type: ignore[attr-defined]
        actor="user:anna",
        **options,
    )
    return connect.finish_oauth("shopify", agree(url), merchant=merchant)


def until(is_so: Callable[[], bool]) -> None:
    """The shop's deliveries come when they come."""
    end = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)
        inbox.process_ready()


def test_a_shop_that_leaves_is_stopped_then_forgotten_and_may_come_back(shop: Shop) -> None:
    address = shop.url  # type: ignore[attr-defined]
    store = connect.connect_store(
        merchant=make_merchant(),
        platform="shopify",
        base_url=address,
        credentials=APP,
        actor="user:anna",
    )
    endpoint = Endpoint.objects.get()
    assert (endpoint.account, endpoint.problem) == ("musterladen.myshopify.com", "")
    placing.place(shop.store, shop.chance)
    until(Order.objects.exists)
    order = Order.objects.get()
    assert services.buyer_of(order) is not None

    with shop.store.working():
        shop.store.access.uninstall()
    until(lambda: Store.objects.get().status == StoreStatus.NEEDS_MERCHANT)
    store.refresh_from_db()
    until(lambda: "uninstalled at Shopify" in Store.objects.get().status_reason)
    assert Credential.objects.get().state == Credential.State.REVOKED
    assert services.buyer_of(Order.objects.get()) is not None, "orders stay for now"

    until(PrivacyRequest.objects.exists)
    old_key = store.data_key_id
    for _ in range(2):
        privacy.work_due()
        due = timezone.now() - timedelta(seconds=1)
        PrivacyRequest.objects.update(next_at=due, lease_until=None)
    assert PrivacyRequest.objects.get().state == PrivacyRequest.State.DONE
    order.refresh_from_db()
    assert order.erased_at is not None
    assert not Delivery.objects.exclude(body_sealed=None).exists()
    assert DataKey.objects.get(pk=old_key).destroyed_at is not None

    with shop.store.working():
        shop.store.access.install(shop.store.options.scopes)
    store.refresh_from_db()
    connect.change_store(store, actor="user:anna", credentials=APP)
    assert Store.objects.get().status == StoreStatus.ACTIVE
    placing.place(shop.store, shop.chance)
    until(lambda: Order.objects.count() == 2)
    assert Order.objects.filter(erased_at=None).count() == 1


def test_whoever_asks_for_it_takes_the_app_out_of_the_shop(shop: Shop, settings: Any) -> None:
    settings.LOGIX_OAUTH_APPS = {"shopify": f"{APP['client_id']}:{APP['client_secret']}"}
    store = consented(shop)
    placing.place(shop.store, shop.chance)
    until(Order.objects.exists)

    connect.disconnect(store, actor="user:anna", remove_app=True)

    assert (store.status, store.status_reason) == (StoreStatus.DISCONNECTED, "")
    with shop.store.working():
        assert not shop.store.access.is_installed
        assert not shop.store.hooks.subscriptions
    until(PrivacyRequest.objects.exists)
    assert PrivacyRequest.objects.get().store == store


def test_without_that_the_shop_keeps_the_app_and_its_merchant_hears_where_it_ends(
    shop: Shop, settings: Any
) -> None:
    settings.LOGIX_OAUTH_APPS = {"shopify": f"{APP['client_id']}:{APP['client_secret']}"}
    store = consented(shop)

    connect.disconnect(store, actor="user:anna")

    assert store.status_reason == (
        "Its access still stands at Shopify; the merchant ends it there: Shopify admin → Settings "
        "→ Apps and sales channels → the app → Uninstall."
    )
    with shop.store.working():
        assert shop.store.access.is_installed
        assert not shop.store.hooks.subscriptions


def test_an_app_of_the_merchants_own_need_not_be_typed_again_after_it_was_uninstalled(
    shop: Shop, settings: Any
) -> None:
    settings.LOGIX_OAUTH_APPS = {}
    store = consented(shop, credentials=APP)
    tokens = authentication.held(store)
    with shop.store.working():
        shop.store.access.uninstall()
    until(lambda: Credential.objects.get().state == Credential.State.REVOKED)
    row = Credential.objects.get()
    assert authentication.app_before(store) == APP
    plain = authentication.open_sealed(
        store, row.sealed, "integrations_credential", "sealed", f"{store.pk}:oauth2"
    )
    assert tokens.access_token.encode() not in plain
    assert tokens.refresh_token.encode() not in plain

    again = consented(shop)

    assert (again.pk, again.status) == (store.pk, StoreStatus.ACTIVE)
    assert authentication.held(again).values == APP

    connect.disconnect(again, actor="user:anna")

    with pytest.raises(Misconfigured, match="LOGIX_OAUTH_SHOPIFY"):
        consented(shop)
