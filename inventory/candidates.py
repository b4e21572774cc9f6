"""What a listing might be that nobody could link, or that was given a product of its own for want
of a SKU: products that share its SKU, its barcode or its name, each with the reason; and all links
that leave no doubt, made at once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from inventory import linkruns, links
from inventory.errors import LinkRefused
from inventory.linking import barcode_key, sku_key, spellings
from inventory.models import LinkProblem, Listing, Variant

# Linked by one call of ``link_all``; the rest follows at the next.
MOST_AT_ONCE = 500
# Of the listings that are left to a person, those that are named.
MOST_NAMED = 100
_BATCH = 500
_MOST = 10


@dataclass(frozen=True, slots=True)
class Candidate:
    """``is_sure``: nothing else has this SKU or barcode, so it can be linked unseen."""

    variant: Variant
    reason: str
    is_sure: bool


@dataclass(frozen=True, slots=True)
class LinkedAll:
    """``doubtful`` listings are left to a person, the first of them are ``left``, with why.
    ``more``: there are some that could be linked without a doubt. ``run_id``: what ``linkruns``
    undoes, None where nothing was linked.
    """

    linked: int
    doubtful: int
    left: tuple[tuple[UUID, str], ...]
    more: bool
    run_id: int | None


@dataclass(frozen=True, slots=True)
class _Match:
    variant_id: UUID
    reason: str
    is_sure: bool


def counted_alone(*problems: str) -> Q:
    """Listings with a product to themselves because nothing told what they are: the same goods may
    be counted elsewhere once more.
    """
    rows = Listing.objects.filter(variant=OuterRef("variant"), gone_at=None)
    told = problems or links.COUNTED_ALONE
    is_one = Q(gone_at=None, variant__isnull=False, link_problem__in=told)
    return is_one & ~Q(Exists(rows.exclude(pk=OuterRef("pk"))))


def twins(listing: Listing) -> QuerySet[Listing]:
    """Other listings of the store with the same SKU."""
    rows = Listing.objects.filter(store=listing.store_id, sku_key=sku_key(listing.sku))
    rows = rows.filter(gone_at=None).exclude(pk=listing.pk).select_related("variant__product")
    return rows.order_by("pk") if listing.sku.strip() else rows.none()


def candidates(listing: Listing) -> list[Candidate]:
    """The likeliest first. Five statements at most."""
    matches = _matches([listing])[listing.pk][:_MOST]
    found = Variant.objects.select_related("product").in_bulk([x.variant_id for x in matches])
    told = [Candidate(found[x.variant_id], x.reason, x.is_sure) for x in matches]
    alike = _named_alike(listing).exclude(pk__in=found)
    if listing.variant_id:
        alike = alike.exclude(pk=listing.variant_id)
    hints = list(alike.order_by("pk")[: _MOST - len(told)])
    sold = _sold(listing.store_id, Q(variant__in=hints)) if hints else set()
    return told + [
        Candidate(one, _told("It has the same title.", is_sold=one.pk in sold), is_sure=False)
        for one in hints
    ]


def promising(store_id: UUID) -> QuerySet[Listing]:
    """Listings without a product, or counted alone, of which another product has the SKU or the
    barcode by now. Not those that were unlinked by hand, or whose SKU the store uses twice.
    """
    others = Variant.objects.filter(merchant=OuterRef("merchant"), archived_at=None)
    rows = Listing.objects.filter(store=store_id, gone_at=None)
    same_sku = Listing.objects.filter(
        store=OuterRef("store"), sku_key=OuterRef("sku_key"), gone_at=None
    ).exclude(pk=OuterRef("pk"))
    return (
        rows.exclude(link_problem=LinkProblem.UNLINKED)
        .filter(Q(sku_key="") | ~Exists(same_sku))
        .filter(
            Q(variant=None) & _has_like(others)
            | counted_alone() & _has_like(others.exclude(pk=OuterRef("variant")))
        )
        .order_by("pk")
    )


def _has_like(variants: QuerySet[Variant]) -> Q:
    return ~Q(sku_key="") & Exists(variants.filter(sku_key=OuterRef("sku_key"))) | ~Q(
        barcode=""
    ) & Exists(variants.filter(barcode=OuterRef("barcode")))


def link_all(store_id: UUID, *, actor: str, request_id: str = "") -> LinkedAll:
    """Link the store's listings that leave no doubt, up to ``MOST_AT_ONCE``; each link can be taken
    off again, and all of them by ``linkruns.undo``. In the caller's transaction. Raises
    LedgerConflict.
    """
    made: list[linkruns.Made] = []
    left: list[tuple[UUID, str]] = []
    doubtful, more = 0, False
    for listing, sure in _looked_at(store_id):
        reason = "" if len(sure) == 1 else _doubt(sure)
        if not reason and len(made) == MOST_AT_ONCE:
            more = True
            break
        if not reason:
            try:
                former = links.link_from(listing, sure[0], actor=actor, request_id=request_id)
                made.append(linkruns.Made(listing.pk, sure[0].pk, former))
            except LinkRefused as err:
                reason = str(err)
        if reason:
            doubtful += 1
            left += [(listing.pk, reason)] if len(left) < MOST_NAMED else []
    run = linkruns.record(made, actor=actor, request_id=request_id) if made else None
    return LinkedAll(len(made), doubtful, tuple(left), more, run.pk if run else None)


def _looked_at(store_id: UUID) -> Iterator[tuple[Listing, list[Variant]]]:
    """Every promising listing once, with the products it could be linked to unseen: not those that
    an earlier one of this walk was given.
    """
    rows, given = promising(store_id), set[UUID]()
    after: UUID | None = None
    while batch := list((rows.filter(pk__gt=after) if after else rows)[:_BATCH]):
        after = batch[-1].pk
        matches = _matches(batch)
        sure = {x.variant_id for found in matches.values() for x in found if x.is_sure}
        variants = Variant.objects.select_related("product").in_bulk(sure)
        for listing in batch:
            fitting = [x.variant_id for x in matches[listing.pk] if x.is_sure]
            chosen = [variants[pk] for pk in fitting if pk not in given]
            yield listing, chosen
            given.update(x.pk for x in chosen if len(chosen) == 1)


def _doubt(sure: Sequence[Variant]) -> str:
    if sure:
        return "Several products could be meant: its SKU is of one, its barcode of another."
    return "The product that has its SKU or barcode is not the only one. Link it by hand."


def _matches(listings: Sequence[Listing]) -> dict[UUID, list[_Match]]:
    """What has the SKU or the barcode of each of these listings of one store, SKUs first. Three
    statements, however many they are.
    """
    first = listings[0]
    keys = {sku_key(x.sku) for x in listings} - {""}
    codes = {barcode_key(x.barcode) for x in listings} - {""}
    spelt = [text for code in codes for text in spellings(code)]
    alike = Q(sku_key__in=keys) | Q(barcode__in=spelt)
    rows = Variant.objects.filter(
        alike, merchant=first.merchant_id, archived_at=None, counts_for=None
    )
    by_key: dict[str, UUID] = {}
    by_code: dict[str, set[UUID]] = defaultdict(set)
    for pk, key, barcode in rows.order_by("pk").values_list("pk", "sku_key", "barcode"):
        by_key |= {key: pk} if key else {}
        by_code[barcode_key(barcode)].add(pk)
    sold = _sold(first.store_id, Q(variant__in=rows.values("pk")))
    mine = Listing.objects.filter(alike, store=first.store_id, gone_at=None)
    told = list(mine.values_list("sku_key", "barcode"))
    used = Counter(key for key, _ in told)
    coded = Counter(barcode_key(barcode) for _, barcode in told)

    def of(listing: Listing) -> Iterator[_Match]:
        key, code = sku_key(listing.sku), barcode_key(listing.barcode)
        same = by_key.get(key) if key else None
        if same and same != listing.variant_id:
            is_sold = same in sold
            reason = _told("It has the same SKU.", is_sold=is_sold, twice=used[key] > 1)
            yield _Match(same, reason, not is_sold and used[key] <= 1)
        others = by_code[code] - {listing.variant_id} if code else set()
        for pk in sorted(others - {same}):
            is_sold = pk in sold
            reason = _told("It has the same barcode.", is_sold=is_sold, twice=coded[code] > 1)
            yield _Match(pk, reason, len(others) == 1 and not is_sold and coded[code] <= 1)

    return {x.pk: sorted(of(x), key=lambda m: not m.is_sure) for x in listings}


def _told(reason: str, *, is_sold: bool, twice: bool = False) -> str:
    if is_sold:
        return f"{reason} The store sells it under another listing."
    return f"{reason} Another listing of the store has it too." if twice else reason


def _sold(store_id: UUID, which: Q) -> set[UUID | None]:
    """The variants among these that the store sells."""
    rows = Listing.objects.filter(which, store=store_id, gone_at=None)
    return set(rows.values_list("variant_id", flat=True))


def _named_alike(listing: Listing) -> QuerySet[Variant]:
    """Products of the listing's name, letter case and doubled blanks aside."""
    name = " ".join(listing.title.split())
    alike = Q(product__title__iexact=name) | Q(title__iexact=name)
    parts = name.split(" – ")
    for at in range(1, len(parts)):
        head, tail = " – ".join(parts[:at]), " – ".join(parts[at:])
        alike |= Q(product__title__iexact=head, title__iexact=tail)
    rows = Variant.objects.filter(
        alike, merchant=listing.merchant_id, archived_at=None, counts_for=None
    )
    return rows.select_related("product") if name else rows.none()
