"""``doctor`` and ``rotate_keys``: what they say is what is so, and what to do mends it."""

from __future__ import annotations

import base64
import json
import shutil
from collections import namedtuple
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import override_settings
from django.utils import timezone

from integrations.management import machine
from integrations.management.commands import rotate_keys
from integrations.management.commands.doctor import examine
from integrations.management.findings import Finding, Level, in_words
from integrations.models import (
    Command,
    Endpoint,
    Heartbeat,
    ParkedRecord,
    Push,
    ScheduleSlot,
    Store,
    StoreBreaker,
    StoreStatus,
    Stream,
)
from inventory.models import Listing
from logix.accounts import audit, keys
from logix.accounts.models import AuditEvent, DataKey
from logix.common import crypto
from logix.common.ids import uuid7
from tests.factories import make_merchant, make_store
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db

NEW = "k2:" + base64.b64encode(bytes(range(32))).decode()


# --- doctor --------------------------------------------------------------------------------------


@pytest.fixture
def alive() -> None:
    """A worker and a clock that were seen just now, and a broker that answers."""
    now = timezone.now()
    Heartbeat.objects.create(name="worker@here:1", kind="worker", at=now)
    ScheduleSlot.objects.create(job="tick", slot=now)


@pytest.fixture
def idle(alive: None) -> Store:
    """A hub with one well store that has nothing to do."""
    store = make_store()
    Stream.objects.update(next_at=timezone.now() + timedelta(minutes=1))
    return store


@pytest.fixture(autouse=True)
def quiet_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other parts register is their tests' business."""
    monkeypatch.setattr(checks, "run_checks", list)


def wrong(*levels: Level) -> list[Finding]:
    wanted = levels or (Level.BAD,)
    return [finding for finding in examine() if finding.level in wanted]


def ago(**span: float) -> Any:
    return timezone.now() - timedelta(**span)


@override_settings(LOGIX_PUBLIC_URL="https://hub.example", ALLOWED_HOSTS=["hub.example"])
def test_a_well_hub_is_called_well(idle: Store) -> None:
    out = StringIO()

    call_command("doctor", stdout=out)

    told = out.getvalue()
    assert "0 wrong" in told
    assert "All are applied" in told
    assert "1 connected, none needs anybody" in told
    assert wrong(Level.BAD, Level.WARN) == []


def test_something_wrong_ends_with_code_1_and_a_remedy(idle: Store) -> None:
    Store.objects.update(
        status=StoreStatus.NEEDS_MERCHANT, status_reason="shop.example did not accept the key."
    )
    out = StringIO()

    with pytest.raises(SystemExit) as caught:
        call_command("doctor", stdout=out)

    assert caught.value.code == 1
    assert "shop.example did not accept the key." in out.getvalue()
    assert "→ Make a new key there" in out.getvalue()


def test_every_finding_says_what_and_do() -> None:
    for finding in examine():
        assert finding.what.strip()
        assert finding.do.strip()
        assert finding.about.strip()


def test_machines_can_read_it_too(idle: Store) -> None:
    out = StringIO()

    with pytest.raises(SystemExit):
        call_command("doctor", "--json", stdout=out)

    told = json.loads(out.getvalue())
    assert {"level", "about", "what", "do"} == set(told[0])


def test_a_database_that_is_away_is_the_only_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> Any:
        raise OperationalError("connection refused\nIs the server running?")
        yield

    monkeypatch.setattr(machine, "database", away)

    found = list(examine())

    assert [f.level for f in found] == [Level.BAD]
    assert "cannot be reached (connection refused)" in found[0].what
    assert "DATABASE_URL" in found[0].do


def test_a_database_that_may_forget_what_it_committed_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = "_POSTGRES" if connection.vendor == "postgresql" else "_SQLITE"
    name = next(iter(getattr(machine, table)))
    monkeypatch.setattr(machine, table, {name: (frozenset({"never"}), "Turn it on.")})

    found = list(machine.database())

    assert [(f.level, f.do) for f in found] == [(Level.BAD, "Turn it on.")]
    assert name in found[0].what


