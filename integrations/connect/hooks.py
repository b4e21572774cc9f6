"""Webhooks of a store: the address it delivers to, its subscriptions, the secret it signs with:
one that we give it, or that of the app, where the platform's card says so. What leads into a queue
of the merchant's own is a subscription as well.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from integrations import authentication, registry
from integrations.base import Subscription
from integrations.connect import queues
from integrations.connect.testing import sentence
from integrations.errors import PlatformError
from integrations.lifecycle import ConnectError
from integrations.models import Endpoint, Store, Stream
from integrations.platform import Ability, AuthKind, PlatformCard
from logix.accounts import audit
from logix.common import crypto
from logix.common.ids import uuid7

log = structlog.get_logger(__name__)

OLD_SECRET_LIVES = timedelta(hours=24)
_SECRET_BYTES = 32


def open_endpoint(store: Store) -> Endpoint:
    """The address the store delivers to; made when there is none. Call in a transaction, once the
    store's keys are kept: where the app signs, its secret is among them.
    """
    found = _endpoint(store)
    if found is not None:
        return found
    card = registry.card(store.platform)
    key, token = uuid7(), secrets.token_urlsafe(_SECRET_BYTES)
    secret = _first_secret(store, card)
    return Endpoint.objects.create(
        id=key,
        store=store,
        account=_account(store, card),
        token_digest=crypto.digest(token),
        token_sealed=authentication.seal(store, token, "token_sealed", str(key)),
        secret_sealed=authentication.seal(store, secret, "secret_sealed", str(key)),
    )


def follow_app(store: Store, before: str) -> None:
    """Have the endpoint verify by the app of the keys that were just kept; ``before`` is the
    ``app_id`` of those they replaced. Another app's secret proves nothing about this store from now
    on: what that app still sends (its ``shop/redact``, two days after it was uninstalled) is not
    meant for the new connection. Of the same app nothing changes here (``_keep_in_step``).
    """
    card = registry.card(store.platform)
    endpoint = _endpoint(store)
    now = authentication.app_id(store)
    if endpoint is None or not _is_signed_by_app(card) or (now and now == before):
        return
    secret = _app_secret(store, card)
    if secret and secrets.compare_digest(secret.encode(), _open_secret(store, endpoint).encode()):
        return
    secret = secret or secrets.token_urlsafe(_SECRET_BYTES)
    _save(
        endpoint,
        secret_sealed=authentication.seal(store, secret, "secret_sealed", str(endpoint.pk)),
        previous_secret_sealed=None,
        previous_valid_until=None,
    )


def lacks_webhooks(store: Store) -> ConnectError:
    """Why a store has none, and what makes them where something can."""
    card = registry.card(store.platform)
    if why := card.exempt.get(Ability.WEBHOOKS):
        return ConnectError(f"{card.name} sends no webhooks here. {why}", code="no_webhooks")
    words = f"{store.name} has no webhooks yet. Check them to make them."
    return ConnectError(words, code="no_webhooks")


def reconcile_webhooks(store: Store) -> list[Subscription]:
    """Make the store's subscriptions what they should be and keep what is live. What had to be
    mended is counted, and the store is read at once: something may have been missed.

    Raises PlatformError; the endpoint then says in words why there are no webhooks. Polling goes on
    regardless.
    """
    card = registry.card(store.platform)
    address = queues.opened_by_keys(store, card)
    if not card.can(Ability.WEBHOOKS) and not address:
        queues.close(store)
        return []
    endpoint = open_endpoint(store)
    queue = queues.listen(endpoint, address) if address else None
    now = timezone.now()
    until_then = polled_meanwhile(card)
    try:
        lacking = _keep_in_step(store, endpoint, card)
        unheard = "" if queue else unreachable(store)
        if reason := f"{lacking} {until_then}" if lacking else unheard:
            _save(endpoint, problem=reason, last_checked_at=now)
            return []
        with authentication.adapter_for(store) as adapter:
            adapter.require(Ability.NEWS_QUEUE if queue else Ability.WEBHOOKS)
            live = adapter.setup_webhooks(card.topics)
    except PlatformError as err:
        _save(endpoint, problem=f"{sentence(err, card)} {until_then}", last_checked_at=now)
        raise
    mended = sum(bool(found.mended) for found in live) if endpoint.subscriptions else 0
    problem = _asleep(live) or (queues.shared(queue, store) if queue else "")
    # That the queue cannot be read is told until it can: its reader says so (``webhooks``).
    is_deaf = queue is not None and queue.is_deaf
    _save(
        endpoint,
        subscriptions=[_kept(found) for found in live],
        problem=endpoint.problem if is_deaf else problem,
        last_checked_at=now,
        mended=F("mended") + mended,
    )
    if mended:
        Stream.objects.filter(store=store, next_at__gt=now).update(next_at=now)
        log.warning("webhooks_mended", store=str(store.pk), count=mended)
    return live


def webhook_address(store: Store) -> str:
    """Where the store delivers; '' when it has no address yet, or puts its news into a queue.
    Whoever knows it can knock, not sign. Raises Misconfigured.
    """
    endpoint = _endpoint(store)
    if endpoint is None or not registry.card(store.platform).can(Ability.WEBHOOKS):
        return ""
    token = authentication.open_sealed(
        store,
        endpoint.token_sealed,
        "integrations_endpoint",
        "token_sealed",
        str(endpoint.pk),
    )
    return authentication.webhook_url(store.platform, token.decode())


def try_webhooks(store: Store) -> str:
    """``reconcile_webhooks`` where a failure must not stop what is being done. The problem in
    words, or ''.
    """
    try:
        reconcile_webhooks(store)
    except PlatformError as err:
        log.warning("webhooks_not_registered", store=str(store.pk), code=err.code)
    endpoint = _endpoint(store)
    return endpoint.problem if endpoint is not None else ""


def rotate_webhook_secret(store: Store, *, actor: str) -> None:
    """Give the store a new secret to sign with; for 24 hours the old one is good as well, so
    nothing on its way is refused. Raises PlatformError when the store could not be told; then the
    old one stays in use. Raises ConnectError where it is not ours to change.
    """
    card = registry.card(store.platform)
    if not card.can(Ability.WEBHOOKS):
        raise lacks_webhooks(store)
    if _is_signed_by_app(card):
        raise ConnectError(
            f"{card.name} signs webhooks with the client secret of the app. Change it at "
            f"{card.name}, then enter the new one here, with the keys of {store.name}.",
            code="signed_by_app",
        )
    endpoint = _endpoint(store)
    if endpoint is None:
        raise lacks_webhooks(store)
    old = _open_secret(store, endpoint)
    new = secrets.token_urlsafe(_SECRET_BYTES)
    with transaction.atomic():
        # Settles the race of two people rotating at once: the second finds another secret than it
        # read.
        rows = Endpoint.objects.filter(pk=endpoint.pk, secret_sealed=endpoint.secret_sealed)
        if not rows.update(**_two_secrets(store, endpoint, current=new, previous=old)):
            raise ConnectError(
                f"The secret of {store.name} was just changed by somebody else.", code="busy"
            )
        audit.record("webhooks.secret_rotated", actor=actor, merchant=store.merchant, obj=store)
    endpoint.refresh_from_db()
    try:
        reconcile_webhooks(store)
    except PlatformError:
        # Some subscriptions may sign with the new one already: it stays valid as the other one.
        _save(endpoint, **_two_secrets(store, endpoint, current=old, previous=new))
        raise


def drop_webhooks(store: Store) -> str:
    """Remove the subscriptions at the store, as far as it lets us. The problem in words, or ''."""
    endpoint = _endpoint(store)
    if endpoint is None or not endpoint.subscriptions:
        return ""
    try:
        with authentication.adapter_for(store, insists=True) as adapter:
            adapter.drop_webhooks()
    except PlatformError as err:
        log.warning("webhooks_not_dropped", store=str(store.pk), code=err.code)
        return f"Its webhooks could not be removed at the store: {err}"
    _save(endpoint, subscriptions=[])
    return ""


def unreachable(store: Store) -> str:
    """Why the store cannot deliver to this hub, as far as the addresses tell; '' when nothing
    speaks against it.
    """
    hub = urlsplit(settings.LOGIX_PUBLIC_URL)
    if _is_loopback(hub.hostname or "") and not _is_loopback(
        urlsplit(store.base_url).hostname or ""
    ):
        return (
            f"{store.name} cannot reach this hub: its address {settings.LOGIX_PUBLIC_URL} is only "
            "known on this "
            "machine. Set LOGIX_PUBLIC_URL to its https:// address. Until then orders are read by "
            "polling."
        )
    return ""


def _is_signed_by_app(card: PlatformCard) -> bool:
    return card.webhooks is not None and card.webhooks.signed_by_app


def _app_secret(store: Store, card: PlatformCard) -> str:
    """The client secret of the app the store was connected by; '' for a pasted token that came
    without: it is of an app of the merchant's own, so no other's secret signs for it. Raises
    PlatformError when there is none or it cannot be read.
    """
    held = authentication.held(store)
    if held.kind == AuthKind.TOKEN:
        return held.values.get("client_secret", "")
    return authentication.needed_app(card, held.values).client_secret


def _first_secret(store: Store, card: PlatformCard) -> str:
    """Where it is the app's and not known, nobody signs with this one; why is told in words when
    the webhooks are set up.
    """
    known = ""
    if _is_signed_by_app(card):
        with suppress(PlatformError):
            known = _app_secret(store, card)
    return known or secrets.token_urlsafe(_SECRET_BYTES)


def _enter_secret(card: PlatformCard) -> str:
    sign_in = card.sign_in(AuthKind.TOKEN)
    labels = {field.name: field.label for field in sign_in.fields} if sign_in else {}
    label = labels.get("client_secret", "Client secret")
    return (
        f"{card.name} signs webhooks with the secret of the app, which Logix does not have. Give "
        f"the store new keys and enter “{label}” with them."
    )


def _keep_in_step(store: Store, endpoint: Endpoint, card: PlatformCard) -> str:
    """Have the endpoint know the store and verify as the platform signs. When the app's secret is
    another than before, the old one is good for 24 hours more: either may sign meanwhile. What is
    lacking, in words, or ''. Raises PlatformError.
    """
    if endpoint.account != (account := _account(store, card)):
        _save(endpoint, account=account)
    if not _is_signed_by_app(card):
        return ""
    secret = _app_secret(store, card)
    if not secret:
        return _enter_secret(card)
    old = _open_secret(store, endpoint)
    if secrets.compare_digest(old.encode(), secret.encode()):
        return ""
    with transaction.atomic():
        # Settles the race of two workers: the second finds another secret than it read.
        rows = Endpoint.objects.filter(pk=endpoint.pk, secret_sealed=endpoint.secret_sealed)
        if rows.update(**_two_secrets(store, endpoint, current=secret, previous=old)):
            audit.record(
                "webhooks.secret_followed", actor="system", merchant=store.merchant, obj=store
            )
    return ""


def _account(store: Store, card: PlatformCard) -> str:
    """How the platform's headers name the store, where the card says that they do."""
    if card.webhooks is None or not card.webhooks.account_header:
        return ""
    told = str(store.features.get("domain") or urlsplit(store.base_url).hostname or "")
    return told.strip().casefold()[:253]


