"""After a buyer is erased no table tells of them, sealed or not, and nothing comes back."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import models, transaction
from django.utils import timezone

from integrations.api import idempotency
from integrations.base import Unreadable
from integrations.models import Command, Endpoint, ParkedRecord, PrivacyRequest, Store
from integrations.outbox.words import words_of
from integrations.privacy.subjects import customer_of
from integrations.sync import park, parking
from inventory import ledger
from inventory.models import StockMovement
from logix.accounts import audit
from logix.accounts.models import AuditEvent, IdempotentRequest
from logix.common import crypto
from orders import services
from orders.data import Address, Buyer, OrderData, PaymentData, PaymentKind
from orders.models import Order, OrderEvent, OrderPayload
from tests.factories import make_line, make_merchant, make_order, make_store
from tests.integrations.api.client import api_for
from tests.orders.shop import bring, later, level, refund, stock
from tests.webhooks.conftest import make_endpoint
from webhooks import accept, inbox, upkeep
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db

State = Delivery.State
# In every text that is the buyer's own; in no text of anybody else.
CANARY = "kanarie"
_TOLD = re.compile(CANARY, re.IGNORECASE)

# How each sealed column is opened. A new one must be named here before these tests pass.
OPENED: dict[tuple[type[models.Model], str], Callable[[Any], bytes | None]] = {
    (Order, "buyer_sealed"): lambda row: repr(services.buyer_of(row)).encode(),
    (OrderPayload, "sealed"): lambda row: services.payload_of(row.order),
    (Delivery, "body_sealed"): inbox.open_body,
    (ParkedRecord, "raw_sealed"): parking.raw_of,
    (IdempotentRequest, "response"): lambda row: answer_of(row),
    (Command, "words_sealed"): lambda row: words_of(row).encode(),
    (PrivacyRequest, "customer_sealed"): lambda row: customer_of(row).encode(),
}
# Secrets of stores and endpoints: nothing of a buyer ever goes there.
SECRETS = {
    "integrations.credential",
    "integrations.endpoint",
    "integrations.connectattempt",
    "accounts.datakey",
}


def answer_of(row: IdempotentRequest) -> bytes:
    sealed = bytes(row.response or b"").decode()
    return crypto.ring().open(sealed, idempotency._place(row)) if sealed else b""


def told_anywhere() -> Iterator[str]:
    """Table and column of every value that still tells of the buyer."""
    for model in apps.get_models(include_auto_created=True):
        for row in model._default_manager.all():
            for field in model._meta.concrete_fields:
                value = getattr(row, field.attname)
                if isinstance(field, models.BinaryField):
                    value = opened(row, field.name) if value else b""
                text = (
                    value.decode() if isinstance(value, bytes) else json.dumps(value, default=str)
                )
                if _TOLD.search(text):
                    yield f"{model._meta.label_lower}.{field.name}"


def opened(row: models.Model, column: str) -> bytes:
    if row._meta.label_lower in SECRETS:
        return b""
    return OPENED[type(row), column](row) or b""


def canary_order() -> OrderData:
    home = Address(
        name="Kanarie Vogelaar",
        company="Kanarie BV",
        line1="Kanariestraat 4711",
        line2="Kanarie 2",
        postcode="KANARIE",
        city="Utrecht",
        country="NL",
        phone="kanarie-555",
    )
    return make_order(
        1,
        buyer=Buyer(
            name="Kanarie Vogelaar",
            email="kanarie@vogels.example",
            phone="kanarie-555",
            company="Kanarie BV",
            note="Ring at Kanarie",
            billing=home,
            shipping=home,
        ),
        external_customer_id="kanarie-7",
        custom={"gift_for": "Kanarie"},
        lines=(make_line(attributes={"engraving": "For Kanarie"}),),
        payments=(
            PaymentData(
                external_id="paid",
                kind=PaymentKind.CAPTURE,
                amount=make_order().total,
                reference="ch_kanarie",
            ),
        ),
        refunds=(refund(reason="Kanarie called"),),
        raw=b'{"billing": {"first_name": "Kanarie"}}',
    )


BODY = json.dumps({"id": 1001, "billing": {"first_name": "Kanarie"}}).encode()


@pytest.fixture
def store(db: None) -> Store:
    store = make_store(writes_enabled=True)
    stock(store)
    return store


@pytest.fixture
def endpoint(store: Store) -> Endpoint:
    return make_endpoint(store, token="t")


def deliver(endpoint: Endpoint, key: str, **columns: Any) -> Delivery:
    delivery, _ = accept.accept(
        endpoint, topic="order.updated", headers={}, body=BODY, dedupe_key=key
    )
    assert delivery is not None
    told = {"resource": "order", "resource_id": "1001", **columns}
    Delivery.objects.filter(pk=delivery.pk).update(**told)
    return delivery


def scatter(store: Store, endpoint: Endpoint) -> Order:
    """One order whose buyer stands in every place that may hold one."""
    bring(store, canary_order())
    order = Order.objects.get()
    for state in State.values:
        deliver(endpoint, f"in {state}", state=state, done_at=timezone.now())
    park(
        store,
        stream="orders",
        unreadable=Unreadable(external_id="1001", reason="A date is missing.", raw=BODY),
    )
    services.add_note(order, text="Kanarie is in on Mondays", actor="user:anna")
    sent = services.add_note(order, text="Kanarie called", actor="user:anna")
    Command.objects.filter(key__endswith=str(sent.pk)).update(state=Command.State.DONE)
    services.cancel_order(order, reason="Kanarie moved away", actor="user:anna")
    services.note_event(
        order.pk, kind="x", title="Told kanarie@vogels.example", data={"n": "Kanarie BV"}
    )
    ledger.restock(
        variant=level().variant,
        location=level().location,
        units=1,
        cause="r1",
        reason="Kanarie sent it back",
        order_ref=order.pk,
        actor="user:anna",
    )
    body = {"status": "completed"}
    answer = api_for(store.merchant).post(f"/orders/{order.pk}/status", body, Idempotency_Key="k")
    assert answer.json()["buyer"]["name"] == "Kanarie Vogelaar"
    return order


def test_the_scan_sees_the_buyer_in_every_place_before(store: Store, endpoint: Endpoint) -> None:
    scatter(store, endpoint)

    assert set(told_anywhere()) == {
        "orders.order.buyer_sealed",
        "orders.order.external_customer_id",
        "orders.order.custom",
        "orders.orderline.attributes",
        "orders.payment.reference",
        "orders.refund.reason",
        "orders.orderpayload.sealed",
        "orders.orderevent.title",
        "orders.orderevent.data",
        "inventory.stockmovement.reason",
        "webhooks.delivery.body_sealed",
        "integrations.parkedrecord.raw_sealed",
        "integrations.command.words_sealed",
        "accounts.idempotentrequest.response",
    }


def test_after_erasure_nothing_anywhere_tells_of_the_buyer(
    store: Store, endpoint: Endpoint
) -> None:
    order = scatter(store, endpoint)
    total, country = order.total, order.ship_country

    services.erase_buyer(order, actor="user:dpo", request_id="r")

    assert list(told_anywhere()) == []
    order.refresh_from_db()
    assert order.erased_at is not None
    assert (order.email_index, order.phone_index) == ("", "")
    assert (order.total, order.ship_country, order.ship_city) == (total, country, "Utrecht")


def test_the_audit_log_counts_what_was_emptied_and_no_more(
    store: Store, endpoint: Endpoint
) -> None:
    order = scatter(store, endpoint)

    services.erase_buyer(order, actor="user:dpo", request_id="r")

    event = AuditEvent.objects.get(action="order.buyer_erased")
    assert (event.actor, event.object_id, event.request_id) == ("dpo", str(order.pk), "r")
    assert event.details == {
        "lines": 1,
        "payments": 1,
        "refunds": 1,
        "payloads": 1,
        "movements": 1,
        "events": 2,
        "commands": 3,
        "parked": 1,
        "answers": 1,
        "deliveries": 5,
    }
    assert audit.verify(store.merchant)


def test_what_the_store_still_tells_brings_nothing_back(store: Store, endpoint: Endpoint) -> None:
    record = canary_order()
    order = scatter(store, endpoint)
    services.erase_buyer(order, actor="user:dpo")

    bring(store, later(record, 5, number="N1"))
    again = dataclasses.replace(record.payments[0], external_id="second")
    bring(store, later(record, 6, number="N2", payments=(*record.payments, again)))
    told = Unreadable(external_id="1001", reason="A date is missing.", raw=BODY)
    park(store, stream="orders", unreadable=told)
    deliver(endpoint, "late", state=State.DONE, done_at=timezone.now())
    upkeep.purge()

    assert Order.objects.get().number == "N2"
    assert list(told_anywhere()) == []


def test_erasing_again_reaches_what_came_in_between(store: Store, endpoint: Endpoint) -> None:
    order = scatter(store, endpoint)
    services.erase_buyer(order, actor="user:dpo")
    services.erase_buyer(order, actor="user:dpo")
    assert AuditEvent.objects.filter(action="order.buyer_erased").count() == 1
    first = Order.objects.get().erased_at

    deliver(endpoint, "late", state=State.DONE, done_at=timezone.now())
    services.erase_buyer(order, actor="user:dpo")

    assert list(told_anywhere()) == []
    assert Order.objects.get().erased_at == first
    assert OrderEvent.objects.filter(kind="erased").count() == 1
    latest = AuditEvent.objects.filter(action="order.buyer_erased").first()
    assert latest is not None
    assert latest.details == {"deliveries": 1}


def test_an_erasure_that_breaks_off_left_nothing_half_done(
    store: Store, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = scatter(store, endpoint)
    before = sorted(told_anywhere())

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr("integrations.sync.forget_parked", broken)
        with pytest.raises(RuntimeError), transaction.atomic():
            services.erase_buyer(order, actor="user:dpo")
    assert sorted(told_anywhere()) == before

    services.erase_buyer(order, actor="user:dpo")
    assert list(told_anywhere()) == []


def test_others_keep_what_is_theirs(store: Store, endpoint: Endpoint) -> None:
    """Another order of this store, and the same number in another merchant's."""
    other = make_store(make_merchant("other"), base_url="https://o.example")
    order = scatter(store, endpoint)
    bring(store, make_order(2))
    bring(other, make_order(1))
    for where, number in ((endpoint, "1002"), (make_endpoint(other, token="o"), "1001")):
        deliver(where, "theirs", resource_id=number, state=State.DONE, done_at=timezone.now())

    services.erase_buyer(order, actor="user:dpo")

    for kept in Order.objects.exclude(pk=order.pk):
        assert services.buyer_of(kept) == make_order().buyer
        assert services.payload_of(kept) is not None
    left = Delivery.objects.filter(body_sealed__isnull=False)
    assert sorted(left.values_list("resource_id", flat=True)) == ["1001", "1002"]


