"""Who may see and press what: every page, every act, for each role and for a stranger."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from integrations.admin.acts import Act, ActsMixin
from integrations.admin.base import HubAdmin
from integrations.models import FieldRule, Store, StoreStatus
from inventory.models import Location, StockLevel
from logix.accounts import tokens
from logix.accounts.models import ApiToken, Merchant, Role
from tests.factories import make_merchant, make_store
from tests.integrations.admin.conftest import As, fill
from tests.integrations.api.client import kept_there

pytestmark = pytest.mark.django_db

ROLES = (Role.VIEWER, Role.OPERATOR, Role.OWNER)


@pytest.fixture(autouse=True)
def elsewhere(store: Store) -> None:
    """Units that a platform keeps, which the other pages' tests can do without."""
    kept_there(store, 99)


def pages() -> list[HubAdmin]:
    return [page for page in admin.site._registry.values() if isinstance(page, HubAdmin)]


def acts() -> list[tuple[HubAdmin, Act]]:
    return [(page, act) for page in pages() for act in page.acts]


def url(page: HubAdmin, name: str, *args: Any) -> str:
    return reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_{name}", args=args)


def a_row(page: HubAdmin) -> Any:
    return page.model._default_manager.order_by("pk").first()


def too_low(role: Role, needed: Role) -> bool:
    return ROLES.index(role) < ROLES.index(needed)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_an_act_above_ones_role_is_refused_and_not_offered(
    store: Store, signed_in: As, role: Role
) -> None:
    client = signed_in(role)
    above = [(page, act) for page, act in acts() if too_low(role, act.role)]
    assert len(above) >= 4

    for page, act in above:
        row = a_row(page)
        address = url(page, "act", row.pk, act.verb)
        assert address not in client.get(url(page, "change", row.pk)).content.decode(), address
        assert client.get(address).status_code == 403, address
        assert client.post(address).status_code == 403, address


def test_a_stranger_sees_no_row_and_reaches_none(store: Store, signed_in: As) -> None:
    client = signed_in(Role.OWNER, make_merchant("other"))

    for page in pages():
        row = page.model._default_manager.filter(**{page.merchant_path: store.merchant.pk})[0]
        listing = client.get(url(page, "changelist")).content.decode()
        assert url(page, "change", row.pk) not in listing, page
        assert client.get(url(page, "change", row.pk)).status_code == 302, "as if it did not exist"
        assert client.get(url(page, "history", row.pk)).status_code == 404, page
        for act in page.acts:
            assert client.post(url(page, "act", row.pk, act.verb)).status_code == 404, page


def test_filters_name_nobody_elses_stores_merchants_or_places(store: Store, signed_in: As) -> None:
    other = make_merchant("zzz-secret-merchant")
    foreign = make_store(other, base_url="https://zzz.example", name="zzz-secret-store")
    fill(foreign, 1)
    Location.objects.filter(merchant=other).update(name="zzz-secret-place")
    client = signed_in(Role.OWNER)

    for page in pages():
        html = client.get(url(page, "changelist")).content.decode().casefold()
        assert "zzz-secret" not in html, page


@pytest.mark.parametrize("role", ROLES)
def test_writing_a_row_takes_the_role_the_page_asks_for(
    store: Store, signed_in: As, role: Role
) -> None:
    client = signed_in(role)

    for page in pages():
        row = a_row(page)
        may = page.change_role is not None and not too_low(role, page.change_role)
        answer = client.post(url(page, "change", row.pk), {})
        assert answer.status_code == (200 if may else 403), page
        deleting = client.get(url(page, "delete", row.pk)).status_code
        assert deleting == (200 if may and page.deletable else 403), page


@pytest.mark.parametrize("role", ROLES)
def test_adding_takes_the_role_the_page_asks_for(store: Store, signed_in: As, role: Role) -> None:
    client = signed_in(role)

    for page in pages():
        may = page.add_role is not None and not too_low(role, page.add_role)
        assert client.get(url(page, "add")).status_code == (200 if may else 403), page


def test_nobody_outside_the_staff_gets_in(
    store: Store, client: Client, django_user_model: Any
) -> None:
    client.force_login(django_user_model.objects.create_user("customer"))

    for page in pages():
        assert client.get(url(page, "changelist")).status_code == 302


def test_users_groups_and_the_clock_are_for_superusers(store: Store, signed_in: As) -> None:
    owner = signed_in(Role.OWNER)

    for model in admin.site._registry:
        if model._meta.app_label in {"auth", "django_celery_beat"}:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
            assert owner.get(reverse(name)).status_code == 403, name


def test_an_owner_of_one_merchant_cannot_give_rules_to_anothers_store(
    store: Store, signed_in: As
) -> None:
    foreign = make_store(make_merchant("other"), base_url="https://o.example", name="Foreign")
    fields = {
        "store": foreign.pk,
        "stream": "orders",
        "direction": "in",
        "path": "number",
        "target": "custom.mine",
        "cast": "text",
        "mode": "set",
        "value_map": "{}",
        "default": "null",
        "position": 0,
    }

    page = signed_in(Role.OWNER).post(reverse("admin:integrations_fieldrule_add"), fields)

    assert page.status_code == 200
    assert not FieldRule.objects.filter(store=foreign).exists()


