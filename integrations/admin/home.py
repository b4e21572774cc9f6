"""The admin's first page: what needs somebody, said by the pages themselves, and some figures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst

from integrations.admin import navigation
from integrations.admin.base import BAD, GOOD, HubAdmin
from integrations.models import Store, StoreStatus
from orders.models import Order
from orders.status import FulfillmentStatus, OrderStatus

admin.site.index_template = "logix/admin/home.html"
admin.site.index_title = "What needs you"

_DAY = timedelta(days=1)


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK: adds what the first page shows."""
    return {**context, "attention": _attention(request), "figures": _figures(request)}


def _attention(request: HttpRequest) -> list[dict[str, str]]:
    """What is not well, the worst first, each with the page it is mended on."""
    pages = [page for page in admin.site._registry.values() if isinstance(page, HubAdmin)]
    pages.sort(key=lambda page: navigation.place(f"{page.opts.app_label}_{page.opts.model_name}"))
    found = [
        {
            "tone": tone,
            "label": capfirst(page.opts.verbose_name_plural),
            "sentence": sentence,
            "url": reverse(_changelist(page)),
        }
        for page in pages
        for tone, sentence in page.wellbeing(request)
        if tone != GOOD
    ]
    return sorted(found, key=lambda said: said["tone"] != BAD)


def _figures(request: HttpRequest) -> list[dict[str, Any]]:
    stores = _page(Store).get_queryset(request)
    orders = _page(Order).get_queryset(request)
    to_ship = orders.filter(
        order_status=OrderStatus.OPEN,
        fulfillment_status__in=(
            FulfillmentStatus.UNFULFILLED,
            FulfillmentStatus.IN_PROGRESS,
            FulfillmentStatus.PARTIALLY_FULFILLED,
        ),
    )
    order_list = reverse(_changelist(_page(Order)))
    return [
        {
            "label": "stores active",
            "value": stores.filter(status=StoreStatus.ACTIVE).count(),
            "url": reverse(_changelist(_page(Store))),
        },
        {
            "label": "orders placed in 24 hours",
            "value": orders.filter(placed_at__gte=timezone.now() - _DAY).count(),
            "url": order_list,
        },
        {
            "label": "open orders to ship",
            "value": to_ship.count(),
            "url": f"{order_list}?order_status__exact=open",
        },
    ]


def _page(model: type[Any]) -> HubAdmin:
    page = admin.site._registry[model]
    assert isinstance(page, HubAdmin)  # noqa: S101 - registered in this package
    return page


def _changelist(page: HubAdmin) -> str:
    return f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist"
