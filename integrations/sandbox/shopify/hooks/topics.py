"""Topics an app can subscribe to, and the scopes they need.

Source: Shopify's webhook reference of 2026-07 (``webhook_topics_2026-07.json`` of the contracts).
Listed is what this store sends; others of the schema's enum can be subscribed to and stay silent.
"""

from __future__ import annotations

_FULFILLMENT_ORDERS = (
    "merchant_managed_fulfillment_orders",
    "assigned_fulfillment_orders",
    "third_party_fulfillment_orders",
    "marketplace_fulfillment_orders",
)
_FAMILIES: dict[str, tuple[str, ...]] = {
    "customers": ("customers",),
    "fulfillment_holds": _FULFILLMENT_ORDERS,
    "fulfillment_orders": _FULFILLMENT_ORDERS,
    "fulfillments": ("fulfillments", "marketplace_orders"),
    "inventory_items": ("inventory", "products"),
    "inventory_levels": ("inventory",),
    "locations": ("locations",),
    "orders": ("orders", "marketplace_orders"),
    "order_transactions": ("orders", "marketplace_orders", "buyer_membership_orders"),
    "products": ("products",),
    "refunds": ("orders", "marketplace_orders", "buyer_membership_orders"),
    "returns": ("returns", "marketplace_returns", "buyer_membership_orders"),
}
_LONG_EVENTS: dict[str, str] = {
    "app": "scopes_update",
    "app_subscriptions": "approaching_capped_amount",
    "audit_events": "admin_api_activity",
    "customers": "purchasing_summary",
    "discounts": "redeemcode_added redeemcode_removed",
    "fulfillment_orders": "cancellation_request_accepted cancellation_request_rejected"
    " cancellation_request_submitted fulfillment_request_accepted fulfillment_request_rejected"
    " fulfillment_request_submitted fulfillment_service_failed_to_complete hold_released"
    " line_items_prepared_for_local_delivery line_items_prepared_for_pickup"
    " manually_reported_progress_stopped order_routing_complete placed_on_hold progress_reported"
    " scheduled_fulfillment_order_ready",
    "inventory_shipments": "add_items mark_in_transit receive_items remove_items"
    " update_item_quantities update_tracking",
    "inventory_transfers": "add_items ready_to_ship remove_items update_item_quantities",
    "orders": "link_requested partially_fulfilled risk_assessment_changed"
    " shopify_protect_eligibility_changed",
    "product_feeds": "full_sync full_sync_finish incremental_sync",
    "reverse_deliveries": "attach_deliverable",
    "variants": "in_stock out_of_stock",
}
_BY_ENUM = {
    f"{family}_{event}".upper(): f"{family}/{event}"
    for family, events in _LONG_EVENTS.items()
    for event in events.split()
}
NOT_BY_API = frozenset({"customers/data_request", "customers/redact", "shop/redact"})


def scopes_of(topic: str) -> tuple[str, ...]:
    """Any of these, as ``read_…``; none: everybody may."""
    return tuple(f"read_{name}" for name in _FAMILIES.get(topic.partition("/")[0], ()))


def enum_of(topic: str) -> str:
    """``orders/create`` → ``ORDERS_CREATE``."""
    return topic.replace("/", "_").upper()


def topic_of(name: str) -> str:
    """``ORDERS_CREATE`` → ``orders/create``. The slash is the last underscore, but where the event
    has more words than one.
    """
    family, _, event = name.lower().rpartition("_")
    return _BY_ENUM.get(name) or f"{family}/{event}"
