"""What a plugin's status counts as: said once, line by line, with every mistake named."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from integrations.errors import Unavailable
from integrations.models import Store
from integrations.sync import WordsTried
from integrations.sync.rehearsing import STATUSES, Reread
from orders.models import Order
from tests.integrations.admin.conftest import words
from tests.integrations.admin.test_settings import streams

pytestmark = pytest.mark.django_db


def test_what_a_plugins_status_counts_as_is_said_once(boss: Client, store: Store) -> None:
    url = reverse("admin:integrations_store_change", args=[store.pk])

    page = boss.post(url, streams(store, status_words="shipped = sent"), follow=True)
    assert "Line 1: it maps “shipped” to “sent”; choose one of" in page.content.decode()
    assert "status_words" not in Store.objects.get(pk=store.pk).options

    boss.post(url, streams(store, status_words="shipped = completed\npacked=processing\n"))
    told = {"shipped": "completed", "packed": "processing"}
    assert Store.objects.get(pk=store.pk).options["status_words"] == told
    assert "shipped = completed" in boss.get(url).content.decode()

    boss.post(url, streams(store, status_words=""))
    assert "status_words" not in Store.objects.get(pk=store.pk).options


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("shipped completed", "Line 1: write the store&#x27;s status, =, and what it counts as."),
        ("shipped =", "Line 1: write the store&#x27;s status, =, and what it counts as."),
        ("a = completed\n\na = processing", "Line 3: “a” stands here twice."),
        ("a b = completed", "Line 1: it names “a b”, which WooCommerce never says"),
    ],
)
def test_a_line_about_a_status_that_cannot_be_is_named(
    boss: Client, store: Store, typed: str, said: str
) -> None:
    url = reverse("admin:integrations_store_change", args=[store.pk])

    page = boss.post(url, streams(store, status_words=typed)).content.decode()

    assert page.count(said) == 1
    assert "The option status_words" not in page, "the label is what people know"
    assert "status_words" not in Store.objects.get(pk=store.pk).options


def test_what_a_status_may_count_as_is_said_before_a_mistake_and_capitals_are_forgiven(
    boss: Client, store: Store
) -> None:
    url = reverse("admin:integrations_store_change", args=[store.pk])
    page = boss.get(url).content.decode()
    assert "It may count as checkout-draft, pending, on-hold, processing, completed" in page

    boss.post(url, streams(store, status_words="SHIPPED=Completed"))

    assert Store.objects.get(pk=store.pk).options["status_words"] == {"shipped": "completed"}


def test_statuses_are_tried_before_they_are_kept(
    boss: Client, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = Order.objects.get(store=store, number="1001")
    before = dict.fromkeys(STATUSES, "needs_review")
    row = Reread(order=order, before=before, after={**before, "import_state": "accepted"})
    found = WordsTried(waiting={"packed": 1}, later=2, named=(row,))
    monkeypatch.setattr("integrations.sync.try_words", lambda *_: found)
    url = reverse("admin:integrations_store_change", args=[store.pk])

    page = words(boss.post(url, streams(store, status_words="packed=processing", try_words="on")))

    assert "Orders that would be read again: “packed”: 1." in page
    assert f"{order}: needs_review → accepted." in page
    assert "2 settled orders would follow when the store tells. Nothing is kept" in page
    assert "status_words" not in Store.objects.get(pk=store.pk).options


def test_statuses_of_a_store_that_is_away_cannot_be_tried_and_are_not_kept(
    boss: Client, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise Unavailable("The store is away.")

    monkeypatch.setattr("integrations.sync.try_words", fail)
    url = reverse("admin:integrations_store_change", args=[store.pk])

    page = words(boss.post(url, streams(store, status_words="packed=processing", try_words="on")))

    assert "They could not be tried: The store is away." in page
    assert "status_words" not in Store.objects.get(pk=store.pk).options
