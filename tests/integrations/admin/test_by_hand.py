"""What people do by hand: put returns back, link listings, review, erase buyers, open stock."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from integrations.models import Push, RunState, Store, SyncRun
from inventory import links
from inventory.catalogue import import_products
from inventory.models import LinkProblem, Listing, StockLevel, StockMovement, Variant
from logix.accounts.models import AuditEvent, Membership, Role
from orders import services
from orders.models import Order
from orders.status import Flag
from tests.factories import NOW, make_merchant, make_product, make_store
from tests.integrations.admin.conftest import As, fill
from tests.integrations.admin.test_acts import press

pytestmark = pytest.mark.django_db

ROLES = (Role.VIEWER, Role.OPERATOR, Role.OWNER)


def address(row: Any, page: str) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=[row.pk])


def once(client: Client, url: str) -> str:
    """The name the form gives this return."""
    found = re.search(r'name="once" value="([0-9a-f-]{36})"', client.get(url).content.decode())
    assert found
    return found[1]


def level() -> StockLevel:
    return StockLevel.objects.get(variant__sku="SKU-1")


# -- returns ------------------------------------------------------------------------------------


def test_a_return_is_put_back_once_however_often_the_form_is_sent(
    boss: Client, store: Store
) -> None:
    before, url = level().on_hand, address(level(), "restock")
    order = Order.objects.get(number="1001")
    told = {"units": "2", "order": "#1001", "reason": "Unopened", "once": once(boss, url)}

    said = boss.post(url, told, follow=True).content.decode()
    boss.post(url, told)

    assert f"2 × SKU-1 put back: {before + 2} on hand." in said
    moved = StockMovement.objects.get(kind="restock")
    assert (moved.delta, moved.order_ref, moved.actor) == (2, order.pk, "user:boss")
    assert level().on_hand == before + 2
    audited = AuditEvent.objects.filter(action="stock.restocked").last()
    assert audited is not None
    assert audited.details == {"location": "main", "units": 2}


def test_units_are_held_back_called_damaged_and_written_off(boss: Client, store: Store) -> None:
    boss.post(address(level(), "count"), {"set_to": "9", "reason": "Count"})
    assert b"Write damaged off" not in boss.get(address(level(), "change")).content

    held = boss.post(address(level(), "hold"), {"set_to": "2", "reason": "Look"}, follow=True)
    boss.post(address(level(), "damage"), {"set_to": "3", "reason": "Wet"})
    assert b"Write damaged off" in boss.get(address(level(), "change")).content
    boss.post(address(level(), "write_off"), {"units": "1", "reason": "Thrown away"})

    assert "SKU-1: 2 held back." in held.content.decode()
    found = level()
    assert (found.on_hand, found.held, found.damaged) == (8, 2, 2)
    audited = AuditEvent.objects.filter(action="stock.written_off").last()
    assert audited is not None
    assert audited.details == {"location": "main", "units": 1, "reason": "Thrown away"}


def test_more_than_lies_there_is_not_held_back(boss: Client, store: Store) -> None:
    boss.post(address(level(), "count"), {"set_to": "1", "reason": "Count"})

    said = boss.post(address(level(), "hold"), {"set_to": "2", "reason": "Look"}).content.decode()

    assert "1 lie there" in said
    assert level().held == 0


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"units": "0"}, "greater than or equal to 1"),
        ({"units": "1", "order": "9999"}, "There is no order 9999."),
    ],
)
def test_a_return_that_cannot_be_is_refused_and_the_form_keeps_what_was_typed(
    boss: Client, store: Store, told: dict[str, str], why: str
) -> None:
    url = address(level(), "restock")

    page = boss.post(url, {"reason": "Unopened", "once": once(boss, url), **told}).content.decode()

    assert why in page
    assert 'value="Unopened"' in page
    assert not StockMovement.objects.filter(kind="restock").exists()


def test_an_order_of_another_merchant_is_not_found_by_its_number(
    boss: Client, store: Store
) -> None:
    foreign = make_store(make_merchant("other"), base_url="https://o.example")
    fill(foreign, 1, first=7)
    url = address(level(), "restock")

    page = boss.post(url, {"units": "1", "order": "1007", "once": once(boss, url)})

    assert "There is no order 1007." in page.content.decode()


# -- links --------------------------------------------------------------------------------------


def listing() -> Listing:
    return Listing.objects.get(sku="SKU-1")


def test_a_listing_is_linked_to_a_product_by_its_sku(boss: Client, store: Store) -> None:
    said = boss.post(address(listing(), "link"), {"sku": " sku-2 "}, follow=True)

    assert "is counted as SKU-2 from now on." in said.content.decode()
    assert listing().variant == Variant.objects.get(sku="SKU-2")
    assert AuditEvent.objects.get(action="listing.linked").actor == "boss"


@pytest.mark.parametrize(
    ("sku", "why"),
    [
        ("nothing", "There is no product with the SKU nothing."),
        ("   ", "This field is required."),
        ("SKU-1", "The listing is linked to SKU-1 already."),
    ],
)
def test_a_link_that_cannot_be_says_why(boss: Client, store: Store, sku: str, why: str) -> None:
    page = boss.post(address(listing(), "link"), {"sku": sku})

    assert why in page.content.decode()
    assert not AuditEvent.objects.filter(action="listing.linked").exists()


def test_a_sku_of_another_merchant_is_not_known(boss: Client, store: Store) -> None:
    fill(make_store(make_merchant("other"), base_url="https://o.example"), 1, first=7)

    page = boss.post(address(listing(), "link"), {"sku": "SKU-7"})

    assert "There is no product with the SKU SKU-7." in page.content.decode()


def test_unlinking_asks_first_and_settles_what_waited(boss: Client, store: Store) -> None:
    url = reverse("admin:inventory_listing_act", args=[listing().pk, "unlink"])
    assert "keeps the figure it shows" in boss.get(url).content.decode()
    assert listing().variant is not None

    assert "is no longer counted here" in press(boss, "inventory_listing", listing(), "unlink")

    assert listing().link_problem == LinkProblem.UNLINKED
    push = Push.objects.get(listing=listing())
    assert push.sent_version == push.want_version
    history = boss.get(address(listing(), "history"), follow=True).content.decode()
    assert "listing.unlinked" in history


def test_the_buttons_of_a_listing_follow_its_link(boss: Client, store: Store) -> None:
    page = boss.get(address(listing(), "change")).content.decode()
    assert "Link to another product" in page
    assert "Unlink" in page

    links.unlink(listing(), actor="user:anna")

    page = boss.get(address(listing(), "change")).content.decode()
    assert "Link to a product" in page
    assert "act/unlink" not in page


@pytest.mark.parametrize("role", ROLES)
def test_doing_by_hand_takes_an_operator(store: Store, signed_in: As, role: Role) -> None:
    client = signed_in(role)

    for row, name in ((level(), "restock"), (level(), "count"), (listing(), "link")):
        url = address(row, name)
        allowed = role != Role.VIEWER
        assert client.get(url).status_code == (200 if allowed else 403), url
        assert (url in client.get(address(row, "change")).content.decode()) == allowed, url


def test_a_stranger_reaches_no_form(store: Store, signed_in: As) -> None:
    client = signed_in(Role.OWNER, make_merchant("other"))

    for row, name in ((level(), "restock"), (listing(), "link")):
        assert client.get(address(row, name)).status_code == 404


# -- orders -------------------------------------------------------------------------------------


@pytest.fixture
def order(store: Store) -> Order:
    return Order.objects.get(number="1001")


def test_an_order_that_the_platform_ships_says_so_and_offers_no_parcel(
    boss: Client, order: Order
) -> None:
    listed = reverse("admin:orders_order_changelist") + "?look=to-ship"
    assert "Ship a parcel" in boss.get(address(order, "change")).content.decode()
    waiting = boss.get(listed).context["cl"].result_count

    Order.objects.filter(pk=order.pk).update(flags=Flag.PLATFORM_FULFILLED)

    page = boss.get(address(order, "change")).content.decode()
    assert "shipped by the platform from its own stock, never from here" in page
    assert "Ship a parcel" not in page
    assert "act/ship" not in page
    assert boss.get(listed).context["cl"].result_count == waiting - 1


def test_an_order_that_waits_for_a_review_offers_it_and_goes_on(boss: Client, order: Order) -> None:
    assert "act/review" not in boss.get(address(order, "change")).content.decode()
    Order.objects.filter(pk=order.pk).update(flags=Flag.EDITED_AFTER_IMPORT)
    assert "act/review" in boss.get(address(order, "change")).content.decode()

    assert "is reviewed; it goes on." in press(boss, "orders_order", order, "review")

    order.refresh_from_db()
    assert order.flags == ""
    assert AuditEvent.objects.get(action="order.reviewed").object_id == str(order.pk)


def test_erasing_a_buyer_asks_first_and_takes_an_owner(
    store: Store, signed_in: As, order: Order
) -> None:
    url = reverse("admin:orders_order_act", args=[order.pk, "erase"])
    operator, owner = signed_in(Role.OPERATOR), signed_in(Role.OWNER)
    assert operator.post(url).status_code == 403
    assert "This cannot be taken back." in owner.get(url).content.decode()
    assert Order.objects.get(pk=order.pk).erased_at is None

    said = owner.post(url, follow=True).content.decode()

    assert "The buyer of order #1001 is erased." in said
    assert "Erased. The timeline says why." in said
    assert services.buyer_of(Order.objects.get(pk=order.pk)) is None
    assert "act/erase" not in owner.get(address(order, "change")).content.decode()


def test_a_buyer_that_never_came_in_is_not_said_to_be_in_the_timeline(
    boss: Client, order: Order
) -> None:
    Order.objects.filter(pk=order.pk).update(erased_at=NOW, buyer_sealed=None)

    said = boss.get(address(order, "change")).content.decode()

    assert "Never kept: the order came in when" in said
    assert "The timeline says why." not in said


def test_a_write_to_a_store_leaves_its_audit_row(boss: Client, order: Order) -> None:
    for verb, action in (("ship", "order.shipped"), ("complete", "order.status_requested")):
        press(boss, "orders_order", order, verb)

        assert AuditEvent.objects.get(action=action).object_id == str(order.pk)


# -- who sees buyers ----------------------------------------------------------------------------


def shown(client: Client, order: Order) -> bool:
    page = client.get(address(order, "change")).content.decode()
    assert ("Zoë" in page) == ("zoe@buyers.example" in page) == ("Hidden" not in page)
    return "Zoë" in page


@pytest.mark.parametrize("role", ROLES)
def test_a_buyer_is_masked_for_all_but_owners(
    store: Store, signed_in: As, order: Order, role: Role
) -> None:
    assert shown(signed_in(role), order) == (role == Role.OWNER)
    assert AuditEvent.objects.filter(action="order.buyer_seen").count() == (role == Role.OWNER)


def test_a_viewer_who_was_given_the_right_sees_buyers_of_own_merchants_only(
    store: Store, signed_in: As, order: Order
) -> None:
    client = signed_in(Role.VIEWER)
    member = Membership.objects.get()
    member.user.user_permissions.add(Permission.objects.get(codename="view_pii"))
    assert shown(client, order)

    fill(make_store(make_merchant("other"), base_url="https://o.example"), 1, first=7)
    foreign = Order.objects.get(number="1007")
    assert client.get(address(foreign, "change")).status_code == 302


def test_who_may_not_see_buyers_does_not_find_them_by_searching(
    store: Store, signed_in: As
) -> None:
    def finds(client: Client, words: str) -> bool:
        page = client.get(reverse("admin:orders_order_changelist"), {"q": words})
        return "#1001" in page.content.decode()

    viewer, owner = signed_in(Role.VIEWER), signed_in(Role.OWNER)

    for words in ("zoe@buyers.example", "+49 221 1234"):
        assert finds(owner, words)
        assert not finds(viewer, words)
    assert finds(viewer, "1001")


def test_what_leads_to_a_buyer_is_masked_with_them(
    store: Store, signed_in: As, order: Order
) -> None:
    order.payments.update(reference="ch_4711")
    order.refunds.create(external_id="r1", amount=1, reason="Zoé called")

    for role in (Role.VIEWER, Role.OWNER):
        page = signed_in(role).get(address(order, "change")).content.decode()
        assert ("ch_4711" in page) == ("Zoé called" in page) == (role == Role.OWNER)


# -- stock that stayed closed -------------------------------------------------------------------


def test_stock_left_closed_by_a_cancelled_reading_is_opened_on_a_persons_word(
    boss: Client, store: Store
) -> None:
    new = make_store(store.merchant, base_url="https://new.example")
    products = [make_product(number, stock=4) for number in (8, 9)]
    import_products(new, products, observed_at=NOW, now=NOW)
    assert "act/open-stock" not in boss.get(address(new, "change")).content.decode()
    SyncRun.objects.create(
        store=new,
        stream=new.streams.get(name="orders"),
        kind="backfill",
        state=RunState.CANCELLED,
    )
    assert "act/open-stock" in boss.get(address(new, "change")).content.decode()

    said = press(boss, "integrations_store", new, "open-stock")

    assert "is open: 2 items counted by its figures." in said
    assert StockLevel.objects.get(variant__sku="SKU-8").on_hand == 4
    assert AuditEvent.objects.get(action="stock.opened").details == {"items": 2}
    assert "act/open-stock" not in boss.get(address(new, "change")).content.decode()
