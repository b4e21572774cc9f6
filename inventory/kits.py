"""Kits: variants that are put together from others. A kit is not counted; what can be sold of it
follows from its parts, and an order of it reserves and ships them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Coalesce

from inventory import signals
from inventory.errors import KitCounted, KitRefused
from inventory.models import KitPart, Listing, StockLevel, Variant
from logix.accounts import audit
from logix.accounts.models import Merchant

MOST_PARTS = 100
# Nesting deeper than this is a mistake, not a product.
_DEEPEST = 10

# A kit's stock items and how many units of each are in one.
Recipe = Mapping[UUID, int]


def recipes(variant_ids: Iterable[UUID]) -> dict[UUID, Recipe]:
    """What those of the variants that are kits are made of, in the end: nested kits are taken
    apart. One statement where none is a kit, one more for each level of nesting.
    """
    wanted = set(variant_ids)
    made_of = _made_of(wanted)
    return {pk: _flat(made_of, pk) for pk in wanted if pk in made_of}


def kits_with(variant_ids: Iterable[UUID]) -> set[UUID]:
    """Every kit that one of these stock items is in, at whatever depth."""
    found: set[UUID] = set()
    inside = set(variant_ids)
    while inside:
        rows = KitPart.objects.annotate(item=Coalesce("part__counted_as_id", "part_id"))
        above = set(rows.filter(item__in=inside).values_list("kit_id", flat=True))
        inside = above - found
        found |= above
    return found


@transaction.atomic
def set_parts(
    kit: Variant,
    parts: Mapping[UUID, int],
    *,
    actor: str,
    request_id: str = "",
    told_by: Listing | None = None,
) -> Variant:
    """Make ``kit`` of these units by variant; {} makes it a thing of its own again, that has to be
    counted. Open orders of it hold its new parts from now on. ``told_by`` is the bundle of a store
    that they are of; without one a person chose them. Raises KitRefused, LedgerConflict.
    """
    one_at_a_time(kit.merchant_id)
    kit = Variant.objects.select_related("merchant").get(pk=kit.pk)
    _check(kit, parts)
    before = {str(x.part_id): x.units for x in kit.parts.all()}
    KitPart.objects.filter(kit=kit).delete()
    KitPart.objects.bulk_create(
        KitPart(kit=kit, part_id=part, units=units) for part, units in parts.items()
    )
    if any(kit.pk in _made_of([part]) for part in parts):
        raise KitRefused(f"{kit} would contain itself. Take it out of its part first.")
    _nesting(kit)
    kit.kit_listing, kit.kit_by_hand = told_by, told_by is None
    kit.save(update_fields=["kit_listing", "kit_by_hand"])
    audit.record(
        "kit.parts_changed",
        actor=actor,
        merchant=kit.merchant,
        obj=kit,
        details={"from": before, "to": {str(part): units for part, units in parts.items()}},
        request_id=request_id,
    )
    signals.kit_changed.send(sender=KitPart, variant_id=kit.pk, actor=actor)
    return kit


def one_at_a_time(merchant_id: UUID) -> None:
    """Until the transaction ends nobody else changes what kits of the merchant are made of: two
    could make each other's kit a part of itself. Rows that belong to the merchant are still
    written.
    """
    Merchant.objects.select_for_update(no_key=True).get(pk=merchant_id)


def _check(kit: Variant, parts: Mapping[UUID, int]) -> None:
    if len(parts) > MOST_PARTS:
        raise KitRefused(f"A kit has at most {MOST_PARTS} different parts.")
    if any(units < 1 for units in parts.values()):
        raise KitRefused("A kit has at least one unit of each of its parts.")
    if kit.pk in parts:
        raise KitRefused(f"{kit} cannot be a part of itself.")
    ours = Variant.objects.filter(pk__in=parts, merchant=kit.merchant, archived_at=None)
    if ours.count() != len(parts):
        raise KitRefused("A part is archived, or is no product of this merchant.")
    if parts and (kit.counted_as_id or kit.counts_for.exists()):
        raise KitRefused(f"{kit} shares its count with other variants, so it cannot be a kit.")
    here = StockLevel.objects.filter(variant=kit, location__kept_by=None)
    if parts and here.exclude(on_hand=0).exists():
        raise KitCounted(
            f"{kit} is counted itself. Count it as 0 first: what is put together already is "
            "counted as its parts."
        )


def _nesting(kit: Variant) -> None:
    """Raises KitRefused when ``kit``, or a kit it is in, is nested too deep."""
    top, depth = {kit.pk}, 0
    while top:
        depth += 1
        if depth > _DEEPEST:
            raise KitRefused(f"Kits within kits go at most {_DEEPEST} deep.")
        top = set(KitPart.objects.filter(part__in=top).values_list("kit_id", flat=True))
    below, down = {kit.pk}, 0
    while below:
        down += 1
        if depth + down > _DEEPEST + 1:
            raise KitRefused(f"Kits within kits go at most {_DEEPEST} deep.")
        below = set(KitPart.objects.filter(kit__in=below).values_list("part_id", flat=True))


def _made_of(variant_ids: Collection[UUID]) -> dict[UUID, dict[UUID, int]]:
    """Direct parts of these and of everything in them, by stock item."""
    found: dict[UUID, dict[UUID, int]] = {}
    asked: set[UUID] = set()
    below = set(variant_ids)
    while below:
        asked |= below
        rows = KitPart.objects.filter(kit_id__in=below).values_list(
            "kit_id", Coalesce("part__counted_as_id", "part_id"), "units"
        )
        below = set()
        for kit_id, item, units in rows:
            parts = found.setdefault(kit_id, {})
            parts[item] = parts.get(item, 0) + units
            below.add(item)
        below -= asked
    return found


def _flat(made_of: Mapping[UUID, Mapping[UUID, int]], kit_id: UUID) -> dict[UUID, int]:
    flat: dict[UUID, int] = {}
    for item, units in made_of[kit_id].items():
        inside = _flat(made_of, item) if item in made_of else {item: 1}
        for part, each in inside.items():
            flat[part] = flat.get(part, 0) + units * each
    return flat
