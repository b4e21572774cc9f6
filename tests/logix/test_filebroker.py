"""The folder broker: nothing is read before it is whole, nothing is read twice."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection, Exchange, Queue
from kombu.transport.virtual import Channel

from logix import filebroker

pytestmark = pytest.mark.broker

EXCHANGE = Exchange("logix", type="topic")
LIVE = Queue("live", EXCHANGE, routing_key="live")
PUSH = Queue("push", EXCHANGE, routing_key="push")


@pytest.fixture
def broker(tmp_path: Path) -> Connection:
    return Connection("files://localhost", transport_options={"folder": str(tmp_path / "broker")})


def drain(channel: Channel, queue: str) -> list[str]:
    bodies = []
    while True:
        try:
            bodies.append(channel._get(queue)["headers"]["id"])
        except Empty:
            return bodies


def publish(connection: Connection, number: str, queue: Queue) -> None:
    producer = connection.Producer()
    producer.publish(
        {}, exchange=EXCHANGE, routing_key=queue.name, declare=[queue], headers={"id": number}
    )


def test_messages_go_to_their_queue_and_come_out_in_order(broker: Connection) -> None:
    for number in ("1", "2", "3"):
        publish(broker, number, LIVE)
    publish(broker, "4", PUSH)

    channel = broker.default_channel
    assert drain(channel, "live") == ["1", "2", "3"]
    assert drain(channel, "push") == ["4"]
    assert channel._size("live") == 0


def test_another_process_finds_the_bindings(broker: Connection, tmp_path: Path) -> None:
    LIVE(broker.default_channel).declare()
    other = Connection("files://localhost", transport_options={"folder": str(tmp_path / "broker")})

    assert [queue for *_, queue in other.default_channel.get_table("logix")] == ["live"]


def test_many_writers_and_readers_lose_and_double_nothing(broker: Connection) -> None:
    LIVE(broker.default_channel).declare()
    read: list[str] = []
    done = threading.Event()

    def write(writer: int) -> None:
        with broker.clone() as connection:
            for number in range(100):
                publish(connection, f"{writer}-{number}", LIVE)

    def take() -> None:
        with broker.clone() as connection:
            while not done.is_set():
                read.extend(drain(connection.default_channel, "live"))

    readers = [threading.Thread(target=take) for _ in range(2)]
    writers = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for thread in readers + writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    read.extend(drain(broker.default_channel, "live"))

    assert sorted(read) == sorted(f"{w}-{n}" for w in range(3) for n in range(100))


def test_an_unfinished_message_is_not_seen(broker: Connection) -> None:
    publish(broker, "1", LIVE)
    folder = broker.default_channel._queue("live")
    (folder / ".half").write_text("{")

    assert drain(broker.default_channel, "live") == ["1"]


def test_a_queue_nobody_reads_stops_growing(
    broker: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filebroker, "_FULL", 3)
    for number in range(5):
        publish(broker, str(number), LIVE)

    assert broker.default_channel._size("live") == 3
    assert broker.default_channel.queue_purge("live") == 3


def test_a_deleted_queue_hears_no_more(broker: Connection) -> None:
    channel = broker.default_channel
    LIVE(channel).declare()
    PUSH(channel).declare()

    channel.queue_delete("push")

    assert [queue for *_, queue in channel.get_table("logix")] == ["live"]


def test_a_message_cut_short_is_skipped_and_does_not_come_back(broker: Connection) -> None:
    """What a power failure leaves: a file with its name and without its content."""
    publish(broker, "1", LIVE)
    channel = broker.default_channel
    folder = channel._queue("live")
    for name, content in (("0-empty", b""), ("0-half", b'{"he'), ("0-noise", b"\xff\xfe")):
        (folder / name).write_bytes(content)

    assert drain(channel, "live") == ["1"]
    assert list(folder.iterdir()) == []


def test_a_binding_cut_short_is_passed_over_and_mends_itself(broker: Connection) -> None:
    channel = broker.default_channel
    LIVE(channel).declare()
    PUSH(channel).declare()
    (broken,) = [f for f in channel._exchange("logix").iterdir() if "push" in f.name]
    for content in (b"", b"[1]", b"{}"):
        broken.write_bytes(content)
        assert [queue for *_, queue in channel.get_table("logix")] == ["live"]

    PUSH(broker.clone().default_channel).declare()

    assert sorted(queue for *_, queue in channel.get_table("logix")) == ["live", "push"]


def test_what_a_killed_process_left_is_swept_up_at_the_next_start(broker: Connection) -> None:
    publish(broker, "1", LIVE)
    folder = broker.default_channel._queue("live")
    old, young = folder / ".taken-by-the-dead", folder / ".being-written"
    for file in (old, young):
        file.write_text("{")
    long_ago = time.time() - 2 * filebroker._LEFTOVER_S
    os.utime(old, (long_ago, long_ago))
    os.utime(next(f for f in folder.iterdir() if f.name[0] != "."), (long_ago, long_ago))

    LIVE(broker.clone().default_channel).declare()

    assert (old.exists(), young.exists()) == (False, True)
    assert drain(broker.default_channel, "live") == ["1"], "a message may be as old as it likes"


def test_a_full_disk_is_told_to_whoever_rings_and_leaves_nothing(
    broker: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = broker.default_channel
    LIVE(channel).declare()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)

    with pytest.raises(OSError, match="No space left"):
        channel._put("live", {})
    assert list(channel._queue("live").iterdir()) == []
