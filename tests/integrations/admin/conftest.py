"""A store with a few of everything, and people of each role."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from integrations import privacy
from integrations.base import Unreadable
from integrations.events import PrivacyAsk, PrivacyKind
from integrations.models import (
    CallLog,
    Command,
    FieldRule,
    ParcelHandOver,
    StockHandOver,
    Store,
    SyncGap,
    SyncRun,
)
from integrations.sync import park
from inventory.catalogue import import_products
from inventory.models import Allocation, StockLevel, StockRule
from logix.accounts import audit, tokens
from logix.accounts.models import Membership, Merchant, Role
from orders.data import Authority
from orders.importing import import_orders
from orders.models import Order, Oversell
from orders.payouts import import_payouts
from tests.factories import NOW, make_line, make_order, make_payout, make_product, make_store
from tests.integrations.api.client import make_comparison
from tests.webhooks.conftest import make_endpoint
from webhooks import accept

As = Callable[..., Client]


@pytest.fixture(scope="module")
def filled(django_db_setup: None, django_db_blocker: Any) -> Iterator[Store]:
    """Made once for a module; what a test changes is taken back after it. A test that commits, or
    wants an empty hub, has to stand in a module without ``store``.
    """
    with django_db_blocker.unblock(), transaction.atomic():
        store = make_store()
        fill(store, 3)
        yield store
        transaction.set_rollback(True)


@pytest.fixture
def store(filled: Store, db: None) -> Store:
    return Store.objects.select_related("merchant", "data_key").get(pk=filled.pk)


@pytest.fixture
def boss(client: Client) -> Client:
    """Signed in as a superuser."""
    client.force_login(User.objects.create_superuser("boss", password="x"))
    return client


@pytest.fixture
def signed_in(store: Store) -> As:
    """A client signed in as staff with this role at the store's merchant, or at another one."""

    def sign_in(role: Role | None, merchant: Merchant | None = None) -> Client:
        name = str(role or "stranger")
        user = User.objects.create_user(name, password="x", is_staff=True)
        if role is not None:
            Membership.objects.create(merchant=merchant or store.merchant, user=user, role=role)
        client = Client()
        client.force_login(user)
        return client

    return sign_in


def fill(store: Store, count: int, first: int = 1) -> None:
    """``count`` of everything the store's pages list."""
    numbers = range(first, first + count)
    import_products(
        store, [make_product(n) for n in numbers], observed_at=NOW, now=NOW, adopt_stock=True
    )
    import_orders(
        store,
        [make_order(n, lines=(make_line(n),)) for n in numbers],
        authority=Authority.LIST_PAGE,
        observed_at=NOW,
        now=NOW,
    )
    import_payouts(store, [make_payout(n) for n in numbers], observed_at=NOW, now=NOW)
    endpoint = store.endpoints.first() or make_endpoint(store, token=str(store.pk))
    stream = store.streams.get(name="orders")
    StockRule.objects.get_or_create(merchant=store.merchant, store=store, defaults={"buffer": 1})
    for number in numbers:
        SyncRun.objects.create(store=store, stream=stream, kind="delta", state="completed")
        make_comparison(store)
        StockHandOver.objects.create(store=store, state="done", figures=3, done_at=NOW)
        ParcelHandOver.objects.create(store=store, state="done", parcels=3, done_at=NOW)
        SyncGap.objects.create(
            stream=stream, window_from=NOW, window_to=NOW, reason="Bad page.", next_at=NOW
        )
        park(store, stream="orders", unreadable=Unreadable(external_id=f"x{number}", reason="Bad."))
        CallLog.objects.create(
            store=store, at=NOW, method="GET", route="/orders", status=200, elapsed_ms=5
        )
        FieldRule.objects.create(store=store, path="a", target=f"custom.f{number}")
        tokens.issue(store.merchant, name=f"token {number}", scopes=["read"])
        audit.record("test.filled", actor="system", merchant=store.merchant, obj=store)
        _one_command(store, number)
        _one_oversell(store, number)
        _one_allocation(store, number)
        ask = PrivacyAsk(kind=PrivacyKind.EXPORT, reference=f"p{number}", customer_id="c1")
        privacy.take(store, ask, reference="", asked_at=NOW)
        accept.accept(
            endpoint,
            topic="order.updated",
            headers={},
            body=b'{"id": 1}',
            dedupe_key=f"d{number}",
        )


def _one_command(store: Store, number: int) -> None:
    order = Order.objects.get(store=store, number=str(1000 + number))
    fields: dict[str, Any] = {"order_ref": order.pk, "external_order_id": order.external_id}
    Command.objects.create(store=store, kind="note", key=f"k{number}", **fields)


def _one_oversell(store: Store, number: int) -> None:
    """One that is over."""
    order = Order.objects.get(store=store, number=str(1000 + number))
    line = order.lines.all()[0]
    told = {"merchant": store.merchant, "order": order, "line": line, "sku": line.sku}
    Oversell.objects.create(units=1, opened_at=NOW, resolved_at=NOW, **told)


def _one_allocation(store: Store, number: int) -> None:
    """One that keeps nothing from anybody."""
    level = StockLevel.objects.filter(merchant=store.merchant, variant__sku=f"SKU-{number}")[0]
    Allocation.objects.get_or_create(
        merchant=store.merchant, store=store, variant=level.variant, location=level.location
    )


def text(client: Client, url: str) -> str:
    return words(client.get(url))


def words(answer: Any) -> str:
    """What a person reads on the page, without its tags."""
    page = answer.content.decode()
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def listed(client: Client, name: str, query: str = "") -> str:
    return text(client, f"{reverse(f'admin:{name}_changelist')}{query}")
