"""``manage.py rotate_keys``: every data key moves, once, however often it is stopped."""

from __future__ import annotations

import base64
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from integrations.management.commands import rotate_keys
from logix.accounts import audit, keys
from logix.accounts.models import AuditEvent, DataKey
from logix.common import crypto
from tests.factories import make_merchant

pytestmark = pytest.mark.django_db

NEW = "k2:" + base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def sealed() -> list[tuple[DataKey, bytes]]:
    """Five stores' keys under the present ring key, each with something it sealed."""
    merchant = make_merchant()
    rows = [keys.create(merchant) for _ in range(5)]
    return [(row, keys.vault(row.pk).seal(b"hush", "t", "c", "1")) for row in rows]


@pytest.fixture
def both(settings: Any) -> Any:
    """The new key first, the old one behind it."""
    settings.LOGIX_KEYS = f"{NEW},{settings.LOGIX_KEYS}"
    keys.vault.cache_clear()
    yield settings
    keys.vault.cache_clear()


def rotate(*flags: str) -> str:
    out = StringIO()
    call_command("rotate_keys", *flags, stdout=out, stderr=out)
    return out.getvalue()


def test_every_data_key_moves_and_still_opens_what_it_sealed(
    sealed: list[tuple[DataKey, bytes]], both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate_keys, "BATCH", 2)

    told = rotate()

    assert "5 re-wrapped under “k2”, 0 unreadable, 0 remain" in told
    both.LOGIX_KEYS = NEW
    keys.vault.cache_clear()
    for row, value in sealed:
        assert keys.vault(row.pk).open(value, "t", "c", "1") == b"hush"
    assert AuditEvent.objects.get().details == {"to": "k2", "data_keys": 5}
    assert audit.verify(None)


def test_a_rotation_that_was_stopped_goes_on(
    sealed: list[tuple[DataKey, bytes]], both: Any
) -> None:
    for row, _ in sealed[:2]:
        assert keys.rewrap(row)

    assert "3 re-wrapped" in rotate()
    assert "0 re-wrapped" in rotate()


def test_check_counts_and_changes_nothing(sealed: list[tuple[DataKey, bytes]], both: Any) -> None:
    keys.rewrap(sealed[0][0])
    out = StringIO()

    with pytest.raises(CommandError, match="4 remain on old keys"):
        call_command("rotate_keys", "--check", stdout=out)

    assert "1 data keys are under the present key “k2”." in out.getvalue()
    assert "4 are still under the old key “k1”." in out.getvalue()
    rotate()
    assert "0 remain on old keys" in rotate("--check")


def test_a_key_that_does_not_open_is_named_and_the_others_move(
    sealed: list[tuple[DataKey, bytes]], both: Any
) -> None:
    broken = sealed[2][0]
    DataKey.objects.filter(pk=broken.pk).update(
        wrapped=DataKey.objects.get(pk=sealed[0][0].pk).wrapped
    )
    out, err = StringIO(), StringIO()

    with pytest.raises(CommandError, match="1 remain on old keys"):
        call_command("rotate_keys", stdout=out, stderr=err)

    assert str(broken.pk) in err.getvalue()
    assert "4 re-wrapped under “k2”, 1 unreadable" in out.getvalue()


def test_destroyed_keys_are_left_alone(sealed: list[tuple[DataKey, bytes]], both: Any) -> None:
    keys.destroy(sealed[0][0].pk)

    assert "4 re-wrapped under “k2”, 0 unreadable, 0 remain" in rotate()


def test_a_key_another_process_moved_in_between_is_not_counted_twice(
    sealed: list[tuple[DataKey, bytes]], both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, raced = keys.rewrap, []

    def slow(row: DataKey) -> bool:
        if not raced:
            raced.append(True)
            real(DataKey.objects.get(pk=row.pk))
        return real(row)

    monkeypatch.setattr(keys, "rewrap", slow)

    assert "4 re-wrapped under “k2”, 0 unreadable, 0 remain" in rotate()
    assert crypto.ring().write_kid == "k2"
