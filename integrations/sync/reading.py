"""Pages of records from a store, fetched one ahead while the last is written, and what applying a
page means.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connections
from django.utils import timezone

from integrations.base import BaseEcommerceIntegration, Filters, Page
from integrations.errors import NotFound
from integrations.kit.pagination import ahead
from integrations.models import Store, StreamName
from integrations.sync import applying, parking
from integrations.sync.outcome import Applied
from orders.data import Authority


@dataclass(frozen=True, slots=True)
class Read:
    """A page and when we asked for it."""

    page: Page[Any]
    asked_at: datetime


def pages(
    adapter: BaseEcommerceIntegration, stream: str, filters: Filters
) -> AbstractContextManager[Iterator[Read]]:
    """The read, one page ahead of the consumer. Leaving the block ends it."""
    return contextlib.closing(
        ahead(stamped(adapter, stream, filters), at_end=connections.close_all)  # type: ignore[type-var]
    )


def stamped(adapter: BaseEcommerceIntegration, stream: str, filters: Filters) -> Iterator[Read]:
    """The pages with the time each was asked for."""
    source = (adapter.read_orders if stream == StreamName.ORDERS else adapter.read_products)(
        filters
    )
    while True:
        asked_at = timezone.now()
        page = next(source, None)
        if page is None:
            return
        yield Read(page, asked_at)


def apply_page(store: Store, stream: str, read: Read, *, origin: str) -> Applied:
    """Write a page's records and park its unreadable ones."""
    page, observed_at = read.page, read.asked_at
    if stream == StreamName.ORDERS:
        done = applying.apply_orders(
            store,
            page.records,
            authority=Authority.LIST_PAGE,
            observed_at=observed_at,
            origin=origin,
        )
    else:
        done = applying.apply_products(store, page.records, observed_at=observed_at, origin=origin)
    for unreadable in page.unreadable:
        parking.park(store, stream=stream, unreadable=unreadable)
    done.parked += tuple(u.external_id for u in page.unreadable)
    return done


def reread(
    store: Store, adapter: BaseEcommerceIntegration, external_ids: tuple[str, ...], *, origin: str
) -> Applied:
    """Decide by id what a page could not decide. Calls happen before any transaction is opened."""
    done = Applied()
    for external_id in external_ids:
        observed_at = timezone.now()
        try:
            record = adapter.read_order(external_id)
        except NotFound:
            applying.mark_gone(store, external_id, actor="platform")
            continue
        done += applying.apply_orders(
            store,
            [record],
            authority=Authority.BY_ID,
            observed_at=observed_at,
            origin=origin,
        )
    return done
