"""Connecting a store, and everything people do with it afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone

from integrations import authentication, connect, lifecycle, registry
from integrations.connect import addresses, signals
from integrations.errors import (
    AuthenticationFailed,
    Misconfigured,
    NotFound,
    PermissionMissing,
    Unavailable,
)
from integrations.models import (
    Credential,
    Endpoint,
    RunState,
    Store,
    StoreBreaker,
    StoreStatus,
    Stream,
    StreamName,
    SyncRun,
)
from integrations.platform import StoreOption
from inventory.models import Location
from logix.accounts import audit
from logix.accounts.models import AuditEvent, DataKey, Merchant
from logix.common import crypto
from tests.factories import make_merchant
from tests.integrations.conftest import ADDRESS
from tests.integrations.fakeshop import world

pytestmark = pytest.mark.django_db

KEYS = {"key": "k_1", "secret": "s3cret"}


def connected(merchant: Merchant, **changes: Any) -> Store:
    values: dict[str, Any] = {
        "merchant": merchant,
        "platform": "fakeshop",
        "base_url": ADDRESS,
        "credentials": KEYS,
        "actor": "user:anna",
        **changes,
    }
    return connect.connect_store(**values)


@pytest.fixture
def reachable_hub() -> Any:
    """A hub that stores on the internet can deliver to."""
    with override_settings(LOGIX_PUBLIC_URL="https://hub.example"):
        yield


@pytest.fixture
def store(shop: world.Shop, merchant: Merchant, reachable_hub: None) -> Store:
    return connected(merchant)


def again(store: Store) -> Store:
    return Store.objects.get(pk=store.pk)


# --- Addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("shop.example", "https://shop.example"),
        ("  https://Shop.Example/  ", "https://shop.example"),
        ("HTTPS://shop.example:443/?utm=1#top", "https://shop.example"),
        ("https://shop.example/wp-admin/admin.php?page=wc-settings", "https://shop.example"),
        ("https://shop.example/wp-login.php", "https://shop.example"),
        ("https://shop.example/wp-json/wc/v3", "https://shop.example"),
        ("https://shop.example/Store//", "https://shop.example/Store"),
        ("https://shop.example/eu/wp-admin", "https://shop.example/eu"),
        ("https://shop.example:8443/a/b", "https://shop.example:8443/a/b"),
        ("<https://shop.example>", "https://shop.example"),
        ("bücher.example", "https://xn--bcher-kva.example"),
        ("http://127.0.0.1:8001/", "http://127.0.0.1:8001"),
    ],
)
def test_an_address_is_kept_in_one_form(typed: str, kept: str) -> None:
    assert addresses.tidy(typed) == kept
    assert addresses.tidy(kept) == kept


@pytest.mark.parametrize(
    ("typed", "code", "word"),
    [
        ("http://shop.example", "https_required", "https://"),
        ("ftp://shop.example", "address_refused", "must look like"),
        ("", "address_refused", "must look like"),
        ("shop.example evil.example", "address_refused", "spaces"),
        ("https://anna:pw@shop.example", "address_refused", "user name"),
        ("https://shop.example:22", "address_refused", "Port 22"),
        ("https://shop.example:99999", "address_refused", "valid"),
    ],
)
def test_an_address_that_cannot_be_right_says_why(typed: str, code: str, word: str) -> None:
    with pytest.raises(Misconfigured, match=word) as caught:
        addresses.tidy(typed)

    assert caught.value.code == code


def test_a_page_of_the_shop_may_mean_the_shop_above() -> None:
    assert addresses.candidates("https://s.example") == ("https://s.example",)
    assert addresses.candidates("https://s.example/a/b/c") == (
        "https://s.example/a/b/c",
        "https://s.example/a/b",
        "https://s.example/a",
    )


# --- Connecting ----------------------------------------------------------------------------------


def test_a_connected_store_has_all_it_needs(
    shop: world.Shop, merchant: Merchant, reachable_hub: None
) -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)

    store = again(connected(merchant, base_url="FAKE.example/wp-admin", import_since=since))

    assert (store.name, store.base_url, store.status) == ("Fake & Sons", ADDRESS, "active")
    assert (store.currency, store.timezone, store.version) == ("EUR", "Europe/Berlin", "7")
    assert (store.writes_enabled, store.auto_sync, store.import_since) == (False, True, since)
    assert store.features == {"decimals": 2}
    assert store.stock_since is not None
    streams = {stream.name: stream for stream in store.streams.all()}
    assert set(streams) == {"orders", "products"}
    for stream in streams.values():
        assert stream.next_at is not None
        assert stream.next_at <= timezone.now()
        assert stream.read_through is None
        assert (stream.every_s, stream.overlap_s, stream.lag_s) == (300, 600, 5)
    assert Location.objects.get(merchant=merchant).code == "main"
    assert Credential.objects.get(store=store).kind == "api_keys"
    assert DataKey.objects.get().pk == store.data_key_id
    assert audit.verify(merchant)
    actions = AuditEvent.objects.order_by("sequence").values_list("action", flat=True)
    assert list(actions) == ["store.connected", "credentials.saved", "store.activated"]
    assert {event.actor for event in AuditEvent.objects.all()} == {"anna"}
    assert "s3cret" not in str(list(AuditEvent.objects.values_list("details", flat=True)))


def test_its_webhooks_are_registered_under_an_unguessable_address(
    store: Store, shop: world.Shop
) -> None:
    endpoint = Endpoint.objects.get()
    prefix = "https://hub.example/api/v1/fakeshop/webhooks/receive/"
    assert shop.delivers_to.startswith(prefix)
    token = shop.delivers_to.removeprefix(prefix)
    assert endpoint.token_digest == crypto.digest(token)
    assert token not in str(Endpoint.objects.values().get())
    assert [kept["topic"] for kept in endpoint.subscriptions] == ["order", "product"]
    assert (endpoint.problem, endpoint.mended) == ("", 0)
    assert endpoint.last_checked_at is not None


def test_a_store_is_told_apart_by_the_name_people_give_it(
    shop: world.Shop, merchant: Merchant
) -> None:
    assert connected(merchant, name="Cologne").name == "Cologne"


def test_a_page_of_the_shop_connects_the_shop(shop: world.Shop, merchant: Merchant) -> None:
    assert connected(merchant, base_url=f"{ADDRESS}/mugs/blue").base_url == ADDRESS


def test_a_store_in_a_sub_directory_keeps_it(shop: world.Shop, merchant: Merchant) -> None:
    world.SHOPS[f"{ADDRESS}/eu"] = world.Shop(name="Fake EU")

    store = connected(merchant, base_url=f"{ADDRESS}/eu/")

    assert (store.base_url, store.name) == (f"{ADDRESS}/eu", "Fake EU")


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        (
            {"credentials": {"key": "k_1", "secret": "wrong"}},
            AuthenticationFailed,
            "FakeShop did not accept the credentials. FakeShop → Keys.",
        ),
        (
            {"base_url": "https://elsewhere.example/a"},
            NotFound,
            "Nothing of FakeShop is at this address. Enter the address of the store's front page "
            "and check that it runs FakeShop.",
        ),
        (
            {"base_url": "http://fake.example"},
            Misconfigured,
            "The store's address must begin with https://.",
        ),
        (
            {"credentials": {"key": "k_1"}},
            connect.ConnectError,
            "Secret is missing.",
        ),
        (
            {"credentials": {"key": "x", "secret": "y"}},
            connect.ConnectError,
            "Key does not look like one. FakeShop → Keys.",
        ),
        (
            {"credentials": {**KEYS, "password": "y"}},
            connect.ConnectError,
            "FakeShop knows no password.",
        ),
        ({"platform": "etsy"}, registry.UnknownPlatform, None),
    ],
)
def test_nothing_is_kept_of_what_cannot_be_connected(
    shop: world.Shop,
    merchant: Merchant,
    changes: dict[str, Any],
    error: type[Exception],
    sentence: str | None,
) -> None:
    with pytest.raises(error) as caught:
        connected(merchant, **changes)

    if sentence is not None:
        assert str(caught.value) == sentence
    for model in (Store, DataKey, Credential, Endpoint, Stream, AuditEvent, Location):
        assert not model.objects.exists(), model


def test_values_are_trimmed_and_an_empty_optional_one_is_left_out(
    shop: world.Shop, merchant: Merchant
) -> None:
    store = connected(merchant, credentials={"key": " k_1\n", "secret": "s3cret ", "note": " "})

    assert authentication.read_credentials(store) == KEYS


def test_the_same_store_twice_is_refused_by_name(store: Store, merchant: Merchant) -> None:
    with pytest.raises(connect.ConnectError, match="already, as “Fake & Sons” \\(active\\)") as no:
        connected(merchant, base_url="fake.example/")

    assert no.value.code == "duplicate_store"
    assert Store.objects.count() == 1


def test_two_people_connecting_at_once_make_one_store(
    shop: world.Shop, merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, raced = authentication.probe, []

    def slow(*args: Any, **options: Any) -> Any:
        if not raced:
            raced.append(True)
            connected(merchant, name="First")
        return real(*args, **options)

    monkeypatch.setattr(authentication, "probe", slow)
    monkeypatch.setattr(
        "integrations.connect.opening.refuse_duplicate",
        _only_the_last_of(5, connect.opening.refuse_duplicate),
    )

    with pytest.raises(connect.ConnectError, match="“First”"):
        connected(merchant, name="Second")

    assert [s.name for s in Store.objects.all()] == ["First"]
    assert DataKey.objects.count() == 1


def _only_the_last_of(calls: int, real: Any) -> Any:
    """Skips the looks before the writing (two of each connect), so that only the database stands in
    the way.
    """
    seen: list[int] = []

    def check(*args: Any, **options: Any) -> None:
        seen.append(1)
        if len(seen) == calls:
            real(*args, **options)

    return check


def test_another_merchant_may_connect_the_same_store(store: Store) -> None:
    assert connected(make_merchant("other")).pk != store.pk


def test_a_read_only_key_is_enough_to_read(shop: world.Shop, merchant: Merchant) -> None:
    shop.may_write = False

    store = connected(merchant)

    assert store.is_active
    assert Credential.objects.get().scopes == ["read"]


def test_a_read_only_key_is_refused_for_writing(shop: world.Shop, merchant: Merchant) -> None:
    shop.may_write = False

    with pytest.raises(connect.ConnectError, match="read-only") as caught:
        connected(merchant, writes_enabled=True)

    assert caught.value.code == "read_only_key"
    assert not Store.objects.exists()


# --- Webhooks ------------------------------------------------------------------------------------


def test_a_store_that_refuses_webhooks_is_polled_and_says_why(
    shop: world.Shop, merchant: Merchant, reachable_hub: None
) -> None:
    shop.refuses_hooks = PermissionMissing("The key may not make webhooks.")

    store = connected(merchant)

    assert store.is_active
    assert Endpoint.objects.get().problem == (
        "The key may not make webhooks. Make a key that may read and write. "
        "Until then orders are read every 5 min."
    )


def test_a_hub_only_this_machine_knows_does_not_ask_for_webhooks(
    shop: world.Shop, merchant: Merchant
) -> None:
    store = connected(merchant)

    assert store.is_active
    assert "setup_webhooks" not in shop.calls
    assert "cannot reach this hub" in Endpoint.objects.get().problem
    assert "LOGIX_PUBLIC_URL" in Endpoint.objects.get().problem


def test_a_store_that_is_not_to_be_listened_to_gets_no_webhooks(
    shop: world.Shop, merchant: Merchant, reachable_hub: None
) -> None:
    connected(merchant, auto_sync=False)

    assert shop.hooks == {}


def test_a_lost_subscription_is_mended_counted_and_caught_up(
    store: Store, shop: world.Shop
) -> None:
    del shop.hooks["order"]
    Stream.objects.update(next_at=timezone.now() + timedelta(hours=1))

    live = connect.reconcile_webhooks(store)

    assert {found.topic: found.mended for found in live} == {"order": "created", "product": ""}
    assert Endpoint.objects.get().mended == 1
    assert all(s.next_at is not None and s.next_at <= timezone.now() for s in store.streams.all())


def test_an_audit_that_fails_says_so_and_clears_when_it_works(
    store: Store, shop: world.Shop
) -> None:
    shop.refuses_hooks = Unavailable("fake.example is in maintenance.")
    with pytest.raises(Unavailable):
        connect.reconcile_webhooks(store)
    assert "maintenance" in Endpoint.objects.get().problem

    shop.refuses_hooks = None
    connect.reconcile_webhooks(store)

    assert Endpoint.objects.get().problem == ""


def test_a_rotated_secret_leaves_the_old_one_good_for_a_day(store: Store, shop: world.Shop) -> None:
    old = shop.hooks["order"]

    connect.rotate_webhook_secret(store, actor="user:anna")

    endpoint = Endpoint.objects.get()
    assert shop.hooks["order"] not in (old, "")
    assert secrets_of(store) == (shop.hooks["order"], old)
    assert endpoint.previous_valid_until is not None
    left = endpoint.previous_valid_until - timezone.now()
    assert timedelta(hours=23) < left <= timedelta(hours=24)
    assert AuditEvent.objects.filter(action="webhooks.secret_rotated").count() == 1


def test_a_rotation_the_store_was_not_told_of_keeps_both_secrets(
    store: Store, shop: world.Shop
) -> None:
    old = shop.hooks["order"]
    shop.refuses_hooks = Unavailable("fake.example did not answer.")

    with pytest.raises(Unavailable):
        connect.rotate_webhook_secret(store, actor="user:anna")

    current, previous = secrets_of(store)
    assert current == old
    assert previous not in ("", old)
    shop.refuses_hooks = None
    connect.reconcile_webhooks(store)
    assert shop.hooks["order"] == old


def test_a_store_without_webhooks_has_no_secret_to_rotate(store: Store) -> None:
    Endpoint.objects.update(status=Endpoint.Status.CLOSED)

    with pytest.raises(connect.ConnectError, match="has no webhooks"):
        connect.rotate_webhook_secret(store, actor="user:anna")


def secrets_of(store: Store) -> tuple[str, str]:
    endpoint = Endpoint.objects.get(store=store)
    row = str(endpoint.pk)

    def opened(sealed: Any, column: str) -> str:
        return authentication.open_sealed(
            store, sealed, "integrations_endpoint", column, row
        ).decode()

    return (
        opened(endpoint.secret_sealed, "secret_sealed"),
        opened(endpoint.previous_secret_sealed, "previous_secret_sealed"),
    )


# --- Testing a connected store -------------------------------------------------------------------


def test_a_well_store_says_who_it_is(store: Store) -> None:
    result = connect.test_connection(store, actor="user:anna")

    assert result.ok
    assert result.sentence == "Connected to Fake & Sons (FakeShop 7)."
    assert (result.warnings, result.error_code) == ((), "")
    assert result.elapsed_s < 2
    assert AuditEvent.objects.first().details == {"ok": True, "error": ""}  # type: ignore[union-attr]


def test_a_test_keeps_what_changed_in_the_store(store: Store, shop: world.Shop) -> None:
    shop.currency = "CHF"

    connect.test_connection(store, actor="user:anna")

    assert again(store).currency == "CHF"


def test_a_store_that_refuses_is_told_in_words_and_not_raised(
    store: Store, shop: world.Shop
) -> None:
    shop.secret = "changed"

    result = connect.test_connection(store, actor="user:anna")

    assert not result.ok
    assert result.sentence == "FakeShop did not accept the credentials. FakeShop → Keys."
    assert result.error_code == "authentication_failed"
    assert again(store).status == StoreStatus.ACTIVE


def test_a_read_only_key_is_a_warning(store: Store, shop: world.Shop) -> None:
    shop.may_write = False

    result = connect.test_connection(store, actor="user:anna")

    assert result.ok
    assert result.warnings == (
        "The key is read-only: Logix can read orders but cannot send stock, status or tracking.",
    )


def test_a_store_that_works_again_says_to_resume_it(store: Store) -> None:
    authentication.note_failure(store, AuthenticationFailed("no"))

    assert "Resume Fake & Sons" in connect.test_connection(store, actor="user:anna").sentence


def test_an_address_can_be_tried_before_it_is_connected(shop: world.Shop, db: None) -> None:
    good = connect.try_connection(platform="fakeshop", base_url=ADDRESS, credentials=KEYS)
    bad = connect.try_connection(
        platform="fakeshop", base_url=ADDRESS, credentials={"key": "k_1", "secret": "x"}
    )

    assert (good.ok, bad.ok) == (True, False)
    assert not Store.objects.exists()
    assert not AuditEvent.objects.exists()


# --- States --------------------------------------------------------------------------------------


def test_pause_and_resume(store: Store) -> None:
    heard: list[str] = []

    def hear(store: Store, actor: str, **_: Any) -> None:
        heard.append(actor)

    signals.store_opened.connect(hear)
    connect.pause(store, actor="user:anna", reason="stocktake")
    assert (again(store).status, again(store).status_reason) == ("paused", "stocktake")
    Stream.objects.update(next_at=timezone.now() + timedelta(hours=1), failures=3)
    connect.resume(store, actor="user:bob")

    assert (again(store).status, again(store).status_reason) == ("active", "")
    assert all(s.next_at is not None and s.next_at <= timezone.now() for s in store.streams.all())
    assert heard == ["user:bob"]


@pytest.mark.parametrize(
    ("state", "verb"),
    [
        (StoreStatus.PAUSED, "pause"),
        (StoreStatus.NEEDS_MERCHANT, "nothing"),
        (StoreStatus.DISCONNECTED, "pause"),
        (StoreStatus.DISCONNECTED, "resume"),
        (StoreStatus.DISCONNECTED, "disconnect"),
        (StoreStatus.ACTIVE, "activate"),
    ],
)
def test_moves_that_are_not_in_the_table_are_refused(
    store: Store, state: StoreStatus, verb: str
) -> None:
    if verb == "nothing":
        assert StoreStatus.DRAFT not in lifecycle.MOVES[state]
        return
    Store.objects.update(status=state)
    store.refresh_from_db()

    with pytest.raises(connect.MoveRefused):
        getattr(connect, verb)(store, actor="user:anna")

    assert again(store).status == state


def test_a_move_looks_at_the_state_in_the_database_not_at_the_one_read_before(
    store: Store,
) -> None:
    stale = again(store)
    connect.disconnect(store, actor="user:anna")

    with pytest.raises(connect.MoveRefused, match="is “disconnected” and cannot become “paused”"):
        connect.pause(stale, actor="user:bob")


def test_resuming_a_refused_store_asks_it_first(store: Store, shop: world.Shop) -> None:
    authentication.note_failure(store, AuthenticationFailed("no"))
    shop.secret = "changed"

    with pytest.raises(AuthenticationFailed, match="FakeShop → Keys"):
        connect.resume(store, actor="user:anna")
    assert again(store).status == StoreStatus.NEEDS_MERCHANT

    shop.secret = KEYS["secret"]
    connect.resume(store, actor="user:anna")
    assert again(store).status == StoreStatus.ACTIVE
    assert Credential.objects.get().state == Credential.State.OK


def test_a_refusal_that_passes_heals_by_itself(
    store: Store, shop: world.Shop, merchant: Merchant
) -> None:
    authentication.note_failure(store, AuthenticationFailed("no"))
    shop.refuses = Unavailable("down")
    assert connect.recheck_refused() == 0

    shop.refuses = None
    assert connect.recheck_refused() == 1

    assert again(store).status == StoreStatus.ACTIVE
    assert AuditEvent.objects.filter(action="store.resumed", actor_kind="system").exists()


# --- Changing ------------------------------------------------------------------------------------


def test_plain_settings_are_changed_and_noted_with_before_and_after(store: Store) -> None:
    connect.change_store(
        store, actor="user:anna", name=" Cologne ", options={"calls_per_s": 2, "adopt_stock": None}
    )

    kept = again(store)
    assert (kept.name, kept.options) == ("Cologne", {"calls_per_s": 2})
    event = AuditEvent.objects.filter(action="store.changed").get()
    assert event.details["name"] == {"from": "Fake & Sons", "to": "Cologne"}


def test_an_option_of_the_platforms_own_has_all_products_read_anew(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what is read of a product; the figures that are here are those of before."""
    place = StoreOption(name="place", label="Place", help="A number.", pattern="[0-9]+")
    own = replace(registry.card(store.platform), options=(place,))
    monkeypatch.setattr(registry, "card", lambda _slug: own)
    long_ago = timezone.now() - timedelta(days=1)
    Stream.objects.filter(store=store).update(read_through=long_ago, next_at=None)

    connect.change_store(store, actor="user:anna", options={"calls_per_s": 2})
    assert not Stream.objects.filter(store=store, read_through=None).exists()
    connect.change_store(store, actor="user:anna", options={"place": "7"})

    fresh = Stream.objects.filter(store=store, read_through=None, next_at__lte=timezone.now())
    assert [stream.name for stream in fresh] == [StreamName.PRODUCTS]


