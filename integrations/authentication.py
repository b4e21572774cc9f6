"""Authentication Manager: the one door to a store. Keeps its credentials sealed and hands out
adapters that hold them.

``adapter_for`` is what everybody uses: a ready adapter with the shared limiter, breaker, guard and
call log, for the length of a ``with`` block. Calls are made outside of transactions.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Now
from django.utils import timezone

from integrations import lifecycle, limits, policy, registry
from integrations.base import BaseEcommerceIntegration, StoreIdentity
from integrations.breakers import DatabaseBreaker
from integrations.calls import CallRecorder
from integrations.errors import AuthenticationFailed, Misconfigured, PlatformError
from integrations.kit.breaker import MemoryBreaker
from integrations.kit.http import PlatformSession, Priority
from integrations.models import Credential, Endpoint, Store, StoreStatus
from integrations.platform import Connection
from logix.accounts import audit, keys
from logix.common.crypto import SealBroken

log = structlog.get_logger(__name__)

OK_EVERY = timedelta(minutes=1)
# Somebody waits for a test: less patience than a worker has.
PROBE_TOTAL_S = 15.0
PROBE_READ_S = 10.0

_CREDENTIAL = "integrations_credential"
_ENDPOINT = "integrations_endpoint"
_TRIES = 5
_SHORTEST_SECRET = 8


@contextmanager
def adapter_for(
    store: Store, *, priority: Priority = Priority.LIVE, insists: bool = False
) -> Iterator[BaseEcommerceIntegration]:
    """An adapter that may call the store until the block ends.

    Raises AuthenticationFailed when the store has no credentials, Misconfigured when they cannot be
    opened or the address may not be called. ``insists``: a person is waiting, so the store is asked
    even while its breaker is open, with a shorter deadline. What the adapter learned about the
    store is kept; an answer makes ``last_ok_at`` young.
    """
    card = registry.card(store.platform)
    calls = CallRecorder(store.pk)
    patience: dict[str, Any] = {"total_s": PROBE_TOTAL_S, "read_s": PROBE_READ_S} if insists else {}
    session = PlatformSession(
        store.base_url,
        limiter=limits.limiter(card, store.options.get("calls_per_s")),
        breaker=DatabaseBreaker(store, insists=insists),
        guard=limits.guard(),
        store_id=str(store.pk),
        observe=calls,
        priority=priority,
        **patience,
    )
    with session:
        adapter = registry.adapter_class(store.platform)(_connection(store, session))
        try:
            yield adapter
        finally:
            calls.close()
            # In a transaction that is lost already a query would hide the error that lost it.
            if not transaction.get_connection().needs_rollback:
                _keep_learned(store, adapter)
                if calls.answered:
                    note_success(store)


def probe(
    platform: str,
    base_url: str,
    credentials: Mapping[str, str],
    *,
    options: Mapping[str, Any] | None = None,
) -> StoreIdentity:
    """Ask an address that is no store of ours yet who it is; nothing is stored. Raises
    PlatformError, UnknownPlatform.
    """
    card = registry.card(platform)
    session = PlatformSession(
        base_url,
        limiter=limits.private_limiter(card),
        breaker=MemoryBreaker(),
        guard=limits.guard(),
        total_s=PROBE_TOTAL_S,
        read_s=PROBE_READ_S,
    )
    session.hidden = _hidden(credentials)
    with session:
        adapter = registry.adapter_class(platform)(
            Connection(
                store_id="",
                base_url=base_url,
                credentials=dict(credentials),
                http=session,
                options=dict(options or {}),
            )
        )
        identity = adapter.identify()
        return replace(identity, features={**identity.features, **_learned(adapter)})


# --- Credentials
# --------------------------------------------------------------------------------------------------


def read_credentials(store: Store) -> dict[str, str]:
    """The store's credentials, opened. Raises AuthenticationFailed (there are none) or
    Misconfigured (they are sealed with a key this hub does not have).
    """
    row = (
        Credential.objects.filter(store=store)
        .exclude(state=Credential.State.REVOKED)
        .order_by("-updated_at")
        .first()
    )
    if row is None:
        raise AuthenticationFailed(
            f"{store.name} has no credentials in Logix. Connect it again.", code="no_credentials"
        )
    plain = open_sealed(store, row.sealed, _CREDENTIAL, "sealed", _row(store, row.kind))
    values: dict[str, str] = json.loads(plain)
    return values


def save_credentials(
    store: Store,
    values: Mapping[str, str],
    *,
    kind: str,
    actor: str,
    scopes: tuple[str, ...] = (),
) -> Credential:
    """Seal and keep ``values`` as the store's only credentials of this kind. ``version`` grows when
    they differ from what was kept; the same again only clears an earlier refusal.
    """
    plain = json.dumps(dict(values), sort_keys=True, separators=(",", ":")).encode()
    fingerprint = hashlib.sha256(plain).hexdigest()[:8]
    sealed = keys.vault(store.data_key_id).seal(plain, _CREDENTIAL, "sealed", _row(store, kind))
    for _ in range(_TRIES):
        with transaction.atomic():
            saved = _write_credentials(store, kind, sealed, fingerprint, scopes)
            if saved is not None:
                told = {"kind": kind, "version": saved.version, "fingerprint": fingerprint}
                audit.record(
                    "credentials.saved",
                    actor=actor,
                    merchant=store.merchant,
                    obj=store,
                    details=told,
                )
                return saved
    raise RuntimeError(f"The credentials of store {store.pk} are being changed by others.")


def _write_credentials(
    store: Store, kind: str, sealed: bytes, fingerprint: str, scopes: tuple[str, ...]
) -> Credential | None:
    """The row as written; None when another process wrote it in between."""
    fields: dict[str, Any] = {
        "sealed": sealed,
        "fingerprint": fingerprint,
        "scopes": list(scopes),
        "state": Credential.State.OK,
        "updated_at": timezone.now(),
    }
    rows = Credential.objects.filter(store=store, kind=kind)
    found = rows.first()
    if found is None:
        try:
            with transaction.atomic():
                return Credential.objects.create(store=store, kind=kind, **fields)
        except IntegrityError:
            return None
    grown = found.version + (fingerprint != found.fingerprint)
    if rows.filter(version=found.version).update(**fields, version=grown) != 1:
        return None
    found.refresh_from_db()
    return found


def _row(store: Store, kind: str) -> str:
    return f"{store.pk}:{kind}"


# --- Webhook address
# ----------------------------------------------------------------------------------------------


def webhook_url(platform: str, token: str) -> str:
    """Where a store delivers."""
    return f"{settings.LOGIX_PUBLIC_URL}/api/v1/{platform}/webhooks/receive/{token}"


def open_sealed(
    store: Store, sealed: bytes | memoryview, table: str, column: str, row: str
) -> bytes:
    """Open one sealed value of a store. Raises Misconfigured with what to do."""
    try:
        return keys.vault(store.data_key_id).open(bytes(sealed), table, column, row)
    except SealBroken as err:
        raise Misconfigured(
            f"The secrets of {store.name} cannot be opened: this hub's key ring does not hold the "
            "key they were sealed "
            "with. Put that key back into LOGIX_KEYS, or connect the store again.",
            code="sealed",
        ) from err


def seal(store: Store, plain: str, column: str, row: str) -> bytes:
    """Seal one value of an endpoint; ``row`` is its primary key."""
    return keys.vault(store.data_key_id).seal(plain.encode(), _ENDPOINT, column, row)


def _connection(store: Store, session: PlatformSession) -> Connection:
    endpoint = Endpoint.objects.filter(store=store).exclude(status=Endpoint.Status.CLOSED).first()
    credentials = read_credentials(store)
    callback_url = secret = token = ""
    if endpoint is not None:
        row = str(endpoint.pk)
        token = open_sealed(store, endpoint.token_sealed, _ENDPOINT, "token_sealed", row).decode()
        secret = open_sealed(
            store, endpoint.secret_sealed, _ENDPOINT, "secret_sealed", row
        ).decode()
        callback_url = webhook_url(store.platform, token)
    session.hidden = _hidden(credentials, secret, token)
    return Connection(
        store_id=str(store.pk),
        base_url=store.base_url,
        credentials=credentials,
        http=session,
        options={**store.options, **store.features},
        timezone=store.timezone,
        callback_url=callback_url,
        webhook_secret=secret,
    )


def _hidden(credentials: Mapping[str, str], *others: str) -> tuple[str, ...]:
    """What the store's words must not bring back to us. Short values are left: they are words."""
    return tuple(v for v in (*credentials.values(), *others) if len(v) >= _SHORTEST_SECRET)


