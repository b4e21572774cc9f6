"""``compliance_report``: what an audit asks, and no buyer."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.utils import timezone

from integrations import privacy
from integrations.models import Store
from integrations.sync import applying
from logix.accounts import tokens
from logix.accounts.models import Membership, Role
from orders.data import Authority
from tests.factories import COMPLETED, OPEN, make_merchant, make_order, make_store

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def told(*options: str) -> tuple[int, str]:
    """Whether it failed, and what it printed."""
    out, failed = StringIO(), 0
    try:
        call_command("compliance_report", *options, stdout=out)
    except SystemExit as end:
        failed = int(end.code or 0)
    return failed, out.getvalue()


def in_full() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(told("--json")[1])
    return found


@pytest.fixture
def store() -> Store:
    """Two orders that ended, ten and twenty days ago, and one that waits."""
    store = make_store(make_merchant("amazon"), platform="amazon", name="Musterhandel")
    now = timezone.now()
    done = {"status": COMPLETED}
    orders = [
        make_order(1, changed_at=now - 10 * DAY, completed_at=now - 10 * DAY, **done),
        make_order(2, changed_at=now - 20 * DAY, completed_at=now - 20 * DAY, **done),
        make_order(3, changed_at=now - DAY, status=OPEN),
    ]
    orders = [replace(x, placed_at=now - 40 * DAY) for x in orders]
    applying.apply_orders(store, orders, authority=Authority.BY_ID, observed_at=now)
    return store


def test_what_is_kept_how_long_and_what_was_erased(store: Store) -> None:
    make_store(name="Shop without a bound")
    failed, text = told()
    assert failed == 0
    assert "Every bound holds." in text
    (row, other) = in_full()["stores"]
    expected = {"store": "Musterhandel", "platform": "amazon", "days_allowed": 30}
    expected |= {"oldest_days": 20, "orders_with_buyers": 3, "of_those_open": 1, "due_now": 0}
    assert expected.items() <= row.items()
    assert (row["last_purge"], other["days_allowed"], other["oldest_days"]) == (None, None, None)

    privacy.purge(timezone.now() + 10 * DAY)

    row = in_full()["stores"][0]
    assert (row["oldest_days"], row["orders_with_buyers"], row["erased_then"]) == (10, 2, 1)
    assert row["last_purge"]


def test_it_fails_while_a_bound_is_broken(store: Store) -> None:
    store.orders.filter(number="1002").update(ended_at=timezone.now() - 31 * DAY)

    failed, text = told()

    assert failed == 1
    broken = "Musterhandel: Buyers' data are kept 31 days after an order had ended, where 30"
    assert f"BROKEN: {broken}" in text
    assert in_full()["stores"][0]["due_now"] == 1
    privacy.purge(timezone.now())
    assert told()[0] == 0


def test_who_may_see_buyers_and_how_old_their_keys_are(store: Store) -> None:
    people = {name: User.objects.create_user(name, is_staff=True) for name in "abcde"}
    boss = User.objects.create_superuser("boss")
    Membership.objects.create(merchant=store.merchant, user=people["a"], role=Role.OWNER)
    for name in "bc":
        Membership.objects.create(merchant=store.merchant, user=people[name], role=Role.VIEWER)
    allowed = Permission.objects.get(codename="view_pii")
    people["c"].user_permissions.add(allowed)
    people["d"].user_permissions.add(allowed)  # with no merchant
    Membership.objects.create(merchant=store.merchant, user=people["e"], role=Role.OWNER)
    User.objects.filter(pk=people["e"].pk).update(is_active=False)
    User.objects.filter(pk=boss.pk).update(last_login=timezone.now())
    for scopes in (["read"], ["read", "pii"]):
        tokens.issue(store.merchant, name=f"with {scopes[-1]}", scopes=scopes)

    found = in_full()

    by = {x["account"]: (x["by"], x["merchants"]) for x in found["accounts"]}
    assert by == {
        "a": ("owner", ["Amazon"]),
        "boss": ("superuser", "all"),
        "c": ("permission", ["Amazon"]),
    }
    assert [x["account"] for x in found["accounts"] if x["last_sign_in"]] == ["boss"]
    assert [x["token"].partition(" (")[0] for x in found["tokens"]] == ["with pii"]
    assert found["signing_in"]["second_factor"].startswith("not offered by Logix")
    assert found["keys"]["keys_of_stores"] == 1
    assert found["keys"]["oldest_days"] == 0
    text = told()[1]
    for canary in ("Zoë", "zoe@", "Weg 1", "221 1234"):
        assert canary not in text + json.dumps(found)
