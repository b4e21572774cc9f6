"""Who a store is, what its key may do and what it can: ``StoreIdentity``.

A key of less rank, or an older store, tells less; what is missing then is left at a default that
is safe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from integrations.base import StoreIdentity
from integrations.errors import ContractBroken, NotFound, PermissionMissing, Unavailable
from integrations.woocommerce import mapper
from integrations.woocommerce.access import NO_ROUTE
from integrations.woocommerce.client import WooClient, mapping
from integrations.woocommerce.features import Features, lists_statuses
from integrations.woocommerce.values import number_of, text, title

T = TypeVar("T")

_LONGEST_HOLD_M = 43_200
ONE = {"per_page": 1, "_fields": "id"}
_READ_ONLY = (
    "The key may only read: orders come in, but no stock, status or tracking can be sent. "
    "Make a key with permission Read/Write to change that."
)
_NO_WALK = (
    "This store's version cannot be asked for changes only; every poll reads all orders. "
    "Update WooCommerce to 5.8 or later."
)


def identify(client: WooClient, base_url: str) -> StoreIdentity:
    """Raises AuthenticationFailed, Misconfigured, NotFound and whatever says "not now"."""
    site = client.access.discover()
    answer = client.orders(ONE)
    routes = client.routes()
    status: dict[str, Any] = _allowed(client.system_status, {})
    settings, environment = mapping(status.get("settings")), mapping(status.get("environment"))
    chosen: dict[str, str] = _allowed(client.product_settings, {})
    features = Features.of_store(
        routes, site["namespaces"], weight_unit=chosen.get("woocommerce_weight_unit", "")
    )
    missing = _missing_permissions(client)
    statuses: list[str] = _allowed(client.order_statuses, []) if lists_statuses(routes) else []
    return StoreIdentity(
        # WordPress keeps the name as it is written into its pages.
        name=title(site.get("name")) or base_url,
        base_url=base_url,
        currency=str(settings.get("currency") or _allowed(client.currency, "")),
        timezone=timezone_of(site),
        version=text(environment.get("version"), 40),
        granted=("read",) if missing else ("read", "write"),
        missing=missing,
        clock_skew_s=(answer.date - datetime.now(UTC)).total_seconds() if answer.date else None,
        features={
            **features.as_options(),
            "hpos": bool(settings.get("HPOS_enabled", False)),
            "decimals": settings.get("number_of_decimals", 2),
            "unpaid_hold_m": _unpaid_hold(chosen),
            "statuses": [word for word in statuses if word not in mapper.STATUS_IN],
        },
        warnings=_warnings(missing, features),
    )


def _unpaid_hold(chosen: Mapping[str, str]) -> int:
    """Minutes after which the store cancels an unpaid order ("Hold stock"); 0 where it never does,
    or does not tell. Source: wc_cancel_unpaid_orders in the core, which acts on ``pending`` orders
    while stock is managed and the setting is above 0.
    """
    if chosen.get("woocommerce_manage_stock", "yes") != "yes":
        return 0
    minutes = number_of(chosen.get("woocommerce_hold_stock_minutes"))
    return int(minutes) if minutes and 0 < minutes <= _LONGEST_HOLD_M else 0


def timezone_of(site: Mapping[str, Any]) -> str:
    """The site's zone; WordPress gives a bare offset in hours where none was named."""
    name = text(site.get("timezone_string"), 60)
    if name:
        return name
    offset = number_of(site.get("gmt_offset"))
    if not offset or offset != int(offset) or not -12 <= offset <= 14:
        # Offsets of half an hour have no name; GMT times stand beside the local ones.
        return "UTC"
    # Etc/GMT zones have their signs the other way round.
    return f"Etc/GMT{-int(offset):+d}"


def _missing_permissions(client: WooClient) -> tuple[str, ...]:
    try:
        client.probe_write()
    except PermissionMissing:
        return ("write",)
    return ()


def _allowed(call: Callable[[], T], default: T) -> T:
    """What a key of less rank, or an older store, may not tell."""
    try:
        return call()
    except (PermissionMissing, NotFound, ContractBroken):
        return default
    except Unavailable as err:
        if err.code != NO_ROUTE:
            raise
        return default


def _warnings(missing: tuple[str, ...], features: Features) -> tuple[str, ...]:
    found = []
    if missing:
        found.append(_READ_ONLY)
    if not features.modified_filter:
        found.append(_NO_WALK)
    return tuple(found)
