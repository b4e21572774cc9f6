"""The whole corpus, imported once: mapped by the real mappers, written by the real import, and
shown by the real API.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from logix.accounts.models import Merchant, Scope
from orders.models import Order
from tests import factories
from tests.corpus.cases import Case, all_cases, platforms
from tests.integrations.api.client import Api, api_for, import_orders


class Kept:
    """The corpus as it lies in the database; an order is asked of the API once."""

    def __init__(self, merchant: Merchant) -> None:
        self.api: Api = api_for(merchant, Scope.READ, Scope.ORDERS_WRITE)
        self._orders: dict[str, Order] = {}
        self._shown: dict[str, Any] = {}
        for platform in platforms():
            store = factories.make_store(
                merchant,
                platform=platform,
                name=platform,
                base_url=f"https://{platform}.example",
                options={"refunds": "gateway"},
            )
            cases = [case for case in all_cases() if case.platform == platform]
            found = import_orders(store, [case.record for case in cases])
            self._orders |= {case.name: order for case, order in zip(cases, found, strict=True)}

    def order(self, case: Case) -> Order:
        return self._orders[case.name]

    def shown(self, case: Case) -> Any:
        if case.name not in self._shown:
            answer = self.api.get(f"/orders/{self.order(case).pk}")
            assert answer.status_code == 200, answer.content
            self._shown[case.name] = answer.json()
        return self._shown[case.name]


@pytest.fixture(scope="module")
def db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """One transaction for a module: hundreds of tests read what was imported once."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def kept(db: None) -> Kept:
    return Kept(factories.make_merchant())