# --- What use of the store tells
# ----------------------------------------------------------------------------------


def note_success(store: Store) -> None:
    """The store answered. Written at most once a minute."""
    now = timezone.now()
    if store.last_ok_at is not None and now - store.last_ok_at < OK_EVERY:
        return
    old = models.Q(last_ok_at=None) | models.Q(last_ok_at__lt=Now() - OK_EVERY)
    Store.objects.filter(old, pk=store.pk).update(last_ok_at=Now())
    store.last_ok_at = now


def note_failure(store: Store, error: PlatformError) -> None:
    """Stop a store whose credentials are dead: only its merchant can make them work again, and
    until then every call would be refused. Errors that leave the rest of the store working
    (``policy``) change nothing.
    """
    if not policy.rule_for(error).stops_store or not lifecycle.may_move(
        store, StoreStatus.NEEDS_MERCHANT
    ):
        return
    try:
        with transaction.atomic():
            lifecycle.move(
                store,
                StoreStatus.NEEDS_MERCHANT,
                actor="platform",
                action="store.needs_merchant",
                reason=str(error),
                details={"error": error.code},
            )
            Credential.objects.filter(store=store, state=Credential.State.OK).update(
                state=Credential.State.REAUTH
            )
    except lifecycle.MoveRefused:
        log.info("store_stopped_already", store=str(store.pk))
        return
    log.warning("store_needs_merchant", store=str(store.pk), error=error.code)


def _learned(adapter: BaseEcommerceIntegration) -> dict[str, Any]:
    return dict(getattr(adapter, "learned", None) or {})


def _keep_learned(store: Store, adapter: BaseEcommerceIntegration) -> None:
    """Save what the adapter found out by trying, such as a host that strips the Authorization
    header.
    """
    learned = _learned(adapter)
    if all(name in store.features and store.features[name] == learned[name] for name in learned):
        return
    with transaction.atomic():
        kept = Store.objects.values_list("features", flat=True).get(pk=store.pk)
        store.features = {**kept, **learned}
        Store.objects.filter(pk=store.pk).update(features=store.features)
