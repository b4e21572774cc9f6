"""Stock rules by hand: each for one thing, and the page says which of them holds."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Push, Store
from integrations.outbox import brake
from inventory import ruling
from inventory.models import Listing, StockRule, Variant
from logix.accounts.models import AuditEvent, Role
from tests.factories import make_merchant, make_store
from tests.integrations.admin.conftest import As, fill, listed, text, words
from tests.integrations.admin.test_by_hand import address

pytestmark = pytest.mark.django_db

ADD = reverse("admin:inventory_stockrule_add")
NOTHING = {"buffer": 0, "percent": 100, "end_when": 0}


@pytest.fixture
def shop(store: Store) -> Store:
    """The store without the rule that came with it, its listings of known categories."""
    StockRule.objects.all().delete()
    Listing.objects.filter(sku="SKU-1").update(categories=["Mugs", "Kitchen"])
    Push.objects.all().delete()
    return store


def add(client: Client, shop: Store, query: str = "", **fields: Any) -> str:
    whose = {"merchant": shop.merchant_id, "store": shop.pk, **NOTHING}
    return words(client.post(f"{ADD}{query}", {**whose, **fields}, follow=True))


def told() -> set[str]:
    found = set(Push.objects.values_list("listing__sku", flat=True))
    Push.objects.all().delete()
    return found


def test_a_rule_is_made_for_each_scope_and_tells_what_it_holds_for(
    boss: Client, shop: Store
) -> None:
    listing, variant = Listing.objects.get(sku="SKU-2"), Variant.objects.get(sku="SKU-1")
    everything = {"SKU-1", "SKU-2", "SKU-3"}

    add(boss, shop, store="", buffer=1)
    assert told() == everything
    add(boss, shop, buffer=2)
    assert told() == everything
    add(boss, shop, category=" Mugs ", max_listed=3)
    assert told() == everything, "categories are told apart when figures are computed"
    add(boss, shop, sku="sku-1", always=50)
    assert told() == {"SKU-1"}
    add(boss, shop, f"?listing={listing.pk}", listing=listing.pk, buffer=4)
    assert told() == {"SKU-2"}

    columns = ("store", "listing", "variant", "category", "buffer", "max_listed", "always")
    nothing = (None, None, None, "")
    assert list(StockRule.objects.order_by("pk").values_list(*columns)) == [
        (*nothing, 1, None, None),
        (shop.pk, *nothing[1:], 2, None, None),
        (shop.pk, None, None, "Mugs", 0, 3, None),
        (shop.pk, None, variant.pk, "", 0, None, 50),
        (shop.pk, listing.pk, None, "", 4, None, None),
    ]
    said = AuditEvent.objects.filter(action="stockrule.added")
    assert {event.actor for event in said} == {"boss"}
    assert said.count() == 5
    page = listed(boss, "inventory_stockrule")
    for sentence in (
        "All stores of Acme",
        "Example shop · Acme · shop.example: the SKU SKU-1",
        "Example shop · Acme · shop.example: the category “Mugs”",
        "Example shop · Acme · shop.example: the listing SKU-2",
        "always 50",
        "what is free less 2 kept back",
        "all that is free, at most 3",
    ):
        assert sentence in page, sentence


def test_the_page_teaches_which_rule_holds(boss: Client, shop: Store) -> None:
    rule = StockRule.objects.create(merchant=shop.merchant, store=shop)
    listing = Listing.objects.get(sku="SKU-1")

    for url in (ADD, address(rule, "change"), f"{ADD}?listing={listing.pk}"):
        assert "the narrowest alone holds" in text(boss, url), url
    assert "For the listing SKU-1 in Example shop." in text(boss, f"{ADD}?listing={listing.pk}")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"sku": "SKU-1", "category": "Mugs"}, "A rule is for one thing: a SKU or a category."),
        ({"sku": "SKU-404"}, "There is no product with the SKU SKU-404."),
        ({"sku": "SKU-1", "store": ""}, "Say in which store."),
        ({"category": "Mugs", "store": ""}, "Say in which store."),
        ({"percent": 101}, "A share is from 0 to 100 percent."),
        ({"buffer": -1}, "greater than or equal to 0"),
        ({"buffer": 99999999999999}, "less than or equal to 100000000"),
        ({"max_listed": 100_000_001}, "less than or equal to 100000000"),
        ({"end_when": 100_000_001}, "less than or equal to 100000000"),
        ({"always": 100_000_001}, "less than or equal to 100000000"),
        ({}, "There is a rule for Example shop already. Change that one instead."),
    ],
)
def test_a_rule_that_cannot_be_is_refused_in_words(
    boss: Client, shop: Store, fields: dict[str, Any], sentence: str
) -> None:
    StockRule.objects.create(merchant=shop.merchant, store=shop)

    page = add(boss, shop, **fields)

    assert sentence in page
    assert "Constraint" not in page
    assert StockRule.objects.count() == 1
    assert not Push.objects.exists()


def test_a_category_nobody_has_is_kept_and_told_of(boss: Client, shop: Store) -> None:
    page = add(boss, shop, category="Mug", buffer=1)

    assert (
        "Example shop has nothing in the category “Mug”, so the rule changes nothing now." in page
    )
    assert "Its categories: Kitchen, Mugs." in page
    assert StockRule.objects.get().category == "Mug"
    assert "has nothing in the category" not in add(boss, shop, category="Mugs")


def test_a_rule_that_somebody_else_made_meanwhile_is_refused_in_words(
    boss: Client, shop: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    StockRule.objects.create(merchant=shop.merchant, store=shop, buffer=7)
    seen = [StockRule.objects.none(), StockRule.objects.all()]
    monkeypatch.setattr(ruling, "alike", lambda _: seen.pop(0))

    page = add(boss, shop, buffer=1)

    assert "There is a rule for Example shop already. Change that one instead." in page
    assert StockRule.objects.get().buffer == 7


def test_a_rule_is_changed_and_deleted_and_stores_are_told(boss: Client, shop: Store) -> None:
    variant = Variant.objects.get(sku="SKU-1")
    rule = StockRule.objects.create(merchant=shop.merchant, store=shop, variant=variant)

    boss.post(address(rule, "change"), {**NOTHING, "buffer": 5, "always": ""})
    assert told() == {"SKU-1"}
    assert StockRule.objects.get().buffer == 5
    boss.post(address(rule, "change"), {**NOTHING, "buffer": 5, "always": ""})
    assert told() == set(), "nothing was changed"
    boss.post(address(rule, "delete"), {"post": "yes"})

    assert told() == {"SKU-1"}
    assert not StockRule.objects.exists()
    said = [event.action for event in AuditEvent.objects.filter(action__startswith="stockrule")]
    assert sorted(said) == ["stockrule.changed", "stockrule.deleted"]


def test_a_rule_is_tried_before_it_is_kept(boss: Client, shop: Store) -> None:
    page = add(boss, shop, buffer=4, try_first="on")

    assert "Of 3 listings, 3 would be told another figure, 0 of them 0." in page
    assert "turn “Try first” off to keep the rule" in page
    assert not StockRule.objects.exists()
    assert told() == set()
    add(boss, shop, buffer=4)
    rule = StockRule.objects.get()
    told()
    changed = {**NOTHING, "buffer": 4, "percent": 0, "try_first": "on"}
    page = words(boss.post(address(rule, "change"), changed, follow=True))

    assert "3 would be told another figure, 3 of them 0." in page
    rule.refresh_from_db()
    assert (rule.percent, told()) == (100, set())


def test_a_rule_that_sells_much_out_is_asked_about_once(
    boss: Client, shop: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(brake, "MOST", 2)
    question = "Of 3 listings, 3 would be told another figure and 3 would show 0: 3 of Example shop"
    assert 'type="hidden" name="confirm"' in boss.get(ADD).content.decode()

    page = boss.post(ADD, {"merchant": shop.merchant_id, "store": shop.pk, **NOTHING, "percent": 0})

    assert question in words(page)
    assert 'type="checkbox" name="confirm"' in page.content.decode()
    assert not StockRule.objects.exists()
    assert told() == set()
    page = add(boss, shop, percent=0, confirm="on")
    assert question not in page
    rule = StockRule.objects.get()
    assert told() == {"SKU-1", "SKU-2", "SKU-3"}

    boss.post(address(rule, "change"), {**NOTHING, "percent": 100})
    told()
    page = words(boss.post(address(rule, "change"), {**NOTHING, "buffer": 99}, follow=True))
    assert question in page
    rule.refresh_from_db()
    assert (rule.buffer, told()) == (0, set())
    StockRule.objects.create(merchant=shop.merchant, percent=0)
    assert question in text(boss, address(rule, "delete"))
    assert told() == set()


def test_a_change_of_a_rule_is_put_back_from_the_audit_log(
    boss: Client, shop: Store, signed_in: As
) -> None:
    add(boss, shop, buffer=4)
    rule = StockRule.objects.get()
    boss.post(address(rule, "change"), {**NOTHING, "buffer": 1})
    log = f"{reverse('admin:accounts_auditevent_changelist')}?look=rules"
    assert log in listed_html(boss)
    assert "Changed a stock rule" in text(boss, log)
    event = AuditEvent.objects.get(action="stockrule.changed")
    undo = reverse("admin:accounts_auditevent_act", args=[event.pk, "put-back"])
    assert undo in boss.get(address(event, "change")).content.decode()

    asked = text(boss, undo)

    assert (
        "For Example shop: now what is free less 1 kept back, then what is free less 4 kept back. "
        "Of 3 listings, 3 would be told another figure, 0 of them 0." in asked
    )
    operator = signed_in(Role.OPERATOR)
    assert operator.post(undo).status_code == 403
    assert StockRule.objects.get().buffer == 1
    done = words(boss.post(undo, follow=True))

    assert "Put back, for Example shop: what is free less 4 kept back." in done
    assert StockRule.objects.get().buffer == 4
    again = words(boss.post(undo, follow=True))
    assert "Nothing to put back: the rule for Example shop is as it was before." in again
    added = AuditEvent.objects.get(action="stockrule.added")
    undo = reverse("admin:accounts_auditevent_act", args=[added.pk, "put-back"])
    assert "then no rule." in text(boss, undo)
    boss.post(undo)
    assert not StockRule.objects.exists()


def test_other_entries_of_the_log_cannot_be_put_back(boss: Client, shop: Store) -> None:
    listing = Listing.objects.get(sku="SKU-1")
    boss.post(address(listing, "change"), {"mode": "paused", "fixed_quantity": ""})
    event = AuditEvent.objects.get(action="listing.changed")

    assert "put-back" not in boss.get(address(event, "change")).content.decode()


def listed_html(client: Client) -> str:
    return client.get(reverse("admin:inventory_stockrule_changelist")).content.decode()


def test_a_listing_leads_to_its_rule_or_to_where_one_is_made(boss: Client, shop: Store) -> None:
    listing = Listing.objects.get(sku="SKU-1")
    page = address(listing, "change")
    assert f'href="{ADD}?listing={listing.pk}"' in boss.get(page).content.decode()

    rule = StockRule.objects.create(merchant=shop.merchant, store=shop, listing=listing)

    assert f'href="{address(rule, "change")}"' in boss.get(page).content.decode()
    assert f'href="{page}"' in boss.get(address(rule, "change")).content.decode()


def test_no_rule_is_made_for_somebody_elses_listing(shop: Store, signed_in: As) -> None:
    other = make_store(make_merchant("other"), base_url="https://other.example", name="Secret shop")
    fill(other, 1)
    StockRule.objects.all().delete()
    foreign = Listing.objects.get(store=other)
    owner, operator = signed_in(Role.OWNER), signed_in(Role.OPERATOR)
    query = f"?listing={foreign.pk}"

    assert "Secret shop" not in text(owner, f"{ADD}{query}")
    add(owner, shop, query, listing=foreign.pk, merchant=other.merchant_id, store=other.pk)

    assert not StockRule.objects.exists()
    mine = Listing.objects.get(store=shop, sku="SKU-1")
    assert operator.post(f"{ADD}?listing={mine.pk}", {"listing": mine.pk}).status_code == 403
    assert ADD not in operator.get(address(mine, "change")).content.decode()
