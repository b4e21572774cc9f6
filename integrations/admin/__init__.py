"""The staff's admin, one file per subject. Pages read, and act through services only."""

from integrations.admin import (
    access,
    catalogue,
    clock,
    home,
    incoming,
    orders,
    outgoing,
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
    "orders",
    "outgoing",
    "rules",
    "stock",
    "stores",
]
