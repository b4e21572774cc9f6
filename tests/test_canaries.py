"""Known secrets and a known buyer are sent through every part of the hub; then everything it wrote
is searched for them: the log in both forms, every column of the database, pages, answers, metrics
and what commands print.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import logging
import logging.config
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client, RequestFactory
from django.utils import timezone

from integrations import authentication, connect, outbox, sync, tasks
from integrations.connect import webhook_address
from integrations.errors import PlatformError
from integrations.models import (
    Command,
    ParkedRecord,
    Push,
    RunState,
    Store,
    StoreBreaker,
    Stream,
    SyncRun,
)
from integrations.sandbox.server import Incoming, Server
from integrations.sandbox.woocommerce import placing, selling, wire
from integrations.sandbox.woocommerce.options import StoreOptions
from integrations.sandbox.woocommerce.shop import Shop
from logix import health
from logix import logging as hub_logging
from logix.accounts.models import AuditEvent, Membership, Role, Scope
from logix.common import bell
from orders import services
from orders.models import Order
from tests.factories import make_merchant
from tests.integrations.admin.test_permissions import pages, url
from tests.integrations.api.client import Api, api_for
from tests.integrations.api.routes import operations
from webhooks import inbox
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db(transaction=True)

KEY, SECRET = "ck_" + "5ca1ab1e" * 5, "cs_" + "0ddba11c" * 5
EMAIL, PHONE, STREET = "kanarie@vogels.example", "+31 20 5550177", "Kanariestraat 4711"
NAME, NOTE = "Vogelaar", "Hide it behind the yellow birdcage."
BUYER = {
    "first_name": "Kanarie",
    "last_name": NAME,
    "address_1": STREET,
    "email": EMAIL,
    "phone": PHONE,
}


class HostileShop(Shop):
    """A store that works until ``echoes`` is set; from then on it refuses every call and repeats
    whatever it knows, in body, headers and redirect.
    """

    echoes: list[str] | None = None
    status = 400

    def handle(self, incoming: Incoming) -> wire.Answer:
        if self.echoes is None:
            return super().handle(incoming)
        known = [*self.echoes, incoming.headers.get("authorization", "")]
        said = {"code": "woocommerce_rest_refused", "data": {"status": self.status}}
        told = " ".join(known)[:130] if len(self.echoes) == 1 else " | ".join(known)
        headers = [
            ("Content-Type", "application/json"),
            ("X-Echo", quote(told)),
            ("Set-Cookie", f"key={KEY}"),
        ]
        if 300 <= self.status < 400:
            headers.append(("Location", f"http://{KEY}:{SECRET}@{KEY}.example/{SECRET}?k={KEY}"))
        return wire.Answer(self.status, {**said, "message": told}, headers)


@contextmanager
def logs_at_debug() -> Iterator[list[io.StringIO]]:
    """Everything that is logged, as production and as a developer would see it."""
    root, streams, handlers = logging.getLogger(), [], []
    for as_json in (True, False):
        config = hub_logging.configuration(json=as_json, level="DEBUG")
        formatter = logging.config.DictConfigurator(config).configure_formatter(
            config["formatters"]["events"]
        )
        streams.append(io.StringIO())
        handlers.append(logging.StreamHandler(streams[-1]))
        handlers[-1].setFormatter(formatter)
        root.addHandler(handlers[-1])
    before = root.level
    root.setLevel(logging.DEBUG)
    try:
        yield streams
    finally:
        root.setLevel(before)
        for handler in handlers:
            root.removeHandler(handler)


@pytest.fixture
def shop() -> Iterator[HostileShop]:
    options = StoreOptions(orders=4, products=4, consumer_key=KEY, consumer_secret=SECRET)
    shop = HostileShop(options, webhook_delay_s=0, has_control=False)
    with shop.store.working():
        for order_id in shop.store.orders.ids():
            order = selling.existing(shop.store, order_id)
            order.billing |= BUYER
            order.shipping |= {name: BUYER[name] for name in order.shipping if name in BUYER}
            order.customer_note = NOTE
    with Server(shop):
        yield shop


@pytest.fixture(autouse=True)
def silent_bell(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would travel through the broker, as JSON."""
    sent: list[str] = []

    def publish(task: str, args: Any, **options: Any) -> bool:
        sent.append(json.dumps([task, args, options]))
        return True

    monkeypatch.setattr(bell, "publish", publish)
    return sent