def test_a_change_to_the_same_value_is_no_event(store: Store) -> None:
    connect.change_store(store, actor="user:anna", name="Fake & Sons", auto_sync=True)

    assert not AuditEvent.objects.filter(action="store.changed").exists()


@pytest.mark.parametrize("changes", [{"name": "  "}, {"status": "active"}, {"currency": "EUR"}])
def test_what_may_not_be_changed_is_refused(store: Store, changes: dict[str, str]) -> None:
    with pytest.raises(connect.ConnectError):
        connect.change_store(store, actor="user:anna", **changes)


def test_new_keys_are_tested_kept_and_wake_a_refused_store(store: Store, shop: world.Shop) -> None:
    shop.secret = "n3w"
    authentication.note_failure(store, AuthenticationFailed("no"))
    StoreBreaker.objects.create(store=store, state="open")

    with pytest.raises(AuthenticationFailed):
        connect.change_store(store, actor="user:anna", credentials={"secret": "wrong"})
    assert authentication.read_credentials(store) == KEYS

    connect.change_store(store, actor="user:anna", credentials={"secret": "n3w"})

    assert authentication.read_credentials(store) == {**KEYS, "secret": "n3w"}
    assert again(store).status == StoreStatus.ACTIVE
    assert not StoreBreaker.objects.exists()


