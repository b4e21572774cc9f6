"""What needs somebody: counted as it is shown, each sentence leads to exactly its rows, and what is
so on purpose stays quiet.
"""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.models import Command, ParkedRecord, Push, Store, StoreStatus
from inventory.models import Listing, StockLevel
from logix.accounts.models import AuditEvent, Role
from orders.models import Order
from orders.status import Flag
from tests.factories import NOW, make_merchant, make_store
from tests.integrations.admin.conftest import As
from tests.integrations.admin.test_acts import press
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db


def leads_to(page: str, words: str) -> str:
    """Where the sentence that holds ``words`` leads."""
    for address, said in re.findall(r'<a href="([^"]+)" class="block">(.*?)</a>', page, re.DOTALL):
        if words in unescape(said):
            return unescape(address)
    raise AssertionError(f"{words} leads nowhere")


def shown(client: Client, address: str) -> int:
    """How many rows the list at ``address`` has."""
    return client.get(address).context["cl"].result_count


def home(client: Client) -> str:
    return client.get("/admin/").content.decode()


def test_every_count_on_the_first_page_leads_to_exactly_its_rows(
    boss: Client, store: Store
) -> None:
    store.runs.update(state="failed", problem="No answer.", created_at=timezone.now())
    Listing.objects.filter(sku="SKU-1").update(variant=None, link_problem="duplicate_sku")
    StockLevel.objects.filter(variant__sku="SKU-2").update(on_hand=-3)
    Order.objects.filter(number="1001").update(import_state="needs_review")
    Push.objects.filter(listing__sku="SKU-3").update(
        state=Push.State.BLOCKED, problem_code="rejected", problem="The store refused it."
    )
    Command.objects.filter(key="k1").update(state=Command.State.REFUSED, problem="No.")
    Delivery.objects.filter(dedupe_key="d1").update(state=Delivery.State.PARKED)

    page = home(boss)

    for words, count in (
        ("3 runs failed", 3),
        ("1 listing not counted here", 1),
        ("Sold more often than there: 1 item.", 1),
        ("1 order to look at", 1),
        ("1 figure cannot be sent", 1),
        ("Refused or given up: 1 write.", 1),
        ("Set aside: 1 delivery.", 1),
        ("3 records could not be applied", 3),
        ("3 windows could not be read", 3),
    ):
        assert shown(boss, leads_to(page, words)) == count, words


def test_what_waits_because_writing_is_off_on_purpose_is_one_quiet_line(
    boss: Client, store: Store
) -> None:
    Push.objects.update(state=Push.State.BLOCKED, problem_code="writes_off", problem="Off.")

    page = home(boss)

    assert "cannot be sent until somebody acts" not in page
    words = f"figures are kept back: writing to {store} is off."
    assert f"{Push.objects.count()} {words}" in page
    assert leads_to(page, words) == reverse("admin:integrations_store_change", args=[store.pk])
    listed = reverse("admin:integrations_push_changelist")
    assert shown(boss, f"{listed}?look=off") == Push.objects.count()
    assert shown(boss, f"{listed}?look=blocked") == 0

    Store.objects.update(writes_enabled=True)
    assert "cannot be sent until somebody acts" in home(boss)


def test_figures_of_several_stores_without_writing_lead_to_those_stores(
    boss: Client, store: Store
) -> None:
    other = make_store(store.merchant, base_url="https://b.example", name="B")
    Push.objects.update(state=Push.State.BLOCKED, problem_code="writes_off", problem="Off.")
    Push.objects.filter(listing__sku="SKU-1").update(store=other)

    page = home(boss)

    address = leads_to(page, "writing to several stores is off")
    assert shown(boss, address) == 2


@pytest.mark.parametrize(
    ("columns", "needs_somebody"),
    [
        ({"order_status": "open", "import_state": "awaiting_mapping"}, True),
        ({"order_status": "completed", "import_state": "needs_review"}, False),
        ({"order_status": "cancelled", "import_state": "awaiting_mapping"}, False),
        ({"order_status": "completed", "import_state": "awaiting_mapping"}, True),
        (
            {
                "order_status": "completed",
                "import_state": "awaiting_mapping",
                "moves_stock": False,
            },
            False,
        ),
        ({"order_status": "completed", "import_state": "quarantined"}, True),
        ({"order_status": "completed", "flags": Flag.EDITED_AFTER_IMPORT}, True),
        ({"order_status": "cancelled", "flags": Flag.OVERSOLD}, False),
    ],
)
def test_an_order_that_is_over_needs_nobody_unless_something_is_open(
    boss: Client, store: Store, columns: dict[str, str], needs_somebody: bool
) -> None:
    Order.objects.filter(number="1001").update(**columns)

    assert ("1 order to look at" in home(boss)) == needs_somebody


def test_the_figures_of_the_first_page_lead_to_what_they_count(boss: Client, store: Store) -> None:
    Order.objects.filter(number="1002").update(fulfillment_status="fulfilled")
    Order.objects.filter(number="1003").update(placed_at=timezone.now() - timedelta(hours=1))
    page = home(boss)

    listed = reverse("admin:orders_order_changelist")
    for query, count in (("look=to-ship", 2), ("look=new", 1)):
        assert f'href="{listed}?{query}"' in page
        assert shown(boss, f"{listed}?{query}") == count


def test_the_lists_sentence_shows_its_rows(boss: Client, store: Store) -> None:
    StockLevel.objects.filter(variant__sku="SKU-2").update(on_hand=-3)
    listed = reverse("admin:inventory_stocklevel_changelist")

    page = boss.get(listed)

    assert 'href="?look=short"' in page.content.decode()
    first = page.context["cl"].result_list[0]
    assert first.variant.sku == "SKU-2", "what needs attention comes first"


