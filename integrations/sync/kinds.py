"""The kinds of record that are read from stores: one row of a table says how each is read and
written, and what the engine does for it beyond that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from integrations.base import BaseEcommerceIntegration, Filters, Page, ReadBy
from integrations.errors import ContractBroken, NotFound
from integrations.models import Store, StreamName
from integrations.platform import Ability
from integrations.sync import applying, parking
from integrations.sync.inbound import known_orders, known_payouts, orders_owed
from integrations.sync.outcome import Applied
from inventory import kept
from inventory.data import KeptStock, ProductData
from orders.data import Authority, PartData, PayoutData
from orders.payouts import link_waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """``read``: pages of it; ``read_id``: what bears an id, one record unless several are told of
    one event, raises NotFound. ``apply``: write records as they were told at a time, with how far
    they can be trusted and where they came from. ``gone``: the store no longer has one that was set
    aside. ``known``: what a read need not map again, None where a record's bytes do not tell.
    ``owed``: orders, by external id, so many at most, that have to be read again because of what
    was told of them.

    ``past_beside``: changes are followed from the first moment, and the past is read beside them.
    ``after_products``: not before the store's products were read. ``may_lack``: a store that has
    none, or does not let us see them, is no failure. ``has_past``: the past can be read by windows;
    what has none is read whole each time. ``times``: by which a gap is read again; what bears one
    time alone needs one reading. ``at_end``: done when changes were read to their end, by a walk
    whose first page was asked for at that time.
    """

    read: Callable[[BaseEcommerceIntegration, Filters], Iterator[Page[Any]]]
    read_id: Callable[[BaseEcommerceIntegration, str], Sequence[Any]]
    apply: Callable[[Store, Sequence[Any], Authority, datetime, str], Applied]
    gone: Callable[[Store, str, datetime], None]
    known: Callable[[Store, Mapping[str, bytes]], set[str]] | None = None
    owed: Callable[[Store, int], Sequence[str]] | None = None
    past_beside: bool = False
    after_products: bool = False
    may_lack: bool = False
    has_past: bool = True
    times: tuple[ReadBy, ...] = (ReadBy.CHANGED, ReadBy.PLACED)
    at_end: Callable[[Store, datetime], None] | None = None

    def read_one(self, adapter: BaseEcommerceIntegration, external_id: str) -> Any:
        """Raises NotFound."""
        return self.read_id(adapter, external_id)[0]


_ONE_TIME = (ReadBy.CHANGED,)


def of(stream: str) -> Kind:
    return _KINDS[stream]


# -- orders


def _read_orders(adapter: BaseEcommerceIntegration, filters: Filters) -> Iterator[Page[Any]]:
    adapter.require(Ability.ORDERS)
    return adapter.read_orders(filters)


def _apply_orders(
    store: Store, records: Sequence[Any], authority: Authority, observed_at: datetime, origin: str
) -> Applied:
    return applying.apply_orders(
        store, records, authority=authority, observed_at=observed_at, origin=origin
    )


def _order_gone(store: Store, external_id: str, _asked_at: datetime) -> None:
    applying.mark_gone(store, external_id, actor="platform")


# -- products


def _read_products(adapter: BaseEcommerceIntegration, filters: Filters) -> Iterator[Page[Any]]:
    adapter.require(Ability.PRODUCTS)
    return adapter.read_products(filters)


def _apply_products(
    store: Store, records: Sequence[Any], _authority: Authority, observed_at: datetime, origin: str
) -> Applied:
    return applying.apply_products(store, records, observed_at=observed_at, origin=origin)


def _product_gone(store: Store, external_id: str, asked_at: datetime) -> None:
    gone = ProductData(external_id=external_id, title="", changed_at=asked_at, gone=True)
    applying.apply_products(store, [gone], observed_at=asked_at, origin="retry")


# -- payouts


def _read_payouts(
    adapter: BaseEcommerceIntegration, filters: Filters
) -> Iterator[Page[PayoutData]]:
    adapter.require(Ability.PAYOUTS)
    return adapter.read_payouts(filters)


def _read_id(
    read: Callable[[BaseEcommerceIntegration, Filters], Iterator[Page[Any]]],
    what: str,
    adapter: BaseEcommerceIntegration,
    external_id: str,
) -> Sequence[Any]:
    for page in read(adapter, Filters(ids=(external_id,))):
        for found in page.unreadable:
            raise ContractBroken(found.reason, path=found.path, code=found.code)
        if page.records:
            return page.records
    raise NotFound(f"The store has no {what} {external_id}.")


def _apply_payouts(
    store: Store, records: Sequence[Any], _authority: Authority, observed_at: datetime, origin: str
) -> Applied:
    return applying.apply_payouts(store, records, observed_at=observed_at, origin=origin)


def _payout_gone(_store: Store, _external_id: str, _asked_at: datetime) -> None:
    """What was paid stays on the books, whether or not the store still shows it."""


def _payouts_read(store: Store, _began: datetime) -> None:
    link_waiting(store.pk)


# -- what is told of orders apart from them


def _read_refunds(adapter: BaseEcommerceIntegration, filters: Filters) -> Iterator[Page[PartData]]:
    adapter.require(Ability.REFUNDS_READ)
    return adapter.read_refunds(filters)


def _read_returns(adapter: BaseEcommerceIntegration, filters: Filters) -> Iterator[Page[PartData]]:
    adapter.require(Ability.RETURNS)
    return adapter.read_returns(filters)


def _part_gone(_store: Store, _external_id: str, _asked_at: datetime) -> None:
    """What was set aside never was any of ours."""


def _parts(
    stream: StreamName,
    what: str,
    read: Callable[[BaseEcommerceIntegration, Filters], Iterator[Page[PartData]]],
) -> Kind:
    def apply(
        store: Store, records: Sequence[Any], _by: Authority, observed_at: datetime, origin: str
    ) -> Applied:
        return applying.apply_parts(
            store, records, stream=stream, observed_at=observed_at, origin=origin
        )

    return Kind(
        read=read,
        read_id=partial(_read_id, read, what),
        apply=apply,
        gone=_part_gone,
        owed=orders_owed,
        past_beside=True,
        may_lack=True,
        times=_ONE_TIME,
    )


# -- what the platform keeps


def _read_kept(adapter: BaseEcommerceIntegration, filters: Filters) -> Iterator[Page[KeptStock]]:
    adapter.require(Ability.PLATFORM_STOCK)
    return adapter.read_kept(filters)


def _read_id_kept(adapter: BaseEcommerceIntegration, external_id: str) -> Sequence[KeptStock]:
    for page in _read_kept(adapter, Filters(ids=(external_id,))):
        for found in page.unreadable:
            raise ContractBroken(found.reason, path=found.path, code=found.code)
        if page.records:
            return page.records
    raise NotFound(f"The platform keeps no units that it calls {external_id} any more.")


def _apply_kept(
    store: Store, records: Sequence[Any], _authority: Authority, observed_at: datetime, origin: str
) -> Applied:
    return applying.apply_kept(store, records, observed_at=observed_at, origin=origin)


def _kept_gone(_store: Store, _external_id: str, _asked_at: datetime) -> None:
    """The next reading does not name it, and says so of all that are gone."""


def _kept_read(store: Store, began: datetime) -> None:
    kept.forget(store, before=began, unread=parking.parked_ids(store, StreamName.KEPT))


_KINDS: Mapping[str, Kind] = {
    StreamName.ORDERS: Kind(
        read=_read_orders,
        read_id=lambda adapter, external_id: [adapter.read_order(external_id)],
        apply=_apply_orders,
        gone=_order_gone,
        known=known_orders,
        past_beside=True,
        after_products=True,
    ),
    # A product's variations are not in its record, so its bytes do not tell whether it is known.
    StreamName.PRODUCTS: Kind(
        read=_read_products,
        read_id=lambda adapter, external_id: [adapter.read_product(external_id)],
        apply=_apply_products,
        gone=_product_gone,
    ),
    StreamName.PAYOUTS: Kind(
        read=_read_payouts,
        read_id=partial(_read_id, _read_payouts, "payout"),
        apply=_apply_payouts,
        gone=_payout_gone,
        known=known_payouts,
        past_beside=True,
        may_lack=True,
        times=_ONE_TIME,
        at_end=_payouts_read,
    ),
    StreamName.REFUNDS: _parts(StreamName.REFUNDS, "refund or fees", _read_refunds),
    StreamName.RETURNS: _parts(StreamName.RETURNS, "return", _read_returns),
    # After products, so that what is told finds the listing it is of.
    StreamName.KEPT: Kind(
        read=_read_kept,
        read_id=_read_id_kept,
        apply=_apply_kept,
        gone=_kept_gone,
        after_products=True,
        may_lack=True,
        has_past=False,
        at_end=_kept_read,
    ),
}
