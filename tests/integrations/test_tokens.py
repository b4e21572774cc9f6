"""Tokens that run out: renewed by one worker under a lease, committed before they are used, and
lost by none of the ways in which an answer can be lost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from integrations import authentication, connect, outbox, sync, tasks
from integrations.authentication import credentials, granting, tokens
from integrations.errors import (
    AuthenticationFailed,
    Misconfigured,
    PermissionMissing,
    Unavailable,
)
from integrations.models import CallLog, Command, Credential, Store, StoreStatus, Stream
from integrations.platform import Ability
from inventory.data import StockUpdate
from logix.accounts.models import Merchant
from tests.factories import make_merchant, make_order
from tests.integrations.api.client import import_orders
from tests.integrations.tokenshop.site import CLIENT_ID, CLIENT_SECRET, Site
from tests.inventory.test_races import together
from tests.test_canaries import Hunt, logs_at_debug, search_database

pytestmark = pytest.mark.django_db(transaction=True)

REFRESH = "refresh_token"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.kit.outcomes.backoff_s", lambda *_: 0.0)


@pytest.fixture
def store(site: Site, silent_bell: list[str]) -> Store:
    store = consented(site, make_merchant())
    site.asked.clear()
    site.called.clear()
    return store


def consented(site: Site, merchant: Merchant) -> Store:
    url, _ = connect.begin_oauth(
        merchant=merchant, platform="tokenshop", base_url=site.url, actor="user:anna"
    )
    return connect.finish_oauth("tokenshop", site.consent(url), merchant=merchant)


@pytest.fixture
def silent_bell(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    rung: list[str] = []
    monkeypatch.setattr("logix.common.bell.publish", lambda name, *_a, **_o: rung.append(name))
    return rung


def age(*, due: bool = True, ended: bool = True) -> None:
    """Time passes for the token that is kept."""
    now = timezone.now()
    Credential.objects.update(
        refresh_due_at=now - timedelta(minutes=1) if due else now + timedelta(minutes=50),
        expires_at=now - timedelta(seconds=1) if ended else now + timedelta(minutes=4),
    )


def use(store: Store) -> str:
    """One call; the token it was made with."""
    with authentication.adapter_for(store) as adapter:
        adapter.authenticate()
        assert adapter.connection.token is not None
        return adapter.connection.token.current()


# --- When ----------------------------------------------------------------------------------------

AT = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("life", "due"),
    [
        (timedelta(hours=1), timedelta(minutes=55)),
        (timedelta(minutes=10), timedelta(minutes=8)),
        (timedelta(hours=24), timedelta(hours=19, minutes=12)),
        (timedelta(days=30), timedelta(days=24)),
    ],
)
def test_a_token_is_due_late_in_its_life_and_in_time(life: timedelta, due: timedelta) -> None:
    assert credentials.due_at(AT, AT + life) == AT + due


def test_a_token_that_does_not_end_is_never_due() -> None:
    assert credentials.due_at(AT, None) is None


# --- One worker ----------------------------------------------------------------------------------


def test_a_fresh_token_is_used_as_it_is(store: Store, site: Site) -> None:
    first, second = use(store), use(store)

    assert first == second
    assert site.asked == []


def test_an_ended_token_is_renewed_before_the_call(store: Store, site: Site) -> None:
    old = authentication.held(store)
    site.expire()
    age()

    used = use(store)

    assert site.asked == [REFRESH]
    assert [token for *_, token, _ in site.called] == [used]
    new = authentication.held(store)
    assert used == new.access_token != old.access_token
    assert new.refresh_token != old.refresh_token
    assert new.version == old.version + 1
    row = Credential.objects.get()
    assert (row.lease_until, row.state) == (None, "ok")
    assert row.fingerprint
    assert CallLog.objects.filter(store=store, route="/token").count() == 1


def test_the_new_pair_is_committed_before_its_first_use(
    store: Store, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.expire()
    age()
    seen: list[str] = []
    answer = site.call

    def looking(method: str, path: str, token: str, body: str) -> tuple[int, Any]:
        seen.append(authentication.held(store).access_token)
        connections.close_all()  # the site's thread has one of its own
        return answer(method, path, token, body)

    monkeypatch.setattr(site, "call", looking)

    used = use(store)

    assert seen == [used]


def test_without_a_new_refresh_token_the_one_before_stays(
    store: Store, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = authentication.held(store)
    told = site._told
    monkeypatch.setattr(site, "_told", lambda pair: {**told(pair), "refresh_token": ""})
    age()

    use(store)

    after = authentication.held(store)
    assert after.access_token != before.access_token
    assert after.refresh_token == before.refresh_token
    assert after.refresh_expires_at == before.refresh_expires_at


def test_a_token_refused_in_mid_call_is_renewed_and_a_write_sent_again(
    store: Store, site: Site
) -> None:
    site.expire()  # and the hub knows nothing of it

    with authentication.adapter_for(store) as adapter:
        update = StockUpdate(sku="A", quantity=3, external_product_id="1", external_variant_id="1")
        results = adapter.update_inventories([update])

    assert results[0].changed
    assert site.asked == [REFRESH]
    posts = [(path, body) for method, path, _, body in site.called if method == "POST"]
    assert posts == [("/api/stock", "[3]")] * 2


def test_a_new_token_that_is_refused_as_well_ends_the_call(
    store: Store, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "call", lambda *_: (401, {"error": "no"}))

    with pytest.raises(AuthenticationFailed):
        use(store)

    assert site.asked == [REFRESH]


def test_a_pasted_token_that_is_refused_is_the_stores_word(site: Site, store: Store) -> None:
    connect.change_store(store, credentials={"access_token": site.paste()}, actor="user:anna")
    site.revoke()

    with pytest.raises(AuthenticationFailed, match="did not accept the credentials"):
        use(store)

    assert site.asked == []


def test_an_app_that_asks_by_itself_asks_again(site: Site, silent_bell: list[str]) -> None:
    store = connect.connect_store(
        merchant=make_merchant(),
        platform="tokenshop",
        base_url=site.url,
        credentials={"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
        actor="user:anna",
    )
    site.asked.clear()
    site.expire()

    use(store)

    assert site.asked == ["client_credentials"]
    assert authentication.held(store).version == 2


# --- Many workers --------------------------------------------------------------------------------


def test_eight_workers_at_an_ended_token_make_one_call_for_a_new_one(
    store: Store, site: Site
) -> None:
    site.expire()
    age()
    site.slow_s = 0.3
    used: list[str] = []

    raised = together([lambda: used.append(use(store))] * 8)

    assert raised == []
    assert site.asked == [REFRESH]
    assert used == [authentication.held(store).access_token] * 8


def test_eight_workers_who_are_refused_make_one_call_for_a_new_one(
    store: Store, site: Site
) -> None:
    site.expire()
    site.slow_s = 0.3

    raised = together([lambda: use(store)] * 8)

    assert raised == []
    assert site.asked == [REFRESH]


def test_threads_of_one_adapter_share_the_renewal(store: Store, site: Site) -> None:
    site.expire()
    site.slow_s = 0.2
    with authentication.adapter_for(store) as adapter:
        raised = together([adapter.authenticate] * 4)

    assert raised == []
    assert site.asked == [REFRESH]


def test_while_one_renews_the_others_use_the_token_that_still_lives(
    store: Store, site: Site
) -> None:
    age(ended=False)
    old = authentication.held(store).access_token
    Credential.objects.update(lease_until=timezone.now() + timedelta(seconds=30))

    assert use(store) == old
    assert site.asked == []


def test_whoever_waits_for_another_worker_in_vain_comes_back_later(
    store: Store, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "PATIENCE_S", 0.3)
    age()
    Credential.objects.update(lease_until=timezone.now() + timedelta(seconds=30))

    with pytest.raises(Unavailable) as caught:
        use(store)

    assert caught.value.code == "token_awaited"
    assert site.asked == []


def test_whoever_waits_uses_what_the_other_worker_brings(store: Store, site: Site) -> None:
    age()
    fence = tokens._lease(authentication.held(store))
    assert fence is not None
    used: list[str] = []
    waiting = threading.Thread(target=lambda: together([lambda: used.append(use(store))]))
    waiting.start()
    time.sleep(0.3)
    assert site.asked == []

    before = authentication.held(store)
    assert credentials.keep_grant(store, before, fence, granting.renewed(store, before))
    waiting.join(20)

    assert used == [authentication.held(store).access_token]
    assert site.asked == [REFRESH]


# --- Lost on the way -----------------------------------------------------------------------------


class Killed(BaseException):
    """The process ends here."""


def test_a_worker_killed_between_answer_and_commit_costs_nothing(
    store: Store, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.expire()
    age()
    before = authentication.held(store)

    def killed(*_: Any) -> bool:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(credentials, "keep_grant", killed)
        with pytest.raises(Killed):
            use(store)
    assert authentication.held(store).refresh_token == before.refresh_token
    monkeypatch.setattr(tokens, "PATIENCE_S", 0.2)
    with pytest.raises(Unavailable):
        use(store)  # its lease is still running
    Credential.objects.update(lease_until=timezone.now() - timedelta(seconds=1))

    use(store)

    assert site.asked == [REFRESH] * 2
    assert authentication.held(store).version == before.version + 1


def test_a_lease_outlives_the_call_it_is_for() -> None:
    assert tokens.LEASE.total_seconds() > granting.TOTAL_S + 5


def test_an_answer_that_was_lost_is_asked_for_again(store: Store, site: Site) -> None:
    site.expire()
    age()
    site.lose = 1

    use(store)

    assert site.asked == [REFRESH] * 2


def test_answers_that_stay_lost_are_asked_for_by_the_next_worker(store: Store, site: Site) -> None:
    site.expire()
    age()
    site.lose = 3

    with pytest.raises(Unavailable):
        use(store)
    assert Credential.objects.get().lease_until is None

    use(store)

    assert site.asked == [REFRESH] * 4


def test_a_worker_that_slept_past_its_lease_is_fenced_off(
    store: Store, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    age()
    held = authentication.held(store)
    fence = tokens._lease(held)
    assert fence is not None
    late = granting.renewed(store, held)
    Credential.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    used = use(store)

    assert not credentials.keep_grant(store, held, fence, late)

    assert authentication.held(store).access_token == used
    assert use(store) == used


def test_a_new_consent_wins_over_a_renewal_that_is_under_way(store: Store, site: Site) -> None:
    age()
    held = authentication.held(store)
    fence = tokens._lease(held)
    assert fence is not None
    late = granting.renewed(store, held)
    consented(site, store.merchant)
    mine = authentication.held(store)

    assert not credentials.keep_grant(store, held, fence, late)

    assert authentication.held(store) == mine


def test_a_platform_without_tokens_for_now_is_asked_later_while_the_old_one_lives(
    store: Store, site: Site
) -> None:
    age(ended=False)
    old = authentication.held(store).access_token
    site.down = True

    assert [use(store), use(store)] == [old, old]

    asked = len(site.asked)
    assert asked == 3  # the tries of one call, and then a minute of peace
    assert Credential.objects.get().refresh_due_at > timezone.now() + timedelta(seconds=50)


def test_a_platform_without_tokens_is_no_reason_to_stop_the_store(store: Store, site: Site) -> None:
    site.expire()
    age()
    site.down = True

    with pytest.raises(Unavailable):
        use(store)

    assert Store.objects.get().status == StoreStatus.ACTIVE


# --- Taken back ----------------------------------------------------------------------------------


def test_a_consent_taken_back_stops_the_store_once_and_says_how_to_go_on(
    store: Store, site: Site
) -> None:
    site.revoke()
    age()
    stream = Stream.objects.get(store=store, name="products")
    Stream.objects.update(next_at=timezone.now() - timedelta(seconds=5))

    sync.run_stream(stream.pk)
    sync.run_stream(stream.pk)

    store.refresh_from_db()
    assert store.status == StoreStatus.NEEDS_MERCHANT
    assert "Connect the store again" in store.status_reason
    assert connect.reconnect_at(store) == "/api/v1/tokenshop/oauth/authorize"
    assert Credential.objects.get().state == Credential.State.REAUTH
    assert site.asked == [REFRESH]
    assert authentication.refresh_due() == 0
    assert site.asked == [REFRESH]


def test_a_refusal_that_came_too_late_is_no_refusal(
    store: Store, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody connected the store again while the platform was asked about the old consent."""
    age()
    real = granting.renewed

    def slow(store: Store, held: Any) -> Any:
        url, _ = connect.begin_oauth(
            merchant=store.merchant, platform="tokenshop", base_url=site.url, actor="user:anna"
        )
        site.revoke()
        connect.finish_oauth("tokenshop", site.consent(url), merchant=store.merchant)
        return real(store, held)

    monkeypatch.setattr(granting, "renewed", slow)

    assert use(store) == authentication.held(store).access_token


