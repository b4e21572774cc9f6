"""The admin as somebody would try it who writes into a store, holds a role somewhere else, or makes
a person's browser ask for things.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from integrations.admin.base import HubAdmin
from integrations.base import Unreadable
from integrations.errors import Rejected
from integrations.models import (
    CallLog,
    Command,
    Endpoint,
    FieldRule,
    Push,
    Store,
    Stream,
    SyncGap,
    SyncRun,
)
from integrations.sync import park
from inventory.catalogue import import_products
from inventory.data import VariantData
from inventory.models import Listing, Location, Product, Variant
from logix.accounts.models import AuditEvent, Membership, Merchant, Role
from orders.data import Address, Authority, Buyer, ChargeData, ChargeKind
from orders.importing import import_orders
from orders.models import Order, OrderEvent
from tests.factories import NOW, make_line, make_merchant, make_order, make_product
from tests.integrations.admin.conftest import fill
from tests.integrations.admin.test_permissions import a_row, pages, url
from tests.integrations.api.client import kept_there
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db

# Each would run somewhere: in text, in an attribute, in a script, in a template language.
EVIL = "<img src=x onerror=pwn()>\"'><script>pwn()</script>{{7*7}}${7*7}javascript:pwn()"


class Dangers(HTMLParser):
    """What of a page a browser would run that is not the page's own."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            told = (value or "").strip().casefold()
            if name.startswith("on") and "pwn" in told:
                self.found.append(f"<{tag} {name}={value}>")
            if name in {"href", "src", "action", "formaction"} and told.startswith("javascript:p"):
                self.found.append(f"<{tag} {name}={value}>")
            # Alpine evaluates these.
            if name.startswith(("x-", "@", ":")) and "pwn()" in told:
                self.found.append(f"<{tag} {name}={value}>")
            if tag == "img" and name == "src" and told == "x":
                self.found.append(f"<{tag} {name}={value}>")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script" and "pwn()" in data:
            self.found.append(f"<script>{data[:80]}")


def dangers(html: str) -> list[str]:
    parser = Dangers()
    parser.feed(html)
    return parser.found


