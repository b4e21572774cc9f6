"""The keyset walk over a list that moves meanwhile, windows of the past, and reading ahead."""

from __future__ import annotations

import contextvars
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.errors import ContractBroken, Unavailable
from integrations.kit.pagination import Fetched, Step, ahead, keyset, windows

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Record:
    id: int
    version: int
    changed: datetime


@dataclass
class MovingList:
    """A store's list, ordered by change time in whole seconds. ``between`` is run before each
    answer.
    """

    page_size: int
    records: dict[int, Record] = field(default_factory=dict)
    between: Callable[[], None] = lambda: None
    now: datetime = START
    counts: bool = True
    bounded: bool = True
    shuffled: random.Random | None = None
    asked: int = 0
    given_out: int | None = None

    def add(self, id_: int, changed: datetime) -> None:
        self.records[id_] = Record(id_, 1, changed)

    def edit(self, id_: int) -> None:
        if old := self.records.get(id_):
            self.records[id_] = Record(id_, old.version + 1, self.now)

    def fetch(self, since: datetime, until: datetime | None, page: int) -> Fetched[Record]:
        self.asked += 1
        self.between()
        found = [
            record
            for record in self.records.values()
            if since <= record.changed
            and (until is None or not self.bounded or record.changed < until)
        ]
        tie = self.shuffled.random if self.shuffled else lambda: 0.0
        found.sort(key=lambda record: (record.changed, tie(), record.id))
        start = (page - 1) * self.page_size
        shown = found[: self.given_out][start : start + self.page_size]
        return Fetched(shown, len(found) if self.counts else None)

    def walk(
        self, since: datetime = START - timedelta(days=1), **options: Any
    ) -> list[Step[Record]]:
        return list(
            keyset(
                self.fetch,
                since=since,
                page_size=self.page_size,
                identify=lambda record: (str(record.id), record.changed),
                **options,
            )
        )


def last_versions(*walks: list[Step[Record]]) -> dict[int, int]:
    return {record.id: record.version for walk in walks for step in walk for record in step.items}


def versions(shop: MovingList) -> dict[int, int]:
    return {record.id: record.version for record in shop.records.values()}


SHOPS = st.tuples(
    st.integers(1, 5),
    st.lists(st.integers(0, 6), max_size=40),
    st.lists(st.lists(st.integers(0, 45), max_size=3), max_size=14),
    st.booleans(),
)


def moving(drawn: tuple[int, list[int], list[list[int]], bool]) -> MovingList:
    """A shop whose records changed in few seconds, and that edits, adds and deletes before each
    answer.
    """
    page_size, seconds, batches, counts = drawn
    shop = MovingList(page_size, counts=counts)
    for id_, second in enumerate(seconds):
        shop.add(id_, START - timedelta(seconds=second + 1))
    script = iter(batches)

    def between() -> None:
        shop.now += SECOND
        for id_ in next(script, []):
            if id_ in shop.records and id_ % 7 == 6:
                del shop.records[id_]
            elif id_ in shop.records:
                shop.edit(id_)
            else:
                shop.add(id_, shop.now)

    shop.between = between
    return shop


@given(SHOPS)
def test_whatever_moves_each_record_is_met_at_its_last_version(drawn: Any) -> None:
    shop = moving((*drawn[:3], True))

    walk = shop.walk()

    met = last_versions(walk)
    assert {id_: met.get(id_) for id_ in shop.records} == versions(shop)
    assert [step.last for step in walk] == [False] * (len(walk) - 1) + [True]
    assert not any(step.gap for step in walk)


@given(SHOPS)
def test_two_walks_that_meet_at_a_time_miss_nothing_between_them(drawn: Any) -> None:
    shop = moving((*drawn[:3], True))

    first = shop.walk(until=START)
    shop.between = lambda: None
    second = shop.walk(since=START)

    met = last_versions(first, second)
    assert {id_: met.get(id_) for id_ in shop.records} == versions(shop)


@given(SHOPS, st.integers(0, 30))
def test_a_walk_broken_off_anywhere_goes_on_from_its_position(drawn: Any, kept: int) -> None:
    shop = moving((*drawn[:3], True))

    done = shop.walk()[: kept + 1]
    shop.between = lambda: None
    rest = shop.walk(position=done[-1].position)

    met = last_versions(done, rest)
    assert {id_: met.get(id_) for id_ in shop.records} == versions(shop)


