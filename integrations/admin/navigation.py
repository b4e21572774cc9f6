"""The admin's sidebar: what a person looks for, in the order of their day."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy

# (group, [(label, icon, admin url name, superusers only)])
_GROUPS = (
    (
        "Stores",
        (
            ("Stores", "storefront", "integrations_store", False),
            ("Field rules", "alt_route", "integrations_fieldrule", False),
        ),
    ),
    (
        "Orders and stock",
        (
            ("Orders", "receipt_long", "orders_order", False),
            ("Stock levels", "inventory_2", "inventory_stocklevel", False),
            ("Movements", "swap_vert", "inventory_stockmovement", False),
            ("Products", "category", "inventory_product", False),
            ("Listings", "sell", "inventory_listing", False),
            ("Locations", "warehouse", "inventory_location", False),
            ("Stock rules", "tune", "inventory_stockrule", False),
        ),
    ),
    (
        "Coming in",
        (
            ("Runs", "sync", "integrations_syncrun", False),
            ("Webhook inbox", "inbox", "webhooks_delivery", False),
            ("Parked records", "pending_actions", "integrations_parkedrecord", False),
            ("Gaps", "space_bar", "integrations_syncgap", False),
        ),
    ),
    (
        "Going out",
        (
            ("Stock pushes", "publish", "integrations_push", False),
            ("Commands", "outbox", "integrations_command", False),
            ("Calls", "http", "integrations_calllog", False),
        ),
    ),
    (
        "Access",
        (
            ("API tokens", "key", "accounts_apitoken", False),
            ("Audit log", "policy", "accounts_auditevent", False),
            ("Merchants", "apartment", "accounts_merchant", True),
            ("Users", "person", "auth_user", True),
            ("Clock", "schedule", "django_celery_beat_periodictask", True),
        ),
    ),
)


def place(name: str) -> int:
    """Where a page (``app_model``) stands in the sidebar; what is not in it comes last."""
    names = [item[2] for _, items in _GROUPS for item in items]
    return names.index(name) if name in names else len(names)


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Unfold's navigation structure, without what the user may not open."""
    superuser = request.user.is_superuser
    return [
        {
            "title": group,
            "separator": True,
            "items": [
                {
                    "title": label,
                    "icon": icon,
                    "link": reverse_lazy(f"admin:{name}_changelist"),
                }
                for label, icon, name, restricted in items
                if superuser or not restricted
            ],
        }
        for group, items in _GROUPS
    ]
