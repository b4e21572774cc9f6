"""The staff's admin, one file per subject. Pages read, and act through services only."""

from integrations.admin import (
    access,
    catalogue,
    clock,
    comparing,
    home,
    incoming,
    movements,
    orders,
    outgoing,
    oversells,
    payouts,
    privacy,
    rules,
    stock,
    stock_rules,
    stores,
)

__all__ = [
    "access",
    "catalogue",
    "clock",
    "comparing",
    "home",
    "incoming",
    "movements",
    "orders",
    "outgoing",
    "oversells",
    "payouts",
    "privacy",
    "rules",
    "stock",
    "stock_rules",
    "stores",
]