def test_what_waits_is_settled_and_what_is_worked_on_is_left_to_its_worker(
    store: Store, endpoint: Endpoint
) -> None:
    order = scatter(store, endpoint)

    services.erase_buyer(order, actor="user:dpo")

    states = dict(Delivery.objects.values_list("dedupe_key", "state"))
    assert states == {
        "in new": State.IGNORED,
        "in busy": State.BUSY,
        "in done": State.DONE,
        "in ignored": State.IGNORED,
        "in parked": State.IGNORED,
    }
    assert Delivery.objects.filter(outcome="erased").count() == 2


def test_a_note_that_was_not_told_is_given_up_and_a_cancellation_goes_on(
    store: Store, endpoint: Endpoint
) -> None:
    order = scatter(store, endpoint)

    services.erase_buyer(order, actor="user:dpo")

    commands = Command.objects.filter(kind__in=["note", "cancel"]).order_by("sequence")
    assert [(x.kind, x.state, words_of(x)) for x in commands] == [
        ("note", Command.State.DROPPED, ""),
        ("note", Command.State.DONE, ""),
        ("cancel", Command.State.NEW, ""),
    ]
    said = OrderEvent.objects.filter(order=order, kind="store_not_told")
    assert [x.title for x in said] == ["The note was given up: the buyer was erased"]


def test_an_order_whose_key_is_destroyed_is_erased_all_the_same(
    store: Store, endpoint: Endpoint
) -> None:
    bring(store, canary_order())
    Order.objects.update(buyer_sealed=b"\x01" + b"x" * 40)

    services.erase_buyer(Order.objects.get(), actor="user:dpo")

    assert list(told_anywhere()) == []


def test_movements_keep_their_figures(store: Store, endpoint: Endpoint) -> None:
    order = scatter(store, endpoint)

    services.erase_buyer(order, actor="user:dpo")

    moved = StockMovement.objects.get(cause="r1")
    assert (moved.delta, moved.actor, moved.reason) == (1, "user:anna", "")