def test_a_store_that_writes_does_not_take_a_read_only_key(store: Store, shop: world.Shop) -> None:
    connect.set_writes(store, enabled=True, actor="user:anna")
    shop.may_write = False

    with pytest.raises(connect.ConnectError, match="read-only"):
        connect.change_store(store, actor="user:anna", credentials={"key": "k_2"})

    assert authentication.read_credentials(store) == KEYS


def test_a_store_that_moved_keeps_its_orders_at_the_new_address(
    store: Store, merchant: Merchant
) -> None:
    world.SHOPS["https://new.example"] = world.Shop()

    connect.change_store(store, actor="user:anna", base_url="new.example")

    assert again(store).base_url == "https://new.example"
    with pytest.raises(connect.ConnectError, match="already"):
        connected(merchant, base_url="https://new.example")


@pytest.mark.django_db(transaction=True)
def test_listening_is_turned_off_and_on_at_the_store(store: Store, shop: world.Shop) -> None:
    connect.change_store(store, actor="user:anna", auto_sync=False)
    assert shop.hooks == {}

    connect.change_store(store, actor="user:anna", auto_sync=True)
    assert set(shop.hooks) == {"order", "product"}


def test_writing_is_turned_on_by_a_person_and_only_with_a_key_that_may(
    store: Store, shop: world.Shop
) -> None:
    shop.may_write = False
    with pytest.raises(connect.ConnectError, match="read-only"):
        connect.set_writes(store, enabled=True, actor="user:anna")
    assert not again(store).writes_enabled

    shop.may_write = True
    connect.change_store(store, actor="user:anna", writes_enabled=True)
    assert again(store).writes_enabled
    calls = len(shop.calls)
    connect.set_writes(store, enabled=False, actor="user:bob")
    assert not again(store).writes_enabled
    assert len(shop.calls) == calls
    actions = AuditEvent.objects.order_by("sequence").values_list("action", flat=True)
    assert list(actions)[-2:] == ["store.writes_on", "store.writes_off"]


