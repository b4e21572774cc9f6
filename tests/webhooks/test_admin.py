"""The inbox's pages: one's own merchants only, no statement per row, bodies masked, replay."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.models import Store, StoreStatus
from logix.accounts.models import AuditEvent, Membership, Role
from tests.factories import make_merchant, make_store
from tests.webhooks.conftest import Keep, make_endpoint, state, told
from webhooks import inbox, masking
from webhooks.models import Delivery

State = Delivery.State
LIST = "/admin/webhooks/delivery/"


@pytest.fixture
def staff(store: Store, client: Client) -> Client:
    """Signed in as an operator of the store's merchant."""
    user = get_user_model().objects.create_user("otto", is_staff=True)
    Membership.objects.create(merchant=store.merchant, user=user, role=Role.OPERATOR)
    client.force_login(user)
    return client


def page(client: Client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


def test_the_list_shows_what_became_of_each_and_only_ones_own(keep: Keep, staff: Client) -> None:
    other = make_store(
        make_merchant("other"), platform="toy", base_url="https://o.example", name="Foreign shop"
    )
    foreign = keep("order.secret", to=make_endpoint(other, token="o"), **told(99))
    keep("order.created", **told())
    inbox.process_ready()

    html = page(staff, LIST)

    assert "order.created" in html
    assert "Applied" in html
    assert "Everything that came has been worked." in html
    assert "order.secret" not in html
    assert "Foreign shop" not in html
    assert staff.get(f"{LIST}{foreign.pk}/change/").status_code in (302, 404)


def test_the_list_costs_the_same_for_one_row_and_for_fifty(
    keep: Keep, staff: Client, client: Client
) -> None:
    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            page(staff, LIST)
        return len(captured)

    keep(**told(0))
    one = statements()
    for number in range(1, 50):
        keep(**told(number))

    assert statements() == one
    assert one <= 20


def test_the_banner_says_what_is_wrong(keep: Keep, staff: Client) -> None:
    rows = [keep(**told(number)) for number in range(3)]
    Delivery.objects.filter(pk=rows[0].pk).update(next_at=timezone.now() - timedelta(minutes=5))
    Delivery.objects.filter(pk=rows[1].pk).update(state=State.PARKED)
    Delivery.objects.filter(pk=rows[2].pk).update(next_at=timezone.now() + timedelta(hours=1))

    html = page(staff, LIST)
    assert "has waited 5 minutes. Is a worker running?" in html
    assert "Set aside: 1 delivery." in html
    assert "tried again without you: 1 delivery." in html

    Store.objects.update(status=StoreStatus.PAUSED)
    assert "Waiting for a store that is not active: 2 deliveries." in page(staff, LIST)


def test_the_detail_masks_the_body_unless_one_may_see_buyers(
    keep: Keep, staff: Client, admin_client: Client
) -> None:
    delivery = keep(**told(), billing={"first_name": "Zoë", "phone": 491234}, total="28.75")
    inbox.process_ready()
    path = f"{LIST}{delivery.pk}/change/"

    masked = page(staff, path)
    assert "28.75" in masked
    assert "Zoë" not in masked
    assert "491234" not in masked
    assert not AuditEvent.objects.filter(action="delivery.body_seen").exists()

    assert "Zoë" in page(admin_client, path)
    assert AuditEvent.objects.get(action="delivery.body_seen").object_id == str(delivery.pk)


def test_the_detail_of_an_expired_or_broken_body_says_so(keep: Keep, staff: Client) -> None:
    delivery = keep(**told())
    path = f"{LIST}{delivery.pk}/change/"
    Delivery.objects.update(body_sealed=b"\x01" + b"x" * 40)
    assert "altered, or moved from another row" in page(staff, path)

    Delivery.objects.update(body_sealed=None)
    assert "Expired." in page(staff, path)


def test_history_cannot_be_written_by_hand(keep: Keep, staff: Client, admin_client: Client) -> None:
    delivery = keep(**told())
    for path in (f"{LIST}add/", f"{LIST}{delivery.pk}/delete/"):
        assert admin_client.get(path).status_code == 403
    assert admin_client.post(f"{LIST}{delivery.pk}/change/", {"topic": "x"}).status_code == 403


def test_replay_from_the_list_and_from_the_page(keep: Keep, staff: Client) -> None:
    rows = [keep(**told(number)) for number in range(2)]
    inbox.process_ready()
    chosen = [str(row.pk) for row in rows]

    response = staff.post(LIST, {"action": "replay", "_selected_action": chosen}, follow=True)
    assert "is worked again." in response.content.decode()
    assert {state(row)[0] for row in rows} == {State.NEW}

    inbox.process_ready()
    staff.post(f"{LIST}{rows[0].pk}/act/replay/")
    assert [state(row)[0] for row in rows] == [State.NEW, State.DONE]
    Delivery.objects.update(state=State.DONE, body_sealed=None)
    response = staff.post(f"{LIST}{rows[0].pk}/act/replay/", follow=True)
    assert "its body has expired" in response.content.decode()


def test_a_viewer_may_look_and_not_replay(keep: Keep, store: Store, client: Client) -> None:
    user = get_user_model().objects.create_user("vera", is_staff=True)
    Membership.objects.create(merchant=store.merchant, user=user, role=Role.VIEWER)
    client.force_login(user)
    delivery = keep(**told())
    inbox.process_ready()

    page(client, f"{LIST}{delivery.pk}/change/")
    assert client.post(f"{LIST}{delivery.pk}/act/replay/").status_code == 403


X = masking.MASK
MASKED: list[tuple[Any, Any]] = [
    ({"first_name": "Zoë", "status": "paid"}, {"first_name": X, "status": "paid"}),
    ({"meta_data": [{"key": "_vat", "value": "DE1"}]}, {"meta_data": [{"key": X, "value": X}]}),
    ({"id": 7, "product_id": "a-1"}, {"id": 7, "product_id": "a-1"}),
    ({"id": "Zoë Žižek", "customer_id": "a@b.example"}, {"id": X, "customer_id": X}),
    ({"phone": 4912, "postcode": 50667, "quantity": 2}, {"phone": X, "postcode": X, "quantity": 2}),
    ({"paid": True, "note": None, "empty": ""}, {"paid": True, "note": None, "empty": ""}),
    ({"cart_tax": "1.90", "date_paid": "2026"}, {"cart_tax": "1.90", "date_paid": "2026"}),
]


@pytest.mark.parametrize(("told", "shown"), MASKED)
def test_masking_leaves_figures_and_hides_words(told: Any, shown: Any) -> None:
    assert json.loads(masking.readable(json.dumps(told).encode(), whole=False)) == shown
    assert json.loads(masking.readable(json.dumps(told).encode(), whole=True)) == told


def test_a_body_that_is_not_json_is_hidden_or_shown_as_text() -> None:
    assert masking.readable(b"name=Zo\xc3\xab&\xff", whole=False) == "Not JSON; hidden."
    assert (
        masking.readable(b"name=Zo\xc3\xab&\xff", whole=True)
        == "name=Zoë&\N{REPLACEMENT CHARACTER}"
    )
