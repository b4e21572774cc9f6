"""Secrets and consents that a platform ends by itself are told of in time, wherever staff look, and
no more once a new one was entered.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations import authentication, registry, tasks
from integrations.authentication import credentials
from integrations.kit.oauth2 import Grant
from integrations.management.findings import Level
from integrations.models import Credential, HubAppSecret, Store
from integrations.platform import AuthKind
from tests.factories import make_merchant, make_store
from tests.integrations.api.client import api_for
from tests.integrations.management.conftest import wrong
from tests.integrations.test_metrics import read as read_metrics

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
KEYS = {"client_id": "amzn1.application-oa2-client.a", "client_secret": "first", "seller_id": "A1"}
GRANT = Grant(access_token="Atza|1", refresh_token="Atzr|1")


@pytest.fixture
def store() -> Store:
    found = make_store(make_merchant(), platform="amazon", name="Musterhandel")
    keep(found)
    return found


def keep(store: Store, *, grant: Grant = GRANT, **values: str) -> Credential:
    return authentication.save_credentials(
        store,
        {**KEYS, **values},
        kind=AuthKind.REFRESH_TOKEN,
        actor="user:anna",
        grant=grant,
    )


def ends(store: Store) -> datetime:
    (one,) = authentication.endings(Store.objects.filter(pk=store.pk))
    return one.ends_at


def test_it_counts_from_when_that_value_was_entered(store: Store) -> None:
    began = timezone.now()
    assert abs(ends(store) - began - 180 * DAY) < timedelta(seconds=5)
    first = ends(store)

    with time_machine.travel(began + 60 * DAY):
        # Tokens are renewed, another refresh token is pasted, the same is typed again.
        held = authentication.held(store)
        Credential.objects.update(fence=7)
        assert credentials.keep_grant(store, held, 7, replace(GRANT, access_token="Atza|2"))
        keep(store, grant=replace(GRANT, refresh_token="Atzr|2"))
        assert ends(store) == first

        keep(store, client_secret="second")
        assert abs(ends(store) - began - 240 * DAY) < timedelta(seconds=5)


def test_of_credentials_older_than_that_the_age_of_the_store_is_told(store: Store) -> None:
    Credential.objects.update(secret_since=None)
    assert ends(store) == store.created_at + 180 * DAY
    keep(store)
    assert ends(store) == store.created_at + 180 * DAY


def test_a_consent_ends_where_the_card_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    card = registry.card("shopify")
    by_consent = card.sign_in(AuthKind.OAUTH2)
    assert by_consent is not None
    public = replace(by_consent, consent_lasts=365 * DAY)
    others = tuple(x for x in card.sign_ins if x.kind != AuthKind.OAUTH2)
    store = make_store(platform="shopify", name="Boutique")
    authentication.save_credentials(store, {}, kind=AuthKind.OAUTH2, actor="user:anna", grant=GRANT)
    rows = Store.objects.filter(pk=store.pk)
    assert authentication.endings(rows) == []

    changed = replace(card, sign_ins=(public, *others))
    monkeypatch.setattr(registry, "card", lambda _: changed)
    monkeypatch.setattr(registry, "cards", lambda: [changed])

    (one,) = authentication.endings(rows)
    soon = one.ends_at - 10 * DAY
    assert abs(one.ends_at - timezone.now() - 365 * DAY) < timedelta(seconds=5)
    assert one.words(soon).startswith("The consent of its owner ends in 10 days, on ")
    assert one.do == "Connect Boutique again: its owner consents anew at Shopify."


@pytest.mark.parametrize(
    ("days", "said", "step"),
    [
        (31, "ends in 31 days", None),
        (30, "ends in 30 days", 30),
        (14, "ends in 14 days", 14),
        (3, "ends in 3 days", 3),
        (1, "ends tomorrow", 3),
        (0, "ends today", 3),
        (-2, "ended on", 0),
    ],
)
def test_each_step_is_told(store: Store, days: int, said: str, step: int | None) -> None:
    (one,) = authentication.endings(Store.objects.all())
    now = one.ends_at - (days * DAY + timedelta(hours=1))

    assert said in one.words(now)
    assert one.step(now) == step


@pytest.mark.broker
def test_everybody_who_looks_is_told_until_a_new_one_is_entered(
    store: Store, admin_client: Client
) -> None:
    page = reverse("admin:integrations_store_change", args=[store.pk])
    api = api_for(store.merchant)

    def told() -> dict[str, str]:
        out = StringIO()
        with suppress(SystemExit):
            call_command("compliance_report", "--json", stdout=out)
        report = json.loads(out.getvalue())
        health = api.get(f"/integrations/{store.pk}/health").json()["found"]
        labels = (str(store.pk), store.name, "amazon", "LWA client secret")
        return {
            "home": unescape(admin_client.get("/admin/").content.decode()),
            "page": unescape(admin_client.get(page).content.decode()),
            "api": " ".join(x["what"] for x in health if x["about"] == "credentials"),
            "doctor": " ".join(x.what for x in wrong(*Level)),
            "days": str(round(read_metrics()["logix_credential_days_left"][labels])),
            "report": " ".join(x["says"] for x in report["credentials"] if x["is_told"]),
            "broken": " ".join(report["broken"]),
        }

    well = told()
    assert well["days"] == "180"
    assert well["api"] == well["report"] == well["broken"] == ""
    assert "client secret ends" not in well["home"] + well["doctor"]
    assert "The LWA client secret ends in 1" in well["page"]

    Credential.objects.update(secret_since=timezone.now() - 178 * DAY)
    soon = told()
    for where in ("home", "page", "api", "doctor", "report"):
        assert "The LWA client secret ends tomorrow, on " in soon[where], where
    assert "beside the client ID under LWA credentials" in soon["home"]
    assert (soon["days"], soon["broken"]) == ("2", "")

    Credential.objects.update(secret_since=timezone.now() - 181 * DAY)
    late = told()
    for where in ("home", "page", "api", "doctor", "report", "broken"):
        assert "The LWA client secret ended on " in late[where], where

    keep(store, client_secret="third")
    again = told()
    assert again["days"] == "180"
    assert again["api"] == again["report"] == again["broken"] == ""


# -- the hub's own app


@pytest.fixture
def by_hub(settings: Any) -> Store:
    """A store by consent, of the app that stands in the settings."""
    settings.LOGIX_OAUTH_APPS = {"amazon": "amzn1.application-oa2-client.hub:first"}
    found = make_store(make_merchant(), platform="amazon", name="Consented")
    authentication.save_credentials(
        found, {"seller_id": "A1"}, kind=AuthKind.OAUTH2, actor="user:anna", grant=GRANT
    )
    return found


def of_hub() -> list[authentication.Ending]:
    return [x for x in authentication.endings(Store.objects.all()) if x.store is None]


def test_the_secret_of_the_hubs_app_ends_for_all_stores_that_hang_on_it(
    by_hub: Store, settings: Any
) -> None:
    other = make_store(make_merchant("other"), platform="amazon", name="Another")
    authentication.save_credentials(
        other, {"seller_id": "A2"}, kind=AuthKind.OAUTH2, actor="user:anna", grant=GRANT
    )
    assert of_hub() == []
    began = timezone.now()
    authentication.note_hub_apps()
    authentication.note_hub_apps()

    (one,) = of_hub()
    assert abs(one.ends_at - began - 180 * DAY) < timedelta(seconds=5)
    assert one.words(one.ends_at).startswith("The LWA client secret of this hub's app ends today")
    assert "sets LOGIX_OAUTH_AMAZON" in one.do
    assert "first" not in str(HubAppSecret.objects.values())
    (mine,) = (x for x in authentication.endings(Store.objects.filter(pk=other.pk)) if not x.store)
    assert mine == one

    with time_machine.travel(began + 60 * DAY):
        settings.LOGIX_OAUTH_APPS = {"amazon": "amzn1.application-oa2-client.hub:second"}
        tasks.renew_tokens()
        (anew,) = of_hub()
        assert abs(anew.ends_at - began - 240 * DAY) < timedelta(seconds=5)
        # Who goes back to the old one is not given another half year.
        settings.LOGIX_OAUTH_APPS = {"amazon": "amzn1.application-oa2-client.hub:first"}
        tasks.renew_tokens()
        assert of_hub() == [one]


def test_it_is_nothing_to_stores_with_an_app_of_their_own(store: Store, settings: Any) -> None:
    settings.LOGIX_OAUTH_APPS = {"amazon": "amzn1.application-oa2-client.hub:first"}
    authentication.save_credentials(
        store, KEYS, kind=AuthKind.OAUTH2, actor="user:anna", grant=GRANT
    )
    authentication.note_hub_apps()

    assert of_hub() == []
    settings.LOGIX_OAUTH_APPS = {}
    authentication.note_hub_apps()
    assert HubAppSecret.objects.count() == 1


@pytest.mark.broker
def test_everybody_who_looks_is_told_of_the_hubs_app(by_hub: Store, admin_client: Client) -> None:
    authentication.note_hub_apps()
    HubAppSecret.objects.update(since=timezone.now() - 178 * DAY)
    page = reverse("admin:integrations_store_change", args=[by_hub.pk])
    api, out = api_for(by_hub.merchant), StringIO()
    with suppress(SystemExit):
        call_command("compliance_report", "--json", stdout=out)
    health = api.get(f"/integrations/{by_hub.pk}/health").json()["found"]

    told = {
        "home": unescape(admin_client.get("/admin/").content.decode()),
        "page": unescape(admin_client.get(page).content.decode()),
        "api": " ".join(x["what"] for x in health),
        "doctor": " ".join(x.what for x in wrong(*Level)),
        "report": out.getvalue(),
    }

    what = "LWA client secret of this hub's app"
    for where, words in told.items():
        assert f"The {what} ends tomorrow, on " in words, where
    labels = ("", "Amazon", "amazon", what)
    assert round(read_metrics()["logix_credential_days_left"][labels]) == 2
