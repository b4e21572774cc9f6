"""The staff's admin, one file per subject. Pages read, and act through services only."""

from integrations.admin import access, activity, clock, inventory, orders, stores

__all__ = ["access", "activity", "clock", "inventory", "orders", "stores"]
