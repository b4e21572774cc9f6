"""Two people count the same goods by hand in the same moment."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from inventory import ledger
from inventory.errors import LedgerConflict
from tests.factories import make_store
from tests.integrations.admin.conftest import fill
from tests.integrations.admin.test_by_hand import address, level

pytestmark = pytest.mark.django_db(transaction=True)


def test_counting_goes_on_when_somebody_else_counted_at_the_same_time(
    boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(make_store(), 1)
    real, tries = ledger.adjust, []

    def second_time(**told: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise LedgerConflict
        return real(**told)

    monkeypatch.setattr(ledger, "adjust", second_time)

    boss.post(address(level(), "count"), {"set_to": "5", "reason": "Count"})

    assert (len(tries), level().on_hand) == (2, 5)
