"""The catalogue a new store starts with: every kind of product and every kind of SKU trouble."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from integrations.sandbox.dice import dice
from integrations.sandbox.woocommerce import people
from integrations.sandbox.woocommerce.models import Meta, Product
from integrations.sandbox.woocommerce.money import MICRO

FIRST_ID = 20


def slug_of(name: str) -> str:
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", folded).strip("-") or "artikel"


def catalogue(
    *, seed: int, count: int, now: int, decimals: int, new_meta_id: Callable[[], int]
) -> dict[int, Product]:
    """``count`` products (variations not counted) by id, created before ``now`` (epoch seconds)."""
    chance = dice(seed, "products")
    found: dict[int, Product] = {}
    next_id = FIRST_ID
    simple: list[int] = []
    for n in range(1, count + 1):
        made = now - 86_400 * 200 + n * 60
        name = (
            f"{people.ADJECTIVES[n % len(people.ADJECTIVES)]} "
            f"{people.PRODUCT_NAMES[n % len(people.PRODUCT_NAMES)]} Nr. {n}"
        )
        product = Product(
            id=next_id,
            name=name,
            slug=slug_of(name),
            created=made,
            modified=made + chance.randrange(86_400 * 150),
            sku=_sku(n),
            regular=_price(chance.randrange(199, 15_000), decimals),
            manages_stock=True,
            stock=chance.randrange(0, 900),
            weight=f"{chance.randrange(20, 4000) / 1000:g}",
            gtin=f"4006381{n:06d}" if n % 3 == 0 else "",
            description=f"<p>Beschreibung für <strong>{n}</strong> – äöüß ☕</p>",
            summary=f"Kurz {n}",
            categories=[dict(people.CATEGORIES[n % len(people.CATEGORIES)])],
            tax_class="reduced-rate" if n % 5 == 0 else "",
        )
        next_id += 1
        found[product.id] = product
        if n % 4 == 0 and product.regular:
            product.sale = product.regular * 3 // 4 // MICRO * MICRO or None
        if n % 6 == 0:
            product.meta = [
                Meta(new_meta_id(), "_erp_ref", f"ERP/{n:05d}"),
                Meta(
                    new_meta_id(),
                    "supplier",
                    {"id": n, "name": "Großhandel Müller", "codes": ["a", "b"]},
                ),
            ]
        if n % 10 == 7:
            next_id = _make_variable(found, product, next_id, n, decimals, chance.randrange(900))
        elif n % 25 == 13 and len(simple) >= 3:
            product.kind, product.grouped = "grouped", simple[-3:]
            product.manages_stock, product.stock, product.regular = False, None, None
            product.sale = None
        elif n % 40 == 21:
            product.kind, product.manages_stock, product.stock = "external", False, None
            product.extra = {"external_url": "https://elsewhere.example/p", "button_text": "Buy"}
        elif n % 20 == 9:
            product.is_virtual, product.manages_stock, product.stock = True, False, None
            product.weight = ""
        else:
            _vary(product, n)
            simple.append(product.id)
        settle_stock(product)
    return found


def _sku(n: int) -> str:
    if n % 17 == 5:
        return ""
    if n % 23 == 11:
        return f"SKU-{n - 1:04d}"
    if n % 29 == 3:
        return f"SK U/{n} ä"
    return f"SKU-{n:04d}"


def _price(cents: int, decimals: int) -> int:
    return cents * MICRO // 100 if decimals >= 2 else cents * MICRO


def _vary(product: Product, n: int) -> None:
    if n % 11 == 4:
        product.manages_stock, product.stock = False, None
    elif n % 13 == 6:
        product.backorders, product.stock = "notify", -2
    elif n % 14 == 8:
        product.stock = 0
    if n % 31 == 30:
        product.status = "draft"
    elif n % 37 == 36:
        product.status = "private"


def _make_variable(
    found: dict[int, Product], parent: Product, next_id: int, n: int, decimals: int, stock: int
) -> int:
    """Three variations; every second parent keeps the stock for all of them."""
    at_parent = n % 20 == 7
    parent.kind, parent.sku, parent.regular, parent.sale = "variable", f"VAR-{n:03d}", None, None
    parent.name = f"T-Shirt Modell {n} Ärmel"
    parent.slug = slug_of(parent.name)
    parent.manages_stock, parent.stock = at_parent, stock if at_parent else None
    parent.weight = ""
    parent.attributes = [
        {
            "id": 0,
            "name": "Größe",
            "slug": "Größe",
            "position": 0,
            "visible": True,
            "variation": True,
            "options": list(people.SIZES[:3]),
        }
    ]
    for place, size in enumerate(people.SIZES[:3]):
        variation = Product(
            id=next_id,
            name=f"{parent.name} - {size}",
            created=parent.created,
            modified=parent.created,
            slug=f"{parent.slug}-{slug_of(size)}",
            kind="variation",
            sku=f"VAR-{n:03d}-{place + 1}" if n % 3 or place else "",
            regular=_price(1990 + place * 100, decimals),
            manages_stock="parent" if at_parent else True,
            stock=None if at_parent else stock + place,
            tax_class=parent.tax_class,
            parent_id=parent.id,
            menu_order=place,
            attributes=[{"id": 0, "name": "Größe", "slug": "grose", "option": size}],
        )
        settle_stock(variation)
        found[next_id] = variation
        parent.variations.append(next_id)
        next_id += 1
    return next_id


def settle_stock(product: Product) -> None:
    """A counted product's stock status follows its figure."""
    if product.manages_stock is not True or product.stock is None:
        return
    if product.stock > 0:
        product.stock_status = "instock"
    else:
        product.stock_status = "outofstock" if product.backorders == "no" else "onbackorder"