# --- Disconnecting -------------------------------------------------------------------------------


def test_disconnecting_wipes_the_keys_and_keeps_the_rest(store: Store, shop: world.Shop) -> None:
    stream = Stream.objects.get(store=store, name="orders")
    run = SyncRun.objects.create(store=store, stream=stream, kind="backfill")

    connect.disconnect(store, actor="user:anna")

    kept = again(store)
    assert (kept.status, kept.status_reason, kept.writes_enabled) == ("disconnected", "", False)
    assert kept.disconnected_at is not None
    assert shop.hooks == {}
    assert not Credential.objects.exists()
    assert Endpoint.objects.get().status == Endpoint.Status.CLOSED
    assert not Stream.objects.exclude(next_at=None).exists()
    run.refresh_from_db()
    assert (run.cancel_requested, run.state) == (True, RunState.CANCELLED)
    assert run.problem == "Fake & Sons was disconnected."


@pytest.mark.parametrize(("typed", "called"), [("", "Our mugs"), ("New mugs", "New mugs")])
def test_a_store_comes_back_under_its_name_unless_another_is_given(
    store: Store, merchant: Merchant, shop: world.Shop, typed: str, called: str
) -> None:
    connect.change_store(store, actor="user:anna", name="Our mugs")
    connect.disconnect(store, actor="user:anna")

    assert connected(merchant, name=typed).name == called
    assert again(store).name == called


