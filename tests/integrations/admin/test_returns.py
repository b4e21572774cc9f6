"""Returns on an order's page: what is seen of them, and the clerk who puts goods back to stock."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Store
from inventory import locations
from inventory.models import StockLevel, StockMovement
from logix.accounts.models import AuditEvent, Role
from orders.data import Authority
from orders.importing import import_orders
from orders.models import Order, Return, ReturnLine
from orders.status import ReturnStatus
from tests.factories import NOW, make_line, make_merchant, make_order, make_return
from tests.integrations.admin.conftest import As, listed, text, words
from tests.integrations.admin.test_by_hand import address

pytestmark = pytest.mark.django_db

NOTE = "pinches at the toes"


def bring(store: Store, **changes: Any) -> Return:
    order = make_order(50, lines=(make_line(1, quantity=3),), returns=(make_return(**changes),))
    import_orders(store, [order], authority=Authority.LIST_PAGE, observed_at=NOW, now=NOW)
    return Return.objects.get()


@pytest.fixture
def found(store: Store) -> Return:
    return bring(store)


def page_of(found: Return) -> str:
    return reverse("admin:orders_order_restock", args=[found.order_id, found.pk])


def told(found: Return, units: int, **more: Any) -> dict[str, Any]:
    """The form as a browser sends it."""
    line = found.lines.get()
    return {f"units-{line.pk.hex}": str(units), "seen": str(line.restocked), **more}


def offers(client: Client, found: Return) -> bool:
    """Whether the order's page leads to putting goods back."""
    return page_of(found) in client.get(address(found.order, "change")).content.decode()


def put_back() -> list[int]:
    return list(StockMovement.objects.filter(kind="restock").values_list("delta", flat=True))


def test_an_order_shows_its_returns_to_those_who_may_look(
    found: Return, signed_in: As, boss: Client
) -> None:
    url = address(found.order, "change")

    viewer, operator = signed_in(Role.VIEWER), signed_in(Role.OPERATOR)
    seen, clerk, everything = text(viewer, url), text(operator, url), text(boss, url)

    assert "#1001-R1 open" in seen
    assert "2 × SKU-1 : Too small" in seen
    assert [offers(x, found) for x in (viewer, operator, boss)] == [False, True, True]
    assert NOTE not in seen + clerk
    assert NOTE in everything


def test_a_return_told_while_returns_are_off_is_shown_and_needs_nobody(
    store: Store, boss: Client
) -> None:
    store.options = {"returns": "off"}
    found = bring(store)

    assert "#1001-R1 open" in text(boss, address(found.order, "change"))
    assert not offers(boss, found)
    coming_back = reverse("admin:orders_order_changelist") + "?look=returns"
    assert boss.get(coming_back).context["cl"].result_count == 0


def test_an_order_without_returns_says_nothing_of_them(store: Store, boss: Client) -> None:
    order = Order.objects.get(number="1001")

    assert "Returns" not in text(boss, address(order, "change"))


def test_a_clerk_puts_goods_back_bit_by_bit(found: Return, signed_in: As) -> None:
    clerk, url = signed_in(Role.OPERATOR), page_of(found)
    assert "2 of 2 left to put back" in text(clerk, url)

    page = words(clerk.post(url, told(found, 1), follow=True))

    assert "1 unit of return #1001-R1 put back to stock." in page
    assert "2 × SKU-1 : Too small, 1 put back" in page
    assert "1 of 2 left to put back" in text(clerk, url)
    clerk.post(url, told(found, 1))
    assert put_back() == [1, 1]
    assert not offers(clerk, found)
    (first, _) = AuditEvent.objects.filter(action="order.return_restocked").order_by("sequence")
    assert (first.object_id, first.details) == (
        str(found.order_id),
        {"return_id": str(found.pk), "units": 1},
    )


def test_a_form_that_is_sent_twice_puts_back_once(found: Return, boss: Client) -> None:
    url, once = page_of(found), told(found, 1)

    boss.post(url, once)
    again = words(boss.post(url, once))

    assert "Units of this return were put back since you looked at it." in again
    assert put_back() == [1]


def test_goods_go_to_the_place_the_clerk_names(found: Return, boss: Client, store: Store) -> None:
    assert "Goes to" not in text(boss, page_of(found))
    desk = locations.create(store.merchant_id, code="desk", name="Returns desk", rank=90)
    assert "Returns desk" in text(boss, page_of(found))

    boss.post(page_of(found), told(found, 2, location=str(desk.pk)))

    assert StockLevel.objects.get(location=desk).on_hand == 2


@pytest.mark.parametrize(
    ("units", "why"),
    [(3, "SKU-1: 3 asked for, 2 left to put back."), (0, "Say how many units of which line")],
)
def test_what_cannot_be_put_back_says_why(
    found: Return, boss: Client, units: int, why: str
) -> None:
    assert why in words(boss.post(page_of(found), told(found, units)))
    assert put_back() == []


def test_what_was_called_off_offers_nothing(store: Store, boss: Client) -> None:
    found = bring(store, status=ReturnStatus.DECLINED, raw_status="DECLINED")

    page = text(boss, address(found.order, "change"))

    assert "#1001-R1 declined" in page
    assert not offers(boss, found)
    assert "nothing is back" in words(boss.post(page_of(found), told(found, 1)))


def test_a_word_nobody_knows_is_shown_with_what_to_do(store: Store, boss: Client) -> None:
    found = bring(store, status=ReturnStatus.UNKNOWN, raw_status="LIMBO")

    page = text(boss, address(found.order, "change"))

    assert "The store says “LIMBO” of this return" in page


def test_orders_with_goods_on_their_way_back_are_found(store: Store, boss: Client) -> None:
    found = bring(store)
    assert "1050" in listed(boss, "orders_order", "?look=returns")

    Return.objects.filter(pk=found.pk).update(status=ReturnStatus.CLOSED)

    assert "1050" not in listed(boss, "orders_order", "?look=returns")


def test_nobody_else_puts_anything_back(found: Return, signed_in: As) -> None:
    other = make_merchant("other")

    assert signed_in(Role.VIEWER).post(page_of(found), told(found, 1)).status_code == 403
    stranger = signed_in(Role.OPERATOR, other)
    assert stranger.post(page_of(found), told(found, 1)).status_code in (302, 404)
    assert put_back() == []
    assert ReturnLine.objects.get().restocked == 0
