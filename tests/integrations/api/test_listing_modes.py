"""How a listing is sold, changed over the API as it is in the admin."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.models import Push, Store
from inventory.models import Listing
from logix.accounts.models import AuditEvent, Merchant, Scope
from tests import factories
from tests.integrations.api.client import Api, api_for, import_products


@pytest.fixture
def listing(store: Store) -> Listing:
    import_products(store, 1)
    Push.objects.all().delete()
    return Listing.objects.get()


@pytest.mark.parametrize(
    ("body", "mode", "figure"),
    [
        ({"mode": "fixed", "fixed_quantity": 9}, "fixed", 9),
        ({"mode": "paused"}, "paused", None),
        ({"mode": "ignore"}, "ignore", None),
        ({"fixed_quantity": 100_000_000}, "normal", 100_000_000),
    ],
)
def test_a_mode_is_kept_noted_and_told(
    api: Api, listing: Listing, body: dict[str, Any], mode: str, figure: int | None
) -> None:
    before = api.get(f"/listings/{listing.pk}").json()

    answer = api.patch(f"/listings/{listing.pk}", body)

    assert answer.status_code == 200, answer.content
    assert answer.json() == {**before, "mode": mode, "fixed_quantity": figure}
    assert api.get(f"/listings/{listing.pk}").json() == answer.json()
    assert Push.objects.get().listing_id == listing.pk
    event = AuditEvent.objects.get(action="listing.changed")
    assert (event.actor_kind, set(event.details)) == ("token", set(body))


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"mode": "fixed"}, "/fixed_quantity", "required"),
        ({"mode": "fixed", "fixed_quantity": None}, "/fixed_quantity", "required"),
        ({"mode": "sometimes"}, "/mode", "invalid_choice"),
        ({"fixed_quantity": -1}, "/fixed_quantity", "min_value"),
        ({"fixed_quantity": 100_000_001}, "/fixed_quantity", "max_value"),
        ({"sku": "X"}, "/sku", "unknown"),
    ],
)
def test_what_cannot_be_is_refused(
    api: Api, listing: Listing, body: dict[str, Any], pointer: str, code: str
) -> None:
    answer = api.patch(f"/listings/{listing.pk}", body)

    assert answer.status_code == 400, answer.content
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)
    listing.refresh_from_db()
    assert (listing.mode, listing.fixed_quantity, Push.objects.count()) == ("normal", None, 0)


def test_nobody_changes_what_is_somebody_elses(merchant: Merchant, listing: Listing) -> None:
    stranger = api_for(factories.make_merchant("other"), Scope.STOCK_WRITE)
    reader = api_for(merchant, Scope.READ)

    assert stranger.patch(f"/listings/{listing.pk}", {"mode": "paused"}).status_code == 404
    assert reader.patch(f"/listings/{listing.pk}", {"mode": "paused"}).status_code == 403
