"""What a particular store can do, read from its own route list: versions and plugins differ,
guesses age.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from integrations.woocommerce.tracking import Level

_ORDERS = "/wc/v3/orders"
_ALL_VARIATIONS = "/wc/v3/variations"
_STATUSES = "/wc/v3/orders/statuses"
_PLUGINS = {"wc-shipment-tracking/v3": Level.SHIPMENT_TRACKING, "wc-ast/v3": Level.AST}
NAMESPACES = {level: namespace for namespace, level in _PLUGINS.items()}


@dataclass(frozen=True, slots=True)
class Features:
    """``modified_filter``: lists can be asked for what changed, in the order of change (WooCommerce
    5.8 and later).
    ``all_variations``: there is one list of the variations of all products (11.0, not yet 8.9).
    ``shipment_level``: where parcels are kept.
    """

    modified_filter: bool = True
    all_variations: bool = False
    shipment_level: Level = Level.NOTES
    weight_unit: str = "kg"

    @classmethod
    def of_store(
        cls, routes: Mapping[str, Any], namespaces: Collection[str], *, weight_unit: str = ""
    ) -> Features:
        level = Level.NOTES
        for namespace, plugin in _PLUGINS.items():
            if namespace in namespaces:
                level = plugin
        if any("/fulfillments" in route for route in routes):
            level = Level.FULFILLMENTS
        return cls(
            modified_filter=_walks(_arguments(routes.get(_ORDERS))),
            all_variations="parent" in _arguments(routes.get(_ALL_VARIATIONS)),
            shipment_level=level,
            weight_unit=weight_unit or "kg",
        )

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Features:
        """What ``identify`` found, as it was kept."""
        level = str(options.get("shipment_level", ""))
        return cls(
            modified_filter=bool(options.get("modified_filter", True)),
            all_variations=bool(options.get("all_variations", False)),
            shipment_level=Level(level) if level in list(Level) else Level.NOTES,
            weight_unit=str(options.get("weight_unit", "kg")),
        )

    def as_options(self) -> dict[str, Any]:
        return {
            "modified_filter": self.modified_filter,
            "all_variations": self.all_variations,
            "shipment_level": str(self.shipment_level),
            "weight_unit": self.weight_unit,
        }


def lists_statuses(routes: Mapping[str, Any]) -> bool:
    return _STATUSES in routes


def _walks(arguments: Mapping[str, Any]) -> bool:
    """Whether a list takes ``modified_after`` and, if it says so, sorts by ``modified``."""
    order_by = arguments.get("orderby")
    sorts = order_by.get("enum") if isinstance(order_by, dict) else None
    return "modified_after" in arguments and (not isinstance(sorts, list) or "modified" in sorts)


def _arguments(route: Any) -> Mapping[str, Any]:
    """The arguments a GET of this route takes. PHP writes "none" as a list."""
    endpoints = route.get("endpoints") if isinstance(route, dict) else None
    for endpoint in endpoints if isinstance(endpoints, list) else ():
        if isinstance(endpoint, dict) and "GET" in endpoint.get("methods", ()):
            found = endpoint.get("args")
            return found if isinstance(found, dict) else {}
    return {}