def test_a_past_that_was_still_being_read_is_read_anew_when_the_store_comes_back(
    store: Store, merchant: Merchant, shop: world.Shop
) -> None:
    rows = Stream.objects.filter(store=store, name="orders")
    rows.update(read_through=timezone.now(), position={"at": "x"})
    SyncRun.objects.create(store=store, stream=rows.get(), kind="backfill")

    connect.disconnect(store, actor="user:anna")
    connected(merchant)

    stream = rows.get()
    assert (stream.read_through, stream.position) == (None, {})
    assert stream.next_at is not None
    assert not SyncRun.objects.live().exists()


def test_a_run_under_a_worker_ends_at_its_next_page_when_the_store_is_disconnected(
    store: Store, shop: world.Shop
) -> None:
    stream = Stream.objects.get(store=store, name="orders")
    later = timezone.now() + timedelta(minutes=2)
    run = SyncRun.objects.create(
        store=store, stream=stream, kind="backfill", state=RunState.RUNNING, lease_until=later
    )

    connect.disconnect(store, actor="user:anna")

    run.refresh_from_db()
    assert (run.cancel_requested, run.state) == (True, RunState.RUNNING)


def test_a_store_that_is_gone_is_disconnected_all_the_same(store: Store, shop: world.Shop) -> None:
    shop.refuses = Unavailable("fake.example could not be found.")

    connect.disconnect(store, actor="user:anna")

    kept = again(store)
    assert kept.status == StoreStatus.DISCONNECTED
    assert "webhooks could not be removed" in kept.status_reason
    assert not Credential.objects.exists()


def test_a_disconnected_store_cannot_be_changed(store: Store) -> None:
    connect.disconnect(store, actor="user:anna")

    with pytest.raises(connect.ConnectError, match="Connect its address again"):
        connect.change_store(store, actor="user:anna", name="x")


def test_connecting_the_address_again_brings_the_store_back_with_its_past(
    store: Store, merchant: Merchant, shop: world.Shop
) -> None:
    place = timezone.now() - timedelta(days=1)
    Stream.objects.filter(name="orders").update(read_through=place, enabled=False)
    opened = again(store).stock_since
    connect.disconnect(store, actor="user:anna")

    back = connected(merchant, name="Again")

    assert back.pk == store.pk
    kept = again(back)
    assert (kept.name, kept.status, kept.disconnected_at) == ("Again", "active", None)
    assert kept.stock_since == opened
    orders = Stream.objects.get(store=back, name="orders")
    assert (orders.read_through, orders.enabled) == (place, False)
    assert Stream.objects.get(store=back, name="products").next_at is not None
    assert Endpoint.objects.exclude(status=Endpoint.Status.CLOSED).count() == 1
    assert set(shop.hooks) == {"order", "product"}
    assert AuditEvent.objects.filter(action="store.reconnected").exists()
