"""Asking a store who it is, and saying in words what stands in the way. Nothing here raises what a
store says.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from integrations import authentication, registry
from integrations.authentication import Keys
from integrations.base import StoreIdentity
from integrations.connect import addresses
from integrations.errors import (
    AuthenticationFailed,
    ContractBroken,
    NotFound,
    PermissionMissing,
    PlatformError,
)
from integrations.kit.oauth2 import Grant
from integrations.lifecycle import ConnectError
from integrations.models import Credential, Store, StoreStatus
from integrations.platform import Ability, AuthKind, CredentialField, PlatformCard, SignIn
from inventory import selling_places
from logix.accounts import audit

WRITES = frozenset(
    {
        Ability.STOCK_WRITE,
        Ability.STATUS_WRITE,
        Ability.SHIPMENTS,
        Ability.TRACKING_UPDATE,
        Ability.SHIPMENT_CANCEL,
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
_ALLOW_IT = "Connect the store again once the app is allowed to."
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
    (PermissionMissing, "{rights}"),
    (NotFound, _FRONT_PAGE),
    (ContractBroken, _FRONT_PAGE),
)
# Of an identity's features: the store itself confirmed whose account it is.
ACCOUNT = "account"
# A page of the shop was entered: the store itself may be one step up.
LOOK_ABOVE = frozenset({"html_answer", "not_found", "not_a_store", "redirected"})

# Sign-ins by which an app asks for tokens by itself.
_ASKS: Mapping[AuthKind, Callable[[PlatformCard, str, Mapping[str, str]], Grant]] = {
    AuthKind.CLIENT_CREDENTIALS: authentication.from_app,
    AuthKind.REFRESH_TOKEN: authentication.from_refresh_token,
}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where a store answered, what let us in, and who it says it is."""

    address: str
    keys: Keys = field(repr=False)
    identity: StoreIdentity


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
    keys = keys_of(card, credentials)

    def ask() -> StoreIdentity:
        return find(card, addresses.store_address(card, base_url), keys, options).identity

    return _test(card, ask)


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
    keys: Keys,
    options: Mapping[str, Any] | None = None,
) -> Found:
    """The address at which the store answers, the one given or one above it, and who it is. An app
    that asks for tokens by itself does so. Raises PlatformError.
    """
    ask = _ASKS.get(keys.kind)
    if ask is not None and keys.grant is None:
        keys = replace(keys, grant=ask(card, base_url, keys.values))
    first: PlatformError | None = None
    for address in addresses.candidates(base_url):
        try:
            identity = authentication.probe(
                card.slug, address, keys.values, options=options, token=keys.token
            )
            return Found(address=address, keys=keys, identity=identity)
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
    rights = _ALLOW_IT if card.wanted_scopes else "Make a key that may read and write."
    keys = _where_keys_are(card)
    remedy = (remedy or "").format(platform=card.name, keys=keys, rights=rights).strip()
    return error.message if not remedy or remedy in error.message else f"{error.message} {remedy}"


def _where_keys_are(card: PlatformCard) -> str:
    usual = card.sign_ins[0] if card.sign_ins else None
    if usual is None or usual.kind is AuthKind.OAUTH2:
        return "Connect the store again."
    return usual.fields[0].help if usual.fields else usual.help


def keys_of(card: PlatformCard, credentials: Mapping[str, str]) -> Keys:
    """What was typed, trimmed, as keys by the sign-in it belongs to. Raises ConnectError naming the
    value that cannot be right.
    """
    values = {name: str(value).strip() for name, value in credentials.items()}
    if strange := sorted(set(values) - {field.name for field in card.credential_fields}):
        raise ConnectError(f"{card.name} knows no {', '.join(strange)}.", code="unknown_credential")
    values = {name: value for name, value in values.items() if value}
    sign_in = card.sign_in_for(values)
    consent = card.sign_in(AuthKind.OAUTH2)
    if consent and (sign_in is consent or (not values and card.sign_ins[0] is consent)):
        raise ConnectError(
            f"{card.name} asks the merchant for consent: choose “{consent.label}”.",
            code="consent_needed",
        )
    queue = {name: values.pop(name) for name in card.queue_names if name in values}
    return Keys(
        kind=sign_in.kind, values={**checked(sign_in, values), **checked_queue(card, queue)}
    )


