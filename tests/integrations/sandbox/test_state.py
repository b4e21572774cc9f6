"""The file a simulator is kept in: replaced in one step, its owner's only, never half a store."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox import state
from tests.integrations.sandbox.receiver import within


class Counter:
    def __init__(self) -> None:
        self.value = 0
        self.asked = 0

    def __call__(self) -> dict[str, Any]:
        self.asked += 1
        return {"value": self.value}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "store.json"


def test_nothing_saved_is_nothing_to_load(path: Path) -> None:
    assert state.load(path) is None


def test_what_was_saved_is_loaded(path: Path) -> None:
    saved = {"name": "Łęcki \ud800 🚚", "n": [1, None]}

    state.save(path, state.encode(saved))

    assert state.load(path) == saved


def test_only_the_owner_may_read_it(path: Path) -> None:
    state.save(path, b"{}")

    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["store.json"]


def test_a_save_that_fails_leaves_the_last_one_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.save(path, b'{"n":1}')

    def full(_: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        state.save(path, b'{"n":2}')

    assert state.load(path) == {"n": 1}
    assert [entry.name for entry in path.parent.iterdir()] == ["store.json"]


@pytest.mark.parametrize("content", [b'{"n":', b"[1]", b"\xff\xfe"])
def test_a_damaged_file_is_named_and_not_touched(path: Path, content: bytes) -> None:
    state.save(path, content)

    with pytest.raises(state.StateBroken, match=r"store\.json"):
        state.load(path)

    assert path.read_bytes() == content


def test_a_change_is_saved_while_the_store_runs(path: Path) -> None:
    counter = Counter()
    keeper = state.Keeper(path, counter, every_s=0.01)
    keeper.start()
    try:
        assert within(5, lambda: state.load(path) == {"value": 0})
        counter.value = 7
        assert within(5, lambda: state.load(path) == {"value": 7})
    finally:
        keeper.stop()


def test_what_did_not_change_is_not_written_again(path: Path) -> None:
    counter = Counter()
    keeper = state.Keeper(path, counter, every_s=0.005)
    keeper.start()
    assert within(5, path.exists)
    before = path.stat().st_ino

    asked = counter.asked
    assert within(5, lambda: counter.asked > asked + 3)
    keeper.stop()

    assert path.stat().st_ino == before


def test_the_last_change_is_saved_at_the_end(path: Path) -> None:
    counter = Counter()
    keeper = state.Keeper(path, counter, every_s=3600)
    keeper.start()
    counter.value = 3

    keeper.stop()

    assert json.loads(path.read_text()) == {"value": 3}


def test_a_place_that_cannot_be_written_to_is_known_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    keeper = state.Keeper(tmp_path / "file" / "store.json", Counter())

    with pytest.raises(OSError, match="file"):
        keeper.start()


def test_a_full_disk_does_not_stop_the_keeping(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    counter = Counter()
    real = os.fsync
    tries = []

    def full(_: int) -> None:
        tries.append(1)
        raise OSError("No space left on device")

    keeper = state.Keeper(path, counter, every_s=0.005)
    keeper.start()
    monkeypatch.setattr(os, "fsync", full)
    counter.value = 1
    assert within(5, lambda: len(tries) > 2)
    monkeypatch.setattr(os, "fsync", real)

    assert within(5, lambda: state.load(path) == {"value": 1})
    keeper.stop()
    assert [record.getMessage() for record in caplog.records] == [
        "The store's state could not be saved: No space left on device"
    ]
