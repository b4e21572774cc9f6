"""What reading a store's products would link: read from the store, written by the code that always
writes them, and taken back as a whole, so that what stands on the last page meets the first.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from integrations.base import BaseEcommerceIntegration, Filters
from integrations.models import Store, StreamName
from integrations.sync import applying, reading
from integrations.sync.outcome import Applied
from inventory.linking import LinkedBy
from inventory.models import Listing, Variant
from logix.common.transactions import again_on, rehearsed

# Products that one look writes and takes back: on SQLite nobody else writes meanwhile.
MOST_LOOKED_AT = 2_000
MOST_NAMED = 5


def rehearse(
    store: Store,
    adapter: BaseEcommerceIntegration,
    filters: Filters,
    *,
    keep: Callable[[], None],
    must_stop: Callable[[], bool],
) -> tuple[Applied, int, dict[str, Any]] | None:
    """What it came to, the pages read, and the report as JSON: ``looked_at`` products and whether
    these are all; ``known`` listings, which keep their link; and of the new ones how many there are
    of each ``LinkedBy``, some of them with their names. None when it is to stop.

    ``keep`` renews the caller's lease. Raises PlatformError.
    """
    reads: list[reading.Read] = []
    count, is_all = 0, True
    with reading.pages(adapter, StreamName.PRODUCTS, filters, while_waiting=keep) as pages:
        for read in pages:
            if must_stop():
                return None
            reads.append(read)
            count += len(read.page.records) + len(read.page.unreadable)
            if count >= MOST_LOOKED_AT and not read.page.last:
                is_all = False
                break
            if read.page.last:
                break
    keep()
    work = partial(_applied, store, reads)
    done, report = again_on(*applying.CLASHES)(partial(rehearsed, work))
    return done, len(reads), {"looked_at": count, "is_all": is_all, **report}


def _applied(store: Store, reads: Sequence[reading.Read]) -> tuple[Applied, dict[str, Any]]:
    done = Applied()
    for read in reads:
        done += reading.apply_page(store, StreamName.PRODUCTS, read, origin="backfill")
    ids: dict[str, list[UUID]] = defaultdict(list)
    for listing_id, way in done.ways.items():
        ids[way].append(listing_id)
    return done, {
        "known": done.changed + done.unchanged,
        "counts": {str(way): len(ids[way]) for way in LinkedBy},
        "named": {str(way): _named(ids[way][:MOST_NAMED]) for way in LinkedBy if ids[way]},
    }


def _named(ids: Sequence[UUID]) -> list[Mapping[str, str]]:
    rows = Listing.objects.filter(pk__in=ids).select_related("variant__product").order_by("pk")
    return [
        {
            "external_product_id": x.external_product_id,
            "external_variant_id": x.external_variant_id,
            "sku": x.sku,
            "title": x.title,
            "linked_to": _name(x.variant) if x.variant else "",
        }
        for x in rows
    ]


def _name(variant: Variant) -> str:
    product = str(variant.product)
    return f"{variant.sku} ({product})" if variant.sku else product
