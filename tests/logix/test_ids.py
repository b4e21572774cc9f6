"""Identifiers sort by time, those of one process as they were made."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from uuid import RFC_4122, UUID

import pytest

from logix.common.ids import _RANDOM_BITS, uuid7


def test_an_id_is_a_version_7_uuid_of_this_millisecond() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7()
    after = time.time_ns() // 1_000_000

    assert (made.version, made.variant) == (7, RFC_4122)
    assert before <= made.int >> 80 <= after


def test_ids_sort_as_they_were_made_and_do_not_repeat() -> None:
    made = [uuid7() for _ in range(2000)]

    assert made == sorted(made)
    assert len(set(made)) == 2000


@pytest.mark.parametrize("nanos", [0, 1, 499_999, 999_999])
def test_the_end_of_a_millisecond_does_not_reach_into_the_next(
    monkeypatch: pytest.MonkeyPatch, nanos: int
) -> None:
    millis = 1_780_000_000_000
    monkeypatch.setattr(time, "time_ns", lambda: millis * 1_000_000 + nanos)

    made = uuid7()

    assert made.int >> 80 == millis
    assert (made.int >> 64) & 0xFFF == nanos * 4096 // 1_000_000
    assert made.version == 7


def test_threads_and_forks_share_no_id() -> None:
    uuid7()  # so that a fork finds words that were drawn before it
    with ThreadPoolExecutor(8) as threads:
        made = [x for part in threads.map(_make, [1000] * 32) for x in part]
    with ProcessPoolExecutor(2, get_context("fork")) as children:
        made += [x for part in children.map(_make, [100] * 4) for x in part]

    assert len({x.int & _RANDOM_BITS for x in made}) == len(made) == 32_400


def _make(number: int) -> list[UUID]:
    return [uuid7() for _ in range(number)]
