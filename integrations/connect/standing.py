"""How a store's connection stands: what is off for want of a scope, what soon ends, and where to
begin when the merchant must connect it again. Read from what is kept; the store is not asked.
"""

from __future__ import annotations

from django.utils import timezone

from integrations import authentication, registry
from integrations.connect import places, testing
from integrations.models import Credential, Store, StoreStatus
from integrations.platform import AuthKind, PlatformCard

_NO_PLACES = (
    "The store keeps stock at several locations, so none is read or written until you choose which "
    "place of Logix each of them shows: page “Locations” of the store, or PUT …/locations."
)


def warnings_of(store: Store) -> list[str]:
    """In words, from the store's ``credentials`` (for a list, prefetch them and read it with
    ``telling_places``).
    """
    said = [_NO_PLACES] if places.lacks_places(store) else []
    return said + warnings_of_access(store)


def warnings_of_access(store: Store) -> list[str]:
    """What is off for want of a scope, whose account nothing confirms, and what soon ends."""
    try:
        card = registry.card(store.platform)
    except registry.UnknownPlatform:
        return []
    said: list[str] = []
    for row in store.credentials.all():
        said += testing.turned_off(card, authentication.missing_of(card, row))
        said += _withheld(card, row)
        said += _unconfirmed(store, card, row)
        if ends := _ends_soon(row):
            said.append(ends)
    return said


def reconnect_at(store: Store) -> str:
    """The address of the API to begin at, '' while nobody has to."""
    if store.status != StoreStatus.NEEDS_MERCHANT:
        return ""
    if by_consent(store):
        return f"/api/v1/{store.platform}/oauth/authorize"
    return f"/api/v1/{store.platform}/integrations/{store.pk}"


def by_consent(store: Store) -> bool:
    """Whether the merchant connects the store again by consenting: as it was the last time, or as
    its platform offers where that is not known.
    """
    card = registry.known_card(store.platform)
    if card is None or card.sign_in(AuthKind.OAUTH2) is None:
        return False
    newest = max(store.credentials.all(), key=lambda row: row.updated_at, default=None)
    return newest is None or newest.kind == AuthKind.OAUTH2


def _withheld(card: PlatformCard, row: Credential) -> list[str]:
    """What only an app may do that the platform approved for it, and this one may not."""
    if not row.scopes:
        return []
    return [
        f"{scope} was not granted, which lets Logix do more: {card.told([scope])[0]}. {card.name} "
        "gives it to apps that it approved for it; then connect the store again and ask for it."
        for scope in card.extra_scopes
        if scope not in row.scopes
    ]


def _unconfirmed(store: Store, card: PlatformCard, row: Credential) -> list[str]:
    """An account that was typed, and that the store could not confirm. Consent names its own."""
    if row.kind == AuthKind.OAUTH2 or not store.account or store.features.get(testing.ACCOUNT):
        return []
    label, where = next(
        (field.label, field.help)
        for field in card.credential_fields
        if field.name == card.account_field
    )
    return [
        f"Nothing confirms the {label} {store.account} yet, and under a wrong one parts of the "
        f"store stay closed: compare it. {where}"
    ]


def _ends_soon(row: Credential) -> str:
    """Tokens are renewed long before their consent ends; where that did not happen, something is
    wrong.
    """
    ends = row.refresh_expires_at
    if ends is None or ends - timezone.now() > authentication.ENDS_SOON:
        return ""
    return (
        f"The merchant's consent ends on {ends:%d %B %Y} and could not be renewed. Connect the "
        "store again before that."
    )
