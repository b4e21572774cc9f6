"""Stock rules that sell much out ask first; every change of one can be put back."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.models import Push, Store
from integrations.outbox import brake
from inventory.models import Listing, StockRule
from logix.accounts.models import AuditEvent, Merchant, Scope
from tests import factories
from tests.integrations.api.client import Api, api_for, import_products

ALL_KEPT_BACK = {"store": None, "buffer": 1000}


@pytest.fixture
def stocked(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Three listings that show ten each, where two may fall to 0 unasked."""
    monkeypatch.setattr(brake, "MOST", 2)
    Store.objects.filter(pk=store.pk).update(stock_opened_at=factories.NOW)
    import_products(store, 1, 2, 3)
    Push.objects.all().delete()
    return store


def refused(answer: Any) -> dict[str, Any]:
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["code"]) == (409, "sells_out"), told
    assert not Push.objects.exists()
    return told


def test_a_rule_that_sells_much_out_is_kept_only_when_it_is_confirmed(
    api: Api, stocked: Store
) -> None:
    told = refused(api.post("/stock/rules", ALL_KEPT_BACK))

    assert told["detail"] == (
        "Of 3 listings, 3 would be told another figure and 3 would show 0: 3 of Example shop. "
        "Nothing was kept: send `confirm` with it if that is meant."
    )
    assert told["tried"]["sold_out"] == [
        {"store_id": str(stocked.pk), "store": "Example shop", "listings": 3}
    ]
    assert (told["tried"]["changed"], told["tried"]["zeros"]) == (3, 3)
    assert not StockRule.objects.exists()
    assert not AuditEvent.objects.filter(action__startswith="stockrule").exists()

    answer = api.post("/stock/rules", {**ALL_KEPT_BACK, "confirm": True})

    assert (answer.status_code, Push.objects.count()) == (201, 3)


def test_a_change_and_a_removal_ask_too(api: Api, stocked: Store) -> None:
    everything = api.post("/stock/rules", {**ALL_KEPT_BACK, "confirm": True}).json()
    spared = api.post("/stock/rules", {"store": str(stocked.pk), "buffer": 0}).json()
    Push.objects.all().delete()

    refused(api.patch(f"/stock/rules/{spared['id']}", {"percent": 0}))
    refused(api.delete(f"/stock/rules/{spared['id']}"))
    assert StockRule.objects.get(pk=spared["id"]).percent == 100
    changed = api.patch(f"/stock/rules/{spared['id']}", {"percent": 0, "confirm": True})
    removed = api.delete(f"/stock/rules/{spared['id']}?confirm=true")

    assert (changed.status_code, changed.json()["percent"], removed.status_code) == (200, 0, 204)
    assert api.delete(f"/stock/rules/{everything['id']}").status_code == 204, "it sells more"


def test_what_sells_little_out_does_not_ask(api: Api, stocked: Store) -> None:
    Listing.objects.filter(sku="SKU-3").update(mode="ignore")

    assert api.post("/stock/rules", ALL_KEPT_BACK).status_code == 201


def test_what_shows_nothing_already_is_not_sold_out(api: Api, stocked: Store) -> None:
    api.post("/stock/rules", {**ALL_KEPT_BACK, "confirm": True})

    answer = api.post("/stock/rules", {"store": str(stocked.pk), "percent": 0})

    assert answer.status_code == 201


def test_a_refused_rule_may_be_confirmed_under_the_same_key(api: Api, stocked: Store) -> None:
    refused(api.post("/stock/rules", ALL_KEPT_BACK, Idempotency_Key="rule-1"))
    body = {**ALL_KEPT_BACK, "confirm": True}

    assert api.post("/stock/rules", body, Idempotency_Key="rule-1").status_code == 201


def test_a_change_is_listed_tried_and_put_back(api: Api, stocked: Store) -> None:
    rule = api.post("/stock/rules", {"store": str(stocked.pk), "buffer": 4}).json()
    api.patch(f"/stock/rules/{rule['id']}", {"buffer": 1})
    changed, added = api.get("/stock/rules/changes").json()["results"]
    values = {"percent": 100, "max_listed": None, "end_when": 0, "always": None}
    assert changed == {
        "id": changed["id"],
        "at": changed["at"],
        "actor": changed["actor"],
        "did": "changed",
        "rule_id": rule["id"],
        "store_id": str(stocked.pk),
        "listing_id": None,
        "variant_id": None,
        "category": "",
        "was": {"buffer": 4, **values},
        "listings": 3,
        "puts_back": None,
    }
    assert (added["did"], added["was"]) == ("added", None)
    undo = f"/stock/rules/changes/{changed['id']}/put-back"

    tried = api.post(undo, {}).json()

    tried_named = tried["tried"].pop("named")
    assert {(x["before"], x["after"]) for x in tried_named} == {(9, 6)}
    assert tried == {
        "done": False,
        "scope": "Example shop",
        "now": {"buffer": 1, **values},
        "then": {"buffer": 4, **values},
        "tried": {"listings": 3, "changed": 3, "zeros": 0, "sold_out": []},
    }
    assert StockRule.objects.get().buffer == 1

    done = api.post(undo, {"confirm": True}).json()

    assert (done["done"], done["then"]["buffer"], done["tried"]) == (True, 4, None)
    assert StockRule.objects.get().buffer == 4
    newest = api.get("/stock/rules/changes").json()["results"][0]
    assert newest["puts_back"] == AuditEvent.objects.get(pk=changed["id"]).sequence
    again = api.post(undo, {"confirm": True})
    assert (again.status_code, again.json()["code"]) == (409, "put_back_refused")


def test_nobody_puts_back_what_is_somebody_elses_or_no_rule(
    api: Api, stocked: Store, merchant: Merchant
) -> None:
    api.post("/stock/rules", {"store": str(stocked.pk), "buffer": 4})
    event = AuditEvent.objects.get(action="stockrule.added")
    undo = f"/stock/rules/changes/{event.pk}/put-back"
    stranger = api_for(factories.make_merchant("other"), Scope.STOCK_WRITE)
    reader = api_for(merchant, Scope.READ)
    api.patch(f"/listings/{Listing.objects.all()[0].pk}", {"mode": "paused"})
    other = AuditEvent.objects.get(action="listing.changed")

    assert stranger.post(undo, {"confirm": True}).status_code == 404
    assert reader.post(undo, {"confirm": True}).status_code == 403
    no_rule = f"/stock/rules/changes/{other.pk}/put-back"
    assert api.post(no_rule, {"confirm": True}).status_code == 404
    assert api.post(f"/stock/rules/changes/{10**30}/put-back", {}).status_code == 404
    assert StockRule.objects.get().buffer == 4