def test_owning_one_merchant_gives_no_tokens_of_another_one_only_views(
    store: Store, signed_in: As, django_user_model: Any
) -> None:
    other = make_merchant("other")
    client = signed_in(Role.OWNER)
    user = django_user_model.objects.get(username="owner")
    user.memberships.create(merchant=other, role=Role.VIEWER)

    fields = {"merchant": other.pk, "name": "Mine", "scopes": ["read"]}
    page = client.post(reverse("admin:accounts_apitoken_add"), fields)

    assert page.status_code == 200
    assert not ApiToken.objects.filter(merchant=other).exists()


def test_bulk_acts_leave_rows_alone_where_the_role_is_too_low(
    store: Store, signed_in: As, django_user_model: Any
) -> None:
    other = make_store(make_merchant("other"), base_url="https://o.example", name="Second shop")
    client = signed_in(Role.OPERATOR)
    user = django_user_model.objects.get(username="operator")
    user.memberships.create(merchant=other.merchant, role=Role.VIEWER)
    chosen = {"action": "pause", "_selected_action": [store.pk, other.pk], "confirmed": "yes"}

    page = client.post(reverse("admin:integrations_store_changelist"), chosen, follow=True)

    assert "1 left alone" in page.content.decode()
    states = dict(Store.objects.values_list("pk", "status"))
    assert states == {store.pk: StoreStatus.PAUSED, other.pk: StoreStatus.ACTIVE}


def test_a_viewer_is_offered_no_bulk_acts(store: Store, signed_in: As) -> None:
    viewer = signed_in(Role.VIEWER)

    for page in pages():
        html = viewer.get(url(page, "changelist")).content.decode()
        for act in page.acts:
            assert f'value="{act.verb}"' not in html, page


def test_looking_at_an_act_does_not_do_it(
    store: Store, boss: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[Any] = []
    monkeypatch.setattr(ActsMixin, "perform", lambda *told: done.append(told))

    for page, act in acts():
        assert boss.get(url(page, "act", a_row(page).pk, act.verb)).status_code == 200, act.verb

    assert done == []


def test_acts_demand_the_csrf_token(store: Store, django_user_model: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(django_user_model.objects.create_superuser("boss", password="x"))

    answer = client.post(reverse("admin:integrations_store_act", args=[store.pk, "pause"]))

    assert answer.status_code == 403
    store.refresh_from_db()
    assert store.status == StoreStatus.ACTIVE


@pytest.mark.parametrize("bad", ["nonsense", "7", "00000000-0000-0000-0000-000000000000"])
def test_an_id_that_is_none_is_not_found(boss: Client, store: Store, bad: str) -> None:
    for path in (f"integrations/store/{bad}/act/pause/", f"inventory/stocklevel/{bad}/count/"):
        assert boss.get(f"/admin/{path}").status_code == 404
    assert boss.get(f"/admin/integrations/store/{bad}/keys/").status_code == 404


def test_new_keys_and_counting_follow_the_roles(store: Store, signed_in: As) -> None:
    level = StockLevel.objects.first()
    assert level is not None
    keys = reverse("admin:integrations_store_keys", args=[store.pk])
    count = reverse("admin:inventory_stocklevel_count", args=[level.pk])

    viewer, operator = signed_in(Role.VIEWER), signed_in(Role.OPERATOR)

    assert [viewer.get(keys).status_code, viewer.get(count).status_code] == [403, 403]
    assert [operator.get(keys).status_code, operator.get(count).status_code] == [403, 200]
    assert signed_in(Role.OWNER).get(keys).status_code == 200


def test_members_look_at_their_merchant_and_at_no_other(store: Store, signed_in: As) -> None:
    other = make_merchant("other")
    owner = signed_in(Role.OWNER)

    mine = owner.get(reverse("admin:accounts_merchant_change", args=[store.merchant.pk]))
    theirs = owner.get(reverse("admin:accounts_merchant_change", args=[other.pk]))

    assert mine.status_code == 200
    assert theirs.status_code == 302
    assert Merchant.objects.count() == 2


def test_every_setting_page_keeps_rows_of_the_merchants_apart() -> None:
    """A new page that forgets where its merchant is would show everything to everybody."""
    for page in pages():
        if page.model is not Merchant:
            assert page.merchant_path.split("__")[-1] == "merchant", page


def test_no_page_holds_a_secret(store: Store, boss: Client) -> None:
    _, text = tokens.issue(store.merchant, name="Scanner", scopes=["read"])
    seen = []
    for page in pages():
        row = a_row(page)
        if row is not None:
            seen.append(boss.get(url(page, "changelist")).content.decode())
            seen.append(boss.get(url(page, "change", row.pk)).content.decode())
    html = "".join(seen)

    assert text not in html
    for endpoint in store.endpoints.all():
        assert endpoint.token_digest not in html
    for token in ApiToken.objects.all():
        assert token.digest not in html
