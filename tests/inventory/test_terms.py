"""The terms of a figure add up to the pool, whatever lies where: of plain items and of kits, with
places that are closed or promise more than they have.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory import kits, ledger, locations
from inventory.availability import Target, targets
from inventory.catalogue import import_products
from inventory.models import Allocation, KitPart, Listing, Location, StockLevel, Variant
from tests.factories import NOW, make_product, make_store
from tests.inventory.test_ledger import make_item

pytestmark = pytest.mark.django_db

TAKEN = ("reserved", "set_aside", "held", "damaged")
PLACES = ("a", "b", "c")


class Level(NamedTuple):
    on_hand: int
    reserved: int
    held: int
    damaged: int
    own: int
    others: int

    @property
    def free(self) -> int:
        """What the store itself may sell of it."""
        return self.on_hand - self.reserved - self.held - self.damaged - self.others


few = st.integers(0, 12)
level = st.builds(Level, st.integers(-6, 40), few, few, few, few, few)
# Levels of each item at each place, None: the item is not kept there.
shelf = st.lists(st.none() | level, min_size=len(PLACES), max_size=len(PLACES))


@pytest.fixture
def store() -> Any:
    """A plain item and a set of it and a box, both sold in one store; another store beside it."""
    store = make_store()
    products = [make_product(1), make_product(2, stock=None)]
    import_products(store, products, observed_at=NOW, now=NOW)
    make_item(store.merchant, "BOX")
    make_store(store.merchant, base_url="https://other.example", name="Other")
    for code in PLACES:
        locations.create(store.merchant_id, code=code, name=code.upper())
    StockLevel.objects.all().delete()
    return store


def keep(store: Any, sku: str, levels: list[Level | None]) -> None:
    item = Variant.objects.get(sku=sku)
    other = type(store).objects.exclude(pk=store.pk).get()
    for code, one in zip(PLACES, levels, strict=True):
        if one is None:
            continue
        place = Location.objects.get(code=code)
        whose = {"merchant": store.merchant, "variant": item, "location": place}
        taken = {"reserved": one.reserved, "held": one.held, "damaged": one.damaged}
        StockLevel.objects.create(
            **whose,
            **taken,
            on_hand=one.on_hand,
            allocated=one.own + one.others,
            counted_at=NOW,
        )
        for owner, units in ((store, one.own), (other, one.others)):
            if units:
                Allocation.objects.create(**whose, store=owner, units=units, left=units)


def found(sku: str) -> Target:
    listing = Listing.objects.get(sku=sku)
    return targets([listing])[listing.pk]


def adds_up(target: Target) -> int:
    """The pool, as its own terms make it."""
    terms: dict[str, Any] = target.terms
    taken = sum(terms[name] for name in TAKEN)
    pool: int = terms["on_hand"] - taken + terms["lacking"]
    assert terms["pool"] == pool
    assert min(terms[name] for name in (*TAKEN, "lacking", "own_set_aside", "pool")) >= 0
    assert terms["own_set_aside"] <= pool
    return pool


@given(mugs=shelf, boxes=shelf, closed=st.sampled_from((*PLACES, "")), units=st.integers(1, 3))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_terms_always_make_the_pool(
    store: Any, mugs: list[Level | None], boxes: list[Level | None], closed: str, units: int
) -> None:
    for model in (Allocation, StockLevel, KitPart):
        model.objects.all().delete()
    mug, box, kit = (Variant.objects.get(sku=sku) for sku in ("SKU-1", "BOX", "SKU-2"))
    kits.set_parts(kit, {mug.pk: units, box.pk: 1}, actor="user:anna")
    keep(store, "SKU-1", mugs)
    keep(store, "BOX", boxes)
    Location.objects.update(is_active=True)
    Location.objects.filter(code=closed).update(is_active=False)
    open_now = [n for n, code in enumerate(PLACES) if code != closed]
    some = [mugs[n] for n in open_now if mugs[n] is not None]
    both = [(mugs[n], boxes[n]) for n in open_now if mugs[n] is not None and boxes[n] is not None]

    plain, of_kits = found("SKU-1"), found("SKU-2")

    if some:
        assert adds_up(plain) == sum(max(0, x.free) for x in some if x)
        assert plain.terms["on_hand"] == sum(x.on_hand for x in some if x)
        assert plain.terms["reserved"] == sum(x.reserved for x in some if x)
    if of_kits.terms:
        assert adds_up(of_kits) == sum(
            min(max(0, a.free) // units, max(0, b.free)) for a, b in both if a and b
        )


def test_what_is_promised_beyond_what_lies_there_is_a_term(store: Any) -> None:
    """As it was seen: 45 on hand, 4 reserved, and 43 to sell."""
    keep(store, "SKU-1", [Level(43, 0, 0, 0, 0, 0), Level(2, 4, 0, 0, 0, 0), None])

    terms = found("SKU-1").terms

    assert (terms["on_hand"], terms["reserved"], terms["lacking"], terms["pool"]) == (45, 4, 2, 43)


def test_what_is_held_or_damaged_is_a_term(store: Any) -> None:
    keep(store, "SKU-1", [Level(10, 1, 2, 3, 0, 0), None, None])

    terms = found("SKU-1").terms

    assert (terms["held"], terms["damaged"], terms["pool"]) == (2, 3, 4)


def test_a_kit_is_told_in_kits(store: Any) -> None:
    """Ten mugs make five sets; those that orders hold make it one fewer, those set aside two."""
    mug, kit = Variant.objects.get(sku="SKU-1"), Variant.objects.get(sku="SKU-2")
    kits.set_parts(kit, {mug.pk: 2}, actor="user:anna")
    keep(store, "SKU-1", [Level(10, 1, 0, 0, 0, 4), None, None])

    terms = found("SKU-2").terms

    assert [terms[name] for name in ("on_hand", *TAKEN, "lacking", "pool")] == [5, 1, 2, 0, 0, 0, 2]


def test_no_more_than_the_largest_figure_can_lie_at_one_place(store: Any) -> None:
    item, place = Variant.objects.get(sku="BOX"), Location.objects.get(code="a")
    whose = {"variant": item, "location": place, "reason": "Count", "actor": "user:anna"}
    ledger.adjust(**whose, set_to=100_000_000)

    with pytest.raises(ledger.LedgerRefused, match="No more than 100000000 units"):
        ledger.adjust(**whose, delta=1)
    with pytest.raises(ledger.LedgerRefused, match="No more than 100000000 units"):
        ledger.restock(variant=item, location=place, units=1, cause="restock:1", actor="user:anna")

    assert StockLevel.objects.get(variant=item).on_hand == 100_000_000
