"""The pages of a hub to which no store is connected."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_an_empty_hub_says_what_to_do_first(boss: Client) -> None:
    page = boss.get("/admin/").content.decode()
    assert "No store is connected yet. Add one: you need its address and its keys." in page

    for path in ("orders/order", "integrations/push", "accounts/apitoken", "inventory/product"):
        html = boss.get(f"/admin/{path}/").content.decode()
        assert 'role="status"' in html, path
