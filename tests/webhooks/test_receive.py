"""The address stores deliver to: what it answers, what it keeps, and what that costs."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client, RequestFactory
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from integrations.models import Endpoint, Store, StoreStatus
from logix.accounts import keys
from logix.common import bell
from tests.webhooks import toy
from tests.webhooks.conftest import TOKEN, Deliver, make_endpoint
from webhooks import accept, views
from webhooks.models import Delivery
from webhooks.sealing import open_body

PUBLISH = bell.publish
BODY = toy.body_of(id=7, changed_at="2026-11-20T12:00:00+00:00")


def test_a_signed_delivery_is_kept_as_it_came_and_answered_with_an_empty_200(
    deliver: Deliver, endpoint: Endpoint, rung: list[str]
) -> None:
    response = deliver(BODY)

    assert (response.status_code, response.content) == (200, b"")
    assert response["Content-Length"] == "0"
    delivery = Delivery.objects.get()
    assert delivery.endpoint == endpoint
    assert delivery.store == endpoint.store
    assert delivery.topic == "order.updated"
    assert delivery.dedupe_key == f"b:order.updated:{hashlib.sha256(BODY).hexdigest()}"
    assert delivery.headers == {"x-toy-topic": "order.updated", "x-toy-delivery": "d-1"}
    assert delivery.state == Delivery.State.NEW
    assert delivery.body_length == len(BODY)
    assert delivery.request_id == response["X-Request-ID"]
    assert open_body(delivery) == BODY


def test_the_body_is_sealed_and_does_not_open_in_another_row(
    deliver: Deliver, endpoint: Endpoint
) -> None:
    from logix.common.crypto import SealBroken

    deliver(BODY)
    deliver(id=8)
    one, other = Delivery.objects.order_by("body_length")

    assert b"2026-11-20" not in bytes(other.body_sealed)
    one.body_sealed = other.body_sealed
    with pytest.raises(SealBroken):
        open_body(one)


def test_accepting_costs_at_most_three_statements(
    deliver: Deliver, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    keys.vault.cache_clear()
    with django_assert_max_num_queries(3):  # the first one in a process also reads the store's key
        assert deliver(id=1).status_code == 200
    with django_assert_max_num_queries(2):
        assert deliver(id=2).status_code == 200
    with django_assert_max_num_queries(3):
        assert deliver(id=2).status_code == 200


def test_no_session_is_started_and_no_cookie_set(deliver: Deliver) -> None:
    response = deliver(BODY)

    assert not response.cookies
    assert "Vary" not in response or "Cookie" not in response["Vary"]


def test_csrf_is_not_asked_of_machines(endpoint: Endpoint) -> None:
    response = Client(enforce_csrf_checks=True).post(
        f"/api/v1/toy/webhooks/receive/{TOKEN}",
        data=BODY,
        content_type="application/json",
        headers={toy.SIGNATURE: toy.sign(BODY)},
    )

    assert response.status_code == 200


@pytest.mark.parametrize("slash", ["", "/"])
def test_both_slash_forms_take_the_delivery_without_a_redirect(
    deliver: Deliver, slash: str
) -> None:
    assert deliver(BODY, slash=slash).status_code == 200
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize("slash", ["", "/"])
def test_an_address_without_token_says_what_is_missing(client: Client, slash: str) -> None:
    response = client.post(
        f"/api/v1/toy/webhooks/receive{slash}", data=b"{}", content_type="text/plain"
    )

    assert response.status_code == 401
    assert "has to carry the store's token" in response.json()["detail"]


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
@pytest.mark.parametrize("path", ["receive", "receive/", f"receive/{TOKEN}", f"receive/{TOKEN}/"])
def test_other_methods_are_told_to_post(client: Client, method: str, path: str) -> None:
    response = getattr(client, method)(f"/api/v1/toy/webhooks/{path}")

    assert response.status_code == 405
    assert response["Allow"] == "POST"
    if method == "get":
        assert "by POST" in response.json()["detail"]


def test_a_wrong_signature_is_refused_and_nothing_kept(deliver: Deliver) -> None:
    for signature in (toy.sign(BODY, "other"), "", "é", "A" * 5000):
        assert deliver(BODY, signature=signature).status_code == 401
    assert not Delivery.objects.exists()


def test_a_signature_over_other_bytes_is_refused(deliver: Deliver) -> None:
    assert deliver(BODY + b" ", signature=toy.sign(BODY)).status_code == 401


def test_unknown_token_and_wrong_signature_get_the_same_answer(deliver: Deliver) -> None:
    unknown = deliver(BODY, token="x" * 43)
    wrong = deliver(BODY, signature="x")

    assert unknown.status_code == wrong.status_code == 401
    assert unknown.json() == wrong.json()


def test_an_unknown_token_spends_the_time_of_a_signature(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent: list[int] = []
    real = views.signatures.verify

    def verify(*args: Any, **named: Any) -> bool:
        spent.append(len(named["secrets"]))
        return real(*args, **named)

    monkeypatch.setattr(views.signatures, "verify", verify)
    deliver(BODY, token="x" * 43)

    assert spent == [2]


def test_a_token_of_another_platform_does_not_fit(deliver: Deliver) -> None:
    assert deliver(BODY, platform="woocommerce").status_code == 401
    assert deliver(BODY, platform="no-such-platform").status_code == 401


def test_both_secrets_sign_while_the_rotation_lasts(deliver: Deliver, endpoint: Endpoint) -> None:
    vault = keys.vault(endpoint.store.data_key_id)
    place = ("integrations_endpoint", "previous_secret_sealed", str(endpoint.pk))
    endpoint.previous_secret_sealed = vault.seal(b"before", *place)
    endpoint.previous_valid_until = timezone.now() + timedelta(hours=1)
    endpoint.save()

    assert deliver(BODY).status_code == 200
    assert deliver(BODY + b" ", signature=toy.sign(BODY + b" ", "before")).status_code == 200

    Endpoint.objects.update(previous_valid_until=timezone.now() - timedelta(seconds=1))
    assert deliver(BODY + b"  ", signature=toy.sign(BODY + b"  ", "before")).status_code == 401
    assert Delivery.objects.count() == 2


def test_a_repeat_is_counted_and_kept_once(deliver: Deliver) -> None:
    for _ in range(3):
        assert deliver(BODY).status_code == 200

    delivery = Delivery.objects.get()
    assert (delivery.duplicates, delivery.state) == (2, Delivery.State.NEW)


def test_the_same_body_under_another_topic_is_another_delivery(deliver: Deliver) -> None:
    deliver(BODY, topic="order.created")
    deliver(BODY, topic="order.updated")

    assert Delivery.objects.count() == 2


def test_a_repeat_of_a_parked_delivery_is_worked_again(deliver: Deliver) -> None:
    deliver(BODY)
    Delivery.objects.update(
        state=Delivery.State.PARKED, attempts=9, problem="broken", body_sealed=None, fence=4
    )

    deliver(BODY)

    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.problem) == (Delivery.State.NEW, 0, "")
    assert (delivery.duplicates, delivery.fence) == (1, 5)
    assert open_body(delivery) == BODY


def test_a_repeat_of_fresh_work_rests_and_of_old_work_is_worked_again(deliver: Deliver) -> None:
    deliver(BODY)
    Delivery.objects.update(state=Delivery.State.DONE, done_at=timezone.now(), outcome="applied")
    deliver(BODY)
    assert Delivery.objects.get().state == Delivery.State.DONE

    Delivery.objects.update(done_at=timezone.now() - timedelta(minutes=11))
    deliver(BODY)
    assert Delivery.objects.get().state == Delivery.State.NEW


def test_a_ping_is_answered_and_not_kept(deliver: Deliver) -> None:
    assert deliver(b"webhook_id=1", signature="").status_code == 200
    assert not Delivery.objects.exists()


def test_a_ping_to_an_unknown_address_is_refused(deliver: Deliver) -> None:
    assert deliver(b"webhook_id=1", token="x" * 43, signature="").status_code == 401


def test_a_ten_megabyte_body_is_refused_without_being_read(endpoint: Endpoint) -> None:
    class Untouched(io.BytesIO):
        def read(self, *_args: Any) -> bytes:
            raise AssertionError("the body was read")

    request = RequestFactory().post(f"/api/v1/toy/webhooks/receive/{TOKEN}")
    request.META["CONTENT_LENGTH"] = str(10 * 1024 * 1024)
    request._stream = Untouched()

    response = views.receive(request, "toy", TOKEN)

    assert response.status_code == 413
    assert not Delivery.objects.exists()


def test_the_largest_body_of_the_platform_is_taken(deliver: Deliver) -> None:
    body = b"x" * toy.CARD.webhooks.max_body

    assert deliver(body).status_code == 200
    assert open_body(Delivery.objects.get()) == body


@pytest.mark.parametrize(
    ("announced", "status"), [("", 411), ("-5", 411), ("ten", 411), ("²", 411), ("400", 400)]
)
def test_a_body_that_does_not_fit_its_length_is_refused(
    endpoint: Endpoint, announced: str, status: int
) -> None:
    request = RequestFactory().post(
        f"/api/v1/toy/webhooks/receive/{TOKEN}", data=BODY, content_type="application/json"
    )
    request.META["CONTENT_LENGTH"] = announced
    request._stream = io.BytesIO(BODY)

    assert views.receive(request, "toy", TOKEN).status_code == status


@pytest.mark.parametrize("status", [StoreStatus.PAUSED, StoreStatus.NEEDS_MERCHANT])
def test_what_a_paused_store_sends_is_kept_for_later(
    deliver: Deliver, store: Store, status: str
) -> None:
    Store.objects.update(status=status)

    assert deliver(BODY).status_code == 200
    assert Delivery.objects.get().state == Delivery.State.NEW


@pytest.mark.parametrize("closed", ["store", "endpoint"])
def test_what_a_disconnected_store_still_sends_is_noted_without_its_body(
    deliver: Deliver, store: Store, closed: str, rung: list[str]
) -> None:
    if closed == "store":
        Store.objects.update(status=StoreStatus.DISCONNECTED)
    else:
        Endpoint.objects.update(status=Endpoint.Status.CLOSED)

    assert deliver(BODY).status_code == 200
    assert deliver(BODY).status_code == 200
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.outcome) == (Delivery.State.IGNORED, "disconnected")
    assert (delivery.body_sealed, delivery.duplicates) == (None, 1)
    assert rung == []


def test_a_closed_endpoint_whose_key_was_destroyed_proves_nothing(
    deliver: Deliver, endpoint: Endpoint
) -> None:
    keys.destroy(endpoint.store.data_key_id)

    assert deliver(BODY).status_code == 503
    Endpoint.objects.update(status=Endpoint.Status.CLOSED)
    assert deliver(BODY).status_code == 401


def test_hostile_headers_do_no_harm(deliver: Deliver) -> None:
    assert deliver(BODY, topic="order\x00.upd\x1bated" + "x" * 300).status_code == 200
    delivery = Delivery.objects.get()
    assert delivery.topic.startswith("order.updatedxxx")
    assert len(delivery.topic) == 80
    assert len(delivery.dedupe_key) <= 160


def test_the_platforms_own_dedupe_key_wins(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key(delivery: Any) -> str:
        return "e:" + str(json.loads(delivery.body)["id"]) * 200

    monkeypatch.setattr(toy.ToyIntegration, "dedupe_key", staticmethod(key), raising=False)
    deliver(id=1, note="one")
    deliver(id=1, note="two")
    deliver(id=2)

    assert Delivery.objects.count() == 2


def test_deliveries_that_carry_a_number_are_told_apart_by_it_and_not_by_their_bodies(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bodies that name the order alone are the same at each of its changes."""
    scheme = replace(toy.CARD.webhooks, event_id_header="X-Toy-Delivery")
    monkeypatch.setattr(toy.ToyIntegration, "card", replace(toy.CARD, webhooks=scheme))
    for number in ("d-1", "d-2", "d-2"):
        assert deliver(BODY, number=number).status_code == 200

    found = Delivery.objects.order_by("id").values_list("dedupe_key", "duplicates")
    assert list(found) == [("e:order.updated:d-1", 0), ("e:order.updated:d-2", 1)]