def test_a_wrong_secret_of_the_hubs_app_is_for_the_staff(
    store: Store, site: Site, settings: Any
) -> None:
    settings.LOGIX_OAUTH_APPS = {"tokenshop": f"{CLIENT_ID}:another-secret-0123456789"}
    age()

    with pytest.raises(Misconfigured, match="LOGIX_OAUTH_TOKENSHOP"):
        use(store)

    assert Store.objects.get().status == StoreStatus.ACTIVE


def test_staff_have_time_to_mend_the_app_while_the_old_token_lives(
    store: Store, site: Site, settings: Any
) -> None:
    settings.LOGIX_OAUTH_APPS = {}
    age(ended=False)

    assert use(store) == authentication.held(store).access_token

    assert site.asked == []


# --- Which app ---


def test_whose_app_a_store_is_connected_by_is_known_where_somebody_told(
    store: Store, site: Site
) -> None:
    assert authentication.app_id(store) == CLIENT_ID
    Credential.objects.update(state=Credential.State.REVOKED)
    assert authentication.app_id(store) == CLIENT_ID

    connect.change_store(store, credentials={"access_token": site.paste()}, actor="user:anna")

    assert authentication.app_id(store) == ""


# --- Connecting at once ---


def test_of_four_browsers_with_one_state_one_connects(site: Site, silent_bell: list[str]) -> None:
    merchant = make_merchant()
    url, _ = connect.begin_oauth(
        merchant=merchant, platform="tokenshop", base_url=site.url, actor="user:anna"
    )
    query = site.consent(url)

    finish = partial(connect.finish_oauth, "tokenshop", query, merchant=merchant)
    refused = together([finish] * 4)

    assert [str(err).partition(",")[0] for err in refused] == [
        "This connect attempt is unknown"
    ] * 3
    assert site.asked == ["authorization_code"]
    assert Store.objects.count() == 1