class Hunt:
    """What must not be found, and where it was looked for."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.found: list[str] = []

    def watch(self, name: str, value: str) -> None:
        self.secrets[name] = value
        self.secrets[f"{name} in base64"] = (
            base64.b64encode(value.encode()).decode().rstrip("=")[:-1]
        )

    def search(self, where: str, text: str, *, buyers: bool = True) -> None:
        told = text.casefold()
        for name, value in self.secrets.items():
            if value.casefold() in told:
                self.found.append(f"{name} in {where}: {_around(told, value.casefold())}")
        for value in (EMAIL, PHONE, quote(EMAIL), STREET, NAME, NOTE) if buyers else ():
            if value.casefold() in told:
                self.found.append(f"{value} in {where}: {_around(told, value.casefold())}")


def _around(text: str, value: str) -> str:
    at = text.index(value)
    return text[max(0, at - 60) : at + len(value) + 20].replace("\n", " ")


def connected(shop: HostileShop, hunt: Hunt) -> Store:
    store = connect.connect_store(
        merchant=make_merchant(),
        platform="woocommerce",
        base_url=shop.store.home_url.rstrip("/"),
        credentials={"consumer_key": KEY, "consumer_secret": SECRET},
        options={"calls_per_s": 50},
        writes_enabled=True,
        actor="user:anna",
    )
    connect.reconcile_webhooks(store)
    hunt.watch("key", KEY)
    hunt.watch("secret", SECRET)
    hunt.watch("key pair", f"{KEY}:{SECRET}")
    hunt.watch("webhook token", webhook_address(store).rpartition("/")[2])
    hunt.watch("webhook secret", webhook_secret(store))
    return store


def webhook_secret(store: Store) -> str:
    endpoint = store.endpoints.get()
    return authentication.open_sealed(
        store, endpoint.secret_sealed, "integrations_endpoint", "secret_sealed", str(endpoint.pk)
    ).decode()


def read_everything(store: Store) -> None:
    for stream in Stream.objects.filter(store=store):
        sync.run_stream(stream.pk)
    for run in SyncRun.objects.filter(store=store, state=RunState.QUEUED):
        sync.run_slice(run.pk)


def deliver(store: Store, body: bytes, *, signature: str = "", **headers: str) -> int:
    path = webhook_address(store).partition("/api/")[2]
    signature = signature or base64.b64encode(_hmac(webhook_secret(store), body)).decode()
    answer = Client().post(
        f"/api/{path}",
        data=body,
        content_type="application/json",
        headers={"X-WC-Webhook-Signature": signature, "X-WC-Webhook-Topic": "order.updated"}
        | headers,
    )
    return answer.status_code


def _hmac(secret: str, body: bytes) -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha256).digest()


def echo_everything(shop: HostileShop, hunt: Hunt, store: Store) -> None:
    """The store fails in every way it has, repeating each thing it knows on its own, for its words
    are cut.
    """
    token = webhook_address(store)
    knows = [
        f"Consumer key {KEY} is unknown.",
        f"consumer_key={KEY}&consumer_secret={SECRET}",
        f"Pair {quote(f'{KEY}:{SECRET}', safe='')} refused.",
        f"Header {base64.b64encode(f'{KEY}:{SECRET}'.encode()).decode()[:100]} refused.",
        f"Delivery URL {token} is not valid.",
        f"The secret {webhook_secret(store)} is too weak.",
        f"Customer {EMAIL} is blocked.",
    ]
    order = Order.objects.filter(store=store).first()
    assert order is not None
    for status in (400, 401, 403, 404, 422, 429, 500, 301, 307):
        for number, words in enumerate(knows):
            shop.status, shop.echoes = status, [words]
            if status not in (400, 401) and number:
                continue
            Store.objects.filter(pk=store.pk).update(status="active")
            store.refresh_from_db()
            for work in (
                lambda: connect.test_connection(store, actor="user:anna"),
                lambda: sync.refetch_order(store, number=order.number, actor="user:anna"),
                lambda: read_everything(store),
                lambda: connect.reconcile_webhooks(store),
                lambda: outbox.send_pushes(store.pk),
                lambda: outbox.send_commands(store.pk),
            ):
                try:
                    told = work()
                except PlatformError as err:
                    told = (str(err), repr(err), err.args)
                hunt.search(f"what is said of {status}", repr(told), buyers=True)
            _make_due(store)
    shop.echoes = None


def _make_due(store: Store) -> None:
    StoreBreaker.objects.all().delete()
    long_ago = timezone.now() - timedelta(days=1)
    Push.objects.filter(store=store).update(state="ready", next_at=long_ago)
    Command.objects.filter(store=store).update(state="new", next_at=long_ago)
    Stream.objects.filter(store=store).update(next_at=long_ago)


def search_database(hunt: Hunt) -> None:
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for name, value in zip(names, row, strict=True):
                    if isinstance(value, bytes | memoryview):
                        value = bytes(value).decode("latin-1")
                    hunt.search(f"{table}.{name}", str(value))


def search_admin(hunt: Hunt, store: Store, role: Role) -> None:
    """Every page of every kind of row. Whom an order is for and what a store sent is shown to those
    who may know, and to no viewer.
    """
    user = User.objects.create_user(role, is_staff=True)
    Membership.objects.create(merchant=store.merchant, user=user, role=role)
    client = Client()
    client.force_login(user)
    hunt.search("home", client.get("/admin/").content.decode())
    for page in pages():
        where = f"{page.opts.model_name} for {role}"
        hunt.search(where, client.get(url(page, "changelist")).content.decode())
        for row in page.model._default_manager.order_by("-pk")[:1]:
            answer = client.get(url(page, "change", row.pk))
            shows_buyer = page.model in (Order, Delivery) and role != Role.VIEWER
            hunt.search(where, answer.content.decode(), buyers=not shows_buyer)


def search_api(hunt: Hunt, store: Store) -> None:
    api = api_for(store.merchant, Scope.READ)
    ids = {
        "integrations": store.pk,
        "orders": Order.objects.first().pk,  # type: ignore[union-attr]
        "parked": ParkedRecord.objects.values_list("pk", flat=True).first(),
    }
    for operation in operations():
        if operation.method == "get":
            answer = api.get(operation.address(ids))
            hunt.search(str(operation), answer.content.decode())
    writer = api_for(store.merchant)
    for operation in operations():
        # Whoever may change a store is shown the address it delivers to, to enter it by hand.
        if operation.method != "get" and "/webhooks/" not in operation.path:
            answer = _sent(writer, operation.method, operation.address(ids))
            hunt.search(str(operation), answer.content.decode(), buyers=False)


def _sent(api: Api, method: str, address: str) -> Any:
    if method == "delete":
        return api.delete(address)
    return getattr(api, method)(address, {"consumer_secret": SECRET, "name": KEY, "x": EMAIL})


def test_no_secret_and_no_buyer_leaves_the_seal(
    shop: HostileShop, silent_bell: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.kit.outcomes.backoff_s", lambda *_: 0.0)
    hunt = Hunt()
    with logs_at_debug() as streams:
        store = connected(shop, hunt)
        hunt.watch("API token", api_for(store.merchant).headers["Authorization"].split()[1])
        read_everything(store)
        order = Order.objects.filter(store=store).first()
        assert order is not None
        assert services.buyer_of(order) is not None

        (order_id,) = placing.place(shop.store, shop.chance)
        assert shop.deliveries.settle(10)
        body = json.dumps({"id": order_id, "billing": BUYER, "customer_note": NOTE}).encode()
        assert deliver(store, body) == 200
        assert deliver(store, body + b" ", signature=webhook_secret(store)) == 401
        assert deliver(store, b'{"id": "x", "billing": %s}' % json.dumps(EMAIL).encode()) == 200
        assert deliver(store, EMAIL.encode() + NOTE.encode()) == 200
        inbox.process_ready()
        inbox.process_store(store.pk)

        outbox.enqueue_command(
            store_id=store.pk,
            kind="note",
            key="canary",
            order_ref=order.pk,
            external_order_id=order.external_id,
            payload={"reference": "canary"},
            written="Packed.",
            requested_by="user:anna",
        )
        outbox.mark_store(store.pk)
        _make_due(store)
        echo_everything(shop, hunt, store)
        _fail_inside(store, body, monkeypatch)

        search_api(hunt, store)
        for role in (Role.VIEWER, Role.OWNER):
            search_admin(hunt, store, role)
        hunt.search("metrics", _metrics())
        hunt.search("doctor", _printed("doctor", "--json"))
        hunt.search("sync", _printed("platforms"))
    assert "LookupError" in streams[0].getvalue()
    assert Delivery.objects.filter(state=Delivery.State.PARKED).exists()
    assert Push.objects.exclude(problem="").exists()
    assert Command.objects.exclude(problem="").exists()
    assert AuditEvent.objects.filter(action="store.needs_merchant").exists()
    for stream, form in zip(streams, ("JSON", "console"), strict=True):
        assert stream.getvalue().count("\n") > 50
        hunt.search(f"the {form} log", stream.getvalue())
    hunt.search("the broker", "\n".join(silent_bell))
    search_database(hunt)

    assert not hunt.found, "\n".join(sorted(set(hunt.found)))


def _fail_inside(store: Store, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours in the middle of an order, with a buyer and a key in its variables."""

    def breaks(*_args: Any, **_options: Any) -> Any:
        buyer, note = dict(BUYER), NOTE
        raise LookupError(f"{len(buyer) + len(note)} {EMAIL} {SECRET}")

    with monkeypatch.context() as patch:
        patch.setattr("integrations.woocommerce.mapper.to_order", breaks)
        assert deliver(store, body + b"  ") == 200
        inbox.process_ready()
        inbox.process_store(store.pk)
        _make_due(store)
        for stream in Stream.objects.filter(store=store):
            tasks.run_stream.apply(args=[stream.pk])


def _metrics() -> str:
    request = RequestFactory().get("/metrics", REMOTE_ADDR="127.0.0.1")
    answer = health.metrics(request)
    assert answer.status_code == 200
    return answer.content.decode()


def _printed(*command: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    with suppress(SystemExit):
        call_command(*command, stdout=out, stderr=err)
    return out.getvalue() + err.getvalue()
