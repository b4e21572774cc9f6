"""Comparisons over the API: asked for, watched, let go on; and what a store's health says of
them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations import reconcile
from integrations.models import Reconciliation, Store, Stream
from logix.accounts.models import AuditEvent
from tests.integrations.api.client import Api, make_comparison

pytestmark = pytest.mark.django_db

FINDING = {
    "cause": "missing_read",
    "sentence": "Order 7 was missing here and was read.",
    "external_id": "7",
    "object_id": "",
    "healed": True,
}


@pytest.fixture
def known(store: Store) -> Store:
    """Its orders were read."""
    Stream.objects.filter(store=store).update(read_through=timezone.now())
    return store


def address(store: Store, *more: object) -> str:
    return "/".join([f"/integrations/{store.pk}/reconciliations", *(str(x) for x in more)])


def test_a_comparison_is_asked_for_and_watched(api: Api, known: Store) -> None:
    answer = api.post(address(known), {"days": 7, "dry_run": True})

    assert answer.status_code == 202
    told = answer.json()
    assert (told["state"], told["dry_run"], told["phase"]) == ("running", True, "lists")
    assert told["verdict"] == "Under way: lists of orders."
    run = Reconciliation.objects.get(pk=told["id"])
    assert run.window_to - run.window_from == timedelta(days=7)
    assert api.get(address(known, run.pk)).json() == told
    event = AuditEvent.objects.get(action="reconciliation.requested")
    assert event.details == {"days": 7, "dry_run": True}
    again = api.post(address(known))
    assert (again.status_code, again.json()["detail"]) == (
        409,
        "Example shop is being compared already. Wait for that to end.",
    )


@pytest.mark.parametrize("body", [{"days": 0}, {"days": 366}, {"days": "many"}, {"store": "x"}])
def test_a_body_that_cannot_be_right_is_refused(
    api: Api, known: Store, body: dict[str, Any]
) -> None:
    assert api.post(address(known), body).status_code == 400
    assert not Reconciliation.objects.exists()


def test_a_report_tells_zeros_too_and_its_findings(api: Api, store: Store) -> None:
    clean = make_comparison(store)
    counts = {**clean.counts, "missing_read": 1}
    run = make_comparison(store, counts=counts, findings=[FINDING])

    told = api.get(address(store, run.pk)).json()

    assert set(told["counts"]) == set(reconcile.CAUSES)
    assert told["counts"] == {**dict.fromkeys(reconcile.CAUSES, 0), **counts}
    assert (told["healed"], told["left_open"], told["findings"]) == (1, 0, [FINDING])
    assert told["verdict"] == (
        "1 difference, 1 healed, 0 open: 10 orders at the store and 10 here, 5 stock figures, "
        "10 of 10 sampled orders exact."
    )
    rows = api.get(address(store)).json()["results"]
    assert [row["id"] for row in rows] == [str(run.pk), str(clean.pk)]
    assert rows[1]["verdict"].startswith("0 differences: 10 orders at the store")
    assert "findings" not in rows[0]


def test_a_stopped_comparison_goes_on_when_a_person_says_so(api: Api, store: Store) -> None:
    run = make_comparison(store, state="stopped", phase="unlisted", problem="60 of 80 are gone.")

    answer = api.post(address(store, run.pk, "go-on"))

    assert (answer.status_code, answer.json()["state"], answer.json()["go_on"]) == (
        200,
        "running",
        True,
    )
    event = AuditEvent.objects.get(action="reconciliation.gone_on")
    assert event.details == {"asked": "60 of 80 are gone."}
    assert api.post(address(store, run.pk, "go-on")).status_code == 409


def test_a_comparison_is_found_only_below_its_own_store(api: Api, store: Store) -> None:
    run = make_comparison(store)
    other = Store.objects.create(
        merchant=store.merchant,
        platform="woocommerce",
        name="Other",
        base_url="https://other.example",
        data_key=store.data_key,
    )

    assert api.get(address(other, run.pk)).status_code == 404


def found(api: Api, store: Store) -> list[tuple[str, str, str]]:
    told = api.get(f"/integrations/{store.pk}/health").json()["found"]
    return [(x["level"], x["about"], x["what"]) for x in told]


def test_a_stores_health_says_how_exact_its_orders_are(api: Api, known: Store) -> None:
    make_comparison(known)
    assert found(api, known) == [
        ("ok", "accuracy", "100.00 % exact (10 of 10 sampled orders; one of them is 10.00 %).")
    ]

    make_comparison(known, counts={"sampled": 10, "exact": 9})
    make_comparison(known, counts={"sampled": 80}, dry_run=True)

    assert found(api, known) == [
        (
            "warning",
            "accuracy",
            "95.00 % exact (19 of 20 sampled orders; one of them is 5.00 %), where 99.9 % are "
            "wanted.",
        )
    ]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("stopped", ("bad", "comparison", "60 of 80 are gone.")),
        ("failed", ("warning", "comparison", "It failed. 60 of 80 are gone.")),
    ],
)
def test_a_stores_health_says_that_a_comparison_needs_somebody(
    api: Api, known: Store, state: str, expected: tuple[str, str, str]
) -> None:
    make_comparison(known, state=state, problem="60 of 80 are gone.")
    assert found(api, known) == [expected]

    make_comparison(known, counts={})
    assert found(api, known) == []


def test_a_stores_health_says_that_no_night_compared_it(api: Api, known: Store) -> None:
    Store.objects.update(created_at=timezone.now() - timedelta(days=4))
    assert found(api, known) == [
        ("warning", "comparison", "The store was not compared for three days.")
    ]
