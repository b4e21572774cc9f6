"""The door itself: a ready adapter with the shared limiter, breaker, guard and call log, for the
length of a ``with`` block; and a look at an address that is no store yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.db import transaction

from integrations import limits, registry
from integrations.authentication import credentials
from integrations.authentication.credentials import GRANTED, Held
from integrations.authentication.noting import note_success
from integrations.authentication.sealing import ENDPOINT, open_sealed, webhook_url
from integrations.authentication.tokens import StoreToken
from integrations.base import BaseEcommerceIntegration, StoreIdentity
from integrations.breakers import DatabaseBreaker
from integrations.calls import CallRecorder
from integrations.kit.breaker import MemoryBreaker
from integrations.kit.http import PlatformSession, Priority
from integrations.kit.oauth2 import AccessToken, StaticToken
from integrations.models import Endpoint, Store
from integrations.platform import AuthKind, Connection
from inventory.shelves import of_stores

# Somebody waits for a test: less patience than a worker has.
PROBE_TOTAL_S = 15.0
PROBE_READ_S = 10.0

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
        limiter=limits.limiter(card, store.options.get("calls_per_s"), store.features.get("rate")),
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
    values: Mapping[str, str],
    *,
    options: Mapping[str, Any] | None = None,
    token: str = "",
) -> StoreIdentity:
    """Ask an address that is no store of ours yet who it is, with the values typed and the token
    that was given for them; nothing is stored. Raises PlatformError, UnknownPlatform.
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
    session.hidden = _hidden(*values.values(), token)
    with session:
        adapter = registry.adapter_class(platform)(
            Connection(
                store_id="",
                base_url=base_url,
                credentials=dict(values),
                http=session,
                options=dict(options or {}),
                token=StaticToken(token) if token else None,
            )
        )
        identity = adapter.identify()
        return replace(identity, features={**identity.features, **_learned(adapter)})


def _connection(store: Store, session: PlatformSession) -> Connection:
    endpoint = Endpoint.objects.filter(store=store).exclude(status=Endpoint.Status.CLOSED).first()
    held = credentials.held(store)
    callback_url = secret = token = ""
    if endpoint is not None:
        row = str(endpoint.pk)
        token = open_sealed(store, endpoint.token_sealed, ENDPOINT, "token_sealed", row).decode()
        secret = open_sealed(store, endpoint.secret_sealed, ENDPOINT, "secret_sealed", row).decode()
        callback_url = webhook_url(store.platform, token)

    def hide(now: Held) -> None:
        session.hidden = _hidden(*session.hidden, *now.secrets(), secret, token)

    hide(held)
    return Connection(
        store_id=str(store.pk),
        base_url=store.base_url,
        credentials=held.values,
        http=session,
        options={**store.options, **store.features},
        timezone=store.timezone,
        callback_url=callback_url,
        webhook_secret=secret,
        token=_token(store, held, hide),
        missing=held.missing,
        locations=tuple(shelf.at for shelf in of_stores([store.pk])[store.pk] if shelf.at),
    )


def _token(store: Store, held: Held, hide: Callable[[Held], None]) -> AccessToken | None:
    if held.kind in GRANTED:
        return StoreToken(store, held, hide)
    return StaticToken(held.access_token) if held.kind == AuthKind.TOKEN else None


def _hidden(*secrets: str) -> tuple[str, ...]:
    """What the store's words must not bring back to us. Short values are left: they are words."""
    return tuple(dict.fromkeys(s for s in secrets if len(s) >= _SHORTEST_SECRET))


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
