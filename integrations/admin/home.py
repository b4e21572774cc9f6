"""The admin's first page: what needs somebody, said by the pages themselves, and some figures."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst

from integrations.admin import navigation
from integrations.admin.base import (
    BAD,
    GOOD,
    NO_ROLE,
    QUIET,
    WARN,
    HubAdmin,
    Sentence,
    has_no_role,
)
from integrations.models import Store, StoreStatus
from orders.models import Order

admin.site.index_template = "logix/admin/home.html"
admin.site.index_title = "What needs you"

# What must be mended comes first, what is only good to know last.
_RANK = {BAD: 0, WARN: 1, QUIET: 2}


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK: adds what the first page shows."""
    return {**context, "attention": _attention(request), "figures": _figures(request)}


def _attention(request: HttpRequest) -> list[dict[str, str]]:
    """What is not well, the worst first, each with the rows it is about."""
    if has_no_role(request):
        return [{"tone": WARN, "words": NO_ROLE}]
    pages = [page for page in admin.site._registry.values() if isinstance(page, HubAdmin)]
    pages.sort(key=lambda page: navigation.place(f"{page.opts.app_label}_{page.opts.model_name}"))
    found = [
        {
            "tone": said.tone,
            "label": navigation.label(page.opts) or capfirst(page.opts.verbose_name_plural),
            "words": said.words,
            "url": said.url or _rows(page, said.query),
            "go": "Show them" if said.query else "Go there",
        }
        for page in pages
        for said in (Sentence(*told) for told in page.wellbeing(request))
        if said.tone != GOOD
    ]
    return sorted(found, key=lambda said: _RANK[said["tone"]])


def _figures(request: HttpRequest) -> list[dict[str, Any]]:
    stores = _page(Store)
    orders = _page(Order)
    active = stores.get_queryset(request).filter(status=StoreStatus.ACTIVE)
    return [
        {
            "label": "stores active",
            "value": active.count(),
            "url": _rows(stores, f"status__exact={StoreStatus.ACTIVE}"),
        },
        {
            "label": "orders placed in 24 hours",
            "value": orders.rows_in(request, "new").count(),
            "url": _rows(orders, "look=new"),
        },
        {
            "label": "open orders to ship",
            "value": orders.rows_in(request, "to-ship").count(),
            "url": _rows(orders, "look=to-ship"),
        },
    ]


def _page(model: type[Any]) -> HubAdmin:
    page = admin.site._registry[model]
    assert isinstance(page, HubAdmin)  # noqa: S101 - registered in this package
    return page


def _rows(page: HubAdmin, query: str) -> str:
    """The page's list, of those rows only."""
    address = reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist")
    return f"{address}?{query}" if query else address
