"""The connect form: what is known is filled in, what was typed stays, what is shared is told."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Store, StoreStatus
from logix.accounts.models import Merchant, Role
from tests.factories import make_merchant, make_store
from tests.integrations.admin.conftest import As
from tests.integrations.admin.test_by_hand import address
from tests.integrations.wordpress import KEYS, SECRET

pytestmark = pytest.mark.django_db


def test_a_disconnected_store_is_connected_again_with_what_is_known(
    boss: Client, store: Store, signed_in: As
) -> None:
    Store.objects.update(status=StoreStatus.DISCONNECTED)
    page = boss.get(address(store, "change")).content.decode()
    again = f"{reverse('admin:integrations_store_add')}?platform=woocommerce&again={store.pk}"
    assert again.replace("&", "&amp;") in page

    form = boss.get(again).content.decode()

    assert 'value="https://shop.example"' in form
    assert 'value="Example shop"' in form
    operator = signed_in(Role.OPERATOR)
    assert "again=" not in operator.get(address(store, "change")).content.decode()


def test_a_form_knows_nothing_of_anothers_store(boss: Client, store: Store, signed_in: As) -> None:
    foreign = make_store(make_merchant("other"), base_url="https://zzz.example", name="Secret")
    again = f"{reverse('admin:integrations_store_add')}?again={foreign.pk}"

    page = signed_in(Role.OWNER).get(again).content.decode()

    assert "zzz.example" not in page
    assert "Secret" not in page


def _connect(client: Client, merchant: Merchant, monkeypatch: Any, **typed: str) -> dict[str, Any]:
    """What ``connect_store`` was asked for."""
    asked: dict[str, Any] = {}

    def connect_store(**told: Any) -> Store:
        asked.update(told)
        return make_store(merchant, base_url=typed["store_url"], name="New")

    monkeypatch.setattr("integrations.connect.connect_store", connect_store)
    keys = {"consumer_key": "ck_1", "consumer_secret": "cs_1"}
    url = reverse("admin:integrations_store_add")
    answer = client.post(url, {"merchant": merchant.pk, **keys, **typed}, follow=True)
    return {**asked, "page": answer.content.decode()}


def test_the_same_site_at_another_merchant_is_warned_of(
    boss: Client, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_merchant("other")
    warning = "another merchant of this hub has a store at"

    shared = _connect(boss, other, monkeypatch, store_url="https://shop.example")
    alone = _connect(boss, other, monkeypatch, store_url="https://three.example")

    assert warning in shared["page"]
    assert warning not in alone["page"]


def test_a_mistake_keeps_what_was_typed_but_the_keys_and_says_so(
    boss: Client, store: Store
) -> None:
    told = {"merchant": store.merchant.pk, "store_url": store.base_url, "name": "Mugs", **KEYS}

    page = boss.post(reverse("admin:integrations_store_add"), told).content.decode()

    assert "This store is connected already" in page
    assert 'value="https://shop.example"' in page
    assert 'value="Mugs"' in page
    assert SECRET not in page
    assert "Paste it again: what was typed here is never shown back." in page
    assert "look at what is marked below" not in page, "one message is enough"
