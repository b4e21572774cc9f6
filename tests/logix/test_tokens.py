"""API tokens: shown once, looked up by digest, ended at once."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from logix.accounts import tokens
from logix.accounts.models import ApiToken, AuditEvent, Merchant
from logix.common.crypto import digest
from tests.factories import make_merchant

pytestmark = pytest.mark.django_db


def test_only_a_digest_of_the_text_is_stored() -> None:
    token, text = tokens.issue(make_merchant(), name="app", scopes=["read"])

    row = ApiToken.objects.values().get(pk=token.pk)

    assert text.startswith("lgx_")
    assert row["digest"] == digest(text)
    assert text.startswith(row["prefix"])
    assert all(text not in str(value) for value in row.values())
    assert all(text not in str(event) for event in AuditEvent.objects.values())


def test_a_token_is_found_with_its_merchant_in_one_statement(
    django_assert_num_queries: object,
) -> None:
    merchant = make_merchant()
    _, text = tokens.issue(merchant, name="app", scopes=["read"])
    tokens.authenticate(text)

    with django_assert_num_queries(1):  # type: ignore[operator]
        found = tokens.authenticate(text)
        assert found is not None
        assert found.merchant == merchant


@pytest.mark.parametrize("text", ["", "lgx_", "lgx_" + "0" * 48, "Bearer lgx_x", "lgx_é", "\0"])
def test_what_was_never_issued_is_nobody(text: str) -> None:
    tokens.issue(make_merchant(), name="app", scopes=["read"])

    assert tokens.authenticate(text) is None


def test_an_expired_token_ends_on_its_second() -> None:
    now = timezone.now()
    _, text = tokens.issue(
        make_merchant(), name="app", scopes=["read"], expires_at=now + timedelta(hours=1)
    )

    with time_machine.travel(now + timedelta(minutes=59), tick=False):
        assert tokens.authenticate(text) is not None
    with time_machine.travel(now + timedelta(hours=1), tick=False):
        assert tokens.authenticate(text) is None


def test_a_revoked_token_ends_at_once_and_revoking_twice_leaves_one_audit_row() -> None:
    token, text = tokens.issue(make_merchant(), name="app", scopes=["read"])

    assert tokens.revoke(token, actor="user:anna") is True
    assert tokens.revoke(token, actor="user:anna") is False

    assert tokens.authenticate(text) is None
    assert AuditEvent.objects.filter(action="token.revoked").count() == 1


def test_the_use_is_noted_at_most_once_a_minute() -> None:
    token, text = tokens.issue(make_merchant(), name="app", scopes=["read"])
    start = timezone.now()
    seen = []

    for seconds in (0, 30, 59, 61):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            tokens.authenticate(text)
            token.refresh_from_db()
            assert token.last_used_at is not None
            seen.append(round((token.last_used_at - start).total_seconds()))

    assert seen == [0, 0, 0, 61]


def test_scopes_are_checked_and_kept_in_one_order() -> None:
    merchant = make_merchant()

    token, _ = tokens.issue(merchant, name="app", scopes=["pii", "read", "read"])

    assert token.scopes == ["read", "pii"]
    with pytest.raises(tokens.UnknownScope, match="no scope “admin”"):
        tokens.issue(merchant, name="app", scopes=["admin"])


def test_the_commands_make_a_merchant_and_print_a_working_token_once() -> None:
    out, err = StringIO(), StringIO()

    call_command("create_merchant", "North Sea Tea", stdout=out)
    call_command(
        "issue_token",
        "--merchant=north-sea-tea",
        "--name=warehouse",
        "--scopes",
        "read",
        "orders:write",
        "--days=30",
        stdout=(printed := StringIO()),
        stderr=err,
    )

    found = tokens.authenticate(printed.getvalue().strip())
    assert found is not None
    assert found.merchant == Merchant.objects.get(slug="north-sea-tea")
    assert found.scopes == ["read", "orders:write"]
    assert found.expires_at is not None
    assert found.expires_at - timezone.now() > timedelta(days=29)


def test_the_commands_say_what_is_wrong() -> None:
    make_merchant("acme")

    with pytest.raises(CommandError, match="already"):
        call_command("create_merchant", "Acme", stdout=StringIO())
    with pytest.raises(CommandError, match="Merchants: acme"):
        call_command("issue_token", "--merchant=acne", "--name=x")
    with pytest.raises(CommandError, match="no scope “everything”"):
        call_command("issue_token", "--merchant=acme", "--name=x", "--scopes", "everything")


@pytest.mark.parametrize("name", ["", "  "])
def test_the_commands_make_nothing_without_a_name(name: str) -> None:
    make_merchant("acme")

    with pytest.raises(CommandError, match="Give the merchant a name"):
        call_command("create_merchant", name, "--slug=north-sea-tea")
    with pytest.raises(CommandError, match="Give the merchant a name"):
        call_command("create_merchant", name)
    with pytest.raises(CommandError, match="Give the token a --name"):
        call_command("issue_token", "--merchant=acme", f"--name={name}")

    assert not ApiToken.objects.exists()
    assert Merchant.objects.count() == 1


@pytest.mark.parametrize("days", ["0", "-1", "99999999999"])
def test_a_token_that_ends_never_or_before_it_began_is_not_made(days: str) -> None:
    """Zero days used to mean for ever."""
    make_merchant("acme")

    with pytest.raises(CommandError, match="--days is a number from 1"):
        call_command("issue_token", "--merchant=acme", "--name=x", "--days", days)

    assert not ApiToken.objects.exists()