@given(SHOPS)
def test_a_list_that_stands_still_is_read_once(drawn: Any) -> None:
    shop = moving(drawn)
    shop.between = lambda: None

    walk = shop.walk()

    met = [record.id for step in walk for record in step.items]
    assert sorted(met) == sorted(shop.records)
    again = shop.walk(position=walk[-1].position)
    assert [step.items for step in again if step.items] == []


@pytest.mark.parametrize("counts", [True, False])
def test_five_hundred_records_of_one_second_are_all_met(counts: bool) -> None:
    shop = MovingList(100, counts=counts)
    for id_ in range(500):
        shop.add(id_, START)
    shop.add(500, START + SECOND)

    walk = shop.walk()

    assert sorted(last_versions(walk)) == list(range(501))
    assert shop.asked <= 14
    assert walk[-1].position == {"second": (START + SECOND).isoformat(), "seen": ["500"]}


def test_records_that_leave_a_crowded_second_take_none_along() -> None:
    shop = MovingList(10)
    for id_ in range(60):
        shop.add(id_, START - SECOND)
    leaving = iter(range(0, 24, 2))

    def between() -> None:
        shop.now += SECOND
        for id_ in [next(leaving, -1)]:
            shop.edit(id_)

    shop.between = between
    walk = shop.walk()

    assert last_versions(walk) == versions(shop)
    assert not any(step.gap for step in walk)


def test_a_crowded_second_in_no_fixed_order_is_still_met_whole() -> None:
    shop = MovingList(10, shuffled=random.Random(4))
    for id_ in range(25):
        shop.add(id_, START)

    walk = shop.walk()

    assert last_versions(walk) == versions(shop)
    assert not any(step.gap for step in walk)


