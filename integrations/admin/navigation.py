"""The admin's sidebar: what a person looks for, in the order of their day."""

from __future__ import annotations

from typing import Any

from django.db.models.options import Options
from django.http import HttpRequest
from django.urls import reverse_lazy

from integrations import registry
from integrations.admin.roles import merchants_of
from integrations.models import Store
from integrations.platform import Ability
from inventory.models import Location
from orders.models import Payout

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
            ("Oversells", "production_quantity_limits", "orders_oversell", False),
            ("Payouts", "account_balance", "orders_payout", False),
            ("Stock levels", "inventory_2", "inventory_stocklevel", False),
            ("Kept by platforms", "warehouse", "inventory_keptunits", False),
            ("Movements", "swap_vert", "inventory_stockmovement", False),
            ("Products", "category", "inventory_product", False),
            ("Listings", "sell", "inventory_listing", False),
            ("Locations", "warehouse", "inventory_location", False),
            ("Stock rules", "tune", "inventory_stockrule", False),
            ("Set aside", "bookmark", "inventory_allocation", False),
        ),
    ),
    (
        "Coming in",
        (
            ("Runs", "sync", "integrations_syncrun", False),
            ("Comparisons", "rule", "integrations_reconciliation", False),
            ("Webhook inbox", "inbox", "webhooks_delivery", False),
            ("Parked records", "pending_actions", "integrations_parkedrecord", False),
            ("Gaps", "space_bar", "integrations_syncgap", False),
        ),
    ),
    (
        "Going out",
        (
            ("Stock pushes", "publish", "integrations_push", False),
            ("Stock files", "upload_file", "integrations_stockhandover", False),
            ("Commands", "outbox", "integrations_command", False),
            ("Parcel files", "package_2", "integrations_parcelhandover", False),
            ("Calls", "http", "integrations_calllog", False),
        ),
    ),
    (
        "Access",
        (
            ("API tokens", "key", "accounts_apitoken", False),
            ("Audit log", "policy", "accounts_auditevent", False),
            ("Privacy requests", "shield_person", "integrations_privacyrequest", False),
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


def label(opts: Options[Any]) -> str:
    """What the sidebar calls a model's page; '' for one that is not in it."""
    name = f"{opts.app_label}_{opts.model_name}"
    found = [item[0] for _, items in _GROUPS for item in items if item[2] == name]
    return found[0] if found else ""


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Unfold's navigation structure, without what the user may not open or has no use for."""
    superuser = request.user.is_superuser
    used = {"orders_payout": _is_paid_out, "inventory_keptunits": _is_kept_elsewhere}
    unused = {name for name, is_used in used.items() if not is_used(request)}
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
                if name not in unused and (superuser or not restricted)
            ],
        }
        for group, items in _GROUPS
    ]


def _is_paid_out(request: HttpRequest) -> bool:
    """Whether there is a payout to see, or a store that may have some."""
    stores, payouts = Store.objects.order_by(), Payout.objects.all()
    if not request.user.is_superuser:
        merchants = merchants_of(request)
        stores = stores.filter(merchant__in=merchants)
        payouts = payouts.filter(merchant__in=merchants)
    able = {card.slug for card in registry.cards() if card.can(Ability.PAYOUTS)}
    return (bool(able) and stores.filter(platform__in=able).exists()) or payouts.exists()


def _is_kept_elsewhere(request: HttpRequest) -> bool:
    """Whether a platform keeps units of the person's merchants."""
    rows = Location.objects.filter(kept_by__isnull=False)
    if not request.user.is_superuser:
        rows = rows.filter(merchant__in=merchants_of(request))
    return rows.exists()
