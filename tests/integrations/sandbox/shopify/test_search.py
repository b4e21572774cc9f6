"""The filter language, by what it finds among a few rows."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from integrations.sandbox.shopify.api import search
from integrations.sandbox.shopify.clock import Clock
from tests.integrations.sandbox.shopify.client import NOW

CLOCK = Clock("Europe/Berlin", lambda: NOW)


@dataclass(frozen=True)
class Row:
    id: int
    title: str
    status: str
    at: int
    tags: list[str] = field(default_factory=list)
    sku: str | None = None
    is_gift: bool = False


ROWS = (
    Row(1, "Red mug", "OPEN", 1_790_000_000, ["new", "sale"], "A-1"),
    Row(2, "Blue mug", "CLOSED", 1_790_000_001, ["sale"], None, is_gift=True),
    Row(30, "Wool scarf", "OPEN", 1_794_960_000, [], "B 2"),
)
FIELDS: dict[str, search.Value] = {
    "": lambda row: row.title,
    "id": lambda row: row.id,
    "title": lambda row: row.title,
    "status": lambda row: row.status,
    "updated_at": lambda row: row.at,
    "tag": lambda row: row.tags,
    "sku": lambda row: row.sku,
    "gift_card": lambda row: row.is_gift,
}


def found(query: str | None) -> list[int]:
    fits = search.predicate(query, FIELDS, CLOCK)
    return [row.id for row in ROWS if fits(row)]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        (None, [1, 2, 30]),
        ("  ", [1, 2, 30]),
        ("id:2", [2]),
        ("id:1,30", [1, 30]),
        ("id:30 OR id:1 OR id:7", [1, 30]),
        ("id:>=2", [2, 30]),
        ("id:>2 id:<100", [30]),
        ("status:open", [1, 30]),
        ("status:open AND tag:sale", [1]),
        ("status:closed OR id:30", [2, 30]),
        ("(status:closed OR id:30) tag:sale", [2]),
        ("NOT status:open", [2]),
        ("-status:open", [2]),
        ("-tag:sale", [30]),
        ("NOT (id:1 OR id:2)", [30]),
        ("tag:new", [1]),
        ("gift_card:true", [2]),
        ("gift_card:false", [1, 30]),
        ("sku:'B 2'", [30]),
        ('sku:"a-1"', [1]),
        ("sku:a*", [1]),
        ("sku:*", [1, 30]),
        ("mug", [1, 2]),
        ("mu blue", [2]),
        ("title:mug", []),
        ("updated_at:>'2026-09-21T14:13:20Z'", [2, 30]),
        ("updated_at:>='2026-09-21T14:13:20Z'", [1, 2, 30]),
        ("updated_at:>=2026-09-21T16:13:21+02:00", [2, 30]),
        ("updated_at:2026-09-21", [1, 2]),
        ("updated_at:>=2026-11-18", [30]),
        ("updated_at:<2026-11-18", [1, 2]),
        ("updated_at:>past_1day", [30]),
        ("updated_at:<now", [1, 2, 30]),
        ("updated_at:>nonsense", []),
        ("updatd_at:>2030-01-01", [1, 2, 30]),
        ("nope:1 id:2", [2]),
        ("id:2)", [2]),
    ],
)
def test_a_query_finds(query: str | None, ids: list[int]) -> None:
    assert found(query) == ids


def test_a_date_without_an_hour_begins_in_the_stores_own_zone() -> None:
    midnight_in_berlin = 1_794_956_400  # 2026-11-17T23:00:00Z

    assert search.moment("2026-11-18", CLOCK) == midnight_in_berlin


def test_fields_a_list_does_not_know_are_named() -> None:
    assert search.unknown_fields("updatd_at:>2030 id:1 foo:'x y' bar", FIELDS) == [
        "foo",
        "updatd_at",
    ]