def test_of_four_presses_of_one_button_one_connects_and_none_says_it_failed(
    site: Site, silent_bell: list[str]
) -> None:
    url, _ = connect.begin_oauth(
        merchant=make_merchant(), platform="tokenshop", base_url=site.url, actor="token:x"
    )
    asked = connect.come_back("tokenshop", site.consent(url), user=None)
    assert isinstance(asked, connect.Question)
    site.slow_s = 0.3
    found: list[Store] = []

    press = partial(connect.confirm, "tokenshop", asked.answer, asked.browser)
    refused = together([lambda: found.append(press())] * 4)

    assert {getattr(err, "code", "") for err in refused} <= {"busy"}
    assert set(found) == {Store.objects.get()}
    assert site.asked == ["authorization_code"]


# --- By the clock --------------------------------------------------------------------------------


def test_the_clock_renews_what_is_due_and_nothing_else(store: Store, site: Site) -> None:
    age(due=False, ended=False)
    assert authentication.refresh_due() == 0

    age(ended=False)
    tasks.renew_tokens()

    assert site.asked == [REFRESH]
    assert authentication.refresh_due() == 0
    assert site.asked == [REFRESH]


def test_two_clocks_renew_once(store: Store, site: Site) -> None:
    age(ended=False)
    site.slow_s = 0.2

    assert together([authentication.refresh_due] * 4) == []

    assert site.asked == [REFRESH]


