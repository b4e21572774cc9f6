"""Times on a page about one row are in the zone of the store it is about."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client

from integrations.models import Push, Store
from orders.models import Oversell
from tests.integrations.admin.test_by_hand import address

pytestmark = pytest.mark.django_db

AT = datetime(2025, 10, 1, 20, 30, 59, 477122, tzinfo=UTC)
THERE = "2025-10-02 05:30\u00a0JST"


@pytest.fixture
def tokyo(store: Store) -> Store:
    Store.objects.update(timezone="Asia/Tokyo")
    return store


def test_an_oversell_is_told_in_the_zone_of_its_orders_store(boss: Client, tokyo: Store) -> None:
    row = Oversell.objects.filter(order__store=tokyo)[0]
    Oversell.objects.filter(pk=row.pk).update(opened_at=AT)

    assert THERE in boss.get(address(row, "change")).content.decode()


def test_a_push_is_told_as_people_read_times(boss: Client, tokyo: Store) -> None:
    push = Push.objects.filter(store=tokyo)[0]
    Push.objects.filter(pk=push.pk).update(pushed_at=AT, dirty_since=None)
    page = boss.get(address(push, "change")).content.decode()

    assert page.count(THERE) == 1
    assert "477122" not in page

    Push.objects.filter(pk=push.pk).update(dirty_since=AT)

    assert boss.get(address(push, "change")).content.decode().count(THERE) == 2