def polled_meanwhile(card: PlatformCard) -> str:
    minutes = max(1, round(card.poll_every.total_seconds() / 60))
    return f"Until then orders are read every {minutes} min."


def _asleep(live: Sequence[Subscription]) -> str:
    asleep = [found for found in live if not found.active]
    if not asleep:
        return ""
    topics = ", ".join(found.topic for found in asleep)
    why = dict.fromkeys(found.problem for found in asleep if found.problem)
    return " ".join((f"Not active at the store: {topics}.", *why))


def _endpoint(store: Store) -> Endpoint | None:
    return Endpoint.objects.filter(store=store).exclude(status=Endpoint.Status.CLOSED).first()


def _open_secret(store: Store, endpoint: Endpoint) -> str:
    return authentication.open_sealed(
        store,
        endpoint.secret_sealed,
        "integrations_endpoint",
        "secret_sealed",
        str(endpoint.pk),
    ).decode()


def _two_secrets(
    store: Store, endpoint: Endpoint, *, current: str, previous: str
) -> dict[str, Any]:
    row = str(endpoint.pk)
    return {
        "secret_sealed": authentication.seal(store, current, "secret_sealed", row),
        "previous_secret_sealed": authentication.seal(
            store, previous, "previous_secret_sealed", row
        ),
        "previous_valid_until": timezone.now() + OLD_SECRET_LIVES,
    }


def _kept(found: Subscription) -> dict[str, Any]:
    """Without the address: it holds the token."""
    return {"external_id": found.external_id, "topic": found.topic, "active": found.active}


def _save(endpoint: Endpoint, **changes: Any) -> None:
    Endpoint.objects.filter(pk=endpoint.pk).update(**changes)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
