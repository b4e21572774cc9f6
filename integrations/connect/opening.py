"""Connecting a store: test first, then everything it needs in one transaction, then let it run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from integrations import authentication, lifecycle, registry
from integrations.authentication import Keys
from integrations.connect import addresses, hooks, signals, testing
from integrations.connect import options as store_options
from integrations.connect.testing import Found
from integrations.errors import PlatformError
from integrations.lifecycle import ConnectError
from integrations.models import Store, StoreBreaker, StoreStatus, Stream, StreamName
from integrations.platform import Ability, AuthKind, PlatformCard
from inventory import locations
from logix.accounts import audit, keys
from logix.accounts.models import Merchant
from logix.common import bell

READ_ONLY = (
    "The key is read-only, so Logix could not send stock, status or tracking. Make a key with "
    "permission to read and "
    "write, or connect with writing turned off."
)

_Span = Callable[[PlatformCard], timedelta]
# What a stream needs, how often it is read and how far it looks back each time. Nothing tells that
# a payout changed, so all are looked at again that may still be under way.
_STREAMS: Mapping[StreamName, tuple[Ability, _Span, _Span]] = {
    StreamName.PRODUCTS: (Ability.PRODUCTS, lambda c: c.poll_every, lambda c: c.overlap),
    StreamName.ORDERS: (Ability.ORDERS, lambda c: c.poll_every, lambda c: c.overlap),
    StreamName.PAYOUTS: (
        Ability.PAYOUTS,
        lambda _: timedelta(hours=6),
        lambda c: c.payouts_change_for,
    ),
    StreamName.REFUNDS: (
        Ability.REFUNDS_READ,
        lambda _: timedelta(minutes=15),
        lambda c: c.apart[Ability.REFUNDS_READ],
    ),
    StreamName.RETURNS: (
        Ability.RETURNS,
        lambda _: timedelta(hours=6),
        lambda c: c.apart[Ability.RETURNS],
    ),
    # What a platform keeps is read whole each time.
    StreamName.KEPT: (
        Ability.PLATFORM_STOCK,
        lambda _: timedelta(hours=1),
        lambda _: timedelta(),
    ),
}
# What most stores tell with their orders.
_APART = frozenset({StreamName.REFUNDS, StreamName.RETURNS})


def connect_store(
    *,
    merchant: Merchant,
    platform: str,
    base_url: str,
    credentials: Mapping[str, str],
    name: str = "",
    auto_sync: bool = True,
    writes_enabled: bool = False,
    import_since: datetime | None = None,
    options: Mapping[str, Any] | None = None,
    actor: str,
) -> Store:
    """Test the connection and, if the store answers, keep it and start reading. Nothing is kept on
    failure.

    A store of this address that was disconnected comes back with its orders and stock. Raises
    UnknownPlatform, ConnectError (refused by the hub), PlatformError (what the store said, with
    what to do).
    """
    card = registry.card(platform)
    keys = testing.keys_of(card, credentials)
    settings = {
        "name": name,
        "auto_sync": auto_sync,
        "writes_enabled": writes_enabled,
        "import_since": import_since,
        "options": dict(options or {}),
    }
    return open_store(merchant, card, base_url, keys, settings, actor=actor)


def open_store(
    merchant: Merchant,
    card: PlatformCard,
    base_url: str,
    keys: Keys,
    settings: Mapping[str, Any],
    *,
    actor: str,
) -> Store:
    """``connect_store`` with keys that are there already; ``settings`` are its other arguments."""
    chosen = store_options.check(card, settings.get("options") or {})
    account = card.account_of(keys.values)
    try:
        typed = addresses.store_address(card, base_url)
        refuse_duplicate(merchant, card, account, typed)
        found = testing.find(card, typed, keys, chosen)
    except PlatformError as err:
        err.message = testing.sentence(err, card)
        raise
    identity = found.identity
    refuse_duplicate(merchant, card, account, found.address, identity.base_url)
    refuse_unconfirmed(merchant, card, found)
    testing.refuse_lacking(card, identity)
    writes_enabled = bool(settings.get("writes_enabled", False))
    if writes_enabled and testing.is_read_only(card, identity):
        raise ConnectError(READ_ONLY, code="read_only_key")
    before = _left(merchant, card, account, found.address)
    name = settings.get("name") or (before.name if before else "") or identity.name
    kept: dict[str, Any] = {
        "name": str(name or urlsplit(found.address).hostname or found.address)[:120],
        "auto_sync": settings.get("auto_sync", True),
        "writes_enabled": writes_enabled,
        "import_since": settings.get("import_since"),
        "options": chosen,
    }
    try:
        store = _keep(merchant, card, found, kept, actor)
    except IntegrityError:
        refuse_duplicate(merchant, card, account, found.address)
        raise
    activate(store, actor=actor)
    return store


def activate(store: Store, *, actor: str) -> None:
    """Let a tested store run: reading starts now, webhooks are registered as far as the store
    allows. Raises MoveRefused.
    """
    with transaction.atomic():
        lifecycle.move(store, StoreStatus.ACTIVE, actor=actor, action="store.activated")
        wake(store)
        signals.store_opened.send(sender=Store, store=store, actor=actor)
    if store.auto_sync:
        hooks.try_webhooks(store)


def wake(store: Store) -> None:
    """Have every stream of the store read at once, one that its platform has gained since as
    well.
    """
    _make_streams(store, registry.card(store.platform))
    rows = Stream.objects.filter(store=store, enabled=True)
    rows.update(next_at=timezone.now(), failures=0, last_error="")
    StoreBreaker.objects.filter(store=store).delete()
    if store.auto_sync:
        for stream_id in rows.values_list("pk", flat=True):
            bell.ring("integrations.tasks.run_stream", stream_id, queue="live")


def read_products_anew(store: Store) -> None:
    """Have all products read, as at the first time."""
    rows = Stream.objects.filter(store=store, name=StreamName.PRODUCTS)
    # A walk that is under way asked by what is no longer so, and would write its own place over
    # this one: it loses its fence, and the next one need not wait for it.
    rows.update(
        read_through=None,
        position={},
        next_at=timezone.now(),
        fence=F("fence") + 1,
        lease_owner="",
        lease_until=None,
    )


def refuse_duplicate(
    merchant: Merchant,
    card: PlatformCard,
    account: str,
    *base_urls: str,
    but: Store | None = None,
) -> None:
    """Raises ConnectError naming the store that is connected at one of these addresses already."""
    rows = Store.objects.known(merchant, card.slug, base_urls, account).connected()
    found = rows.exclude(pk=but.pk).first() if but else rows.first()
    if found is not None:
        raise ConnectError(
            f"This store is connected already, as “{found.name}” "
            f"({found.get_status_display().lower()}). "
            "To give it new keys, change that store.",
            code="duplicate_store",
        )


def refuse_unconfirmed(
    merchant: Merchant, card: PlatformCard, found: Found, *, but: Store | None = None
) -> None:
    """Raises ConnectError for an account that was typed and that the store does not confirm, where
    another one is connected at the address: it may be the same.
    """
    account = card.account_of(found.keys.values)
    is_confirmed = testing.ACCOUNT in found.identity.features
    if not account or is_confirmed or found.keys.kind is AuthKind.OAUTH2:
        return
    rows = Store.objects.known(merchant, card.slug, [found.address]).connected()
    other = (rows.exclude(pk=but.pk) if but else rows).first()
    if other is not None:
        needed = ", ".join(found.identity.missing)
        raise ConnectError(
            f"{card.name} does not confirm the account {account}, and “{other.name}” is connected "
            "there as well: if both are the same, each order would be read twice. Compare it. "
            f"Where it is right, give the app what it lacks ({needed}) and connect it then.",
            code="account_unconfirmed",
        )


def _keep(
    merchant: Merchant,
    card: PlatformCard,
    found: Found,
    settings: Mapping[str, Any],
    actor: str,
) -> Store:
    address, account = found.address, card.account_of(found.keys.values)
    told = {
        "platform": card.slug,
        "base_url": address,
        "auto_sync": settings["auto_sync"],
        "writes_enabled": settings["writes_enabled"],
    }
    with transaction.atomic():
        locations.default(merchant.pk)
        store = _left(merchant, card, account, address)
        if store is not None:
            lifecycle.move(
                store,
                StoreStatus.TESTING,
                actor=actor,
                action="store.reconnected",
                details=told,
                disconnected_at=None,
                account=account,
                **settings,
            )
        else:
            store = Store.objects.create(
                merchant=merchant,
                platform=card.slug,
                base_url=address,
                account=account,
                status=StoreStatus.TESTING,
                stock_since=timezone.now(),
                data_key=keys.create(merchant),
                **settings,
            )
            audit.record("store.connected", actor=actor, merchant=merchant, obj=store, details=told)
        testing.take_identity(store, found.identity)
        _make_streams(store, card)
        keep_keys(store, found, actor=actor)
        if card.can(Ability.WEBHOOKS) or card.queue_of(found.keys.values):
            hooks.open_endpoint(store)
    return store


def _left(merchant: Merchant, card: PlatformCard, account: str, address: str) -> Store | None:
    """The store of this address that was disconnected last: it comes back under its name."""
    rows = Store.objects.known(merchant, card.slug, [address], account)
    return rows.filter(status=StoreStatus.DISCONNECTED).order_by("-disconnected_at").first()


def keep_keys(store: Store, found: Found, *, actor: str) -> None:
    """Keep what let us in, and what it may do there."""
    grant = found.keys.grant
    authentication.save_credentials(
        store,
        found.keys.values,
        kind=found.keys.kind,
        actor=actor,
        scopes=found.identity.granted or (grant.scopes if grant else ()),
        missing=found.identity.missing,
        grant=grant,
    )


def _make_streams(store: Store, card: PlatformCard) -> None:
    """What the platform has and the store is not read for yet; streams that are there stay as they
    are.
    """
    for name, (ability, every, overlap) in _STREAMS.items():
        if card.can(ability) and (name not in _APART or ability in card.apart):
            Stream.objects.get_or_create(
                store=store,
                name=name,
                defaults={
                    "every_s": int(every(card).total_seconds()),
                    "overlap_s": int(overlap(card).total_seconds()),
                    "lag_s": int(card.lag.total_seconds()),
                    "next_at": timezone.now(),
                },
            )