def checked(sign_in: SignIn, values: Mapping[str, str]) -> dict[str, str]:
    """The values of one sign-in. Raises ConnectError naming one that cannot be right."""
    if strange := sorted(set(values) - sign_in.names):
        raise ConnectError(
            f"“{sign_in.label}” asks for no {', '.join(strange)}.", code="unknown_credential"
        )
    return _looked_at(sign_in.fields, values)


def checked_queue(card: PlatformCard, values: Mapping[str, str]) -> dict[str, str]:
    """The values of a queue, all of them or none. Raises ConnectError."""
    lacking = [field_.label for field_ in card.queue_fields if not values.get(field_.name)]
    if 0 < len(lacking) < len(card.queue_fields):
        raise ConnectError(
            f"Missing for the queue: {', '.join(lacking)}. Enter all of it, or nothing.",
            code="queue_incomplete",
        )
    return _looked_at(card.queue_fields, values)


def _looked_at(fields: Sequence[CredentialField], values: Mapping[str, str]) -> dict[str, str]:
    for field_ in fields:
        value = values.get(field_.name, "")
        if not value and field_.required:
            raise ConnectError(
                f"{field_.label} is missing. {field_.help}".strip(), code="credential_missing"
            )
        if value and field_.pattern and not re.fullmatch(field_.pattern, value):
            raise ConnectError(
                f"{field_.label} does not look like one. {field_.help}".strip(),
                code="credential_malformed",
            )
    return {field_.name: values[field_.name] for field_ in fields if values.get(field_.name)}


def refuse_lacking(card: PlatformCard, identity: StoreIdentity) -> None:
    """Raises ConnectError naming the scopes that were not granted and without which nothing would
    work.
    """
    if lacking := [scope for scope in card.required_scopes if scope in identity.missing]:
        raise ConnectError(
            f"{identity.name} did not grant {', '.join(lacking)}, without which Logix cannot work "
            "for it. Allow it in the app's settings, then connect again.",
            code="scopes_missing",
        )


def is_read_only(card: PlatformCard, identity: StoreIdentity) -> bool:
    """Whether the credentials allow no changes in the store. Of a platform whose scopes are asked
    for one by one, each turns off its own; scopes a card does not explain are read by name.
    """
    if card.wanted_scopes:
        writes = WRITES & card.abilities
        return bool(writes) and writes <= set(card.turned_off(identity.missing))
    for scope in identity.missing:
        if WRITES & set(card.scopes.get(scope, ())) or (
            scope not in card.scopes and "write" in scope
        ):
            return True
    return False


def warnings(card: PlatformCard, identity: StoreIdentity) -> tuple[str, ...]:
    """What will not work, or not for long, in words."""
    found = list(identity.warnings)
    found += turned_off(card, identity.missing)
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


def turned_off(card: PlatformCard, missing: Collection[str]) -> list[str]:
    """What stays off because its scope was not granted, a sentence for each scope."""
    return [
        f"{scope} was not granted, so this is off: "
        f"{', '.join(str(ability).replace('_', ' ') for ability in card.scopes[scope])}."
        for scope in missing
        if card.wanted_scopes and card.scopes.get(scope)
    ]


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
        "features": {**kept, **identity.kept},
    }
    Store.objects.filter(pk=store.pk).update(**changes)
    told: dict[str, Any] = {"missing": list(identity.missing)}
    if identity.granted:
        told["scopes"] = list(identity.granted)
    Credential.objects.filter(store=store).update(**told)
    for name, value in changes.items():
        setattr(store, name, value)
    if identity.locations is not None:
        selling_places.take_locations(store.pk, identity.locations)
