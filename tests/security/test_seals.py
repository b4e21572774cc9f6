"""Whoever can write to the database and lacks the keys: what is moved does not open, what is
changed is noticed, and what files and messages hold is worth nothing to a reader.
"""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from kombu.exceptions import ContentDisallowed
from kombu.serialization import loads

from integrations import authentication
from integrations.errors import Misconfigured
from integrations.management.demo import people
from integrations.models import Credential, Endpoint, Store
from integrations.tasks import run_backfill, send_pushes
from logix.accounts import keys
from logix.accounts.models import DataKey
from logix.celery import app
from logix.common import crypto
from logix.common.crypto import SealBroken
from orders import services
from orders.models import Order
from tests.factories import make_merchant, make_order, make_store
from tests.integrations.api.client import import_orders
from tests.webhooks.conftest import make_endpoint
from webhooks import accept, inbox
from webhooks.models import Delivery
from webhooks.tasks import process_store

pytestmark = pytest.mark.django_db

PAIR = {"consumer_key": "ck_" + "a" * 40, "consumer_secret": "cs_" + "b" * 40}


@pytest.fixture
def neighbour(store: Store) -> Store:
    """Another store of the same merchant."""
    return make_store(store.merchant, base_url="https://two.example", name="Two")


def test_credentials_moved_to_another_store_do_not_open(store: Store, neighbour: Store) -> None:
    authentication.save_credentials(store, PAIR, kind="api_keys", actor="system")
    Credential.objects.update(store=neighbour)
    with pytest.raises(Misconfigured):
        authentication.read_credentials(neighbour)

    Store.objects.filter(pk=neighbour.pk).update(data_key=store.data_key_id)
    neighbour.refresh_from_db()
    with pytest.raises(Misconfigured):
        authentication.read_credentials(neighbour)


def test_credentials_of_another_merchant_do_not_open_with_his_key_either(store: Store) -> None:
    authentication.save_credentials(store, PAIR, kind="api_keys", actor="system")
    thief = make_store(make_merchant("thief"), base_url="https://thief.example")

    Credential.objects.update(store=thief)
    Store.objects.filter(pk=thief.pk).update(data_key=store.data_key_id)
    thief.refresh_from_db()
    with pytest.raises(Misconfigured):
        authentication.read_credentials(thief)

    DataKey.objects.filter(pk=store.data_key_id).update(merchant=thief.merchant)
    keys.vault.cache_clear()
    with pytest.raises(Misconfigured):
        authentication.read_credentials(thief)


def test_a_secret_moved_to_another_column_or_endpoint_does_not_open(
    store: Store, neighbour: Store
) -> None:
    mine, other = make_endpoint(store, "a" * 43), make_endpoint(neighbour, "b" * 43)
    Endpoint.objects.filter(pk=mine.pk).update(secret_sealed=mine.token_sealed)
    Endpoint.objects.filter(pk=other.pk).update(secret_sealed=mine.secret_sealed)

    for endpoint in Endpoint.objects.all():
        with pytest.raises(Misconfigured):
            authentication.open_sealed(
                endpoint.store,
                endpoint.secret_sealed,
                "integrations_endpoint",
                "secret_sealed",
                str(endpoint.pk),
            )


def test_a_buyer_moved_to_another_order_does_not_open(store: Store) -> None:
    first, second = import_orders(store, [make_order(1), make_order(2)])
    sealed = Order.objects.values_list("buyer_sealed", flat=True).get(pk=first.pk)
    Order.objects.filter(pk=second.pk).update(buyer_sealed=bytes(sealed or b""))

    assert services.buyer_of(Order.objects.get(pk=first.pk)) is not None
    with pytest.raises(SealBroken):
        services.buyer_of(Order.objects.get(pk=second.pk))