@pytest.mark.parametrize("statement", ["SELECT", "INSERT"])
def test_a_database_that_is_away_is_never_answered_with_success(
    deliver: Deliver, statement: str
) -> None:
    def down(execute: Any, sql: str, *args: Any) -> Any:
        if statement in sql:
            raise OperationalError("the server closed the connection")
        return execute(sql, *args)

    with connection.execute_wrapper(down):
        response = deliver(BODY)

    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert "Send it again" in response.json()["detail"]
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("statement", ["SELECT", "INSERT"])
def test_a_connection_that_was_lost_costs_the_sender_nothing(
    deliver: Deliver, statement: str
) -> None:
    """Stores that never send twice would lose it."""
    lost = [statement]

    def hung_up(execute: Any, sql: str, *args: Any) -> Any:
        if lost and lost[0] in sql:
            lost.clear()
            raise OperationalError("the server closed the connection")
        return execute(sql, *args)

    with connection.execute_wrapper(hung_up):
        response = deliver(BODY)

    assert response.status_code == 200
    assert lost == []
    assert Delivery.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_connection_the_database_ended_is_replaced(deliver: Deliver) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connection to end")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    other.close()

    assert deliver(BODY).status_code == 200
    assert Delivery.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_on_postgresql_a_statement_that_takes_too_long_is_given_up(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no statement time-out")
    monkeypatch.setattr(accept, "_LIMITS", accept._LIMITS.replace("1500", "50"))

    def slow(execute: Any, sql: str, *args: Any) -> Any:
        return execute(sql.replace("INSERT INTO", "SELECT pg_sleep(5); INSERT INTO"), *args)

    with connection.execute_wrapper(slow):
        assert deliver(BODY).status_code == 503
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


@pytest.mark.django_db(transaction=True)
def test_the_row_is_committed_before_the_bell_is_rung(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def send(*_args: Any, **_named: Any) -> None:
        seen.append(not connection.in_atomic_block and Delivery.objects.exists())
        raise ConnectionError("the broker is on fire")

    monkeypatch.setattr(bell, "publish", PUBLISH)
    monkeypatch.setattr(bell, "_send", send)

    assert deliver(BODY).status_code == 200
    assert seen == [True]
    assert Delivery.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_deliveries_in_a_moment_share_their_rings(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is heard at once; those after it share one ring, which finds all of them."""
    rings: list[tuple[float, float]] = []
    clock = [100.0]
    monkeypatch.setattr(bell, "publish", lambda *a, delay_s, **n: rings.append((clock[0], delay_s)))
    monkeypatch.setattr(accept.time, "monotonic", lambda: clock[0])

    for number in range(5):
        deliver(id=number)
        clock[0] += 0.01
    assert rings == [(100.0, 0.0), (100.01, 0.1)]

    clock[0] = 100.11  # the shared one has just arrived
    deliver(id=5)
    clock[0] = 200.0
    deliver(id=6)
    assert rings[2:] == [(100.11, 0.1), (200.0, 0.0)]


@pytest.mark.django_db(transaction=True)
def test_a_ring_that_was_rolled_back_keeps_nobody_elses_from_being_rung(rung: list[str]) -> None:
    def ring_and_fail() -> None:
        with transaction.atomic():
            accept.ring()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ring_and_fail()
    accept.ring()

    assert rung == [accept.PROCESS]


def test_two_stores_may_send_the_same_bytes(
    deliver: Deliver, endpoint: Endpoint, client: Client
) -> None:
    from tests.factories import make_merchant, make_store

    other = make_store(make_merchant("other"), platform="toy", base_url="https://other.example")
    make_endpoint(other, token="o" * 43)

    deliver(BODY)
    deliver(BODY, token="o" * 43)

    assert {d.store.merchant.slug for d in Delivery.objects.all()} == {"acme", "other"}
