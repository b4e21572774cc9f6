"""What is left out of a look for zeros is never one, whatever lies where, whatever rules hold."""

from __future__ import annotations

from random import Random

import pytest
from django.utils import timezone

from integrations.models import Store
from inventory.availability import targets
from inventory.models import (
    Allocation,
    KitPart,
    Listing,
    Location,
    Product,
    StockLevel,
    StockRule,
    StorePlace,
    Variant,
)
from inventory.plenty import may_show_nothing
from logix.accounts.models import Merchant
from tests.factories import make_merchant, make_store

pytestmark = pytest.mark.django_db


class Shop:
    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.merchant: Merchant = make_merchant(f"m{chance.random()}".replace(".", ""))
        self.store: Store = make_store(self.merchant)
        self.places = [
            Location.objects.create(
                merchant=self.merchant, name=name, code=name, is_active=name != "closed"
            )
            for name in ("north", "south", "closed")
        ]
        if chance.random() < 0.5:
            StorePlace.objects.create(store=self.store, location=chance.choice(self.places))

    def variant(self, number: int, **columns: object) -> Variant:
        product = Product.objects.create(merchant=self.merchant, title=f"P{number}")
        sku = f"S{number}"
        return Variant.objects.create(
            merchant=self.merchant, product=product, sku=sku, sku_key=sku.lower(), **columns
        )

    def lies(self, variant: Variant) -> None:
        roll = self.chance.randrange
        for place in self.chance.sample(self.places, roll(4)):
            aside = roll(4) if self.chance.random() < 0.2 else 0
            StockLevel.objects.create(
                merchant=self.merchant,
                variant=variant,
                location=place,
                on_hand=roll(-3, 12),
                reserved=roll(5),
                allocated=aside,
                held=roll(3),
                damaged=roll(2),
                counted_at=timezone.now() if self.chance.random() < 0.9 else None,
            )
            if aside:
                Allocation.objects.create(
                    merchant=self.merchant,
                    store=self.store,
                    variant=variant,
                    location=place,
                    units=aside,
                    left=aside,
                )

    def listing(self, number: int, variant: Variant | None, **columns: object) -> Listing:
        return Listing.objects.create(
            merchant=self.merchant,
            store=self.store,
            external_product_id=str(number),
            external_variant_id=str(number),
            variant=variant,
            sku=f"S{number}",
            changed_at=timezone.now(),
            digest="",
            **columns,
        )

    def rule(self, **scope: object) -> None:
        roll = self.chance.choice
        StockRule.objects.create(
            merchant=self.merchant,
            buffer=roll((0, 0, 2, 5)),
            percent=roll((100, 100, 50, 3, 0)),
            max_listed=roll((None, None, 4, 0)),
            end_when=roll((0, 0, 3)),
            always=roll((None, None, None, 7, 0)),
            **scope,
        )


@pytest.mark.parametrize("seed", range(12))
def test_whatever_shows_nothing_is_looked_at(seed: int) -> None:
    chance = Random(seed)
    shop = Shop(chance)
    variants = [shop.variant(number) for number in range(25)]
    for variant in variants[:20]:
        shop.lies(variant)
    for kit in variants[20:22]:
        for part in chance.sample(variants[:20], 2):
            KitPart.objects.create(kit=kit, part=part, units=chance.randrange(1, 3))
    Variant.objects.filter(pk__in=[x.pk for x in variants[22:]]).update(counted_as=variants[0])
    rows = [
        shop.listing(
            number,
            variant if number else None,
            mode=chance.choice(("normal", "normal", "normal", "paused", "fixed", "ignore")),
            fixed_quantity=chance.choice((None, 0, 3)),
            shares_figure=number in (3, 4),
        )
        for number, variant in enumerate(variants)
    ]
    Listing.objects.filter(shares_figure=True).update(external_product_id="3", stock_ref="3")
    if chance.random() < 0.3:
        shop.rule()
    if chance.random() < 0.3:
        shop.rule(store=shop.store)
    if chance.random() < 0.5:
        shop.rule(store=shop.store, listing=chance.choice(rows))

    found = targets(list(Listing.objects.filter(store=shop.store)))
    looked_at = set(may_show_nothing(shop.store.pk, shop.merchant.pk).values_list("pk", flat=True))

    assert {pk for pk, target in found.items() if target.value == 0} <= looked_at


def test_of_what_there_is_plenty_nothing_is_looked_at() -> None:
    shop = Shop(Random(1))
    StorePlace.objects.all().delete()
    for number, units in enumerate((0, 1, 2, 50)):
        variant = shop.variant(number)
        shop.listing(number, variant)
        StockLevel.objects.create(
            merchant=shop.merchant,
            variant=variant,
            location=shop.places[0],
            on_hand=units,
            counted_at=timezone.now(),
        )

    def looked_at() -> set[str]:
        rows = may_show_nothing(shop.store.pk, shop.merchant.pk)
        return set(rows.values_list("sku", flat=True))

    assert looked_at() == {"S0"}
    rule = StockRule.objects.create(merchant=shop.merchant, percent=50)
    assert looked_at() == {"S0", "S1"}
    rule.buffer = 1
    rule.save()
    assert looked_at() == {"S0", "S1", "S2"}
    rule.max_listed = 0
    rule.save()
    assert looked_at() == {"S0", "S1", "S2", "S3"}