def test_a_store_silent_for_long_is_found_by_its_sentence(boss: Client, store: Store) -> None:
    store.streams.update(next_at=NOW.replace(year=2020), every_s=120)
    page = home(boss)

    assert shown(boss, leads_to(page, "orders unread for 30 minutes")) == 1


def test_staff_without_a_role_are_told_who_gives_one(store: Store, signed_in: As) -> None:
    nobody = signed_in(None)

    for path in ("/admin/", reverse("admin:orders_order_changelist")):
        page = nobody.get(path).content.decode()
        assert "You have no role with any merchant yet" in page
        assert "No store is connected" not in page


@pytest.mark.usefixtures("store")
def test_the_form_of_a_user_says_where_roles_are_given(boss: Client) -> None:
    anna = User.objects.create_user("anna", is_staff=True)
    merchants = reverse("admin:accounts_merchant_changelist")

    for url in (reverse("admin:auth_user_add"), reverse("admin:auth_user_change", args=[anna.pk])):
        page = boss.get(url).content.decode()
        assert "a role with a merchant" in page
        assert f'href="{merchants}"' in page


# -- webhooks set aside ---------------------------------------------------------------------------


@pytest.fixture
def delivery(store: Store) -> Delivery:
    Delivery.objects.filter(dedupe_key="d1").update(
        state=Delivery.State.PARKED, problem="The body has no id at $.id. ($.id)"
    )
    return Delivery.objects.get(dedupe_key="d1")


def test_a_webhook_set_aside_is_put_away_with_a_reason_and_replaying_undoes_it(
    boss: Client, delivery: Delivery
) -> None:
    assert "Set aside: 1 delivery." in home(boss)
    assert "Say why" in press(boss, "webhooks_delivery", delivery, "dismiss")
    delivery.refresh_from_db()
    assert delivery.state == Delivery.State.PARKED

    page = press(boss, "webhooks_delivery", delivery, "dismiss", why="A maintenance page")

    assert "is put away. Replay it to undo that." in page
    delivery.refresh_from_db()
    assert (delivery.state, delivery.outcome) == (Delivery.State.IGNORED, "dismissed")
    assert "Set aside:" not in home(boss)
    event = AuditEvent.objects.get(action="delivery.dismissed")
    assert (event.actor, event.object_id, event.details) == (
        "boss",
        str(delivery.pk),
        {"reason": "A maintenance page"},
    )

    assert "is worked again." in press(boss, "webhooks_delivery", delivery, "replay")
    delivery.refresh_from_db()
    assert (delivery.state, delivery.outcome) == (Delivery.State.NEW, "")


def test_what_was_taken_up_meanwhile_is_not_claimed_to_be_put_away(
    boss: Client, delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhooks.inbox.dismiss", lambda *_, **__: False)

    page = press(boss, "webhooks_delivery", delivery, "dismiss", why="Old")

    assert "was left alone: it is no longer set aside." in page


def test_putting_a_webhook_away_takes_an_operator(
    store: Store, signed_in: As, delivery: Delivery
) -> None:
    url = reverse("admin:webhooks_delivery_act", args=[delivery.pk, "dismiss"])

    assert signed_in(Role.VIEWER).post(url, {"why": "x"}).status_code == 403
    assert signed_in(Role.OWNER, make_merchant("other")).post(url).status_code == 404
    assert signed_in(Role.OPERATOR).post(url, {"why": "x"}).status_code == 302


def test_records_are_parked_and_webhooks_set_aside_and_the_store_counts_both(
    boss: Client, store: Store, delivery: Delivery
) -> None:
    inbox = boss.get(reverse("admin:webhooks_delivery_changelist")).content.decode()
    assert "Set aside" in inbox
    assert ">Parked<" not in inbox
    assert inbox.count("$.id") == 1, "the place is named once"

    page = boss.get(reverse("admin:integrations_store_change", args=[store.pk])).content.decode()

    for label, address, filters in (
        ("Parked records", "integrations_parkedrecord", "state__exact=parked"),
        ("1 set aside", "webhooks_delivery", "state__exact=parked"),
    ):
        assert label in page
        listed = reverse(f"admin:{address}_changelist")
        query = f"store__id__exact={store.pk}&{filters}"
        assert f'href="{listed}?{query.replace("&", "&amp;")}"' in page
        assert shown(boss, f"{listed}?{query}") == (3 if "parked" in label.lower() else 1)
    assert "2 waiting" in page
    waiting = f"store__id__exact={store.pk}&state__in=new,busy"
    assert shown(boss, f"{reverse('admin:webhooks_delivery_changelist')}?{waiting}") == 2


def test_several_records_are_dismissed_with_one_reason(boss: Client, store: Store) -> None:
    url = reverse("admin:integrations_parkedrecord_changelist")
    rows = [str(pk) for pk in ParkedRecord.objects.values_list("pk", flat=True)]
    chosen = {"action": "dismiss", "_selected_action": rows, "confirmed": "yes"}

    assert "Say why in a few words." in boss.post(url, chosen).content.decode()
    assert ParkedRecord.objects.filter(state="parked").count() == 3

    boss.post(url, {**chosen, "why": "Test orders"})

    assert not ParkedRecord.objects.filter(state="parked").exists()
    reasons = AuditEvent.objects.filter(action="parked.dismissed").values_list("details", flat=True)
    assert list(reasons) == [{"reason": "Test orders"}] * 3


def test_a_disconnected_store_alarms_nobody(boss: Client, store: Store) -> None:
    Push.objects.update(state=Push.State.BLOCKED, problem_code="writes_off", problem="Off.")
    Store.objects.update(status=StoreStatus.DISCONNECTED)

    page = home(boss)

    assert "kept back" not in page
    assert "cannot be sent" not in page
