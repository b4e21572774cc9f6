"""What becomes of our access at a store that is disconnected. Forgetting the keys here does not end
them there.

Logix's own app can be taken out of a store, and is only where a person asks for it. At Shopify that
is for good: the tokens of every connection by this app die, of other merchants and other hubs, and
two days later Shopify asks to forget the store's buyers, while disconnecting keeps orders for the
day the store comes back. An app of the merchant's own, a pasted token and keys are theirs: they may
be in use elsewhere, so they are left alone and it is said where they end.
"""

from __future__ import annotations

import structlog

from integrations import authentication, registry
from integrations.errors import PlatformError
from integrations.models import Credential, Store, StoreStatus
from integrations.platform import Ability, AuthKind

log = structlog.get_logger(__name__)


def may_remove_app(store: Store) -> bool:
    """Whether the store is connected by the hub's app, at a platform that lets it go."""
    return (
        registry.card(store.platform).can(Ability.APP_REMOVAL)
        and _living(store, AuthKind.OAUTH2)
        and not authentication.app_before(store)
    )


def take_back(store: Store, *, remove_app: bool) -> str:
    """End our access at the store where that was asked for and is ours to end. What is left there
    and where it ends, in words; '' for nothing. Raises nothing a store says.
    """
    if not _living(store):
        return ""
    stands = _still_stands(store)
    if not remove_app:
        return stands
    if not may_remove_app(store):
        return f"What opens it is the merchant's own, so Logix left it alone. {stands}".strip()
    if _others(store):
        return "Logix's app was left in the store, because this hub still needs it there."
    try:
        with authentication.adapter_for(store, insists=True) as adapter:
            adapter.remove_app()
    except PlatformError as err:
        log.warning("app_not_removed", store=str(store.pk), code=err.code)
        return f"Logix's app could not be taken out of the store: {err} {stands}".strip()
    log.info("app_removed", store=str(store.pk))
    return ""


def _still_stands(store: Store) -> str:
    card = registry.card(store.platform)
    kinds = Credential.objects.filter(store=store).values_list("kind", flat=True)
    sign_in = card.sign_in(kinds.first() or "")
    if sign_in is None or not sign_in.ends_at:
        return ""
    return f"Its access still stands at {card.name}; the merchant ends it there: {sign_in.ends_at}."


def _living(store: Store, *kinds: AuthKind) -> bool:
    rows = Credential.objects.filter(store=store).exclude(state=Credential.State.REVOKED)
    return (rows.filter(kind__in=kinds) if kinds else rows).exists()


def _others(store: Store) -> bool:
    """Connections of this store by any merchant, which the same app opens."""
    rows = Store.objects.filter(platform=store.platform, base_url=store.base_url)
    rows = rows.exclude(pk=store.pk).exclude(status=StoreStatus.DISCONNECTED)
    return any(may_remove_app(other) for other in rows)
