"""Which platforms there are: the built-in ones by a table, others by the entry point group
``logix.platforms``.

Nothing is imported before it is asked for, and models never ask.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

import structlog
from django.utils.module_loading import import_string

from integrations.base import BaseEcommerceIntegration
from integrations.platform import PlatformCard

log = structlog.get_logger(__name__)

# slug → dotted path of its card
BUILT_IN = {
    "woocommerce": "integrations.woocommerce.platform.CARD",
    "shopify": "integrations.shopify.platform.CARD",
    "amazon": "integrations.amazon.platform.CARD",
}
GROUP = "logix.platforms"


class UnknownPlatform(LookupError):
    """No platform of that name is installed. The message is a sentence."""


def slugs() -> list[str]:
    """Names of all platforms, built-in ones first."""
    return [*BUILT_IN, *(name for name in sorted(_installed()) if name not in BUILT_IN)]


def card(slug: str) -> PlatformCard:
    """The card of a platform. Raises UnknownPlatform, or whatever a broken package raises when it
    is imported.
    """
    if slug in BUILT_IN:
        found = import_string(BUILT_IN[slug])
    elif slug in _installed():
        found = _installed()[slug].load()
    else:
        raise UnknownPlatform(
            f"There is no platform “{slug}” here. Known are: {', '.join(slugs())}."
        )
    if not isinstance(found, PlatformCard) or found.slug != slug:
        raise UnknownPlatform(
            f"The package of platform “{slug}” does not bring a card of that name."
        )
    return found


def known_card(slug: str) -> PlatformCard | None:
    """The card, None where there is none any more: what a store of it keeps is looked after all the
    same.
    """
    try:
        return card(slug)
    except UnknownPlatform:
        return None


def cards() -> list[PlatformCard]:
    """All cards. A package from outside that cannot be imported is left out and logged; the hub
    goes on.
    """
    found = []
    for slug in slugs():
        try:
            found.append(card(slug))
        except Exception:
            if slug in BUILT_IN:
                raise
            log.exception("platform_broken", platform=slug)
    return found


def name_of(slug: str) -> str:
    """What people call a platform, also one whose package is gone."""
    try:
        return card(slug).name
    except UnknownPlatform:
        return slug


def adapter_class(slug: str) -> type[BaseEcommerceIntegration]:
    """The class that speaks to stores of this platform. Raises UnknownPlatform."""
    service: type[BaseEcommerceIntegration] = import_string(card(slug).service)
    return service


def oauth(slug: str) -> ModuleType:
    """The platform's ``oauth`` module, which stands beside its service. Raises UnknownPlatform when
    it has none.
    """
    package = card(slug).service.rpartition(".")[0].rpartition(".")[0]
    try:
        return import_module(f"{package}.oauth")
    except ModuleNotFoundError as err:
        if err.name != f"{package}.oauth":
            raise
        raise UnknownPlatform(f"{card(slug).name} has no connect flow of its own.") from err


@lru_cache(maxsize=1)
def _installed() -> dict[str, EntryPoint]:
    return {found.name: found for found in entry_points(group=GROUP)}
