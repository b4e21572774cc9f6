"""A moving shop whose money goes through its platform: payouts beside orders and products."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from integrations.base import Filters, Page, Unreadable
from integrations.platform import Ability, Connection
from orders.data import PayoutData
from tests.integrations.sync import toy

SCOPE = "read_payouts"
CARD = dataclasses.replace(
    toy.CARD,
    slug="payingshop",
    name="Paying shop",
    service="tests.integrations.sync.paying.PayingShopIntegration",
    abilities=toy.CARD.abilities | {Ability.PAYOUTS},
    exempt={a: why for a, why in toy.CARD.exempt.items() if a is not Ability.PAYOUTS},
    scopes={SCOPE: (Ability.PAYOUTS,)},
)


class PayingShop(toy.MovingShop):
    """``lines_read``: payouts whose lines were fetched, in order. ``no_payouts`` is raised when
    payouts are asked for; ``missing`` are scopes the merchant did not grant.
    """

    def __init__(self) -> None:
        super().__init__()
        self.payouts: dict[str, PayoutData] = {}
        self.lines_read: list[str] = []
        self.no_payouts: Exception | None = None
        self.missing: tuple[str, ...] = ()

    def pay(self, *payouts: PayoutData) -> None:
        self.payouts.update((payout.external_id, payout) for payout in payouts)

    @contextmanager
    def adapter(self, store: Any, **_options: Any) -> Iterator[PayingShopIntegration]:
        self.opened += 1
        yield PayingShopIntegration(
            Connection(
                store_id=str(store.pk),
                base_url=store.base_url,
                credentials={},
                http=None,  # type: ignore[arg-type]  # nothing is called over HTTP
                options={"shop": self},
                missing=self.missing,
            )
        )


class PayingShopIntegration(toy.MovingShopIntegration):
    card = CARD

    @property
    def shop(self) -> PayingShop:
        return self.connection.options["shop"]

    def read_payouts(self, filters: Filters) -> Iterator[Page[PayoutData]]:
        self.shop.asked.append(filters)
        if self.shop.no_payouts:
            raise self.shop.no_payouts
        rows = sorted(
            (p for p in self.shop.payouts.values() if _is_asked_for(p, filters)),
            key=lambda p: (p.issued_at, p.external_id),
        )
        size = filters.page_size or self.shop.page_size
        offset = (filters.position or {}).get("offset", 0)
        while True:
            self.shop.answer()
            found = rows[offset : offset + size]
            offset += len(found)
            last = len(found) < size
            yield self._payouts(found, filters, {"offset": offset}, len(rows), last=last)
            if last:
                return

    def _payouts(
        self, rows: list[PayoutData], filters: Filters, place: Any, total: int, *, last: bool
    ) -> Page[PayoutData]:
        known = set(filters.known({p.external_id: p.raw for p in rows}) if filters.known else ())
        left = [p for p in rows if p.external_id not in known]
        self.shop.lines_read += [p.external_id for p in left]
        return Page(
            records=tuple(p for p in left if p.external_id not in self.shop.unreadable),
            unreadable=tuple(
                Unreadable(
                    external_id=p.external_id,
                    reason="The state “vanished” of the payout is not known.",
                    path="$.status",
                    raw=p.raw,
                )
                for p in left
                if p.external_id in self.shop.unreadable
            ),
            known=tuple(known),
            position=place,
            total=total,
            store_time=self.shop.now(),
            last=last,
        )


def _is_asked_for(payout: PayoutData, filters: Filters) -> bool:
    if filters.ids:
        return payout.external_id in filters.ids
    return _at_or_after(payout.issued_at, filters.since) and (
        filters.until is None or payout.issued_at < filters.until
    )


def _at_or_after(moment: datetime, since: datetime | None) -> bool:
    return since is None or moment >= since
