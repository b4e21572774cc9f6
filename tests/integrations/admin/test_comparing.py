"""Comparisons in the admin: the report, what asks somebody, and the acts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations import reconcile
from integrations.models import Reconciliation, Store, Stream
from logix.accounts.models import AuditEvent, Role
from tests.integrations.admin.conftest import As, listed, text
from tests.integrations.admin.test_acts import press
from tests.integrations.api.client import make_comparison

pytestmark = pytest.mark.django_db

FINDING = {
    "cause": "stock_drift",
    "sentence": "SKU-1 shows 3 where 9 was expected, and is told its figure again.",
    "external_id": "",
    "object_id": "",
    "healed": True,
}


def page_of(run: Reconciliation) -> str:
    return reverse("admin:integrations_reconciliation_change", args=[run.pk])


def test_a_report_says_every_count_and_each_difference(boss: Client, store: Store) -> None:
    run = make_comparison(store)
    counts = {**run.counts, "listings_agree": 4, "stock_drift": 1}
    Reconciliation.objects.filter(pk=run.pk).update(counts=counts, findings=[FINDING])

    page = text(boss, page_of(run))

    for words in reconcile.CAUSES.values():
        assert words in page
    assert "Differ: drift, told anew: 1" in page
    assert f"healed: {FINDING['sentence']}" in page
    assert "1 difference, 1 healed, 0 open: 10 orders at the store and 10 here" in page


def test_a_zero_is_signed_off(boss: Client, store: Store) -> None:
    run = make_comparison(store)

    assert "0 differences: 10 orders at the store and 10 here" in text(boss, page_of(run))
    assert "0 differences: 10 orders" in listed(boss, "integrations_reconciliation")


def test_one_that_asks_is_on_the_first_page_and_goes_on_there(boss: Client, store: Store) -> None:
    run = make_comparison(store, state="stopped", phase="unlisted", problem="60 of 80 are gone.")
    assert f"{store}: the comparison stopped to ask. 60 of 80 are gone." in text(boss, "/admin/")
    asked = text(boss, reverse("admin:integrations_reconciliation_act", args=[run.pk, "go-on"]))
    assert "60 of 80 are gone." in asked

    said = press(boss, "integrations_reconciliation", run, "go-on")

    assert f"The comparison of {store} goes on and changes what it asked about." in said
    run.refresh_from_db()
    assert (run.state, run.go_on) == ("running", True)
    assert AuditEvent.objects.filter(action="reconciliation.gone_on", actor="boss").exists()
    assert "stopped to ask" not in text(boss, "/admin/")


def test_the_first_page_names_stores_that_no_night_compared(boss: Client, store: Store) -> None:
    long_ago = timezone.now() - timedelta(days=4)
    Reconciliation.objects.update(created_at=long_ago)
    Store.objects.update(created_at=long_ago)
    Stream.objects.update(read_through=timezone.now())

    assert f"{store}: not compared for three days." in text(boss, "/admin/")


def test_a_failed_one_is_counted_until_the_next(boss: Client, store: Store) -> None:
    make_comparison(store, state="failed", problem="The store did not answer.")
    assert "The last comparison of 1 store failed; each says why." in text(boss, "/admin/")

    make_comparison(store)
    assert "The last comparison" not in text(boss, "/admin/")


def test_a_store_is_compared_by_a_press_of_a_button(boss: Client, store: Store) -> None:
    Stream.objects.update(read_through=timezone.now())

    said = press(boss, "integrations_store", store, "compare")

    assert f"{store} is being compared with what is kept of it" in said
    run = Reconciliation.objects.get(store=store, state="running")
    assert run.requested_by == "user:boss"
    assert "is being compared already" in press(boss, "integrations_store", store, "compare")


def test_a_stores_page_says_how_it_compared(boss: Client, store: Store) -> None:
    address = reverse("admin:integrations_store_change", args=[store.pk])
    assert (
        "100.00 % exact (30 of 30 sampled orders; one of them is 3.33 %), 99.9 % wanted."
        in text(boss, address)
    )

    Reconciliation.objects.all().delete()
    assert "Not yet; every night from now on." in text(boss, address)


def test_a_viewer_lets_nothing_go_on(store: Store, signed_in: As) -> None:
    run = make_comparison(store, state="stopped", problem="Too much.")

    address = reverse("admin:integrations_reconciliation_act", args=[run.pk, "go-on"])
    assert signed_in(Role.VIEWER).post(address).status_code == 403
    run.refresh_from_db()
    assert run.state == "stopped"
