"""What the demonstration stages once everything is read: a sale in one store that lowers what the
others show, the last units sold in two at once, with the page that explains it, and a parcel that
its store comes to show.

Orders are placed in the simulated stores over HTTP; all else is left to the hub.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import requests
from django.db.models import Exists, OuterRef
from django.urls import reverse

from integrations.management.demo.warehouse import to_pack, tracking_number
from integrations.models import Push, Store
from inventory import ledger
from inventory.availability import targets
from inventory.errors import LedgerConflict, LedgerRefused
from inventory.models import Listing, StockLevel, StorePlace, Variant
from orders import services
from orders.errors import OrderChangedMeanwhile, OrderError
from orders.models import Order, OrderEvent, Oversell

_ACTOR = "demo"
_LIMIT_S = 90.0
_CALL_LIMIT_S = 10
_LAST_UNITS = 2


def play(stores: Sequence[Store], skus: Sequence[str], hub: str) -> Iterator[str]:
    """What to tell, one line a step; empty while it waits. ``stores`` all sell ``skus``, and the
    first two tell of a sale at once; ``hub``: its address.
    """
    yield from _until(lambda: _are_counted(stores))
    try:
        for scene, sku in zip((_sale, _oversell), skus, strict=False):
            if listings := _sold_in_all(stores, sku):
                yield from scene(listings, hub)
        yield from _parcel(stores[-1])
    except (
        requests.RequestException,
        LedgerConflict,
        LedgerRefused,
        OrderChangedMeanwhile,
        OrderError,
    ) as err:
        yield f"The scene ends here: {err}"


def _sale(listings: Sequence[Listing], _hub: str) -> Iterator[str]:
    here = listings[1]
    others = [listing for listing in listings if listing != here]
    yield from _until(lambda: _is_told(listings))
    before = [_shown(other) for other in others]
    _buy(here, 1)
    began = time.monotonic()
    yield f"Scene 1: somebody buys 1 {here.sku} in {here.store}. {_figures(others)} …"
    yield from _until(lambda: all(_shown(x) != was for x, was in zip(others, before, strict=True)))
    yield f"… and after {time.monotonic() - began:.0f} s: {_figures(others)}."


def _oversell(listings: Sequence[Listing], hub: str) -> Iterator[str]:
    """Once: an earlier demo may have played it."""
    item = listings[0].variant
    if item is None or Oversell.objects.filter(variant=item).exists():
        return
    _leave(item, _LAST_UNITS)
    yield from _until(lambda: _is_told(listings))
    for listing in listings[:2]:
        _buy(listing, _LAST_UNITS)
    both = " and ".join(str(listing.store) for listing in listings[:2])
    yield f"Scene 2: {_LAST_UNITS} of {item.sku} are left, and {both} sell {_LAST_UNITS} each …"
    yield from _until(lambda: _record(item) is not None)
    yield from _until(lambda: all(_shown(listing) == 0 for listing in listings))
    if (record := _record(item)) is None:
        return
    yield (
        f"… order {record.order.number} is short of {record.units}. No order was refused, "
        "and every store shows 0."
    )
    page = reverse("admin:orders_oversell_change", args=[record.pk])
    yield f"How it came: {hub}{page}"
    page = reverse("admin:inventory_variant_explain", args=[item.pk])
    yield f"Why each store shows what it shows: {hub}{page}"


def _parcel(store: Store) -> Iterator[str]:
    order = to_pack(Order.objects.filter(store=store))
    if order is None:
        return
    number = tracking_number()
    services.add_shipment(order, carrier="DHL", tracking_number=number, actor=_ACTOR)
    began = time.monotonic()
    yield f"Scene 3: order {order.number} of {store} leaves with DHL {number} …"
    shown = OrderEvent.objects.filter(order=order, kind="store_told")
    yield from _until(shown.exists)
    if shown.exists():
        yield f"… and {store} shows the parcel after {time.monotonic() - began:.0f} s."


def _until(done: Callable[[], bool]) -> Iterator[str]:
    """Empty lines until it is so, or too late to go on waiting."""
    end = time.monotonic() + _LIMIT_S
    while not done() and time.monotonic() < end:
        yield ""


def _are_counted(stores: Sequence[Store]) -> bool:
    """Their figures became first counts; until then nothing of them is certain."""
    ids = [store.pk for store in stores]
    return not Store.objects.filter(pk__in=ids, stock_opened_at=None).exists()


def _sold_in_all(stores: Sequence[Store], sku: str) -> list[Listing]:
    """The item's listing in each store, in their order; empty where one has none."""
    rows = Listing.objects.filter(store__in=stores, sku=sku, gone_at=None, link_problem="")
    by_store = {
        listing.store_id: listing
        for listing in rows.select_related("store", "variant")
        if listing.variant_id
    }
    found = [by_store[store.pk] for store in stores if store.pk in by_store]
    return found if len(found) == len(stores) else []


def _leave(item: Variant, units: int) -> None:
    """So many are free at the first place a store was given, none elsewhere."""
    given = StorePlace.objects.filter(location=OuterRef("location"))
    levels = StockLevel.objects.filter(
        variant=item, counted_at__isnull=False, location__kept_by=None
    )
    levels = levels.select_related("location").order_by(Exists(given).desc(), "pk")
    for number, level in enumerate(levels):
        ledger.adjust(
            variant=item,
            location=level.location,
            set_to=level.on_hand - level.free + (0 if number else units),
            reason="Counted by the demo's warehouse",
            actor=_ACTOR,
        )


def _buy(listing: Listing, units: int) -> None:
    answer = requests.post(
        f"{listing.store.base_url}/_sandbox/api/orders",
        json={"lines": [[listing.sku, units]]},
        timeout=_CALL_LIMIT_S,
    )
    answer.raise_for_status()


def _is_told(listings: Sequence[Listing]) -> bool:
    """Every store shows what it should."""
    wanted = targets(listings)
    return all(_shown(listing) == wanted[listing.pk].value for listing in listings)


def _figures(listings: Sequence[Listing]) -> str:
    return ", ".join(f"{listing.store} shows {_shown(listing)}" for listing in listings)


def _shown(listing: Listing) -> int | None:
    """What the store was told or was seen to show, whichever came last."""
    listing.refresh_from_db(fields=["seen_quantity", "seen_at"])
    push = Push.objects.filter(listing=listing, pushed_at__isnull=False).first()
    if push is None or (listing.seen_at and push.pushed_at and listing.seen_at > push.pushed_at):
        return listing.seen_quantity
    return push.pushed_value


def _record(item: Variant) -> Oversell | None:
    rows = Oversell.objects.unresolved().filter(variant=item)
    return rows.select_related("order").first()