def sign_in(role: Role | None, merchant: Merchant | None = None) -> Client:
    user = User.objects.create_user(f"{role}", is_staff=True, is_superuser=role is None)
    if merchant is not None:
        Membership.objects.create(merchant=merchant, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def evil(store: Store) -> Store:
    """A store that puts its code wherever it may write."""
    fill(store, 1)
    Store.objects.filter(pk=store.pk).update(
        name=EVIL[:110], status_reason=EVIL, version=EVIL[:40], timezone="UTC"
    )
    product = make_product(
        7, title=EVIL, variants=(VariantData(external_id="p7", sku=EVIL[:100], stock=3),)
    )
    import_products(store, [product], observed_at=NOW, now=NOW, adopt_stock=True)
    order = replace(
        make_order(7),
        number=EVIL[:60],
        lines=(make_line(7, sku=EVIL[:100], name=EVIL),),
        buyer=Buyer(
            name=EVIL,
            email=EVIL,
            note=EVIL,
            shipping=Address(name=EVIL, line1=EVIL, city=EVIL, region=EVIL, country="DE"),
        ),
        charges=(ChargeData(kind=ChargeKind.SHIPPING, title=EVIL, amount=make_order().tax_total),),
    )
    import_orders(store, [order], authority=Authority.BY_ID, observed_at=NOW, now=NOW)
    park(store, stream="orders", unreadable=Unreadable(external_id=EVIL[:120], reason=EVIL))
    for model, changes in (
        (Order, {"import_problem": EVIL, "raw_status": EVIL[:60], "ship_city": EVIL[:110]}),
        (OrderEvent, {"title": EVIL, "actor": EVIL[:140]}),
        (Command, {"problem": EVIL, "problem_code": EVIL[:60], "state": "parked"}),
        (
            Delivery,
            {"topic": EVIL[:80], "problem": EVIL, "resource_id": EVIL, "outcome": EVIL[:40]},
        ),
        (Endpoint, {"problem": EVIL}),
        (Stream, {"last_error": EVIL}),
        (SyncRun, {"problem": EVIL, "requested_by": EVIL[:140]}),
        (SyncGap, {"reason": EVIL}),
        (CallLog, {"route": EVIL, "error": EVIL[:60]}),
        (Product, {"title": EVIL}),
        (Variant, {"title": EVIL}),
        (Listing, {"title": EVIL, "raw_status": EVIL[:40]}),
        (Location, {"name": EVIL[:110]}),
        (FieldRule, {"path": EVIL[:250], "target": f"custom.{EVIL[:90]}"}),
    ):
        model.objects.update(
            **{n: v[: model._meta.get_field(n).max_length] for n, v in changes.items()}
        )  # type: ignore[attr-defined]
    listing = Listing.objects.first()
    Push.objects.update_or_create(
        store=store, listing=listing, defaults={"problem": EVIL, "state": "blocked"}
    )
    return Store.objects.get(pk=store.pk)


def test_what_a_store_says_is_text_on_every_page(evil: Store) -> None:
    boss = sign_in(None)
    seen = 0

    for page in pages():
        listing = boss.get(url(page, "changelist")).content.decode()
        assert dangers(listing) == [], page
        for row in page.model._default_manager.all()[:4]:
            addresses = [url(page, "change", row.pk)]
            addresses += [url(page, "act", row.pk, act.verb) for act in page.acts]
            for address in addresses:
                html = boss.get(address).content.decode()
                assert dangers(html) == [], address
                seen += "pwn()" in html
    assert dangers(boss.get("/admin/").content.decode()) == []
    assert seen > 20, "the pages did not show the code at all"


def test_what_a_store_says_is_text_in_a_message_too(
    evil: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_args: Any, **_options: Any) -> Any:
        raise Rejected(EVIL)

    monkeypatch.setattr("integrations.connect.test_connection", refuses)
    boss = sign_in(None)

    answer = boss.post(reverse("admin:integrations_store_act", args=[evil.pk, "test"]), follow=True)

    assert "pwn()" in answer.content.decode()
    assert dangers(answer.content.decode()) == []


def test_what_a_person_is_sent_in_a_link_is_text_too(evil: Store) -> None:
    boss = sign_in(None)

    for page in pages():
        query = {"q": EVIL, "_changelist_filters": EVIL, "o": EVIL}
        answer = boss.get(url(page, "changelist"), query, follow=True)
        assert dangers(answer.content.decode()) == [], page
        answer = boss.get(url(page, "change", EVIL), follow=True)
        assert dangers(answer.content.decode()) == [], page


def addresses(row: Any, page: HubAdmin) -> list[str]:
    """Every address the admin knows for a page and a row of it."""
    return [
        reverse(f"admin:{pattern.name}", args=_args(pattern, row, page))
        for pattern in _patterns(page.get_urls())
        if pattern.name
    ]


def _args(pattern: URLPattern, row: Any, page: HubAdmin) -> list[Any]:
    names = re.findall(r"<(?:\w+:)?(\w+)>", str(pattern.pattern))
    given = {"object_id": row.pk, "verb": page.acts[0].verb if page.acts else "none"}
    return [given.get(name, row.pk) for name in names]


def _patterns(found: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for entry in found:
        if isinstance(entry, URLResolver):
            yield from _patterns(entry.url_patterns)
        else:
            yield entry


def everything() -> dict[str, list[Any]]:
    """All rows of all tables, but for what signing in writes."""
    with connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor)) - {"django_session", "auth_user"}
        found = {}
        for table in sorted(tables):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608
            found[table] = sorted(map(repr, cursor.fetchall()))
        return found


