"""The demonstration's warehouse: somebody who packs what came in and counts the shelves, so that
parcels, tracking and stock are seen to go out.

It uses what the admin and the API use, nothing else. A parcel now and then leaves without its
number, which follows a little later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import cycle
from random import Random

from django.db.models import QuerySet

from integrations.models import Store
from inventory import ledger
from inventory.errors import LedgerConflict, LedgerRefused
from inventory.models import StockLevel
from logix.accounts.models import Merchant
from orders import services
from orders.errors import OrderChangedMeanwhile, OrderError
from orders.models import Order, Shipment
from orders.status import FulfillmentStatus, ImportState, OrderStatus

PACKS_EVERY, COUNTS_EVERY = 10, 25
_ACTOR = "demo"
_CARRIERS = ("DHL", "DPD", "UPS", "Hermes")
_CHANCE = Random()  # noqa: S311 - play, no secret


def to_pack(orders: QuerySet[Order]) -> Order | None:
    """The newest that nothing stands in the way of."""
    ready = orders.filter(
        order_status=OrderStatus.OPEN,
        fulfillment_status=FulfillmentStatus.UNFULFILLED,
        import_state=ImportState.ACCEPTED,
        flags="",
    )
    return ready.order_by("-placed_at").first()


def tracking_number() -> str:
    return f"00340434{_CHANCE.randrange(10**12):012d}"


class Warehouse:
    """``step`` is called about once a second and works without a word. ``stores`` take turns."""

    def __init__(self, merchant: Merchant, stores: Sequence[Store]) -> None:
        self._merchant = merchant
        self._turns = cycle(stores)
        self._steps = 0
        self._without_number: deque[Shipment] = deque()

    def step(self) -> str:
        self._steps += 1
        try:
            if self._steps % PACKS_EVERY == 0:
                self._pack()
            elif self._steps % PACKS_EVERY == PACKS_EVERY // 2 and self._without_number:
                self._add_number(self._without_number.popleft())
            elif self._steps % COUNTS_EVERY == 0:
                self._count()
        except (OrderError, OrderChangedMeanwhile, LedgerRefused, LedgerConflict):
            # The store was faster: cancelled, edited or sold meanwhile. The next turn is another.
            pass
        return ""

    def _pack(self) -> None:
        order = to_pack(Order.objects.filter(store=next(self._turns)))
        if order is None:
            return
        has_number = _CHANCE.random() < 0.6
        parcel = services.add_shipment(
            order,
            carrier=_CHANCE.choice(_CARRIERS),
            tracking_number=tracking_number() if has_number else "",
            actor=_ACTOR,
        )
        if not has_number:
            self._without_number.append(parcel)

    def _add_number(self, parcel: Shipment) -> None:
        number = tracking_number()
        services.update_tracking(parcel, tracking_number=number, actor=_ACTOR)

    def _count(self) -> None:
        levels = StockLevel.objects.filter(
            merchant=self._merchant,
            counted_at__isnull=False,
            on_hand__gt=0,
            location__kept_by=None,
        )
        level = levels.select_related("variant", "location").order_by("?").first()
        if level is not None:
            ledger.adjust(
                variant=level.variant,
                location=level.location,
                set_to=level.on_hand + _CHANCE.choice((-1, 2, 5, 12)),
                reason="Counted by the demo's warehouse",
                actor=_ACTOR,
            )
