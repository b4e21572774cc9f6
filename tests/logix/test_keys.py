"""A store's data key: opened once a process, re-wrapped while in use, destroyed for good."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from logix.accounts import keys
from logix.accounts.models import DataKey
from logix.common.crypto import SealBroken
from logix.environment import new_ring_key
from tests.factories import make_merchant

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    keys.vault.cache_clear()
    yield
    keys.vault.cache_clear()


def seal(key: DataKey) -> bytes:
    return keys.vault(key.pk).seal(b"hush", "t", "c", "1")


def open_(key: DataKey, sealed: bytes) -> bytes:
    return keys.vault(key.pk).open(sealed, "t", "c", "1")


def test_a_key_is_unwrapped_once_a_process(django_assert_num_queries: Any) -> None:
    key = keys.create(make_merchant())
    seal(key)

    with django_assert_num_queries(0):
        seal(key)


def test_rotation_of_the_ring_is_not_noticed_by_who_seals_and_opens(settings: Any) -> None:
    """A worker that has the key open, one that starts in between, one that starts afterwards."""
    key = keys.create(make_merchant())
    before = seal(key)
    old, new = settings.LOGIX_KEYS, new_ring_key("k2")

    settings.LOGIX_KEYS = f"{new},{old}"
    assert keys.rewrap(DataKey.objects.get())
    assert open_(key, before) == b"hush", "the one that had it open"
    keys.vault.cache_clear()
    assert open_(key, before) == b"hush", "the one with both keys"

    settings.LOGIX_KEYS = new
    keys.vault.cache_clear()
    assert open_(key, before) == b"hush", "the one with the new key alone"
    assert not keys.rewrap(DataKey.objects.get()), "it is where it belongs"


def test_a_destroyed_key_opens_nothing_and_cannot_be_brought_back() -> None:
    key = keys.create(make_merchant())
    sealed = seal(key)

    keys.destroy(key.pk)

    with pytest.raises(SealBroken, match="destroyed"):
        open_(key, sealed)
    row = DataKey.objects.get()
    assert (row.wrapped, row.kid, row.destroyed_at is None) == ("", "", False)
    assert not keys.rewrap(row)


def test_a_key_wrapped_for_another_merchant_does_not_open() -> None:
    first, second = (keys.create(make_merchant(slug)) for slug in ("one", "two"))
    DataKey.objects.filter(pk=second.pk).update(wrapped=first.wrapped)

    with pytest.raises(SealBroken):
        keys.vault(second.pk)