def test_looking_changes_nothing_whatever_the_address(store: Store) -> None:
    fill(store, 1)
    kept_there(store, 99)
    owner = sign_in(Role.OWNER, store.merchant)
    before = everything()

    for page in pages():
        for address in addresses(a_row(page), page):
            owner.get(address, {"confirmed": "yes", "post": "yes", "_save": "1"})

    after = everything()
    changed = [table for table in before if before[table] != after[table]]
    assert set(changed) <= {"accounts_auditevent"}
    # That a person looked at a buyer is itself worth a note.
    noted = AuditEvent.objects.filter(actor__startswith=str(Role.OWNER))
    assert all(event.action.endswith("_seen") for event in noted)


def test_every_address_that_writes_demands_the_forms_own_token(store: Store) -> None:
    fill(store, 1)
    kept_there(store, 99)
    user = User.objects.create_superuser("boss")
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(user)
    before = everything()

    for page in pages():
        for address in addresses(a_row(page), page):
            answer = forged.post(address, {"_save": "1", "post": "yes", "confirmed": "yes"})
            assert answer.status_code in {403, 302}, (address, answer.status_code)
            if answer.status_code == 302:
                assert answer["Location"].startswith("/admin/"), address

    assert everything() == before


def test_no_address_shows_or_changes_a_row_of_another_merchant(store: Store) -> None:
    fill(store, 1)
    kept_there(store, 99)
    marker = "zzz-not-for-strangers"
    Store.objects.filter(pk=store.pk).update(name=marker)
    Merchant.objects.filter(pk=store.merchant.pk).update(name=marker)
    Order.objects.update(number=marker)
    stranger = sign_in(Role.OWNER, make_merchant("other"))
    before = everything()

    for page in pages():
        row = page.model._default_manager.filter(**{page.merchant_path: store.merchant.pk}).first()
        for address in addresses(row, page):
            for query in ({}, {"_to_field": "id", "_popup": "1"}):
                answer = stranger.get(address, query)
                assert marker not in answer.content.decode(), (address, query)
            stranger.post(address, {"_save": "1", "name": "taken", "post": "yes"})
            stranger.post(
                address, {"action": address, "_selected_action": str(row.pk), "confirmed": "yes"}
            )

    assert everything() == before


def test_choices_are_offered_from_ones_own_rows_only(store: Store) -> None:
    fill(store, 1)
    kept_there(store, 99)
    Store.objects.filter(pk=store.pk).update(name="zzz-not-for-strangers")
    stranger = sign_in(Role.OWNER, make_merchant("other"))

    for page in pages():
        for field in page.model._meta.get_fields():
            if field.many_to_one and field.related_model in admin.site._registry:
                asked = {
                    "app_label": page.opts.app_label,
                    "model_name": page.opts.model_name,
                    "field_name": field.name,
                    "term": "",
                }
                answer = stranger.get(reverse("admin:autocomplete"), asked)
                assert "zzz-not-for-strangers" not in answer.content.decode(), asked


def test_a_list_cannot_be_asked_for_what_lies_behind_other_tables(store: Store) -> None:
    """Filters in an address would let a viewer guess passwords and seals letter by letter."""
    fill(store, 1)
    kept_there(store, 99)
    viewer = sign_in(Role.VIEWER, store.merchant)

    for query in (
        "merchant__memberships__user__password__startswith",
        "store__data_key__wrapped__startswith",
        "store__credentials__fingerprint",
        "endpoint__token_digest__startswith",
        "created_by__password__startswith",
    ):
        for page in pages():
            answer = viewer.get(url(page, "changelist"), {query: "a"})
            assert answer.status_code in {302, 400}, (page, query)


def test_the_root_of_the_admin_offers_no_page_that_takes_no_login() -> None:
    open_to_all = {"admin:login", "admin:logout", "admin:jsi18n"}
    stranger = Client()

    for pattern in _patterns(get_resolver("logix.urls").url_patterns):
        if pattern.name and "admin" in str(getattr(pattern.callback, "__module__", "")):
            with suppress(NoReverseMatch):  # needs arguments: the pages of rows are tried above
                address = reverse(f"admin:{pattern.name}")
                if f"admin:{pattern.name}" not in open_to_all:
                    assert stranger.get(address).status_code in {302, 403, 404}, address
