"""Listings in the channels of a store: what a channel stops to offer no change tells of, so those
that were not looked at for longest are asked for in every channel.
"""

from __future__ import annotations

from django.db.models import Min
from django.utils import timezone

from integrations.base import Filters
from integrations.models import Phase, StreamName
from integrations.reconcile.desk import Desk
from integrations.reconcile.orders import ORIGIN
from integrations.reconcile.report import Cause, Report
from integrations.reconcile.stock import BATCH, to_read
from integrations.sync import applying, kinds
from inventory import channels
from inventory.models import Listing

# Each is asked for in every channel, so the whole of a large catalogue takes several nights.
MOST_LISTINGS = 2_000


def listings(desk: Desk) -> None:
    """Read the next ones. Those that no channel has are read again by themselves."""
    if "offered" not in desk.report.place:
        desk.keep(desk.report.at(offered=_longest_ago(desk)))
    waiting = desk.place("offered")
    if not waiting:
        desk.keep(desk.report.next(Phase.PRODUCTS))
        return
    batch, rest = waiting[:BATCH], waiting[BATCH:]
    desk.renew()
    asked_at = timezone.now()
    pages = list(kinds.of(StreamName.PRODUCTS).read(desk.adapter, Filters(ids=tuple(batch))))
    found = [record for page in pages for record in page.records]
    unread = {x.external_id for page in pages for x in page.unreadable}
    nowhere = sorted(set(batch) - {x.external_id for x in found} - unread)

    def note(report: Report) -> Report:
        applying.apply_products(desk.store, found, observed_at=asked_at, origin=ORIGIN)
        rows = Listing.objects.filter(store=desk.store, external_product_id__in=batch)
        channels.looked_at(rows.values("pk"), at=asked_at)
        report = report.counted(Cause.CHANNELS_LOOKED, len(found)).at(offered=rest)
        return to_read(report, nowhere)

    desk.write(note)


def _longest_ago(desk: Desk) -> list[str]:
    rows = Listing.objects.filter(store=desk.store, gone_at=None, channels__isnull=False)
    seen = rows.values("external_product_id").annotate(seen=Min("channels__seen_at"))
    ids = seen.order_by("seen", "external_product_id")
    return list(ids.values_list("external_product_id", flat=True)[:MOST_LISTINGS])
