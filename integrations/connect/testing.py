"""Asking a store who it is, and saying in words what stands in the way. Nothing here raises what a
store says.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from integrations import authentication, registry
from integrations.base import StoreIdentity
from integrations.connect import addresses
from integrations.errors import (
    AuthenticationFailed,
    ContractBroken,
    NotFound,
    PermissionMissing,
    PlatformError,
)
from integrations.lifecycle import ConnectError
from integrations.models import Store, StoreStatus
from integrations.platform import Ability, PlatformCard
from logix.accounts import audit

WRITES = frozenset(
    {
        Ability.STOCK_WRITE,
        Ability.STATUS_WRITE,
        Ability.SHIPMENTS,
        Ability.TRACKING_UPDATE,
        Ability.CANCEL,
        Ability.NOTES,
        Ability.ORDER_FIELDS_WRITE,
    }
)
# Beyond this, times of orders and of signed requests cannot be trusted (OAuth 1.0a allows 15
# minutes).
SKEW_WARNS_S = 60.0
SUNSET_WARNS = timedelta(days=90)

_FRONT_PAGE = "Enter the address of the store's front page and check that it runs {platform}."
_LET_THROUGH = "Ask the store's operator to let this hub's address through."
_IS_IT_UP = "Check the address, and that the store is up."

# What the person who connects can do, by the error's code, else by its class. The error's own
# sentence says what happened; one with a code of the platform's own says what to do as well.
REMEDIES: Mapping[str, str] = {
    "blocked": _LET_THROUGH,
    "connect_timeout": _IS_IT_UP,
    "firewall": _LET_THROUGH,
    "html_answer": _FRONT_PAGE,
    "maintenance": "Try again when the store is open.",
    "not_a_store": "",
    "payment_required": "",
    "refused": _IS_IT_UP,
    "timeout": "Try again; if it stays so, ask the store's operator.",
    "no_credentials": "",
}
REMEDIES_BY_CLASS: tuple[tuple[type[PlatformError], str], ...] = (
    (AuthenticationFailed, "{keys}"),
    (PermissionMissing, "Make a key that may read and write."),
    (NotFound, _FRONT_PAGE),
    (ContractBroken, _FRONT_PAGE),
)
# A page of the shop was entered: the store itself may be one step up.
LOOK_ABOVE = frozenset({"html_answer", "not_found", "not_a_store", "redirected"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionTest:
    """``sentence`` is for people either way; ``warnings`` are what will not work although the store
    answers.
    """

    ok: bool
    sentence: str
    identity: StoreIdentity | None = None
    warnings: tuple[str, ...] = ()
    error_code: str = ""
    elapsed_s: float = 0.0


def test_connection(store: Store, *, actor: str) -> ConnectionTest:
    """Ask a connected store. Answers as fast as the store does and at most after some 15 s a call,
    whatever else is running; a tripped breaker is passed by.
    """
    card = registry.card(store.platform)

    def ask() -> StoreIdentity:
        with authentication.adapter_for(store, insists=True) as adapter:
            return adapter.identify()

    result = _test(card, ask)
    if result.identity is not None:
        take_identity(store, result.identity)
        if store.status == StoreStatus.NEEDS_MERCHANT:
            again = f"{result.sentence} Resume {store.name} to go on with it."
            result = replace(result, sentence=again)
    audit.record(
        "store.tested",
        actor=actor,
        merchant=store.merchant,
        obj=store,
        details={"ok": result.ok, "error": result.error_code},
    )
    return result


def try_connection(
    *,
    platform: str,
    base_url: str,
    credentials: Mapping[str, str],
    options: Mapping[str, Any] | None = None,
) -> ConnectionTest:
    """Ask an address before it is connected. Nothing is stored. Raises UnknownPlatform,
    ConnectError (a value that cannot be right).
    """
    card = registry.card(platform)
    values = check_values(card, credentials)
    return _test(card, lambda: find(card, addresses.tidy(base_url), values, options)[1])


def _test(card: PlatformCard, ask: Callable[[], StoreIdentity]) -> ConnectionTest:
    started = time.monotonic()
    try:
        identity = ask()
    except PlatformError as err:
        return ConnectionTest(
            ok=False,
            sentence=sentence(err, card),
            error_code=err.code,
            elapsed_s=time.monotonic() - started,
        )
    version = f"{card.name} {identity.version}".strip()
    return ConnectionTest(
        ok=True,
        sentence=f"Connected to {identity.name or identity.base_url} ({version}).",
        identity=identity,
        warnings=warnings(card, identity),
        elapsed_s=time.monotonic() - started,
    )


def find(
    card: PlatformCard,
    base_url: str,
    credentials: Mapping[str, str],
    options: Mapping[str, Any] | None = None,
) -> tuple[str, StoreIdentity]:
    """The address at which the store answers, the one given or one above it, and who it is. Raises
    PlatformError.
    """
    first: PlatformError | None = None
    for address in addresses.candidates(base_url):
        try:
            return address, authentication.probe(card.slug, address, credentials, options=options)
        except PlatformError as err:
            first = first or err
            if not isinstance(err, NotFound) and err.code not in LOOK_ABOVE:
                raise
    assert first is not None  # noqa: S101 - there is always one candidate
    raise first


def sentence(error: PlatformError, card: PlatformCard) -> str:
    """What happened, then what to do."""
    remedy = REMEDIES.get(error.code)
    if remedy is None and error.code == type(error).code:
        remedy = next((r for kind, r in REMEDIES_BY_CLASS if isinstance(error, kind)), "")
    keys = card.credential_fields[0].help if card.credential_fields else ""
    remedy = (remedy or "").format(platform=card.name, keys=keys).strip()
    return error.message if not remedy or remedy in error.message else f"{error.message} {remedy}"


def check_values(card: PlatformCard, credentials: Mapping[str, str]) -> dict[str, str]:
    """The credentials the card asks for, trimmed. Raises ConnectError naming the value that cannot
    be right.
    """
    known = {field.name: field for field in card.credential_fields}
    if strange := sorted(set(credentials) - set(known)):
        raise ConnectError(f"{card.name} knows no {', '.join(strange)}.", code="unknown_credential")
    values = {name: str(value).strip() for name, value in credentials.items()}
    for field in known.values():
        value = values.get(field.name, "")
        if not value and not field.required:
            values.pop(field.name, None)
        elif not value:
            raise ConnectError(
                f"{field.label} is missing. {field.help}".strip(), code="credential_missing"
            )
        elif field.pattern and not re.fullmatch(field.pattern, value):
            raise ConnectError(
                f"{field.label} does not look like one. {field.help}".strip(),
                code="credential_malformed",
            )
    return values


def is_read_only(card: PlatformCard, identity: StoreIdentity) -> bool:
    """Whether the credentials allow no changes in the store. Scopes the card does not explain are
    read by name.
    """
    for scope in identity.missing:
        if WRITES & set(card.scopes.get(scope, ())) or (
            scope not in card.scopes and "write" in scope
        ):
            return True
    return False


def warnings(card: PlatformCard, identity: StoreIdentity) -> tuple[str, ...]:
    """What will not work, or not for long, in words."""
    found = list(identity.warnings)
    if is_read_only(card, identity) and not found:
        found.append(
            "The key is read-only: Logix can read orders but cannot send stock, status or tracking."
        )
    skew = identity.clock_skew_s
    if skew is not None and abs(skew) > SKEW_WARNS_S:
        found.append(
            f"The clocks of the store and of this hub differ by {abs(skew):.0f} s. Set the wrong "
            "one right."
        )
    if card.api_sunset and card.api_sunset - timezone.now().date() < SUNSET_WARNS:
        found.append(_sunset(card, card.api_sunset))
    return tuple(dict.fromkeys(found))


def _sunset(card: PlatformCard, day: date) -> str:
    return (
        f"{card.name} ends its API {card.api_version} on {day:%d %B %Y}. Update Logix before that."
    )


def take_identity(store: Store, identity: StoreIdentity) -> None:
    """Keep what the store said about itself."""
    kept = Store.objects.values_list("features", flat=True).get(pk=store.pk)
    changes: dict[str, Any] = {
        "currency": identity.currency or store.currency,
        "timezone": identity.timezone or store.timezone,
        "version": identity.version[:40] or store.version,
        "features": {**kept, **identity.features},
    }
    Store.objects.filter(pk=store.pk).update(**changes)
    for name, value in changes.items():
        setattr(store, name, value)
