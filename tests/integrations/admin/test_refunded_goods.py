"""Refunded goods and picking on an order's page: the clerk who says what became of them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Store
from inventory.models import Location, StockLevel, StockMovement
from logix.accounts.models import AuditEvent, Role
from orders import services
from orders.data import Authority
from orders.importing import import_orders
from orders.models import GoodsDecision, Order
from tests.factories import NOW, make_line, make_order
from tests.integrations.admin.conftest import As, text
from tests.integrations.admin.test_acts import press
from tests.integrations.admin.test_by_hand import address
from tests.orders.shop import parcel, refund

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(store: Store) -> Order:
    """Three units that left, two of them refunded."""
    told = make_order(
        50,
        lines=(make_line(1, quantity=3),),
        shipments=(parcel(3, external_id="f1"),),
        refunds=(refund(units=2),),
    )
    import_orders(store, [told], authority=Authority.LIST_PAGE, observed_at=NOW, now=NOW)
    return Order.objects.get(number="1050")


def page_of(order: Order) -> str:
    return reverse("admin:orders_order_goods", args=[order.pk])


def told(order: Order, back: int = 0, nothing: int = 0, **more: Any) -> dict[str, Any]:
    """The form as a browser sends it."""
    line = order.lines.get().pk.hex
    seen = order.goods_decisions.count()
    return {f"back-{line}": back, f"nothing-{line}": nothing, "seen": seen, **more}


def offers(client: Client, order: Order) -> bool:
    return f'"{page_of(order)}"' in _html(client, address(order, "change"))


def test_the_page_is_offered_to_those_who_may_act_while_goods_wait(
    order: Order, signed_in: As, boss: Client
) -> None:
    viewer, operator = signed_in(Role.VIEWER), signed_in(Role.OPERATOR)
    assert [offers(x, order) for x in (viewer, operator, boss)] == [False, True, True]
    assert viewer.get(page_of(order)).status_code == 403

    operator.post(page_of(order), told(order, nothing=2))

    assert [offers(x, order) for x in (viewer, operator, boss)] == [False, False, False]


def test_an_order_without_refunded_goods_offers_nothing(store: Store, boss: Client) -> None:
    assert not offers(boss, Order.objects.get(number="1001"))


def test_the_clerk_says_what_came_back_and_what_does_not(order: Order, signed_in: As) -> None:
    clerk, before = signed_in(Role.OPERATOR), StockLevel.objects.get(variant__sku="SKU-1").on_hand
    form = text(clerk, page_of(order))
    assert "SKU-1: goods came back, to stock" in form
    assert "2 of 2 refunded wait for a decision." in form

    said = clerk.post(page_of(order), told(order, 1, 1), follow=True).content.decode()

    assert "1 unit of #1050 put back to stock." in said
    assert "1 unit of #1050: nothing comes back." in said
    assert StockLevel.objects.get(variant__sku="SKU-1").on_hand == before + 1
    audited = AuditEvent.objects.get(action="order.goods_decided")
    assert (audited.object_id, audited.details) == (str(order.pk), {"back": 1, "nothing": 1})
    seen = text(clerk, address(order, "change"))
    assert "SKU-1 1 Put back to stock, Main warehouse" in seen
    assert "SKU-1 1 Nothing comes back" in seen


def test_a_form_sent_twice_decides_once(order: Order, boss: Client) -> None:
    form = told(order, 1)
    boss.post(page_of(order), form)

    again = boss.post(page_of(order), form).content.decode()

    assert "Look again before you decide more." in again
    assert StockMovement.objects.filter(kind="restock").count() == 1


def test_what_is_typed_stays_where_it_is_refused(order: Order, boss: Client) -> None:
    page = boss.post(page_of(order), told(order, 2, 1)).content.decode()

    assert "3 decided on, 2 wait for a decision." in page
    assert not GoodsDecision.objects.exists()


def test_the_goods_go_to_the_place_that_is_chosen(order: Order, store: Store, boss: Client) -> None:
    annex = Location.objects.create(merchant=store.merchant, code="annex", name="Annex")

    boss.post(page_of(order), told(order, 1, location=str(annex.pk)))

    assert StockLevel.objects.get(variant__sku="SKU-1", location=annex).on_hand == 1


def test_that_nothing_comes_back_is_taken_back_from_the_page(order: Order, signed_in: As) -> None:
    clerk = signed_in(Role.OPERATOR)
    clerk.post(page_of(order), told(order, nothing=2))
    made = GoodsDecision.objects.get()
    url = reverse("admin:orders_order_goods_undo", args=[order.pk, made.pk])
    assert url in clerk.get(address(order, "change")).content.decode()

    said = clerk.post(url, follow=True).content.decode()

    assert "2 units of #1050 may come back after all." in said
    assert offers(clerk, order)
    assert url not in clerk.get(address(order, "change")).content.decode()
    seen = text(clerk, address(order, "change"))
    assert "Nothing comes back (taken back by operator)" in seen


def test_a_decision_of_another_order_is_not_found(order: Order, boss: Client) -> None:
    (made,) = services.decide_goods(
        order, back={}, nothing={order.lines.get().pk: 1}, actor="user:anna"
    )
    other = Order.objects.get(number="1001")

    url = reverse("admin:orders_order_goods_undo", args=[other.pk, made.pk])

    assert boss.get(url).status_code == 404


# -- picking ------------------------------------------------------------------------------------


def test_picking_is_begun_and_undone_at_the_order(store: Store, signed_in: As) -> None:
    order, clerk = Order.objects.get(number="1001"), signed_in(Role.OPERATOR)
    url = address(order, "change")
    assert "Picking since" not in text(clerk, url)
    assert ("act/picking/" in _html(clerk, url), "act/picking-undo/" in _html(clerk, url)) == (
        True,
        False,
    )

    assert "waits for a person from now on" in press(clerk, "orders_order", order, "picking")
    assert "Picking since" in text(clerk, url)
    assert ("act/picking/" in _html(clerk, url), "act/picking-undo/" in _html(clerk, url)) == (
        False,
        True,
    )

    assert "is not being picked after all" in press(clerk, "orders_order", order, "picking-undo")
    order.refresh_from_db()
    assert order.picking_since is None
    actions = AuditEvent.objects.filter(object_id=str(order.pk)).values_list("action", flat=True)
    assert {"order.picking_begun", "order.picking_undone"} <= set(actions)


def test_a_viewer_says_nothing_of_picking(store: Store, signed_in: As) -> None:
    order, viewer = Order.objects.get(number="1001"), signed_in(Role.VIEWER)

    assert "act/picking" not in _html(viewer, address(order, "change"))
    url = reverse("admin:orders_order_act", args=[order.pk, "picking"])
    assert viewer.post(url).status_code == 403


def _html(client: Client, url: str) -> str:
    return client.get(url).content.decode()
