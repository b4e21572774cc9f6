"""What stores are to be told: the figure each should sell, and what its platform takes off it by
itself. All that is compared with a store is in these terms: told, seen, read back, read at night.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

from django.db.models import OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

from integrations import mastery, registry
from integrations.models import Store
from integrations.outbox.dirty import mark_listings
from integrations.platform import Compensation
from inventory import compensation
from inventory.availability import Target
from inventory.models import Listing, StockRule
from orders.models import OrderLine, Shipment, ShipmentLine
from orders.status import UNFINISHED

# The store's word for a line: product and variant.
_Line = tuple[UUID, str, str]


def targets(listings: Sequence[Listing], *, suppose: StockRule | None = None) -> dict[UUID, Target]:
    """As ``mastery.targets``, with what each store is told beyond its figure. Give the listings
    with ``store`` loaded. One more statement, only where a store takes its open orders off.
    """
    found = mastery.targets(listings, suppose=suppose)
    ways = {x.store_id: way_of(x.store) for x in listings}
    more = [x for x in listings if ways[x.store_id] is not Compensation.NONE]
    counting = [x for x in more if ways[x.store_id] is Compensation.OPEN_ORDERS]
    waiting = open_there(counting)
    for listing in more:
        target = found[listing.pk]
        if target.value is None:
            continue
        units = waiting.get(listing.pk, 0)
        added = compensation.added(list(target.at), kept_back=listing.kept_back, open_there=units)
        takes_off = {"kept_back": sum(added.values()) - units, "open_there": units}
        found[listing.pk] = replace(target, added=added, takes_off=takes_off)
    return found


def way_of(store: Store) -> Compensation:
    """A store whose platform is not installed any more is told nothing."""
    try:
        return registry.card(store.platform).compensation
    except registry.UnknownPlatform:
        return Compensation.NONE


def open_there(listings: Sequence[Listing]) -> dict[UUID, int]:
    """Units by listing that its store has sold of it and keeps for those orders: ordered less
    refunded less shipped, all as the store itself reports. A parcel of ours counts once the store
    shows it, one it took back no more. One statement; none for nobody.
    """
    if not listings:
        return {}
    told = Shipment.objects.filter(Q(origin=Shipment.Origin.STORE) | ~Q(external_id=""))
    parcels = ShipmentLine.objects.filter(
        line=OuterRef("pk"), shipment__in=told.filter(store_cancelled_at=None)
    )
    left = parcels.order_by().values("line").annotate(units=Sum("quantity")).values("units")
    rows = OrderLine.objects.filter(
        order__store__in={x.store_id for x in listings},
        order__order_status__in=[str(status) for status in UNFINISHED],
        order__gone_at=None,
        variant__in={x.variant_id for x in listings if x.variant_id},
        removed_at=None,
    ).annotate(left=Coalesce(Subquery(left), 0))
    units: dict[_Line, int] = defaultdict(int)
    for store_id, product, variant, ordered, refunded, shipped in rows.values_list(
        "order__store_id",
        "external_product_id",
        "external_variant_id",
        "quantity",
        "quantity_refunded",
        "left",
    ):
        units[store_id, product, variant] += max(0, ordered - refunded - shipped)
    return {x.pk: units[x.store_id, x.external_product_id, x.external_variant_id] for x in listings}


def orders_changed(store: Store, order_ids: Collection[UUID]) -> int:
    """What a store keeps for its orders is part of what it is told: look at their listings anew,
    also where no stock moved. Nothing where the store takes none off. Return how many.
    """
    if way_of(store) is not Compensation.OPEN_ORDERS:
        return 0
    sold = OrderLine.objects.filter(order__in=order_ids, variant__isnull=False)
    rows = Listing.objects.filter(store=store, variant__in=sold.values("variant"))
    return mark_listings(rows.values_list("pk", flat=True))