def test_missing_migrations_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    step = namedtuple("step", "app_label name")("orders", "0007_more")

    class Executor:
        def __init__(self, _connection: Any) -> None:
            self.loader = self
            self.graph = self

        def leaf_nodes(self) -> list[Any]:
            return []

        def migration_plan(self, _targets: Any) -> list[Any]:
            return [(step, False)]

    monkeypatch.setattr(machine, "MigrationExecutor", Executor)

    (found,) = machine.migrations()

    assert (found.level, found.do) == (Level.BAD, "Run manage.py migrate.")
    assert "orders.0007_more" in found.what


def test_errors_of_the_system_checks_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [checks.Error("No keys.", hint="Set them."), checks.Warning("Meh.")]
    monkeypatch.setattr(checks, "run_checks", lambda: found)

    assert list(machine.system_checks()) == [
        Finding(Level.BAD, "settings", "No keys.", "Set them.")
    ]


def test_a_lost_ring_key_is_found_before_it_is_needed() -> None:
    keys.create(make_merchant())

    with override_settings(LOGIX_KEYS=NEW):
        (found, old) = machine.key_ring()

    assert (found.level, old.level) == (Level.BAD, Level.WARN)
    assert "does not open" in found.what
    assert "LOGIX_KEYS" in found.do
    assert "rotate_keys" in old.do


def test_an_unreadable_key_ring_is_told() -> None:
    with override_settings(LOGIX_KEYS="k1:nonsense!"):
        (found,) = machine.key_ring()

    assert (found.level, found.do) == (Level.BAD, "Restore LOGIX_KEYS from its backup.")


def test_a_broker_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_app: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(machine, "_connect", refuse)

    (found,) = machine.broker()

    assert found.level is Level.BAD
    assert "ConnectionRefusedError" in found.what


@pytest.mark.parametrize(("free_gib", "level"), [(0.5, Level.BAD), (2, Level.WARN), (50, Level.OK)])
def test_a_full_disk_is_seen_coming(
    monkeypatch: pytest.MonkeyPatch, free_gib: float, level: Level
) -> None:
    usage = namedtuple("usage", "free")(int(free_gib * machine.GIB))
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)

    (found,) = machine.disk()

    assert found.level is level


def test_a_data_folder_that_is_gone_is_told() -> None:
    with override_settings(LOGIX_DATA="/no/such/folder"):
        (found,) = machine.disk()

    assert (found.level, "LOGIX_DATA" in found.do) == (Level.BAD, True)


@pytest.mark.parametrize(
    ("url", "hosts", "store_url", "level"),
    [
        ("https://hub.example", ["hub.example"], "https://shop.example", Level.OK),
        ("https://hub.example", ["other.example"], "https://shop.example", Level.BAD),
        ("http://hub.example", ["hub.example"], "https://shop.example", Level.BAD),
        ("https://192.168.1.5", ["192.168.1.5"], "https://shop.example", Level.BAD),
        ("http://127.0.0.1:8000", ["127.0.0.1"], "https://shop.example", Level.BAD),
        ("http://127.0.0.1:8000", ["127.0.0.1"], "http://127.0.0.1:9001", Level.OK),
    ],
)
def test_an_address_stores_cannot_deliver_to_is_told(
    url: str, hosts: list[str], store_url: str, level: Level
) -> None:
    make_store(base_url=store_url)

    with override_settings(LOGIX_PUBLIC_URL=url, ALLOWED_HOSTS=hosts):
        (found,) = machine.public_url()

    assert found.level is level


def test_a_silent_worker_and_clock_are_wrong() -> None:
    assert {f.about for f in wrong()} >= {"worker", "clock ticks"}
    Heartbeat.objects.create(name="worker@here:1", kind="worker", at=ago(minutes=5))
    ScheduleSlot.objects.create(job="tick", slot=ago(minutes=5))

    told = {f.about: f.what for f in wrong()}

    assert "5 min ago" in told["worker"]
    assert "5 min ago" in told["clock ticks"]