def test_the_clock_stops_a_store_whose_consent_was_taken_back(store: Store, site: Site) -> None:
    site.revoke()
    age()

    assert authentication.refresh_due() == 0

    assert Store.objects.get().status == StoreStatus.NEEDS_MERCHANT


def test_a_paused_store_is_renewed_only_when_its_consent_would_end(
    store: Store, site: Site
) -> None:
    connect.pause(store, actor="user:anna")
    age()
    assert authentication.refresh_due() == 0

    soon = timezone.now() + timedelta(days=6)
    Credential.objects.update(refresh_expires_at=soon)
    assert any("consent ends" in words for words in connect.warnings_of(store))
    assert authentication.refresh_due() == 1

    assert connect.warnings_of(Store.objects.get()) == []


# --- Scopes --------------------------------------------------------------------------------------


@pytest.fixture
def read_only(store: Store, site: Site) -> Store:
    """The merchant grants everything but writing stock."""
    site.grants = ("read_orders", "read_products", "read_refunds")
    consented(site, store.merchant)
    site.called.clear()
    Store.objects.update(writes_enabled=True)
    return Store.objects.get()


def test_a_missing_scope_turns_its_ability_off_and_no_other(read_only: Store, site: Site) -> None:
    with authentication.adapter_for(read_only) as adapter:
        assert adapter.can(Ability.ORDERS)
        assert not adapter.can(Ability.STOCK_WRITE)
        assert not adapter.can(Ability.PAYOUTS)
        adapter.require(Ability.ORDERS)
        with pytest.raises(PermissionMissing, match="write_stock") as caught:
            adapter.require(Ability.STOCK_WRITE)

    assert caught.value.scopes == ("write_stock",)
    assert site.called == []


