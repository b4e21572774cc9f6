"""A refund on an order's page: what it comes to is shown first, then it is asked for once."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from integrations import outbox
from integrations.models import Command, Store
from inventory import locations
from inventory.models import StockLevel
from logix.accounts.models import AuditEvent, Role
from orders import services
from orders.models import Order, RefundRequest
from tests.factories import make_order
from tests.integrations.admin.conftest import As
from tests.integrations.admin.test_by_hand import ROLES, address
from tests.integrations.admin.test_shipping import said
from tests.orders.shop import by_id, parcel, stock

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(store: Store) -> Order:
    """Two mugs, both with the buyer."""
    store.options = {"refunds": "gateway"}
    store.save(update_fields=["options"])
    stock(store, 1, units=10)
    by_id(store, make_order(50, shipments=(parcel(2, external_id="f1"),)))
    return Order.objects.get(number="1050")


def form(order: Order, units: int = 1, **more: str) -> dict[str, str]:
    """As a browser sends it the first time."""
    pk = order.lines.get().pk.hex
    return {
        f"units-{pk}": str(units),
        f"back-{pk}": more.pop("back", "0"),
        "asked": str(order.refund_requests.count()),
        "seen": "",
        "shipping": "",
        "amount": "",
        "reason": "",
        **more,
    }


def test_what_it_comes_to_is_shown_before_anything_is_asked(order: Order, signed_in: As) -> None:
    clerk, url = signed_in(Role.OPERATOR), address(order, "refund")
    assert url in clerk.get(address(order, "change")).content.decode()
    assert "2 of 2 left to refund" in clerk.get(url).content.decode()

    first = said(clerk, url, form(order, reason="Chipped", back="1"))

    assert "Refund 11.90 EUR" in first
    assert "11.90 EUR goes back. The store pays the money back" in first
    assert 'name="seen" value="11.90"' in first
    assert not RefundRequest.objects.exists()

    second = said(clerk, url, form(order, reason="Chipped", back="1", seen="11.90"))

    assert "Refund LGX-1050-R1 was asked for; writing to Example shop is off" in second
    assert "Refunds asked for here" in second
    found = RefundRequest.objects.get()
    assert (found.amount, found.restock) == (
        Decimal("11.90"),
        {str(order.lines.get().pk): 1},
    )
    assert AuditEvent.objects.get(action="order.refund_requested").details == {
        "reference": "LGX-1050-R1"
    }
    assert "Refund: 11.90 EUR" in clerk.get(address(order, "change")).content.decode()


def test_a_sum_that_changed_is_shown_again(order: Order, signed_in: As) -> None:
    clerk, url = signed_in(Role.OPERATOR), address(order, "refund")

    page = said(clerk, url, form(order, units=2, seen="11.90"))

    assert 'name="seen" value="23.80"' in page
    assert not RefundRequest.objects.exists()


def test_a_form_that_is_sent_twice_refunds_once(order: Order, signed_in: As) -> None:
    clerk, url = signed_in(Role.OPERATOR), address(order, "refund")
    told = form(order, seen="11.90")
    said(clerk, url, told)

    again = said(clerk, url, told)

    assert "Another refund of this order was asked for since you opened this page." in again
    assert RefundRequest.objects.count() == 1


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"units": 0}, "Say what is to be refunded"),
        ({"amount": "28.76"}, "at most 28.75 EUR can be refunded"),
        ({"amount": "1.005"}, "no more than 2 decimal places"),
        ({"shipping": "4.96"}, "At most 4.95 EUR of the shipping"),
        ({"units": 3}, "3 asked for, 2 left to refund"),
        ({"back": "2"}, "this refund has 1 that had left"),
    ],
)
def test_what_cannot_be_is_said_beside_what_was_typed(
    order: Order, signed_in: As, told: dict[str, str], words: str
) -> None:
    clerk, url = signed_in(Role.OPERATOR), address(order, "refund")

    assert words in said(clerk, url, form(order, **told))  # type: ignore[arg-type]
    assert not RefundRequest.objects.exists()


def test_goods_go_to_the_place_that_is_named(order: Order, signed_in: As) -> None:
    desk = locations.create(order.merchant_id, code="desk", name="Returns desk")
    clerk, url = signed_in(Role.OPERATOR), address(order, "refund")

    said(clerk, url, form(order, back="1", seen="11.90", location=str(desk.pk)))

    found = RefundRequest.objects.get()
    assert found.location == desk
    services.refund_told(order.pk, found.reference)
    assert StockLevel.objects.get(location=desk).on_hand == 1


def test_a_store_that_allows_none_says_who_can(order: Order, signed_in: As) -> None:
    order.store.options = {}
    order.store.save(update_fields=["options"])

    page = signed_in(Role.OPERATOR).get(address(order, "refund"), follow=True).content.decode()

    assert "Its owner allows them at the store, under Options" in page


@pytest.mark.parametrize("role", ROLES)
def test_only_those_who_may_act_refund(order: Order, signed_in: As, role: Role) -> None:
    status = signed_in(role).get(address(order, "refund")).status_code

    assert status == (403 if role == Role.VIEWER else 200)


def test_a_refused_refund_is_not_offered_to_be_sent_again(order: Order, boss: Client) -> None:
    services.request_refund(order, amount=Decimal(1), actor="user:anna")
    command = Command.objects.get(kind=Command.Kind.REFUND)
    Command.objects.filter(pk=command.pk).update(state=Command.State.REFUSED)
    command.refresh_from_db()

    page = boss.get(f"/admin/integrations/command/{command.pk}/change/").content.decode()

    assert "Refund: 1.00 EUR" in page
    assert "Send again" not in page
    assert outbox.retry_command(command, actor="user:anna") is False
