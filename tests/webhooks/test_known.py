"""A remembered endpoint saves a question and changes no answer: what was rotated, closed or
disconnected meanwhile, by whatever process, counts at once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from integrations.models import Endpoint, Store, StoreStatus
from logix.accounts import keys
from tests.webhooks import toy
from tests.webhooks.conftest import Deliver
from webhooks import accept
from webhooks.models import Delivery
from webhooks.sealing import open_body

BODY = toy.body_of(id=7, changed_at="2026-11-20T12:00:00+00:00")
PING = b"webhook_id=1"


@pytest.fixture(autouse=True)
def remembered(deliver: Deliver) -> None:
    """The second delivery is the first one taken on the word of memory."""
    for number in (1001, 1002):
        assert deliver(id=number).status_code == 200
    Delivery.objects.all().delete()


def rotate(endpoint: Endpoint, secret: str, *, before: str | None = None) -> None:
    """As another process would: this one is not told."""
    vault = keys.vault(endpoint.store.data_key_id)

    def seal(column: str, text: str) -> bytes:
        return vault.seal(text.encode(), "integrations_endpoint", column, str(endpoint.pk))

    told: dict[str, Any] = {"secret_sealed": seal("secret_sealed", secret)}
    if before is not None:
        told["previous_secret_sealed"] = seal("previous_secret_sealed", before)
        told["previous_valid_until"] = timezone.now() + timedelta(hours=1)
    Endpoint.objects.filter(pk=endpoint.pk).update(**told)


def test_a_delivery_to_a_remembered_endpoint_costs_one_statement(
    deliver: Deliver, endpoint: Endpoint, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        response = deliver(BODY)

    assert response.status_code == 200
    delivery = Delivery.objects.get()
    assert (delivery.endpoint, delivery.store) == (endpoint, endpoint.store)
    assert delivery.headers == {"x-toy-topic": "order.updated", "x-toy-delivery": "d-1"}
    assert delivery.request_id == response["X-Request-ID"]
    assert open_body(delivery) == BODY


def test_both_ways_of_keeping_a_delivery_write_the_same_row(deliver: Deliver) -> None:
    deliver(BODY)
    accept.forget()
    deliver(BODY, topic="order.created")

    one, other = Delivery.objects.order_by("topic").values()
    own = {"id", "topic", "dedupe_key", "headers", "body_sealed", "request_id"}
    own |= {"received_at", "next_at"}
    assert {k: v for k, v in one.items() if k not in own} == {
        k: v for k, v in other.items() if k not in own
    }
    assert one["headers"] == {**other["headers"], "x-toy-topic": "order.created"}


@pytest.mark.django_db(transaction=True)
def test_a_delivery_taken_by_memory_rings_the_bell(
    deliver: Deliver, rung: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rung.clear()
    monkeypatch.setattr(accept, "_rung_at", -1.0)

    deliver(BODY)

    assert rung == [accept.PROCESS]


def test_a_repeat_is_counted_in_no_more_than_three_statements(
    deliver: Deliver, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    deliver(BODY)
    with django_assert_max_num_queries(3):
        assert deliver(BODY).status_code == 200
    assert Delivery.objects.get().duplicates == 1

    Delivery.objects.update(state=Delivery.State.PARKED, problem="broken", body_sealed=None)
    deliver(BODY)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.problem) == (Delivery.State.NEW, "")
    assert open_body(delivery) == BODY


def test_a_rotated_secret_counts_at_once(
    deliver: Deliver,
    endpoint: Endpoint,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    rotate(endpoint, "new-secret")

    assert deliver(BODY).status_code == 401
    with django_assert_max_num_queries(3):
        assert deliver(BODY, signature=toy.sign(BODY, "new-secret")).status_code == 200
    assert deliver(id=8).status_code == 401
    assert Delivery.objects.count() == 1


def test_both_secrets_sign_while_the_rotation_lasts(deliver: Deliver, endpoint: Endpoint) -> None:
    rotate(endpoint, "new-secret", before=toy.SECRET)
    other = toy.body_of(id=8)

    assert deliver(BODY).status_code == 200
    assert deliver(other, signature=toy.sign(other, "new-secret")).status_code == 200

    Endpoint.objects.update(previous_valid_until=timezone.now() - timedelta(seconds=1))
    assert deliver(id=9).status_code == 401
    assert Delivery.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("closed", ["store", "endpoint"])
def test_what_is_closed_or_disconnected_listens_no_more(
    deliver: Deliver, closed: str, rung: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rung.clear()
    monkeypatch.setattr(accept, "_rung_at", -1.0)
    if closed == "store":
        Store.objects.update(status=StoreStatus.DISCONNECTED)
    else:
        Endpoint.objects.update(status=Endpoint.Status.CLOSED)

    for _ in range(2):
        assert deliver(BODY).status_code == 200
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.body_sealed) == (Delivery.State.IGNORED, None)
    assert (delivery.duplicates, rung) == (1, [])


@pytest.mark.parametrize("body", [BODY, PING])
def test_an_address_that_is_gone_is_as_unknown_as_any(deliver: Deliver, body: bytes) -> None:
    Endpoint.objects.all().delete()

    gone = deliver(body)

    assert gone.status_code == 401
    assert gone.json() == deliver(body, token="x" * 43).json()


def test_an_address_whose_store_and_key_are_gone_is_as_unknown_as_any(
    deliver: Deliver, store: Store
) -> None:
    key = store.data_key
    store.delete()
    key.delete()
    keys.vault.cache_clear()

    assert deliver(BODY).status_code == 401


def test_a_key_destroyed_elsewhere_takes_nothing_once_this_process_has_to_open_it(
    deliver: Deliver, store: Store
) -> None:
    keys.destroy(store.data_key_id)

    assert deliver(BODY).status_code == 503
    Endpoint.objects.update(status=Endpoint.Status.CLOSED)
    assert deliver(BODY).status_code == 401
    assert not Delivery.objects.exists()


def test_a_wrong_signature_is_refused_after_the_same_question_as_an_unknown_address(
    deliver: Deliver, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        wrong = deliver(BODY, signature=toy.sign(BODY, "other"))
    with django_assert_num_queries(1):
        unknown = deliver(BODY, token="x" * 43)

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert not Delivery.objects.exists()


def test_a_ping_is_answered_and_not_kept_even_when_it_is_signed(deliver: Deliver) -> None:
    for signature in ("", toy.sign(PING)):
        assert deliver(PING, signature=signature).status_code == 200
    assert not Delivery.objects.exists()


def test_an_endpoint_is_remembered_under_its_own_platform_only(deliver: Deliver) -> None:
    assert deliver(BODY, platform="woocommerce").status_code == 401


def test_the_oldest_is_forgotten_when_there_are_too_many(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept.forget()
    monkeypatch.setattr(accept, "_KNOWN_MOST", 2)
    for digest in ("a", "b", "a", "c"):
        endpoint.token_digest = digest
        accept.remember(endpoint)

    assert [digest for _, digest in accept._known] == ["b", "c"]


Wrapper = Callable[..., Any]


def raising(error: Exception, *, times: int) -> Wrapper:
    left = [times]

    def wrapper(execute: Wrapper, sql: str, *args: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise error
        return execute(sql, *args)

    return wrapper


def test_a_connection_that_was_lost_costs_the_sender_nothing(deliver: Deliver) -> None:
    with connection.execute_wrapper(raising(OperationalError("hung up"), times=1)):
        assert deliver(BODY).status_code == 200
    assert Delivery.objects.count() == 1


def test_a_database_that_is_away_is_never_answered_with_success(deliver: Deliver) -> None:
    with connection.execute_wrapper(raising(OperationalError("away"), times=9)):
        assert deliver(BODY).status_code == 503
    assert not Delivery.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_new_connection_is_told_the_statement_again(deliver: Deliver) -> None:
    connection.close()

    assert deliver(BODY).status_code == 200
    assert deliver(id=8).status_code == 200
    assert Delivery.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_on_postgresql_a_statement_that_takes_too_long_is_given_up(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no statement time-out")
    monkeypatch.setattr(accept, "_LIMITS", accept._LIMITS.replace("1500", "50"))

    def slow(execute: Wrapper, sql: str, *args: Any) -> Any:
        return execute(sql.replace("EXECUTE", "SELECT pg_sleep(5); EXECUTE"), *args)

    with connection.execute_wrapper(slow):
        assert deliver(BODY).status_code == 503
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)
