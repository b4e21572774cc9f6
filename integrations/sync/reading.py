"""Pages of records from a store, fetched one ahead while the last is written, and what applying a
page means.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connections, transaction
from django.utils import timezone

from integrations.base import BaseEcommerceIntegration, Filters, Known, Page, Unreadable
from integrations.errors import (
    ContractBroken,
    ItemError,
    NotFound,
    PermissionMissing,
    PlatformError,
    Unsupported,
)
from integrations.kit.pagination import ahead
from integrations.models import Store, StreamName
from integrations.sync import applying, kinds, parking
from integrations.sync.outcome import Applied
from logix.common.transactions import again_on
from orders.data import Authority, OrderData

# What a read by id may meet that says nothing about the rest of the store.
ONLY_THIS = (ItemError, ContractBroken, PermissionMissing, Unsupported)


@dataclass(frozen=True, slots=True)
class Read:
    """A page and when we asked for it; or several that follow each other, joined to one."""

    page: Page[Any]
    asked_at: datetime
    pages: int = 1


def joined(reads: Sequence[Read]) -> Read:
    """Pages that follow each other as one, which is as old as the first and ends as the last."""
    if len(reads) == 1:
        return reads[0]
    parts = [read.page for read in reads]
    page: Page[Any] = replace(
        parts[-1],
        records=tuple(record for part in parts for record in part.records),
        unreadable=tuple(found for part in parts for found in part.unreadable),
        known=tuple(name for part in parts for name in part.known),
        gap=" ".join(part.gap for part in parts if part.gap),
    )
    return Read(page, reads[0].asked_at, sum(read.pages for read in reads))


def pages(
    adapter: BaseEcommerceIntegration,
    stream: str,
    filters: Filters,
    *,
    while_waiting: Callable[[], None] | None = None,
) -> AbstractContextManager[Iterator[Read]]:
    """The read, one page ahead of the consumer, who is called back while a page is late. Leaving
    the block ends it.
    """
    return one_ahead(stamped(adapter, stream, filters), while_waiting=while_waiting)


def one_ahead(
    reads: Iterator[Read], *, while_waiting: Callable[[], None] | None = None
) -> AbstractContextManager[Iterator[Read]]:
    return contextlib.closing(
        ahead(reads, at_end=connections.close_all, while_waiting=while_waiting)  # type: ignore[type-var]
    )


def stamped(adapter: BaseEcommerceIntegration, stream: str, filters: Filters) -> Iterator[Read]:
    """The pages with the time each was asked for."""
    source = kinds.of(stream).read(adapter, filters)
    while True:
        asked_at = timezone.now()
        page = next(source, None)
        if page is None:
            return
        yield Read(page, asked_at)


def apply_page(store: Store, stream: str, read: Read, *, origin: str) -> Applied:
    """Write a page's records, park its unreadable ones, count those it left out as known."""
    page, done = read.page, Applied()
    if page.records:
        apply = kinds.of(stream).apply
        done = apply(store, page.records, Authority.LIST_PAGE, read.asked_at, origin)
    for unreadable in page.unreadable:
        parking.park(store, stream=stream, unreadable=unreadable)
    done.parked += tuple(u.external_id for u in page.unreadable)
    done.unchanged += len(page.known)
    return done


def known_to(store: Store, stream: str) -> Known | None:
    """What a read of this stream need not map again."""
    known = kinds.of(stream).known
    return partial(known, store) if known is not None else None


def nothing() -> None:
    """For readers that hold no lease."""


def reread(
    store: Store,
    adapter: BaseEcommerceIntegration,
    page: Applied,
    *,
    origin: str,
    before_call: Callable[[], None] = nothing,
    in_transaction: Callable[[], None] = nothing,
) -> Applied:
    """Decide by id what ``page`` could not decide; return the counts of what it had not counted.

    Each order is one call and then one transaction, which ``in_transaction`` ends: it may refuse
    it (a fence) or take it back (a dry run). An order that cannot be read alone is parked, so that
    it does not hold up the others. Raises PlatformError when the store as a whole says no.
    """
    done = Applied()
    for external_id in page.reread:
        before_call()
        asked_at = timezone.now()
        found = by_id(adapter, external_id)
        once = again_on(*applying.CLASHES)(
            lambda found=found, asked_at=asked_at: _settle(  # type: ignore[misc]
                store, found, asked_at, origin, in_transaction
            )
        )
        done += Applied(parked=once.parked) if external_id in page.incomplete else once
    return done


def by_id(adapter: BaseEcommerceIntegration, external_id: str) -> OrderData | Unreadable:
    """One order; or why it cannot be had, with the code of NotFound where the store does not know
    it. Raises PlatformError when the store as a whole says no.
    """
    try:
        return adapter.read_order(external_id)
    except NotFound:
        # Once proves nothing: a list and a record may come from different replicas.
        return Unreadable(
            external_id=external_id,
            code=NotFound.code,
            reason="The store lists the order but did not know it when asked for it by its id. "
            "Logix asks again.",
        )
    except ONLY_THIS as err:
        return refused(external_id, err)


def refused(external_id: str, err: PlatformError, raw: bytes = b"") -> Unreadable:
    """One record that cannot be had, in the words of the error."""
    return Unreadable(
        external_id=external_id,
        code=err.code,
        reason=str(err),
        path=getattr(err, "path", "$"),
        raw=raw,
    )


def _settle(
    store: Store,
    found: OrderData | Unreadable,
    asked_at: datetime,
    origin: str,
    in_transaction: Callable[[], None],
) -> Applied:
    with transaction.atomic():
        if isinstance(found, Unreadable):
            parking.park(store, stream=StreamName.ORDERS, unreadable=found)
            done = Applied(parked=(found.external_id,))
        else:
            done = applying.apply_orders(
                store, [found], authority=Authority.BY_ID, observed_at=asked_at, origin=origin
            )
        in_transaction()
        return done
