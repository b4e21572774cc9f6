"""What reaches many rows is tried first, over the API."""

from __future__ import annotations

import pytest

from integrations import mastery
from integrations.models import Push, Store
from inventory.models import Listing, StockRule
from logix.accounts.models import AuditEvent, Merchant, Scope
from orders.models import Order
from tests import factories
from tests.integrations.api.client import Api, api_for, import_products
from tests.integrations.api.test_matching import unlinked

__all__ = ["unlinked"]

WORDS = {"status_words": {"packed": "processing"}}
RULES = {"rules": [{"path": "meta.gift", "target": "custom.gift"}]}


@pytest.fixture
def counted(store: Store) -> Store:
    Store.objects.filter(pk=store.pk).update(stock_opened_at=factories.NOW)
    import_products(store, 1, 2, 3)
    return store


def wanted() -> list[int]:
    return list(Push.objects.order_by("pk").values_list("want_version", flat=True))


def test_a_stock_rule_does_what_its_trial_said(api: Api, counted: Store) -> None:
    body = {"store": str(counted.pk), "buffer": 4}
    before = wanted()

    tried = api.post("/stock/rules/try", body).json()

    assert (tried["listings"], tried["changed"], tried["zeros"]) == (3, 3, 0)
    assert {(x["before"], x["after"]) for x in tried["named"]} == {(10, 6)}
    assert not StockRule.objects.exists()
    assert wanted() == before
    assert not AuditEvent.objects.filter(action="stockrule.added").exists()

    made = api.post("/stock/rules", body).json()
    found = mastery.targets(list(Listing.objects.select_related("store")))
    assert [target.value for target in found.values()] == [6, 6, 6]

    change = api.post(f"/stock/rules/{made['id']}/try", {"percent": 0}).json()
    assert (change["changed"], change["zeros"]) == (3, 3)
    gone = api.post(f"/stock/rules/{made['id']}/try", {"remove": True}).json()
    assert {(x["before"], x["after"]) for x in gone["named"]} == {(6, 10)}
    assert StockRule.objects.get().percent == 100


def test_linking_all_is_tried_first(api: Api, store: Store, unlinked: Listing) -> None:
    tried = api.post("/listings/link-all", {"store": str(store.pk), "dry_run": True}).json()

    unlinked.refresh_from_db()
    assert unlinked.variant is None
    assert tried == {"linked": 1, "doubtful": 0, "left": [], "more": False, "run": None}
    done = api.post("/listings/link-all", {"store": str(store.pk)}).json()
    assert done.pop("run")
    assert {**done, "run": None} == tried


def test_field_rules_are_counted_on_the_orders_that_are_kept(
    api: Api, store: Store, order: Order
) -> None:
    told = api.post(f"/integrations/{store.pk}/mappings/try", RULES).json()

    assert told == {"looked_at": 1, "is_all": True, "differ": 1, "set_aside": 0, "unread": 0}
    wrong = {"rules": [{"path": "meta.", "target": "custom.gift"}]}
    answer = api.post(f"/integrations/{store.pk}/mappings/try", wrong)
    assert answer.status_code == 400


def test_status_words_are_tried(api: Api, store: Store) -> None:
    told = api.post(f"/integrations/{store.pk}/status-words/try", WORDS).json()
    refused = api.post(
        f"/integrations/{store.pk}/status-words/try", {"status_words": {"packed": "nonsense"}}
    )

    assert told == {"waiting": {"packed": 0}, "later": 0, "named": []}
    assert (refused.status_code, refused.json()["code"]) == (422, "option_malformed")


def test_who_may_only_read_tries_nothing(merchant: Merchant, store: Store) -> None:
    reader = api_for(merchant, Scope.READ)

    assert reader.post("/stock/rules/try", {"store": None, "buffer": 1}).status_code == 403
    assert reader.post(f"/integrations/{store.pk}/status-words/try", WORDS).status_code == 403