def test_a_body_moved_to_another_delivery_does_not_open(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logix.common.bell.publish", lambda *_args, **_options: True)
    endpoint = make_endpoint(store, "a" * 43)
    for key in ("d1", "d2"):
        accept.accept(endpoint, topic="t", headers={}, body=key.encode(), dedupe_key=key)
    first, second = Delivery.objects.order_by("dedupe_key")
    Delivery.objects.filter(pk=second.pk).update(body_sealed=first.body_sealed)

    second.refresh_from_db()
    with pytest.raises(SealBroken):
        inbox.open_body(second)


@pytest.mark.parametrize("change", ["v0", "v2", "V1", "", "v1.k9"])
def test_an_older_or_unknown_form_of_seal_is_not_fallen_back_to(change: str) -> None:
    ring = crypto.ring()
    _, kid, rest = ring.seal(b"x", "here").split(".", 2)
    forged = f"{change}.{rest}" if "." in change else f"{change}.{kid}.{rest}"

    with pytest.raises(SealBroken):
        ring.open(forged, "here")


@pytest.mark.parametrize("cut", [0, 1, 12, 13, 28])
def test_a_seal_cut_short_is_broken_and_nothing_worse(store: Store, cut: int) -> None:
    vault = keys.vault(store.data_key_id)
    sealed = vault.seal(b"plain", "t", "c", "r")

    with pytest.raises(SealBroken):
        vault.open(sealed[:cut], "t", "c", "r")


def test_no_two_seals_share_a_nonce(store: Store) -> None:
    vault, ring = keys.vault(store.data_key_id), crypto.ring()
    fields = {vault.seal(b"same", "t", "c", "r")[1:13] for _ in range(2_000)}
    wrapped = {ring.seal(b"same", "here").split(".", 2)[2][:16] for _ in range(2_000)}

    assert len(fields) == len(wrapped) == 2_000


def test_credentials_written_while_the_ring_turns_open_before_and_after(
    store: Store, settings: Any
) -> None:
    old = settings.LOGIX_KEYS
    new = "k9:" + "cnVubmluZyBvdXQgb2YgcmFuZG9tIGJ5dGVzISEhISE="
    authentication.save_credentials(store, PAIR, kind="api_keys", actor="system")

    settings.LOGIX_KEYS = f"{new},{old}"
    keys.vault.cache_clear()
    changed = {**PAIR, "consumer_secret": "cs_" + "c" * 40}
    authentication.save_credentials(store, changed, kind="api_keys", actor="system")
    assert keys.rewrap(DataKey.objects.get(pk=store.data_key_id))

    settings.LOGIX_KEYS = new
    keys.vault.cache_clear()
    assert authentication.read_credentials(store) == changed


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a message was executed",))


@pytest.mark.parametrize("kind", ["application/x-python-serialize", "application/x-yaml"])
def test_a_message_that_could_run_code_is_not_even_read(kind: str) -> None:
    accepted = app.conf.accept_content

    with pytest.raises(ContentDisallowed):
        loads(pickle.dumps(Evil()), kind, "binary", accept=accepted)
    assert accepted == ["json"]


@pytest.mark.parametrize("task", [send_pushes, run_backfill, process_store])
@pytest.mark.parametrize("junk", ["", "x", "../../etc", "0" * 10_000, None, {"a": 1}, ["x"], 7])
def test_junk_in_a_message_fails_its_own_task_and_no_other(task: Any, junk: Any) -> None:
    with pytest.raises((ValueError, AttributeError, TypeError)):
        task.run(junk)


@pytest.mark.parametrize("task", [send_pushes, run_backfill, process_store])
def test_a_message_about_nothing_of_ours_does_nothing(task: Any) -> None:
    task.run("00000000-0000-7000-8000-000000000000")


def test_every_task_of_ours_is_called_with_ids_alone() -> None:
    """A message lies in a broker in the clear: names of arguments say what they carry."""
    for name, task in app.tasks.items():
        if name.startswith(("integrations.", "webhooks.")):
            arguments = task.run.__code__.co_varnames[: task.run.__code__.co_argcount]
            assert all(argument.endswith("_id") for argument in arguments), name
            json.dumps(arguments)


def test_the_demos_login_is_readable_by_its_owner_alone(db: None, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        _, access = people.prepare(tmp_path)
    finally:
        os.umask(before)

    (file,) = tmp_path.iterdir()
    assert access.password in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
