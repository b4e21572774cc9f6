"""Connecting a store: test first, then everything it needs in one transaction, then let it run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.utils import timezone

from integrations import authentication, lifecycle, registry
from integrations.base import StoreIdentity
from integrations.connect import addresses, hooks, signals, testing
from integrations.connect import options as store_options
from integrations.errors import PlatformError
from integrations.lifecycle import ConnectError
from integrations.models import Store, StoreBreaker, StoreStatus, Stream, StreamName
from integrations.platform import Ability, PlatformCard
from inventory import locations
from logix.accounts import audit, keys
from logix.accounts.models import Merchant
from logix.common import bell

READ_ONLY = (
    "The key is read-only, so Logix could not send stock, status or tracking. Make a key with "
    "permission to read and "
    "write, or connect with writing turned off."
)


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
    values = testing.check_values(card, credentials)
    chosen = store_options.check(card, options or {})
    try:
        typed = addresses.tidy(base_url)
        refuse_duplicate(merchant, card, typed)
        address, identity = testing.find(card, typed, values, chosen)
    except PlatformError as err:
        err.message = testing.sentence(err, card)
        raise
    refuse_duplicate(merchant, card, address, identity.base_url)
    if writes_enabled and testing.is_read_only(card, identity):
        raise ConnectError(READ_ONLY, code="read_only_key")
    settings: dict[str, Any] = {
        "name": (name or identity.name or urlsplit(address).hostname or address)[:120],
        "auto_sync": auto_sync,
        "writes_enabled": writes_enabled,
        "import_since": import_since,
        "options": chosen,
    }
    try:
        store = _keep(merchant, card, address, values, identity, settings, actor)
    except IntegrityError:
        refuse_duplicate(merchant, card, address)
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
    """Have every stream of the store read at once."""
    rows = Stream.objects.filter(store=store, enabled=True)
    rows.update(next_at=timezone.now(), failures=0, last_error="")
    StoreBreaker.objects.filter(store=store).delete()
    if store.auto_sync:
        for stream_id in rows.values_list("pk", flat=True):
            bell.ring("integrations.tasks.run_stream", stream_id, queue="live")


def refuse_duplicate(
    merchant: Merchant, card: PlatformCard, *base_urls: str, but: Store | None = None
) -> None:
    """Raises ConnectError naming the store that is connected at one of these addresses already."""
    rows = Store.objects.filter(merchant=merchant, platform=card.slug, base_url__in=base_urls)
    rows = rows.exclude(status=StoreStatus.DISCONNECTED)
    found = rows.exclude(pk=but.pk).first() if but else rows.first()
    if found is not None:
        raise ConnectError(
            f"This store is connected already, as “{found.name}” "
            f"({found.get_status_display().lower()}). "
            "To give it new keys, change that store.",
            code="duplicate_store",
        )


def _keep(
    merchant: Merchant,
    card: PlatformCard,
    address: str,
    values: Mapping[str, str],
    identity: StoreIdentity,
    settings: Mapping[str, Any],
    actor: str,
) -> Store:
    told = {
        "platform": card.slug,
        "base_url": address,
        "auto_sync": settings["auto_sync"],
        "writes_enabled": settings["writes_enabled"],
    }
    with transaction.atomic():
        locations.default(merchant.pk)
        rows = Store.objects.filter(merchant=merchant, platform=card.slug, base_url=address)
        store = rows.filter(status=StoreStatus.DISCONNECTED).order_by("-disconnected_at").first()
        if store is not None:
            lifecycle.move(
                store,
                StoreStatus.TESTING,
                actor=actor,
                action="store.reconnected",
                details=told,
                disconnected_at=None,
                **settings,
            )
        else:
            store = Store.objects.create(
                merchant=merchant,
                platform=card.slug,
                base_url=address,
                status=StoreStatus.TESTING,
                stock_since=timezone.now(),
                data_key=keys.create(merchant),
                **settings,
            )
            audit.record("store.connected", actor=actor, merchant=merchant, obj=store, details=told)
        testing.take_identity(store, identity)
        _make_streams(store, card)
        if card.can(Ability.WEBHOOKS):
            hooks.open_endpoint(store)
        authentication.save_credentials(
            store, values, kind=card.auth_kinds[0], actor=actor, scopes=identity.granted
        )
    return store


def _make_streams(store: Store, card: PlatformCard) -> None:
    kinds = {StreamName.PRODUCTS: Ability.PRODUCTS, StreamName.ORDERS: Ability.ORDERS}
    for name, ability in kinds.items():
        if card.can(ability):
            Stream.objects.get_or_create(
                store=store,
                name=name,
                defaults={
                    "every_s": int(card.poll_every.total_seconds()),
                    "overlap_s": int(card.overlap.total_seconds()),
                    "lag_s": int(card.lag.total_seconds()),
                    "next_at": timezone.now(),
                },
            )