def test_a_store_without_an_upper_bound_is_read_too() -> None:
    shop = MovingList(10, bounded=False)
    for id_ in range(60):
        shop.add(id_, START + SECOND * (id_ // 30))

    walk = shop.walk()

    assert last_versions(walk) == versions(shop)
    assert not any(step.gap for step in walk)


def test_a_second_that_never_comes_to_rest_is_reported_as_a_gap() -> None:
    shop = MovingList(2)
    for id_ in range(500):
        shop.add(id_, START - SECOND)
    ids = iter(range(500))

    def between() -> None:
        shop.now += SECOND
        if shop.asked < 400:
            shop.edit(next(ids))

    shop.between = between
    shop.counts = True
    gaps = [step.gap for step in shop.walk(until=START) if step.gap]

    assert len(gaps) <= 1
    if gaps:
        assert "11:59:59" in gaps[0]


def test_a_store_that_gives_out_fewer_than_it_counts_is_asked_twice_and_reported() -> None:
    store = MovingList(page_size=5, given_out=20)
    for id_ in range(30):
        store.add(id_, START)
    store.add(99, START + timedelta(seconds=5))

    steps = store.walk()

    assert [step.gap for step in steps if step.gap] == [
        f"More records changed in the second {START.isoformat()} than could be read for sure."
    ]
    found = [record.id for step in steps for record in step.items]
    assert found == [*range(20), 99]
    assert store.asked < 15


def test_memory_holds_the_marks_of_one_second_only() -> None:
    shop = MovingList(10)
    for id_ in range(300):
        shop.add(id_, START + SECOND * (id_ // 3))

    assert max(len(step.position["seen"]) for step in shop.walk()) <= 10


def test_an_empty_list_is_one_last_step_and_keeps_the_position() -> None:
    position = {"second": START.isoformat(), "seen": ["4"]}

    assert MovingList(10).walk(position=position) == [Step((), position, 0, True)]


def test_the_total_is_the_first_count() -> None:
    shop = MovingList(2)
    for id_ in range(5):
        shop.add(id_, START + SECOND * id_)

    assert {step.total for step in shop.walk()} == {5}


def test_a_store_that_ignores_the_filter_is_found_out() -> None:
    shop = MovingList(2)
    for id_ in range(5):
        shop.add(id_, START - timedelta(days=9))

    def all_of_it(_since: datetime, _until: datetime | None, page: int) -> Fetched[Record]:
        return MovingList.fetch(shop, datetime.min.replace(tzinfo=UTC), None, page)

    shop.fetch = all_of_it  # type: ignore[method-assign,assignment]
    with pytest.raises(ContractBroken) as caught:
        shop.walk(since=START)

    assert caught.value.code == "filter_ignored"


def test_a_store_that_ignores_the_order_is_found_out() -> None:
    items = [Record(1, 1, START + SECOND), Record(2, 1, START)]

    with pytest.raises(ContractBroken) as caught:
        list(
            keyset(
                lambda since, until, page: Fetched(items),
                since=START,
                page_size=5,
                identify=lambda record: (str(record.id), record.changed),
            )
        )

    assert caught.value.code == "order_ignored"


# -- windows


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2026, 1, 1)),  # noqa: DTZ001 - made aware below
    st.timedeltas(timedelta(0), timedelta(days=40)),
    st.timedeltas(timedelta(hours=1), timedelta(days=9)),
    st.booleans(),
)
def test_windows_cover_the_time_without_gap_or_overlap(
    start: datetime, length: timedelta, size: timedelta, newest_first: bool
) -> None:
    since = start.replace(tzinfo=UTC)
    until = since + length

    cut = list(windows(since, until, size, newest_first=newest_first))

    ordered = cut[::-1] if newest_first else cut
    assert all(begin < end <= begin + size for begin, end in cut)
    assert [end for _, end in ordered[:-1]] == [begin for begin, _ in ordered[1:]]
    if length:
        assert (ordered[0][0], ordered[-1][1]) == (since, until)
    else:
        assert cut == []


def test_the_newest_window_comes_first_and_a_size_is_needed() -> None:
    cut = list(windows(START, START + timedelta(days=2, hours=1), timedelta(days=1)))

    assert cut[0] == (START + timedelta(days=1, hours=1), START + timedelta(days=2, hours=1))
    with pytest.raises(ValueError, match="size"):
        list(windows(START, START + SECOND, timedelta(0)))


# -- ahead


def test_items_come_in_order_and_the_thread_ends() -> None:
    ended: list[str] = []

    assert list(ahead(range(50), at_end=lambda: ended.append("x"))) == list(range(50))
    assert ended == ["x"]
    assert not [t for t in threading.enumerate() if t.name == "read-ahead"]


@pytest.mark.parametrize("depth", [1, 3])
def test_never_more_than_depth_is_read_ahead(depth: int) -> None:
    fetched: list[int] = []

    def source() -> Iterator[int]:
        for number in range(10):
            fetched.append(number)
            yield number

    reading = ahead(source(), depth)
    for number in reading:
        wait_until(lambda want=number: len(fetched) >= min(want + 1 + depth, 10))  # type: ignore[misc]
        time.sleep(0.01)
        assert len(fetched) <= number + 1 + depth


def test_the_next_item_is_fetched_while_this_one_is_used() -> None:
    def source() -> Iterator[int]:
        for number in range(4):
            time.sleep(0.1)
            yield number

    started = time.monotonic()
    for _ in ahead(source()):
        time.sleep(0.1)

    assert time.monotonic() - started < 0.7


def test_an_error_comes_at_its_place() -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise Unavailable("down")

    got: list[int] = []
    with pytest.raises(Unavailable, match="down"):
        got.extend(ahead(source(), depth=5))

    assert got == [1, 2]


def test_leaving_early_closes_the_source_in_its_own_thread() -> None:
    closed: list[str] = []

    def source() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.append(threading.current_thread().name)

    reading = ahead(source(), at_end=lambda: closed.append("end"))
    assert next(reading) == 1
    reading.close()  # type: ignore[attr-defined]  # it is a generator

    assert closed == ["read-ahead", "end"]
    assert not [t for t in threading.enumerate() if t.name == "read-ahead"]


def test_context_variables_are_seen_by_the_thread() -> None:
    request = contextvars.ContextVar("request", default="none")
    token = request.set("r-1")

    def source() -> Iterator[str]:
        yield request.get()

    assert list(ahead(source())) == ["r-1"]
    request.reset(token)


def wait_until(ready: Callable[[], bool]) -> None:
    end = time.monotonic() + 2
    while not ready():
        assert time.monotonic() < end, "it did not happen within 2 s"
        time.sleep(0.001)