def test_work_that_waits_too_long_is_named(idle: Store) -> None:
    late = ago(hours=3)
    endpoint = Endpoint.objects.create(
        store=idle, token_digest="d", token_sealed=b"", secret_sealed=b""
    )
    Delivery.objects.create(endpoint=endpoint, store=idle, dedupe_key="k", topic="t", next_at=late)
    Store.objects.update(writes_enabled=True)
    listing = Listing.objects.create(
        merchant=idle.merchant,
        store=idle,
        external_product_id="p",
        external_variant_id="v",
        changed_at=timezone.now(),
    )
    Push.objects.create(store=idle, listing=listing, state=Push.State.READY, next_at=late)
    Command.objects.create(store=idle, kind="note", key="n", order_ref=uuid7(), next_at=late)
    Stream.objects.filter(name="orders").update(next_at=late)

    told = [f.what for f in wrong() if f.about == "waiting"]

    assert told == [
        f"The oldest of the {what} should have been done 3 h ago."
        for what in ("webhook deliveries", "stock pushes", "commands to stores", "store readings")
    ]


def test_work_for_a_store_that_rests_is_not_late(idle: Store) -> None:
    Command.objects.create(
        store=idle, kind="note", key="n", order_ref=uuid7(), next_at=ago(hours=3)
    )
    Store.objects.update(writes_enabled=True, status=StoreStatus.PAUSED)

    assert [f for f in wrong() if f.about == "waiting"] == []


def test_stores_that_need_someone_each_say_why(idle: Store) -> None:
    listing = Listing.objects.create(
        merchant=idle.merchant,
        store=idle,
        external_product_id="p",
        external_variant_id="v",
        changed_at=timezone.now(),
    )
    Store.objects.update(writes_enabled=True)
    StoreBreaker.objects.create(store=idle, state="open", last_error="It did not answer.")
    Stream.objects.filter(name="orders").update(failures=3, last_error="No route.")
    Stream.objects.filter(name="products").update(skew_ms=-90_000)
    Endpoint.objects.create(
        store=idle, token_digest="d", token_sealed=b"", secret_sealed=b"", problem="No hooks."
    )
    Push.objects.create(
        store=idle, listing=listing, state=Push.State.BLOCKED, problem="No such item."
    )
    ParkedRecord.objects.create(store=idle, stream="orders", external_id="1", code="x", reason="y")
    make_store(make_merchant("two"), name="Second", status=StoreStatus.TESTING)

    told = "\n".join(f.what for f in wrong(Level.BAD, Level.WARN) if f.about.startswith("store "))

    for words in (
        "It did not answer.",
        "could not be read 3 times in a row. No route.",
        "differs from ours by 90 s",
        "It sends no webhooks: No hooks.",
        "1 stock figures cannot be sent. No such item.",
        "1 records are parked",
        "tested but never started",
    ):
        assert words in told


def test_a_store_of_a_platform_that_is_gone_does_not_stop_the_doctor(idle: Store) -> None:
    Store.objects.update(platform="gone", status=StoreStatus.NEEDS_MERCHANT)

    assert any("no platform “gone”" in f.do for f in wrong())


def test_the_audit_log_is_verified_when_asked(idle: Store) -> None:
    audit.record("x", actor="system", merchant=idle.merchant)
    assert [f.level for f in examine(with_audit=True) if f.about == "audit log"] == [Level.OK]

    AuditEvent.objects.update(action="y")

    (found,) = [f for f in examine(with_audit=True) if f.about == "audit log"]
    assert found.level is Level.BAD
    assert "Acme" in found.what


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(seconds=45), "45 s"),
        (timedelta(seconds=119), "119 s"),
        (timedelta(minutes=12), "12 min"),
        (timedelta(hours=5), "5 h"),
        (timedelta(days=3), "3 days"),
        (timedelta(seconds=-3), "0 s"),
    ],
)
def test_ages_are_told_in_words(age: timedelta, words: str) -> None:
    assert in_words(age) == words


