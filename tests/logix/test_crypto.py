"""Sealing: what opens where, and which key rings are no key rings."""

from __future__ import annotations

import base64
from uuid import UUID

import pytest

from logix.common import crypto
from logix.common.crypto import KeyRing, SealBroken, Vault


def ring_key(name: str, byte: int = 1) -> str:
    """Alike in every process that collects these tests."""
    return f"{name}:{base64.b64encode(bytes([byte]) * 32).decode()}"


OLD, NEW = ring_key("k1"), ring_key("k2", 2)
MERCHANT = UUID(int=1)


def test_the_first_key_writes_and_every_key_reads() -> None:
    sealed = KeyRing(OLD).seal(b"hush", "place")

    both = KeyRing(f" {NEW} , {OLD} ")

    assert both.write_kid == "k2"
    assert both.open(sealed, "place") == b"hush"
    assert KeyRing.kid_of(both.seal(b"hush", "place")) == "k2"


def test_the_same_text_is_never_sealed_alike() -> None:
    ring = KeyRing(OLD)

    assert ring.seal(b"hush", "place") != ring.seal(b"hush", "place")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("", "is empty"),
        (" , ", "is empty"),
        ("c2VjcmV0c2VjcmV0", "name:<32 bytes in base64>"),
        ("k1:***", "not base64"),
        ("k1:c2hvcnQ=", "32 bytes"),
        # Between dots it would read back as another key's name.
        (ring_key("2026.11"), "no name for a key"),
        (ring_key(""), "no name for a key"),
        (ring_key("k" * 33), "no name for a key"),
        # The second would hide the first, and removing it later would lose everything.
        (f"{ring_key('k1', 3)},{OLD}", "two keys are called 'k1'"),
    ],
)
def test_a_ring_that_would_lose_something_is_refused(spec: str, says: str) -> None:
    with pytest.raises(ValueError, match="LOGIX_KEYS") as refused:
        KeyRing(spec)

    assert says in str(refused.value)
    assert not any(len(part) > 8 and part in str(refused.value) for part in spec.split(":")[1:])


@pytest.mark.parametrize(
    "sealed",
    [
        "",
        "v1.k1",
        "v1.k1.***",
        "v2.k1." + base64.b64encode(bytes(40)).decode(),
        "v1.k1." + base64.b64encode(bytes(40)).decode(),
        "v1.k1." + base64.b64encode(bytes(3)).decode(),
        pytest.param(KeyRing(NEW).seal(b"hush", "place"), id="another key"),
        pytest.param(KeyRing(OLD).seal(b"hush", "another place"), id="another place"),
    ],
)
def test_what_does_not_belong_here_does_not_open(sealed: str) -> None:
    with pytest.raises(SealBroken):
        KeyRing(OLD).open(sealed, "place")


def test_a_missing_key_is_named() -> None:
    with pytest.raises(SealBroken, match="key 'k2', which is not in LOGIX_KEYS"):
        KeyRing(OLD).open(KeyRing(NEW).seal(b"hush", "place"), "place")


@pytest.mark.parametrize(
    "place",
    [("other", "column", "1"), ("table", "other", "1"), ("table", "column", "2")],
)
def test_a_field_opens_only_where_it_was_sealed(place: tuple[str, str, str]) -> None:
    key = crypto.new_data_key()
    vault = Vault(key, MERCHANT)
    sealed = vault.seal(b"hush", "table", "column", "1")

    assert vault.open(memoryview(sealed), "table", "column", "1") == b"hush"  # type: ignore[arg-type]
    with pytest.raises(SealBroken, match="moved from another row"):
        vault.open(sealed, *place)
    with pytest.raises(SealBroken, match="moved from another row"):
        Vault(key, UUID(int=2)).open(sealed, "table", "column", "1")
    with pytest.raises(SealBroken, match="unknown seal format"):
        vault.open(b"\x02" + sealed[1:], "table", "column", "1")


def test_equal_values_are_found_within_a_merchant_only() -> None:
    index = crypto.blind_index(MERCHANT, "zoe@buyers.example")

    assert index == crypto.blind_index(str(MERCHANT), "zoe@buyers.example")
    assert len(index) == 32
    assert index != crypto.blind_index(UUID(int=2), "zoe@buyers.example")
    assert crypto.blind_index(MERCHANT, "") == ""
