"""``manage.py verify_stock``: whether stock levels are what their movements and reservations say.
It only looks, and may run while stock is being written.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from inventory import kits, verifying
from inventory.catalogue import sku_key
from inventory.models import Variant


class Command(BaseCommand):
    help = "Compare stock levels with their movements and reservations; fails where one differs."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--sku", help="What is counted for this SKU, of every merchant's.")
        which.add_argument("--sample", type=int, metavar="N", help="N items, chosen by chance.")
        which.add_argument("--all", action="store_true", help="All items, as without a choice.")

    def handle(self, *args: Any, **options: Any) -> None:
        looked_at, differing = 0, set()
        for ids in verifying.batches(self._chosen(options["sku"], options["sample"])):
            looked_at += len(ids)
            for one in verifying.differences(ids):
                differing.add(one.variant_id)
                self.stdout.write(self.style.ERROR(str(one)))
        if differing:
            self.stdout.write(f"{len(differing)} of {looked_at} items differ; nothing was changed.")
            raise SystemExit(1)
        self.stdout.write(self.style.SUCCESS(f"{looked_at} items looked at; all of them add up."))

    def _chosen(self, sku: str | None, sample: int | None) -> QuerySet[Variant]:
        variants = Variant.objects.all()
        if sku is not None:
            return variants.filter(pk__in=_counted_for(sku))
        if sample is not None:
            if sample < 1:
                raise CommandError("Give --sample a number of items, 1 or more.")
            chosen = list(variants.order_by("?").values_list("pk", flat=True)[:sample])
            return variants.filter(pk__in=chosen)
        return variants


def _counted_for(sku: str) -> set[UUID]:
    """The items whose levels count for it: itself, what it shares its count with, of a kit its
    parts.
    """
    named = Variant.objects.filter(sku_key=sku_key(sku)) if sku_key(sku) else Variant.objects.none()
    items = {variant.stock_item_id for variant in named}
    if not items:
        raise CommandError(f"There is no item with the SKU {sku}.")
    return items.union(*kits.recipes(items).values())
