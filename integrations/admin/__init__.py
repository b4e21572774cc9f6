"""The staff's admin, one file per subject. Pages read, and act through services only."""

from integrations.admin import (
    access,
    catalogue,
    clock,
    home,
    incoming,
    movements,
    orders,
    outgoing,
    payouts,
    privacy,
    rules,
    stock,
    stores,
)

__all__ = [
    "access",
    "catalogue",
    "clock",
    "home",
    "incoming",
    "movements",
    "orders",
    "outgoing",
    "payouts",
    "privacy",
    "rules",
    "stock",
    "stores",
]
