"""The credentials of a store: sealed in one row, opened for use, changed by conditional updates.

Two sorts of values lie in the seal: those the card asks for, and the tokens a platform granted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from integrations import registry
from integrations.authentication.sealing import open_sealed
from integrations.errors import AuthenticationFailed, Misconfigured
from integrations.kit.oauth2 import Grant
from integrations.lifecycle import ConnectError
from integrations.models import Credential, Store
from integrations.platform import AuthKind, PlatformCard
from logix.accounts import audit, keys

# Sign-ins that end in tokens the platform gives out and takes back.
GRANTED = frozenset({AuthKind.OAUTH2, AuthKind.CLIENT_CREDENTIALS, AuthKind.REFRESH_TOKEN})
_TOKENS = ("access_token", "refresh_token")
_APP = ("client_id", "client_secret")
_OF_APP = (*_APP, "application_id")
_TABLE = "integrations_credential"
_TRIES = 5

# A token is renewed at this share of its life. One that lives an hour or less is made to be renewed
# often: five minutes before its end will do, which is five rounds of the clock.
_SHARE = 0.8
_SHORT = timedelta(hours=1)
_AT_LEAST = timedelta(minutes=5)
# A call under way must not arrive with a token that has just ended.
_ON_ITS_WAY = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What is to open a store: by which sign-in, the values typed for it, and what was granted."""

    kind: AuthKind
    values: Mapping[str, str] = field(repr=False)
    grant: Grant | None = None

    @property
    def token(self) -> str:
        """What calls carry, where they carry a token."""
        return self.grant.access_token if self.grant else self.values.get("access_token", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A store's credentials, opened: one state of one row."""

    row_id: int
    kind: str
    version: int
    fence: int
    values: Mapping[str, str] = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime | None
    refresh_due_at: datetime | None
    refresh_expires_at: datetime | None
    missing: tuple[str, ...]

    @property
    def is_renewable(self) -> bool:
        return self.kind == AuthKind.CLIENT_CREDENTIALS or bool(self.refresh_token)

    @property
    def typed(self) -> dict[str, str]:
        """What people typed, or would type to open the store by the same sign-in."""
        if self.kind == AuthKind.REFRESH_TOKEN:
            return {**self.values, "refresh_token": self.refresh_token}
        return dict(self.values)

    def is_due(self, now: datetime) -> bool:
        is_time = self.refresh_due_at is not None and self.refresh_due_at <= now
        return self.is_renewable and (is_time or not self.is_alive(now))

    def is_alive(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at - _ON_ITS_WAY

    def is_same(self, other: Held) -> bool:
        return (self.row_id, self.version) == (other.row_id, other.version)

    def secrets(self) -> tuple[str, ...]:
        return (*self.values.values(), self.access_token, self.refresh_token)


def read_credentials(store: Store) -> dict[str, str]:
    """All that is sealed for the store, opened. Raises AuthenticationFailed (there is nothing) or
    Misconfigured (it is sealed with a key this hub does not have).
    """
    return _opened(store, _row(store))


def held(store: Store) -> Held:
    """The store's credentials as they are now. Raises what ``read_credentials`` raises."""
    row = _row(store)
    values = _opened(store, row)
    tokens = {name: values.get(name, "") for name in _TOKENS}
    if row.kind in GRANTED:
        values = {name: value for name, value in values.items() if name not in _TOKENS}
    return Held(
        row_id=row.pk,
        kind=row.kind,
        version=row.version,
        fence=row.fence,
        values=values,
        expires_at=row.expires_at,
        refresh_due_at=row.refresh_due_at,
        refresh_expires_at=row.refresh_expires_at,
        missing=missing_of(registry.card(store.platform), row),
        **tokens,
    )


def missing_of(card: PlatformCard, row: Credential) -> tuple[str, ...]:
    """What is known to lack, and what Logix has come to ask for since the merchant granted it."""
    since = card.lacking(row.scopes) if row.scopes else ()
    return tuple(dict.fromkeys((*row.missing, *since)))


def save_credentials(
    store: Store,
    values: Mapping[str, str],
    *,
    kind: str,
    actor: str,
    scopes: Collection[str] = (),
    missing: Collection[str] = (),
    grant: Grant | None = None,
) -> Credential:
    """Seal and keep ``values`` as the store's only credentials. ``version`` grows when they differ
    from what was kept; the same again only clears an earlier refusal. A worker that is renewing the
    tokens from before finds itself fenced off.
    """
    plain = _plain({**values, **(_tokens(grant) if grant else {})})
    fingerprint = hashlib.sha256(plain).hexdigest()[:8]
    now = timezone.now()
    fields: dict[str, Any] = {
        "sealed": _sealed(store, kind, plain),
        "fingerprint": fingerprint,
        "scopes": list(scopes),
        "missing": list(missing),
        "state": Credential.State.OK,
        "lease_until": None,
        "secret_since": _secret_since(store, kind, values, now),
        "consented_at": now if kind == AuthKind.OAUTH2 else None,
        **_times(grant or Grant(access_token=""), now),
    }
    for _ in range(_TRIES):
        with transaction.atomic():
            saved = _write(store, kind, fields)
            if saved is not None:
                Credential.objects.filter(store=store).exclude(pk=saved.pk).delete()
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


def keep_beside(store: Store, values: Mapping[str, str | None], *, actor: str) -> None:
    """Change values that lie with those that let us in and open something else, such as a queue;
    None takes one away. Tokens stay as they are. Raises AuthenticationFailed (the store has no
    keys), ConnectError (they are being renewed).
    """
    row = _row(store)
    kept = {**_opened(store, row), **values}
    plain = _plain({name: value for name, value in kept.items() if value})
    fingerprint = hashlib.sha256(plain).hexdigest()[:8]
    if fingerprint == row.fingerprint:
        return
    free = Q(lease_until=None) | Q(lease_until__lt=Now())
    with transaction.atomic():
        rows = Credential.objects.filter(free, pk=row.pk, version=row.version)
        if not rows.update(
            sealed=_sealed(store, row.kind, plain), fingerprint=fingerprint, version=row.version + 1
        ):
            raise ConnectError(
                f"The keys of {store.name} are being renewed at this moment. Try again.",
                code="busy",
            )
        audit.record(
            "credentials.saved",
            actor=actor,
            merchant=store.merchant,
            obj=store,
            details={"kind": row.kind, "version": row.version + 1, "fingerprint": fingerprint},
        )


def void(store: Store, before: Held) -> bool:
    """The platform made these keys void: the tokens go, and of the rest the merchant's own app
    stays, to connect the store again by (``app_before``). False when other keys were saved
    meanwhile; nothing is changed then.
    """
    plain = _plain({name: before.values[name] for name in _OF_APP if before.values.get(name)})
    rows = Credential.objects.filter(pk=before.row_id, version=before.version)
    changed = rows.update(
        sealed=_sealed(store, before.kind, plain),
        state=Credential.State.REVOKED,
        refresh_due_at=None,
        lease_until=None,
        fence=F("fence") + 1,
    )
    return changed == 1


def app_before(store: Store) -> dict[str, str]:
    """The merchant's own app that the store was last connected by, be its keys void or not: client
    id, secret and, where it has one, application id; {} where there was none, or it cannot be
    opened.
    """
    row = Credential.objects.filter(store=store).order_by("-updated_at").first()
    try:
        values = _opened(store, row) if row is not None else {}
    except Misconfigured:
        return {}
    app = {name: values[name] for name in _OF_APP if values.get(name)}
    return app if all(name in app for name in _APP) else {}


def keep_grant(store: Store, before: Held, fence: int, grant: Grant) -> bool:
    """Put what was granted in the place of ``before`` and give the lease back. False when the row
    is no longer as it was, or the lease was lost: what is there then is newer.

    Committed when it returns: a platform may end the old pair as soon as the new one is used.
    """
    kept = Grant(
        access_token=grant.access_token,
        refresh_token=grant.refresh_token or before.refresh_token,
        expires_at=grant.expires_at,
        refresh_expires_at=grant.refresh_expires_at
        if grant.refresh_token
        else before.refresh_expires_at,
    )
    plain = _plain({**before.values, **_tokens(kept)})
    with transaction.atomic(durable=True):
        rows = Credential.objects.filter(pk=before.row_id, version=before.version, fence=fence)
        changed = rows.update(
            sealed=_sealed(store, before.kind, plain),
            fingerprint=hashlib.sha256(plain).hexdigest()[:8],
            version=before.version + 1,
            lease_until=None,
            **_times(kept, timezone.now()),
        )
    return changed == 1


def due_at(now: datetime, expires_at: datetime | None) -> datetime | None:
    """When a token got now and ending then is to be renewed."""
    if expires_at is None:
        return None
    life = expires_at - now
    at_share = now + life * _SHARE
    return max(at_share, expires_at - _AT_LEAST) if life <= _SHORT else at_share


def _write(store: Store, kind: str, fields: Mapping[str, Any]) -> Credential | None:
    """The row as written; None when another process wrote it in between."""
    rows = Credential.objects.filter(store=store, kind=kind)
    found = rows.first()
    if found is None:
        try:
            with transaction.atomic():
                return Credential.objects.create(store=store, kind=kind, **fields)
        except IntegrityError:
            return None
    grown = found.version + (fields["fingerprint"] != found.fingerprint)
    if (
        rows.filter(version=found.version).update(**fields, version=grown, fence=F("fence") + 1)
        != 1
    ):
        return None
    found.refresh_from_db()
    return found


def _secret_since(
    store: Store, kind: str, values: Mapping[str, str], now: datetime
) -> datetime | None:
    """When the value among ``values`` that ends by itself was entered: now, unless it is the one
    that was kept; None where there is none.
    """
    card = registry.known_card(store.platform)
    sign_in = card.sign_in(kind) if card else None
    lasting = sign_in.lasting if sign_in else None
    if lasting is None or not values.get(lasting.name):
        return None
    before = Credential.objects.filter(store=store).order_by("-updated_at").first()
    try:
        known = _opened(store, before).get(lasting.name) if before else None
    except (Misconfigured, ValueError):
        known = None
    if before is None or known != values[lasting.name]:
        return now
    return before.secret_since or store.created_at


def _row(store: Store) -> Credential:
    rows = Credential.objects.filter(store=store).exclude(state=Credential.State.REVOKED)
    row = rows.order_by("-updated_at").first()
    if row is None:
        raise AuthenticationFailed(
            f"{store.name} has no credentials in Logix. Connect it again.", code="no_credentials"
        )
    return row


def _opened(store: Store, row: Credential) -> dict[str, str]:
    plain = open_sealed(store, row.sealed, _TABLE, "sealed", _place(store, row.kind))
    values: dict[str, str] = json.loads(plain)
    return values


def _sealed(store: Store, kind: str, plain: bytes) -> bytes:
    return keys.vault(store.data_key_id).seal(plain, _TABLE, "sealed", _place(store, kind))


def _place(store: Store, kind: str) -> str:
    return f"{store.pk}:{kind}"


def _plain(values: Mapping[str, str]) -> bytes:
    return json.dumps(dict(values), sort_keys=True, separators=(",", ":")).encode()


def _tokens(grant: Grant) -> dict[str, str]:
    found = {"access_token": grant.access_token, "refresh_token": grant.refresh_token}
    return {name: value for name, value in found.items() if value}


def _times(grant: Grant, now: datetime) -> dict[str, Any]:
    return {
        "expires_at": grant.expires_at,
        "refresh_expires_at": grant.refresh_expires_at,
        "refresh_due_at": due_at(now, grant.expires_at) if grant.access_token else None,
        "updated_at": now,
    }
