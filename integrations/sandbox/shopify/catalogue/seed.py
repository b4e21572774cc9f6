"""The catalogue a store starts with: locations, products of every shape, and what lies where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import product as crossed
from random import Random

from msgspec import Struct

from integrations.sandbox.dice import dice
from integrations.sandbox.shopify.catalogue.models import (
    DeletedVariant,
    InventoryItem,
    InventoryLevel,
    Location,
    Product,
    ProductVariant,
)
from integrations.sandbox.shopify.models import Metafield
from integrations.sandbox.shopify.money import rounded

DAY = 24 * 3600
FIRST_PRODUCT, FIRST_VARIANT, FIRST_ITEM = 8_010_000_001, 44_020_000_001, 46_030_000_001
FIRST_LOCATION, FIRST_LEVEL, FIRST_METAFIELD = 61_000_001, 51_000_000_001, 71_000_000_001
_MANY_VARIANTS = 120
_THINGS = (
    "Emaillebecher",
    "Wollschal",
    "Notizbuch",
    "Rucksack",
    "Regenjacke",
    "Thermosflasche",
    "Kerze",
    "Kissen",
    "Öllampe",
    "Gürtel",
    "Teekanne",
    "Brotkorb",
)
_NAMES = (
    "Nordlicht",
    "Ærø",
    "São Paulo",
    "富士",
    "Garçon",
    "Žluťoučký",
    "Ölberg",
    "Ηώς",
    "🌲 Wald",
    "O’Hara",
)
_VENDORS = ("Werkstatt Köln", "Æbler & Co", "株式会社やま", "Hûsraad")
_TYPES = ("Kitchen", "Apparel", "Paper", "Outdoor")
_SIZES, _COLOURS = ("S", "M", "L", "XL"), ("Rot", "Blau", "Grün")


class Catalogue(Struct):
    locations: dict[int, Location] = {}
    products: dict[int, Product] = {}
    variants: dict[int, ProductVariant] = {}
    items: dict[int, InventoryItem] = {}
    levels: dict[tuple[int, int], InventoryLevel] = {}
    deleted: list[DeletedVariant] = []


def catalogue(
    *,
    seed: int,
    count: int,
    now: int,
    currency: str,
    is_multi_location: bool,
    skus: Sequence[str] = (),
) -> Catalogue:
    """Equal seeds give equal catalogues. The first counted variants bear ``skus``."""
    made = Catalogue()
    made.locations = {place.id: place for place in _locations(now, is_multi_location)}
    for number in range(count):
        chance = dice(seed, "product", number)
        _add(made, chance, number, now, currency)
    _bundle(made)
    _rename(made, skus)
    for number in range(3):
        chance = dice(seed, "deleted", number)
        made.deleted.append(
            DeletedVariant(
                product_id=FIRST_PRODUCT - 1 - number,
                variant_id=FIRST_VARIANT - 1 - number,
                title=f"{chance.choice(_THINGS)} (vergriffen)",
                sku=f"OLD-{number + 1:03d}",
                price=_price(chance, currency),
            )
        )
    return made


def _locations(now: int, is_multi_location: bool) -> Iterator[Location]:
    made = now - 900 * DAY
    first = FIRST_LOCATION
    yield Location(first, "Lager Köln", "Weg 1", "Köln", "50667", made, made)
    if not is_multi_location:
        return
    yield Location(first + 1, "Laden Hamburg", "Gasse 2", "Hamburg", "20095", made, made)
    yield Location(
        first + 2, "Rhein Fulfilment", "Hafen 3", "Duisburg", "47119", made, made, service="rhein"
    )
    yield Location(
        first + 3,
        "Lager Alt",
        "Hof 4",
        "Bonn",
        "53111",
        made,
        now - 100 * DAY,
        is_active=False,
        deactivated_at=now - 100 * DAY,
        fulfills_online_orders=False,
    )


def _add(made: Catalogue, chance: Random, number: int, now: int, currency: str) -> None:
    """Every seventh is a draft or archived, every eleventh digital, the first of a large catalogue
    has more variants than a webhook shows.
    """
    created = now - chance.randrange(100 * DAY, 800 * DAY)
    updated = now - chance.randrange(60, 90 * DAY)
    thing, name = _THINGS[number % len(_THINGS)], _NAMES[chance.randrange(len(_NAMES))]
    is_digital, is_gift_card = number % 11 == 10, number % 29 == 28
    status = ("DRAFT", "ARCHIVED")[number // 7 % 2] if number % 7 == 6 else "ACTIVE"
    product = Product(
        id=FIRST_PRODUCT + number,
        title=f"{thing} {name}" if not is_gift_card else f"Gutschein {name}",
        handle=f"{thing.lower()}-{number + 1}",
        vendor=_VENDORS[number % len(_VENDORS)],
        product_type=_TYPES[number % len(_TYPES)],
        created_at=created,
        updated_at=max(created, updated),
        published_at=created + 3600 if status == "ACTIVE" else None,
        status=status,
        description_html=f"<p>{thing} aus der Werkstatt, Modell {name}.</p>",
        tags=sorted({thing.lower(), "neu" if number % 3 == 0 else "klassik"}),
        is_gift_card=is_gift_card,
    )
    product.options = _options(number, chance)
    for place, values in enumerate(crossed(*(values for _, values in product.options)), 1):
        _add_variant(made, product, chance, list(values), place, currency, is_digital)
    if number % 5 == 0:
        product.metafields.append(
            Metafield(
                FIRST_METAFIELD + number,
                "PRODUCT",
                "logistics",
                "hazard_class",
                "single_line_text_field",
                chance.choice(("none", "3", "9")),
                created,
                created,
            )
        )
    made.products[product.id] = product


def _options(number: int, chance: Random) -> list[tuple[str, list[str]]]:
    if number == 7:
        return [("Farbe", [f"Ton {tone}" for tone in range(1, _MANY_VARIANTS + 1)])]
    if number % 4 == 1:
        return [("Größe", list(_SIZES[: chance.randint(2, 4)]))]
    if number % 4 == 2:
        return [("Größe", list(_SIZES[:2])), ("Farbe", list(_COLOURS[: chance.randint(2, 3)]))]
    return [("Title", ["Default Title"])]


def _add_variant(
    made: Catalogue,
    product: Product,
    chance: Random,
    options: list[str],
    place: int,
    currency: str,
    is_digital: bool,
) -> None:
    number = len(made.variants)
    price = _price(chance, currency)
    sku = "" if number % 37 == 36 else f"MU-{product.id % 10_000:04d}-{place}"
    ships = not (is_digital or product.is_gift_card)
    item = InventoryItem(
        id=FIRST_ITEM + number,
        variant_id=FIRST_VARIANT + number,
        sku=sku,
        created_at=product.created_at,
        updated_at=product.updated_at,
        tracked=ships and number % 17 != 16,
        requires_shipping=ships,
        cost=rounded(price * Decimal("0.45"), currency) if chance.random() < 0.7 else None,
        weight_kg=round(chance.uniform(0.05, 4), 2) if ships else 0.0,
        country_code_of_origin=chance.choice(("DE", "JP", "PT", None)),
        harmonized_system_code="691200" if ships else None,
    )
    variant = ProductVariant(
        id=FIRST_VARIANT + number,
        product_id=product.id,
        item_id=item.id,
        sku=sku,
        price=price,
        position=place,
        created_at=product.created_at,
        updated_at=product.updated_at,
        options=options,
        barcode=f"40{number:011d}" if chance.random() < 0.6 else None,
        compare_at_price=rounded(price * 2, currency) if chance.random() < 0.2 else None,
        inventory_policy="CONTINUE" if chance.random() < 0.1 else "DENY",
    )
    made.items[item.id], made.variants[variant.id] = item, variant
    product.variant_ids.append(variant.id)
    _stock(made, item, chance)


def _stock(made: Catalogue, item: InventoryItem, chance: Random) -> None:
    """The first location has nearly everything, the others some of it."""
    for place, location in enumerate(made.locations.values()):
        share = (1.0, 0.6, 0.35, 0.0)[min(place, 3)]
        if not location.is_active or chance.random() >= share:
            continue
        level = InventoryLevel(
            id=FIRST_LEVEL + len(made.levels),
            item_id=item.id,
            location_id=location.id,
            created_at=item.created_at,
            updated_at=item.updated_at,
            available=chance.randrange(0, 180) if item.tracked else 0,
            damaged=chance.choice((0, 0, 0, 2)) if item.tracked else 0,
            incoming=chance.choice((0, 0, 25)) if item.tracked else 0,
        )
        made.levels[item.id, location.id] = level


def _price(chance: Random, currency: str) -> Decimal:
    factor = 150 if rounded(Decimal(1), currency).as_tuple().exponent == 0 else 1
    return rounded(Decimal(chance.randrange(390, 14_990)) / 100 * factor, currency)


def _bundle(made: Catalogue) -> None:
    """The last plain product becomes a set of the first variants of two others: it has no stock of
    its own to write.
    """
    plain = [p for p in made.products.values() if len(p.variant_ids) == 1 and not p.is_gift_card]
    if len(plain) < 4:
        return
    first, second, bundle = plain[0], plain[1], plain[-1]
    bundle.title, bundle.tags = f"Set {bundle.title}", sorted({*bundle.tags, "set"})
    made.variants[bundle.variant_ids[0]].components = [
        (first.variant_ids[0], 2),
        (second.variant_ids[0], 1),
    ]


def _rename(made: Catalogue, skus: Sequence[str]) -> None:
    counted = (
        variant
        for variant in made.variants.values()
        if made.items[variant.item_id].tracked
        and made.products[variant.product_id].status == "ACTIVE"
        and (variant.item_id, FIRST_LOCATION) in made.levels
        and not variant.components
    )
    for sku, variant in zip(skus, counted, strict=False):
        variant.sku = made.items[variant.item_id].sku = sku
