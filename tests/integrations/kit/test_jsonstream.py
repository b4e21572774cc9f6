"""A large JSON object, cut into pieces anywhere."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from integrations.errors import ContractBroken
from integrations.kit import files, jsonstream

DOCUMENT: dict[str, Any] = {
    "header": {"a": [1, {"b": '}]\\"{'}], "c": None},
    "empty": [],
    "issues": [{"n": 1, "said": 'a "word", \\ and 富士'}, -2.5e3, "x", [[]], True],
    "blank": {},
    "end": 12,
}


def cut(raw: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(raw), size):
        yield raw[start : start + size]


def read(pieces: Iterator[bytes]) -> list[tuple[str, Any]]:
    return [(name, json.loads(value)) for name, value in jsonstream.members(pieces)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
@pytest.mark.parametrize("indent", [None, 2])
def test_it_is_the_same_wherever_it_is_cut(size: int, indent: int | None) -> None:
    raw = json.dumps(DOCUMENT, ensure_ascii=False, indent=indent).encode()

    found = read(cut(raw, size))

    assert found == [
        ("header", DOCUMENT["header"]),
        *(("issues", value) for value in DOCUMENT["issues"]),
        ("blank", {}),
        ("end", 12),
    ]
    assert read(cut(b" {} ", size)) == []


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"{", b'{"a"', b'{"a":', b'{"a":1', b'{"a":[1', b'{"a":[1 2]}', b'{"a":{"b":1}',
     b'{"a":"open', b'{"a":1,}', b'{1:2}', b'{"a":]}'],
)  # fmt: skip
def test_what_is_broken_or_cut_short_is_told(raw: bytes) -> None:
    with pytest.raises(ContractBroken, match="cut short or broken"):
        read(cut(raw, 3))


def test_an_element_without_end_is_not_held_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonstream, "LONGEST", 1_000)

    with pytest.raises(ContractBroken):
        read(cut(b'{"a":["' + b"x" * 10_000, 100))
    with pytest.raises(ContractBroken):
        read(cut(b'{"a":[' + b"[1]," * 10_000, 100))


def test_gzip_is_unpacked_piece_by_piece_and_never_a_part_as_the_whole() -> None:
    raw = json.dumps(DOCUMENT).encode() * 50
    packed = gzip.compress(raw[:500]) + gzip.compress(raw[500:])

    assert b"".join(files.unzipped(cut(packed, 11))) == raw
    with pytest.raises(ContractBroken, match="cut short"):
        b"".join(files.unzipped(cut(packed[:-9], 11)))
    with pytest.raises(ContractBroken, match="gzip"):
        b"".join(files.unzipped([b"no gzip at all"]))
