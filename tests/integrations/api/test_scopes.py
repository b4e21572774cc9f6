"""What a token may do is what its scopes say: every operation of the API against every scope."""

from __future__ import annotations

import pytest

from integrations import registry
from integrations.api import throttling
from logix.accounts.models import Merchant, Scope
from tests.integrations.api.client import Api, api_for
from tests.integrations.api.routes import Operation, operations
from tests.integrations.api.shop import Shop

# By the first noun of the address that is not a platform's name.
WRITES = {
    "integrations": Scope.STORES_WRITE,
    "connect": Scope.STORES_WRITE,
    "oauth": Scope.STORES_WRITE,
    "mappings": Scope.STORES_WRITE,
    "runs": Scope.STORES_WRITE,
    "parked": Scope.STORES_WRITE,
    "orders": Scope.ORDERS_WRITE,
    "locations": Scope.STOCK_WRITE,
    "listings": Scope.STOCK_WRITE,
    "variants": Scope.STOCK_WRITE,
    "stock": Scope.STOCK_WRITE,
}
# Writes to an order that are about stock.
RESTOCK = frozenset(
    {
        "/api/v1/orders/{id}/returns/{return_id}/restock",
        "/api/v1/orders/{id}/refunded-goods",
        "/api/v1/orders/{id}/refunded-goods/{decision_id}/undo",
    }
)
# What shows or ends what is known of buyers; and the answer to who has both.
NEEDS_TWO = {
    "/api/v1/mappings/preview": ((Scope.STORES_WRITE, Scope.PII), 400),
    "/api/v1/orders/{id}/erase-buyer": ((Scope.ORDERS_WRITE, Scope.PII), 404),
}


def needed(operation: Operation) -> Scope:
    if operation.method == "get":
        return Scope.READ
    if operation.path in RESTOCK:
        return Scope.STOCK_WRITE
    nouns = operation.path.removeprefix("/api/v1/").split("/")
    return WRITES[next(noun for noun in nouns if noun not in registry.slugs())]


def send(api: Api, operation: Operation) -> int:
    """To nobody's objects: whoever may, gets a 404, a 400 for the empty body or an empty list."""
    status: int = getattr(api, operation.method)(operation.address({})).status_code
    return status


@pytest.mark.parametrize("scope", list(Scope))
def test_a_scope_allows_its_own_operations_and_no_others(
    merchant: Merchant, shop: Shop, scope: Scope
) -> None:
    api = api_for(merchant, scope)

    for operation in operations():
        if operation.path in NEEDS_TWO:
            continue
        refused = send(api, operation) == 403
        assert refused == (scope != needed(operation)), f"{scope}: {operation}"


def test_what_needs_two_scopes_is_refused_with_either_alone(merchant: Merchant) -> None:
    for path, (both, answer) in NEEDS_TWO.items():
        operation = Operation("post", path)

        assert [send(api_for(merchant, scope), operation) for scope in both] == [403, 403]
        assert send(api_for(merchant, *both), operation) == answer


def test_without_a_token_nothing_is_answered(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # There are more addresses than somebody without a token may try in a minute.
    monkeypatch.setattr(throttling.TokenThrottle, "allow_request", lambda *_: True)
    nobody = Api()

    for operation in operations():
        assert send(nobody, operation) == 401, str(operation)


def test_a_refusal_names_the_scope_that_is_missing(merchant: Merchant) -> None:
    answer = api_for(merchant, Scope.READ).post("/stock/adjust", {})

    assert answer.json()["code"] == "scope_missing"
    assert "stock:write" in answer.json()["detail"]
