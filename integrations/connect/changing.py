"""What people do with a connected store: change, renew, pause, resume, let it write, disconnect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from integrations import authentication, channels, lifecycle, registry
from integrations.authentication import Keys
from integrations.base import StoreIdentity
from integrations.connect import (
    addresses,
    hooks,
    opening,
    options,
    parting,
    queues,
    signals,
    testing,
)
from integrations.errors import PlatformError
from integrations.lifecycle import ConnectError
from integrations.models import (
    Credential,
    Endpoint,
    NewsQueue,
    RunKind,
    Store,
    StoreStatus,
    Stream,
    SyncRun,
)
from integrations.platform import AuthKind, PlatformCard
from inventory.channels import keep_only
from logix.accounts import audit

log = structlog.get_logger(__name__)

# What ``change_store`` writes as it is given; the rest has a function of its own.
_PLAIN = frozenset({"name", "auto_sync", "import_since", "options"})
_LONGEST_NAME = 120


def pause(store: Store, *, actor: str, reason: str = "") -> None:
    """Stop reading and writing; deliveries are kept until ``resume``. Raises MoveRefused."""
    lifecycle.move(store, StoreStatus.PAUSED, actor=actor, action="store.paused", reason=reason)


def resume(store: Store, *, actor: str) -> None:
    """Go on. A store that refused its credentials is asked first. Raises MoveRefused,
    PlatformError.
    """
    if store.status == StoreStatus.NEEDS_MERCHANT:
        testing.take_identity(store, _identify(store))
    with transaction.atomic():
        lifecycle.move(store, StoreStatus.ACTIVE, actor=actor, action="store.resumed")
        _credentials_work(store)
        opening.wake(store)
        signals.store_opened.send(sender=Store, store=store, actor=actor)


def recheck_refused(limit: int = 50) -> int:
    """Ask stores that refused their credentials once more, and resume those that accept them again:
    a key may have been mended in the store, or the refusal was a passing fault. Return how many
    came back. Call it hourly.
    """
    came_back = 0
    for store in Store.objects.filter(status=StoreStatus.NEEDS_MERCHANT)[:limit]:
        try:
            resume(store, actor="system")
            came_back += 1
        except (PlatformError, ConnectError) as err:
            log.info("still_refused", store=str(store.pk), code=err.code)
    return came_back


def change_store(store: Store, *, actor: str, **changes: Any) -> None:
    """Change ``name``, ``auto_sync``, ``import_since``, ``options`` (merged; None removes one),
    ``credentials`` (likewise), ``base_url`` or ``writes_enabled``. What lets us in is tested first.

    Raises ConnectError, PlatformError; nothing is changed then.
    """
    known = _PLAIN | {"credentials", "base_url", "writes_enabled"}
    if unknown := sorted(set(changes) - known):
        raise ConnectError(f"{', '.join(unknown)} cannot be changed.", code="unknown_setting")
    if store.status == StoreStatus.DISCONNECTED:
        raise ConnectError(
            f"{store.name} is disconnected. Connect its address again.", code="wrong_state"
        )
    plain = _plain_changes(store, {n: v for n, v in changes.items() if n in _PLAIN})
    typed = dict(changes.get("credentials") or {})
    names = registry.card(store.platform).queue_names
    given = {name: typed.pop(name) for name in names if name in typed}
    queue = _queue_of(store, given) if given else None
    # What the store may refuse comes first, so that a refusal leaves everything as it was.
    writes = bool(changes.get("writes_enabled", store.writes_enabled))
    if typed or "base_url" in changes:
        _renew(store, typed, changes.get("base_url", ""), actor, must_write=writes)
    if queue is not None:
        _keep_queue(store, queue, actor)
    if "writes_enabled" in changes:
        set_writes(store, enabled=writes, actor=actor)
    if plain:
        _write(store, plain, actor)
    if "auto_sync" in plain:
        # Calls a store: after the commit, wherever this was called from.
        transaction.on_commit(lambda: _webhooks_follow(store), robust=True)


def check_options(store: Store, given: Mapping[str, Any]) -> None:
    """Raises ConnectError for an option that ``change_store`` would refuse."""
    options.check(registry.card(store.platform), given)


def set_writes(store: Store, *, enabled: bool, actor: str) -> None:
    """Let Logix change things in the store, or stop it. Turning on asks the store whether the key
    may write. Raises ConnectError, PlatformError.
    """
    if enabled == store.writes_enabled:
        return
    if enabled:
        card = registry.card(store.platform)
        if testing.is_read_only(card, _identify(store)):
            raise ConnectError(opening.READ_ONLY, code="read_only_key")
    with transaction.atomic():
        Store.objects.filter(pk=store.pk).update(writes_enabled=enabled)
        action = "store.writes_on" if enabled else "store.writes_off"
        audit.record(action, actor=actor, merchant=store.merchant, obj=store)
        store.writes_enabled = enabled
        if enabled:
            signals.store_opened.send(sender=Store, store=store, actor=actor)


def disconnect(store: Store, *, actor: str, remove_app: bool = False) -> None:
    """End the connection: webhooks removed (as far as the store lets us), credentials wiped,
    nothing read or written any more. Orders and stock stay, and connecting the address again goes
    on with them. ``remove_app``: Logix's app is taken out of the store as well (``parting``). What
    is left there is the store's ``status_reason``. Raises MoveRefused.
    """
    if not lifecycle.may_move(store, StoreStatus.DISCONNECTED):
        raise lifecycle.MoveRefused(f"{store.name} is disconnected already.")
    if left := hooks.drop_webhooks(store):
        left += " Remove them there."
    access = parting.take_back(store, remove_app=remove_app)
    now = timezone.now()
    with transaction.atomic():
        lifecycle.move(
            store,
            StoreStatus.DISCONNECTED,
            actor=actor,
            action="store.disconnected",
            reason=f"{left} {access}".strip(),
            details={"remove_app": True} if remove_app else None,
            disconnected_at=now,
            writes_enabled=False,
        )
        Credential.objects.filter(store=store).delete()
        Endpoint.objects.filter(store=store).update(
            status=Endpoint.Status.CLOSED, subscriptions=[], problem=left
        )
        NewsQueue.objects.filter(endpoint__store=store).delete()
        Stream.objects.filter(store=store).update(next_at=None)
        _stop_runs(store)


def _stop_runs(store: Store) -> None:
    """A past that was still being read is read from its beginning when the store is connected
    again; stock then opens at its end.
    """
    runs = SyncRun.objects.filter(store=store)
    unread = runs.live().filter(kind=RunKind.BACKFILL, dry_run=False)
    begun = list(unread.values_list("stream", flat=True))
    Stream.objects.filter(pk__in=begun).update(read_through=None, position={})
    runs.stop(f"{store.name} was disconnected.")


def _renew(
    store: Store,
    credentials: Mapping[str, str | None],
    base_url: str,
    actor: str,
    *,
    must_write: bool,
) -> None:
    """Test the store with new keys or at a new address, then keep them."""
    card = registry.card(store.platform)
    keys = _merged(store, card, credentials)
    try:
        address = addresses.store_address(card, base_url) if base_url else store.base_url
    except PlatformError as err:
        err.message = testing.sentence(err, card)
        raise
    renew_keys(store, keys, address, actor=actor, must_write=must_write)


def renew_keys(store: Store, keys: Keys, address: str, *, actor: str, must_write: bool) -> None:
    """Test the store with these keys, then keep them in place of the old ones: its orders, stock
    and settings stay, and what waited for it goes on. Raises ConnectError, PlatformError; nothing
    is changed then.
    """
    card = registry.card(store.platform)
    account = card.account_of(keys.values)
    _refuse_another_account(store, account)
    keys = replace(keys, values={**_queue_kept(store, card), **keys.values})
    try:
        opening.refuse_duplicate(store.merchant, card, account, address, but=store)
        found = testing.find(card, address, keys, store.options)
        if account != store.account:
            opening.refuse_unconfirmed(store.merchant, card, found, but=store)
    except PlatformError as err:
        err.message = testing.sentence(err, card)
        raise
    testing.refuse_lacking(card, found.identity)
    if must_write and testing.is_read_only(card, found.identity):
        raise ConnectError(opening.READ_ONLY, code="read_only_key")
    with transaction.atomic():
        moved = {"base_url": found.address, "account": account}
        if moved := {name: x for name, x in moved.items() if x != getattr(store, name)}:
            _write(store, moved, actor)
        testing.take_identity(store, found.identity)
        app = authentication.app_id(store)
        opening.keep_keys(store, found, actor=actor)
        hooks.follow_app(store, app)
        if store.status == StoreStatus.NEEDS_MERCHANT:
            lifecycle.move(store, StoreStatus.ACTIVE, actor=actor, action="store.resumed")
        if store.is_active:
            opening.wake(store)
            signals.store_opened.send(sender=Store, store=store, actor=actor)
    if store.is_active and store.auto_sync:
        transaction.on_commit(lambda: _webhooks_follow(store), robust=True)


def _merged(store: Store, card: PlatformCard, credentials: Mapping[str, str | None]) -> Keys:
    """The keys with what was typed in place of what was kept, without what is None. Of another way
    to sign in than the one before, all of it has to be typed.
    """
    gone = {name for name, value in credentials.items() if value is None}
    given = {name: str(value) for name, value in credentials.items() if name not in gone}
    typed = {name: value for name, value in given.items() if value.strip()}
    try:
        kept = authentication.held(store)
    except PlatformError:
        return testing.keys_of(card, typed)
    sign_in = card.sign_in_for(typed)
    if typed and sign_in.kind != kept.kind and sign_in.required <= set(typed):
        return testing.keys_of(card, typed)
    if kept.kind == AuthKind.OAUTH2:
        raise ConnectError(
            f"{store.name} was connected by consent. Connect its address again to change it.",
            code="consent_needed",
        )
    stays = {name: value for name, value in kept.typed.items() if name not in gone}
    return testing.keys_of(card, {**stays, **typed})


def _refuse_another_account(store: Store, account: str) -> None:
    """Its orders and stock would be mixed with those of the account that the store confirmed."""
    confirmed = store.features.get(testing.ACCOUNT)
    if confirmed and account != confirmed:
        raise ConnectError(
            f"{store.name} is the account {confirmed}, and these keys are of the account "
            f"{account}. Its orders and stock are kept, so another account cannot take its place: "
            "connect that one as a store of its own.",
            code="another_account",
        )


def _queue_of(store: Store, given: Mapping[str, str | None]) -> dict[str, str]:
    """The queue with what was typed in place of what was kept; it goes as a whole, with a None.
    Raises ConnectError.
    """
    if None in given.values():
        if any(given.values()):
            raise ConnectError(
                "A queue is taken away as a whole: send null alone, or all values of a queue.",
                code="queue_incomplete",
            )
        return {}
    card = registry.card(store.platform)
    typed = {name: str(value).strip() for name, value in given.items() if str(value).strip()}
    return testing.checked_queue(card, {**_queue_kept(store, card), **typed})


def _queue_kept(store: Store, card: PlatformCard) -> dict[str, str]:
    try:
        kept = authentication.held(store).values
    except PlatformError:
        return {}
    return {name: kept[name] for name in card.queue_names if name in kept}


def _keep_queue(store: Store, queue: Mapping[str, str], actor: str) -> None:
    if not queue and queues.queue_of(store) is not None:
        # Without its values nothing could be taken back there.
        hooks.drop_webhooks(store)
    names = registry.card(store.platform).queue_names
    authentication.keep_beside(store, {n: queue.get(n) for n in names}, actor=actor)
    if store.is_active and store.auto_sync:
        transaction.on_commit(lambda: _webhooks_follow(store), robust=True)


def _plain_changes(store: Store, changes: dict[str, Any]) -> dict[str, Any]:
    """What really changes. Raises ConnectError for an empty name."""
    if "name" in changes:
        changes["name"] = str(changes["name"]).strip()[:_LONGEST_NAME]
        if not changes["name"]:
            raise ConnectError("A store needs a name.", code="name_missing")
    if "options" in changes:
        card = registry.card(store.platform)
        merged = {**store.options, **options.check(card, changes["options"] or {})}
        _refuse_another_master(store, merged)
        if channels.option_of(store) in changes["options"]:
            changes |= channels.of_first(store, merged)
        changes["options"] = {name: value for name, value in merged.items() if value is not None}
    rows = Store.objects.filter(pk=store.pk).values(*changes).first() if changes else None
    return {n: v for n, v in changes.items() if rows is None or rows[n] != v}


def _refuse_another_master(store: Store, merged: Mapping[str, Any]) -> None:
    """It is a switch with a rehearsal of its own, not a setting to be changed in passing."""
    before, after = (kept.get("stock_master") or "hub" for kept in (store.options, merged))
    if before != after:
        raise ConnectError(
            f"Who counts the stock of {store.name} is switched by itself, as it changes many "
            "figures: “Let the store count” at the store, or POST …/stock-master. Both first say "
            "what would change.",
            code="switch_by_itself",
        )


def _write(store: Store, changes: Mapping[str, Any], actor: str) -> None:
    before = Store.objects.values(*changes).get(pk=store.pk)
    with transaction.atomic():
        Store.objects.filter(pk=store.pk).update(**changes)
        audit.record(
            "store.changed",
            actor=actor,
            merchant=store.merchant,
            obj=store,
            details={name: {"from": before[name], "to": changes[name]} for name in changes},
        )
        if words := _new_words(before.get("options"), changes.get("options")):
            signals.status_words_changed.send(sender=Store, store=store, words=words)
        if _own_options(store, before) != _own_options(store, changes):
            opening.read_products_anew(store)
            _channels_follow(store, changes, actor)
    for name, value in changes.items():
        setattr(store, name, value)


def _channels_follow(store: Store, changes: Mapping[str, Any], actor: str) -> None:
    before, now = channels.on(store), channels.on(store, changes["options"])
    if set(before) - set(now):
        keep_only(store.pk, [channel.external_id for channel in now], now=timezone.now())
    if set(now) - set(before):
        signals.channels_added.send(sender=Store, store=store, actor=actor)


def _own_options(store: Store, row: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the platform's own: they say what is read of a product, and where."""
    kept = row.get("options") or {}
    return {x.name: kept.get(x.name) for x in registry.card(store.platform).options}


def _new_words(before: Any, after: Any) -> list[str]:
    """The store's statuses that mean something now that they did not mean before."""
    known, told = ((kept or {}).get("status_words") or {} for kept in (before, after))
    return [word for word, meaning in told.items() if known.get(word) != meaning]


def _webhooks_follow(store: Store) -> None:
    """Subscriptions exist while the store is to be listened to."""
    if store.auto_sync and store.is_active:
        hooks.try_webhooks(store)
    elif not store.auto_sync:
        hooks.drop_webhooks(store)


def _credentials_work(store: Store) -> None:
    refused = Credential.objects.filter(store=store, state=Credential.State.REAUTH)
    refused.update(state=Credential.State.OK)


def _identify(store: Store) -> StoreIdentity:
    """Ask the store who it is, past its breaker. Raises PlatformError with what to do."""
    card = registry.card(store.platform)
    try:
        with authentication.adapter_for(store, insists=True) as adapter:
            return adapter.identify()
    except PlatformError as err:
        err.message = testing.sentence(err, card)
        raise
