"""Lists ask the database the same number of times for few rows and for many."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from integrations.models import (
    CallLog,
    Command,
    FieldRule,
    ParcelHandOver,
    ParkedRecord,
    PrivacyRequest,
    Push,
    Reconciliation,
    StockHandOver,
    Store,
    SyncGap,
    SyncRun,
)
from inventory.models import Listing, Location, Product, StockLevel, StockMovement, Variant
from logix.accounts.models import ApiToken, AuditEvent, Membership, Merchant, Role
from orders.models import Order, Payout
from tests.factories import make_store
from tests.integrations.admin.conftest import fill
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db

LISTS: tuple[type[Any], ...] = (
    ApiToken,
    AuditEvent,
    CallLog,
    Command,
    Delivery,
    FieldRule,
    Listing,
    Merchant,
    Order,
    ParkedRecord,
    Payout,
    PrivacyRequest,
    ParcelHandOver,
    Product,
    Push,
    Reconciliation,
    StockHandOver,
    StockLevel,
    StockMovement,
    Store,
    SyncGap,
    SyncRun,
    Variant,
)


@pytest.fixture
def owner(client: Client) -> Client:
    """Staff and no superuser, so that scoping is counted too."""
    client.force_login(User.objects.create_user("olga", is_staff=True))
    return client


def statements(client: Client, url: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return [query["sql"] for query in captured]


def test_every_list_costs_the_same_for_five_rows_and_for_fifty(owner: Client) -> None:
    store = make_store()
    user = User.objects.get(username="olga")
    Membership.objects.create(merchant=store.merchant, user=user, role=Role.OWNER)
    for number in range(4):
        make_store(store.merchant, base_url=f"https://a{number}.example", name=f"A{number}")
    fill(store, 5)
    urls = {
        model: reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in LISTS
    }
    few = {model: statements(owner, url) for model, url in urls.items()}

    fill(store, 45, first=100)
    for number in range(45):
        make_store(store.merchant, base_url=f"https://b{number}.example", name=f"B{number}")
        merchant = Merchant.objects.create(name=f"M{number}", slug=f"m{number}")
        Location.objects.create(merchant=store.merchant, name=f"L{number}", code=f"l{number}")
        Membership.objects.create(merchant=merchant, user=user, role=Role.VIEWER)
    many = {model: statements(owner, url) for model, url in urls.items()}

    for model in LISTS:
        assert len(many[model]) == len(few[model]), (model, many[model])
        assert len(many[model]) <= 25, (model, many[model])


@pytest.mark.parametrize("model", [Store, Order, StockLevel, Variant])
def test_a_row_costs_the_same_whatever_hangs_on_it(boss: Client, model: type[Any]) -> None:
    store = make_store()
    fill(store, 2)
    row = store if model is Store else model._default_manager.order_by("pk").first()
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])
    statements(boss, url)  # what a process asks for once and remembers
    few = statements(boss, url)

    fill(store, 20, first=50)
    many = statements(boss, url)

    assert len(many) == len(few), many


def test_the_first_page_costs_the_same_for_one_store_and_for_many(boss: Client) -> None:
    store = make_store()
    fill(store, 2)
    few = statements(boss, "/admin/")

    fill(store, 20, first=50)
    for number in range(20):
        make_store(store.merchant, base_url=f"https://b{number}.example", name=f"B{number}")

    assert len(statements(boss, "/admin/")) == len(few)