# --- rotate_keys ---------------------------------------------------------------------------------


@pytest.fixture
def sealed() -> list[tuple[DataKey, bytes]]:
    """Five stores' keys under the present ring key, each with something it sealed."""
    merchant = make_merchant()
    rows = [keys.create(merchant) for _ in range(5)]
    return [(row, keys.vault(row.pk).seal(b"hush", "t", "c", "1")) for row in rows]


@pytest.fixture
def both(settings: Any) -> Any:
    """The new key first, the old one behind it."""
    settings.LOGIX_KEYS = f"{NEW},{settings.LOGIX_KEYS}"
    keys.vault.cache_clear()
    yield settings
    keys.vault.cache_clear()


def rotate(*flags: str) -> str:
    out = StringIO()
    call_command("rotate_keys", *flags, stdout=out, stderr=out)
    return out.getvalue()


def test_every_data_key_moves_and_still_opens_what_it_sealed(
    sealed: list[tuple[DataKey, bytes]], both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotate_keys, "BATCH", 2)

    told = rotate()

    assert "5 re-wrapped under “k2”, 0 unreadable, 0 remain" in told
    both.LOGIX_KEYS = NEW
    keys.vault.cache_clear()
    for row, value in sealed:
        assert keys.vault(row.pk).open(value, "t", "c", "1") == b"hush"
    assert AuditEvent.objects.get().details == {"to": "k2", "data_keys": 5}
    assert audit.verify(None)


def test_a_rotation_that_was_stopped_goes_on(
    sealed: list[tuple[DataKey, bytes]], both: Any
) -> None:
    for row, _ in sealed[:2]:
        assert keys.rewrap(row)

    assert "3 re-wrapped" in rotate()
    assert "0 re-wrapped" in rotate()


def test_check_counts_and_changes_nothing(sealed: list[tuple[DataKey, bytes]], both: Any) -> None:
    keys.rewrap(sealed[0][0])
    out = StringIO()

    with pytest.raises(CommandError, match="4 remain on old keys"):
        call_command("rotate_keys", "--check", stdout=out)

    assert "1 data keys are under the present key “k2”." in out.getvalue()
    assert "4 are still under the old key “k1”." in out.getvalue()
    rotate()
    assert "0 remain on old keys" in rotate("--check")


def test_a_key_that_does_not_open_is_named_and_the_others_move(
    sealed: list[tuple[DataKey, bytes]], both: Any
) -> None:
    broken = sealed[2][0]
    DataKey.objects.filter(pk=broken.pk).update(
        wrapped=DataKey.objects.get(pk=sealed[0][0].pk).wrapped
    )
    out, err = StringIO(), StringIO()

    with pytest.raises(CommandError, match="1 remain on old keys"):
        call_command("rotate_keys", stdout=out, stderr=err)

    assert str(broken.pk) in err.getvalue()
    assert "4 re-wrapped under “k2”, 1 unreadable" in out.getvalue()


def test_destroyed_keys_are_left_alone(sealed: list[tuple[DataKey, bytes]], both: Any) -> None:
    keys.destroy(sealed[0][0].pk)

    assert "4 re-wrapped under “k2”, 0 unreadable, 0 remain" in rotate()


def test_a_key_another_process_moved_in_between_is_not_counted_twice(
    sealed: list[tuple[DataKey, bytes]], both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, raced = keys.rewrap, []

    def slow(row: DataKey) -> bool:
        if not raced:
            raced.append(True)
            real(DataKey.objects.get(pk=row.pk))
        return real(row)

    monkeypatch.setattr(keys, "rewrap", slow)

    assert "4 re-wrapped under “k2”, 0 unreadable, 0 remain" in rotate()
    assert crypto.ring().write_kid == "k2"
