"""Guessing passwords is stopped after a few tries, and what was tried stands in the hub's log."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client

from logix.accounts import audit, logins
from logix.accounts.models import AuditEvent

pytestmark = pytest.mark.django_db

PASSWORD = "correct-horse-battery-9"
LOGIN = "/admin/login/"
TOO_MANY = "Too many failed attempts"


@pytest.fixture(autouse=True)
def anna() -> User:
    return User.objects.create_user("anna", password=PASSWORD, is_staff=True)


def sign_in(password: str, name: str = "anna", address: str = "198.51.100.7", **extra: Any) -> Any:
    told = {"username": name, "password": password}
    return Client(REMOTE_ADDR=address).post(LOGIN, told, **extra)


def actions() -> list[tuple[str, str]]:
    return list(AuditEvent.objects.order_by("sequence").values_list("action", "actor"))


def test_a_right_password_opens_the_admin_and_is_noted() -> None:
    answer = sign_in(PASSWORD)

    assert answer.status_code == 302
    assert actions() == [("login.ok", "anna")]


def test_a_wrong_password_is_noted_without_what_was_typed() -> None:
    assert sign_in("wrong-password-1").status_code == 200

    assert actions() == [("login.failed", "anna")]
    assert "wrong-password-1" not in str(AuditEvent.objects.values())


def test_a_name_nobody_has_is_not_kept_it_may_be_a_password() -> None:
    sign_in("x", name=PASSWORD)

    assert actions() == [("login.failed", "unknown")]


@pytest.mark.parametrize("name", ["anna", "nobody"])
def test_after_ten_wrong_tries_even_the_right_password_must_wait(name: str) -> None:
    for number in range(10):
        answer = sign_in("wrong", name=name, address=f"198.51.100.{number}")
        assert TOO_MANY not in answer.content.decode()

    refused = sign_in(PASSWORD, name=name, address="198.51.100.99")

    assert refused.status_code == 200
    assert TOO_MANY in refused.content.decode()
    assert "Wait 15 minutes" in refused.content.decode()


def test_spelling_a_name_in_other_ways_gives_no_further_tries() -> None:
    for spelling in ("anna", "ANNA", " anna", "Anna") * 3:
        answer = sign_in("wrong", name=spelling)

    assert TOO_MANY in answer.content.decode()


def test_an_address_that_tries_many_names_is_stopped_and_others_are_not() -> None:
    for number in range(51):
        answer = sign_in("wrong", name=f"user{number}")
    assert TOO_MANY in answer.content.decode()

    assert TOO_MANY in sign_in(PASSWORD).content.decode()
    assert sign_in(PASSWORD, address="198.51.100.8").status_code == 302


def test_further_tries_of_a_stopped_guesser_do_not_fill_the_log() -> None:
    for _ in range(30):
        sign_in("wrong")

    assert actions() == [("login.failed", "anna")] * 10 + [("login.locked", "anna")]
    assert audit.verify(None)


def test_signing_in_forgets_the_slips_before_it() -> None:
    for _ in range(9):
        sign_in("wrong")
    assert sign_in(PASSWORD).status_code == 302

    for _ in range(9):
        answer = sign_in("wrong")
    assert TOO_MANY not in answer.content.decode()


@pytest.mark.parametrize(
    ("behind_proxy", "forwarded", "address"),
    [
        (False, "203.0.113.9", "198.51.100.7"),
        (True, "203.0.113.9", "203.0.113.9"),
        (True, "10.0.0.1, 203.0.113.9", "203.0.113.9"),
        (True, "", "198.51.100.7"),
        (True, "2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        (True, "2001:db8:1:2:bbbb::2", "2001:db8:1:2::/64"),
        (True, "not an address", "not an address"),
    ],
)
def test_the_address_is_the_one_the_proxy_saw(
    settings: Any, behind_proxy: bool, forwarded: str, address: str
) -> None:
    settings.LOGIX_BEHIND_PROXY = behind_proxy
    request = HttpRequest()
    request.META = {"REMOTE_ADDR": "198.51.100.7", "HTTP_X_FORWARDED_FOR": forwarded}

    assert logins.address_of(request) == address


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_signing_in_leads_to_no_other_site(target: str) -> None:
    told = {"username": "anna", "password": PASSWORD, "next": target}

    answer = Client().post(f"{LOGIN}?next={target}", told)

    assert answer.status_code == 302
    assert answer["Location"] == "/admin/"


def test_the_session_is_renewed_and_its_cookie_is_closed_to_scripts() -> None:
    client = Client()
    client.get(LOGIN)
    client.post(LOGIN, {"username": "anna", "password": PASSWORD})

    cookie = client.cookies["sessionid"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert int(cookie["max-age"]) <= 8 * 3600