def test_a_note_goes_out_while_stock_is_off(read_only: Store, site: Site) -> None:
    (order,) = import_orders(read_only, [make_order(1)])
    command = outbox.enqueue_command(
        store_id=read_only.pk,
        kind="note",
        key="n",
        order_ref=order.pk,
        external_order_id=order.external_id,
        payload={"to_customer": False, "reference": "r"},
        written="Packed.",
        requested_by="user:anna",
    )

    outbox.send_commands(read_only.pk)

    command.refresh_from_db()
    assert command.state == Command.State.DONE, command.problem
    assert [path for _, path, _, _ in site.called] == ["/api/notes"]


def test_reading_goes_on_while_a_scope_for_writing_is_missing(read_only: Store, site: Site) -> None:
    stream = Stream.objects.get(store=read_only, name="products")
    Stream.objects.filter(pk=stream.pk).update(next_at=timezone.now() - timedelta(seconds=5))

    sync.run_stream(stream.pk)

    stream.refresh_from_db()
    assert stream.last_error == ""
    assert "/api/products" in [path for _, path, _, _ in site.called]
    assert Store.objects.get().status == StoreStatus.ACTIVE


def test_a_stream_whose_scope_was_taken_away_says_so_and_asks_nobody(
    store: Store, site: Site
) -> None:
    Credential.objects.update(missing=["read_products"])
    Stream.objects.update(next_at=timezone.now() - timedelta(seconds=5))

    for stream in Stream.objects.filter(name__in=["products", "orders"]).order_by("-name"):
        sync.run_stream(stream.pk)

    errors = dict(Stream.objects.values_list("name", "last_error"))
    assert "read_products" in errors["products"]
    assert errors["orders"] == ""
    assert "/api/products" not in [path for _, path, _, _ in site.called]
    assert Store.objects.get().status == StoreStatus.ACTIVE


# --- Secrets -------------------------------------------------------------------------------------


def test_no_secret_is_in_a_log_a_message_or_a_repr(
    site: Site, silent_bell: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def note(job: Callable[[], object]) -> None:
        try:
            said.append(repr(job()))
        except Exception as err:
            said.extend((str(err), repr(err)))

    merchant: Merchant = make_merchant()
    with logs_at_debug() as streams:
        url, _ = connect.begin_oauth(
            merchant=merchant, platform="tokenshop", base_url=site.url, actor="user:anna"
        )
        query = site.consent(url)
        forged = {**query, "code": "x"}
        note(lambda: connect.finish_oauth("tokenshop", forged, merchant=merchant))
        asked = connect.come_back("tokenshop", query, user=None)
        assert isinstance(asked, connect.Question)
        said.append(repr(asked))
        store = connect.confirm("tokenshop", asked.answer, asked.browser)
        note(lambda: authentication.held(store))
        with authentication.adapter_for(store) as adapter:
            said += [repr(adapter.connection), repr(adapter.connection.token)]
            said += [repr(adapter.connection.http.auth), repr(adapter.connection.http)]
            site.expire()
            note(adapter.authenticate)
            site.apps.clear()
            site.expire()
            note(adapter.authenticate)
        site.revoke()
        age()
        note(lambda: use(store))
        note(lambda: authentication.refresh_due())
        held = authentication.held(store)
        note(lambda: authentication.app_id(store))
        note(lambda: granting.renewed(store, held))

    everything = "\n".join([*said, *(stream.getvalue() for stream in streams)])
    assert "token_renewed" in everything
    hunt = Hunt()
    for number, secret in enumerate((*site.given, query["state"], query["hmac"])):
        hunt.watch(f"{secret.partition('_')[0]} {number}", secret)
    hunt.watch("client secret", CLIENT_SECRET)
    hunt.search("what was said", everything, buyers=False)
    search_database(hunt)
    assert not hunt.found, "\n".join(hunt.found)
