"""Webhooks as they leave the store, seen by a real receiver and held to recorded requests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox.faults import Faults
from integrations.sandbox.woocommerce import hookshot, selling, wire
from integrations.sandbox.woocommerce.deliveries import Deliveries, ping, signature
from integrations.sandbox.woocommerce.faults import KINDS
from integrations.sandbox.woocommerce.models import Webhook
from integrations.sandbox.woocommerce.options import StoreOptions
from integrations.sandbox.woocommerce.store import WooStore
from tests.integrations.sandbox.receiver import Came, Receiver, within

SECRET = "a secret & more"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def store() -> WooStore:
    return WooStore(StoreOptions(orders=20, products=12, home_url="https://shop.example/"))


@pytest.fixture
def faults() -> Faults:
    return Faults(KINDS, seed=5)


@pytest.fixture
def deliveries(store: WooStore, faults: Faults) -> Iterator[Deliveries]:
    running = Deliveries(store, faults, delay_s=0)
    running.start()
    yield running
    running.stop()


def subscribe(store: WooStore, url: str, topic: str = "order.updated", **fields: Any) -> Webhook:
    webhook = Webhook(
        id=store.ids.next("webhook"),
        name="sample",
        topic=topic,
        delivery_url=url,
        secret=SECRET,
        created=store.clock.now(),
        **{"is_pending": False} | fields,
    )
    store.webhooks[webhook.id] = webhook
    return webhook


def an_order(store: WooStore) -> int:
    return next(iter(store.orders.ids()))


def touch(store: WooStore, order_id: int, text: str = "touched") -> None:
    selling.edit_order(store, order_id, note=text)


def touch_until_sent(store: WooStore, deliveries: Deliveries, times: int) -> None:
    """One delivery after the other: what waits already would not be queued again."""
    order_id = an_order(store)
    for number in range(times):
        touch(store, order_id, f"{number}")
        assert deliveries.settle(5)


def test_a_changed_order_is_delivered_signed_and_whole(
    store: WooStore, deliveries: Deliveries, receiver: Receiver
) -> None:
    webhook = subscribe(store, receiver.url)
    order_id = an_order(store)

    touch(store, order_id)
    assert deliveries.settle(5)

    (came,) = receiver.came
    expected = hmac.new(SECRET.encode(), came.body, hashlib.sha256).digest()
    assert came.headers["X-WC-Webhook-Signature"] == base64.b64encode(expected).decode()
    assert came.body == wire.encode(store.payload("order.updated", order_id))
    assert {name: came.headers[name] for name in came.headers if name.startswith("X-WC")} == {
        "X-WC-Webhook-Source": "https://shop.example/",
        "X-WC-Webhook-Topic": "order.updated",
        "X-WC-Webhook-Resource": "order",
        "X-WC-Webhook-Event": "updated",
        "X-WC-Webhook-Signature": came.headers["X-WC-Webhook-Signature"],
        "X-WC-Webhook-ID": str(webhook.id),
        "X-WC-Webhook-Delivery-ID": came.headers["X-WC-Webhook-Delivery-ID"],
    }
    assert len(came.headers["X-WC-Webhook-Delivery-ID"]) == 32


def test_the_signature_covers_the_recorded_body(shared: Path) -> None:
    recorded = _recorded(shared, "webhook_delivery_order_updated.json")
    headers = dict(recorded["headers"])

    assert (
        signature(recorded["secret"], recorded["body"].encode())
        == (headers["X-WC-Webhook-Signature"])
    )


@pytest.mark.parametrize(
    ("kept", "used"),
    [
        ("a &amp; b &lt;c&gt; &quot;d&quot; &#039;e&#039;", "a & b <c> \"d\" 'e'"),
        ("&amp;lt;", "&lt;"),
        ("100 &euro; &copy=1", "100 &euro; &copy=1"),
    ],
)
def test_the_secret_is_decoded_as_wordpress_decodes(kept: str, used: str) -> None:
    expected = hmac.new(used.encode(), b"body", hashlib.sha256).digest()

    assert signature(kept, b"body") == base64.b64encode(expected).decode()


def test_the_headers_are_those_of_the_recorded_delivery(
    shared: Path, store: WooStore, deliveries: Deliveries, receiver: Receiver
) -> None:
    recorded = dict(_recorded(shared, "webhook_delivery_order_updated.json")["headers"])
    subscribe(store, receiver.url)

    touch(store, an_order(store))
    assert deliveries.settle(5)

    came = receiver.came[0].headers
    assert set(came) == set(recorded)
    for name in ("User-Agent", "Accept", "Accept-Encoding", "Content-Type", "Connection"):
        assert came[name] == recorded[name]


def test_the_body_is_spelled_like_the_recorded_one(
    shared: Path, store: WooStore, deliveries: Deliveries, receiver: Receiver
) -> None:
    """Same keys in the same order, ASCII, slashes escaped: re-encoded, both come out unchanged."""
    recorded = _recorded(shared, "webhook_delivery_order_updated.json")["body"]
    subscribe(store, receiver.url)

    touch(store, an_order(store))
    assert deliveries.settle(5)

    assert wire.encode(json.loads(recorded)) == recorded.encode()
    body = receiver.came[0].body
    assert wire.encode(json.loads(body)) == body
    assert list(json.loads(body)) == list(json.loads(recorded))


def test_a_deleted_order_sends_its_id_alone(
    store: WooStore, deliveries: Deliveries, receiver: Receiver
) -> None:
    subscribe(store, receiver.url, "order.deleted")
    order_id = an_order(store)

    selling.trash(store, order_id)
    assert deliveries.settle(5)

    assert [came.body for came in receiver.came] == [b'{"id":%d}' % order_id]


def test_only_active_webhooks_of_the_topic_hear_of_it(
    store: WooStore, deliveries: Deliveries, receiver: Receiver
) -> None:
    heard = subscribe(store, receiver.url)
    subscribe(store, receiver.url, "order.created")
    subscribe(store, receiver.url, status="paused")

    touch(store, an_order(store))
    assert deliveries.settle(5)

    assert [came.headers["X-WC-Webhook-ID"] for came in receiver.came] == [str(heard.id)]


def test_what_waits_already_is_not_queued_again_and_is_sent_as_it_is_then(
    store: WooStore, faults: Faults, receiver: Receiver
) -> None:
    subscribe(store, receiver.url)
    waiting = Deliveries(store, faults, delay_s=0)
    for number in range(5):
        touch(store, an_order(store), f"version {number}")
    assert waiting.waiting == 1

    waiting.start()
    assert waiting.settle(5)
    waiting.stop()

    assert [json.loads(came.body)["customer_note"] for came in receiver.came] == ["version 4"]


def test_two_deliveries_of_one_second_share_their_id(
    store: WooStore, deliveries: Deliveries, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe(store, receiver.url)
    clock = iter([1000.2, 1000.9, 1001.1])
    monkeypatch.setattr(deliveries, "_wall", lambda: next(clock))

    touch_until_sent(store, deliveries, 3)

    first, second, third = (c.headers["X-WC-Webhook-Delivery-ID"] for c in receiver.came)
    assert first == second != third


@pytest.mark.parametrize("status", [200, 204, 301, 302])
def test_these_answers_count_as_success(
    store: WooStore, deliveries: Deliveries, receiver: Receiver, status: int
) -> None:
    webhook = subscribe(store, receiver.url, failures=3)
    receiver.status = status

    touch_until_sent(store, deliveries, 1)

    assert (webhook.failures, webhook.status) == (0, "active")
    assert len(receiver.came) == 1  # a redirect is not followed


@pytest.mark.parametrize("status", [303, 400, 404, 410, 500, 503])
def test_these_answers_count_as_failure_and_nothing_is_tried_again(
    store: WooStore, deliveries: Deliveries, receiver: Receiver, status: int
) -> None:
    webhook = subscribe(store, receiver.url)
    receiver.status = status

    touch_until_sent(store, deliveries, 1)

    assert webhook.failures == 1
    assert len(receiver.came) == 1


def test_the_seventh_failure_in_a_row_disables(
    store: WooStore, deliveries: Deliveries, receiver: Receiver
) -> None:
    webhook = subscribe(store, receiver.url)
    receiver.status = 500

    touch_until_sent(store, deliveries, 6)
    assert (webhook.status, webhook.failures) == ("active", 6)
    touch_until_sent(store, deliveries, 3)

    assert (webhook.status, len(receiver.came)) == ("disabled", 7)


def test_a_success_in_between_starts_the_count_anew(
    store: WooStore, deliveries: Deliveries, receiver: Receiver
) -> None:
    webhook = subscribe(store, receiver.url)
    receiver.statuses = [500] * 6 + [200] + [500] * 6

    touch_until_sent(store, deliveries, 13)

    assert (webhook.status, webhook.failures) == ("active", 6)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "http://[", "nonsense", "http://a b/"])
def test_nobody_there_is_a_failure(store: WooStore, deliveries: Deliveries, url: str) -> None:
    webhook = subscribe(store, url)

    touch_until_sent(store, deliveries, 1)

    assert webhook.failures == 1
    assert [row.status for row in deliveries.sent] == [0]


def test_the_greeting_is_the_recorded_one(
    shared: Path, store: WooStore, receiver: Receiver
) -> None:
    recorded = _recorded(shared, "webhook_ping_on_create.json")
    webhook = subscribe(store, receiver.url, is_pending=True)

    assert ping(store, webhook)

    (came,) = receiver.came
    assert set(came.headers) == set(dict(recorded["headers"]))
    assert came.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert came.body == b"webhook_id=%d" % webhook.id
    assert webhook.is_pending is False


@pytest.mark.parametrize("status", [201, 204, 302, 404, 500])
def test_a_greeting_needs_exactly_200(store: WooStore, receiver: Receiver, status: int) -> None:
    webhook = subscribe(store, receiver.url, is_pending=True)
    receiver.status = status

    assert not ping(store, webhook)
    assert webhook.is_pending is True


def test_who_never_answered_the_greeting_is_greeted_after_each_delivery(
    store: WooStore, deliveries: Deliveries, receiver: Receiver
) -> None:
    webhook = subscribe(store, receiver.url, is_pending=True)
    receiver.statuses = [200, 404]

    touch_until_sent(store, deliveries, 1)
    touch_until_sent(store, deliveries, 1)

    assert [came.body == b"webhook_id=%d" % webhook.id for came in receiver.came] == [
        False, True, False, True,
    ]  # fmt: skip
    assert webhook.is_pending is False


def test_a_full_queue_counts_what_it_loses(store: WooStore, faults: Faults) -> None:
    small = Deliveries(store, faults, capacity=3)
    subscribe(store, "http://127.0.0.1:1/")

    for order_id in list(store.orders.ids())[:5]:
        touch(store, order_id)

    assert (small.waiting, small.overflowed) == (3, 2)


def test_a_receiver_that_hangs_does_not_hold_up_the_end(store: WooStore, faults: Faults) -> None:
    came, release = threading.Event(), threading.Event()

    def hang(url: str, body: bytes, headers: Mapping[str, str]) -> int:
        came.set()
        release.wait(30)
        return 200

    running = Deliveries(store, faults, post=hang, delay_s=0)
    running.STOP_S = 0.05
    running.start()
    subscribe(store, "http://127.0.0.1:1/")
    touch(store, an_order(store))
    assert came.wait(5)

    running.stop()

    assert running.waiting == 1
    release.set()


def test_a_webhook_removed_while_it_waits_is_not_sent(
    store: WooStore, faults: Faults, receiver: Receiver
) -> None:
    waiting = Deliveries(store, faults, delay_s=0)
    webhook = subscribe(store, receiver.url)
    touch(store, an_order(store))
    del store.webhooks[webhook.id]

    waiting.start()
    assert waiting.settle(5)
    waiting.stop()

    assert receiver.came == []


# --- faults ---------------------------------------------------------------------------------------


def touch_each(store: WooStore, deliveries: Deliveries) -> list[int]:
    numbers = list(store.orders.ids())
    for order_id in numbers:
        touch(store, order_id)
    assert deliveries.settle(10)
    return numbers


def ids_of(came: list[Came]) -> list[int]:
    return [json.loads(row.body)["id"] for row in came]


def test_some_are_lost(
    store: WooStore, faults: Faults, deliveries: Deliveries, receiver: Receiver
) -> None:
    webhook = subscribe(store, receiver.url)
    faults.turn_on("webhook_lost", rate=0.4)

    touched = touch_each(store, deliveries)

    lost = [row.resource_id for row in deliveries.sent if row.fault == "webhook_lost"]
    assert 0 < len(lost) < len(touched)
    assert sorted(ids_of(receiver.came) + lost) == sorted(touched)
    assert webhook.failures == 0


def test_some_come_twice_with_the_same_body(
    store: WooStore, faults: Faults, deliveries: Deliveries, receiver: Receiver
) -> None:
    subscribe(store, receiver.url)
    faults.turn_on("webhook_duplicated", count=1)

    touched = touch_each(store, deliveries)

    assert len(receiver.came) == len(touched) + 1
    assert receiver.came[0].body == receiver.came[1].body


def test_one_that_is_late_holds_up_no_other(
    store: WooStore, faults: Faults, deliveries: Deliveries, receiver: Receiver
) -> None:
    subscribe(store, receiver.url)
    faults.turn_on("webhook_late", count=1, seconds=3600)

    touched = list(store.orders.ids())
    for order_id in touched:
        touch(store, order_id)

    assert within(10, lambda: deliveries.waiting == 1)
    assert ids_of(receiver.came) == touched[1:]


def test_one_that_is_late_arrives_after_its_time(
    store: WooStore, faults: Faults, deliveries: Deliveries, receiver: Receiver
) -> None:
    subscribe(store, receiver.url)
    faults.turn_on("webhook_late", seconds=0.2)

    began = time.monotonic()
    touch_until_sent(store, deliveries, 1)

    assert time.monotonic() - began >= 0.2
    assert len(receiver.came) == 1


def test_an_old_record_may_arrive_after_a_newer_one(
    store: WooStore,
    faults: Faults,
    deliveries: Deliveries,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    subscribe(store, receiver.url)
    order_id = an_order(store)
    faults.turn_on("webhook_shuffled", count=1, seconds=2)
    monkeypatch.setattr(faults, "roll", lambda most: most * 0.75)

    touch(store, order_id, "old")
    assert within(5, lambda: "struck': 1" in str(faults.document()))
    touch(store, order_id, "new")
    assert deliveries.settle(10)

    notes = [json.loads(came.body)["customer_note"] for came in receiver.came]
    assert notes == ["new", "old"]


def test_a_fault_may_be_for_one_topic_only(
    store: WooStore, faults: Faults, deliveries: Deliveries, receiver: Receiver
) -> None:
    subscribe(store, receiver.url, "order.updated")
    subscribe(store, receiver.url, "order.deleted")
    faults.turn_on("webhook_lost", route=r"^order\.deleted$")
    order_id = an_order(store)

    touch(store, order_id)
    selling.trash(store, order_id)
    assert deliveries.settle(5)

    assert [c.headers["X-WC-Webhook-Topic"] for c in receiver.came] == ["order.updated"]


def _recorded(shared: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (shared / "contracts" / "woocommerce" / "real" / name).read_text()
    )
    return found


def test_the_query_of_an_address_is_kept(receiver: Receiver) -> None:
    assert hookshot.post(f"{receiver.url}?token=a%20b", b"x", {}) == 200
    assert receiver.came[0].path == "/hook?token=a%20b"
