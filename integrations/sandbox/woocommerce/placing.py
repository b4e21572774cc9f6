"""The kinds of order that can be placed in a simulated store, plain ones and troublesome ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from integrations.sandbox.woocommerce import people, selling, stocking
from integrations.sandbox.woocommerce.acts import Refusal, by_sku
from integrations.sandbox.woocommerce.models import Order, Product
from integrations.sandbox.woocommerce.money import MICRO
from integrations.sandbox.woocommerce.store import WooStore

MOST_AT_ONCE = 5_000
MANY_LINES = 600
CUSTOM_STATUS = "packed-by-hand"
_UNSOLD = frozenset({"grouped", "variable", "external"})


def place(store: WooStore, chance: Random, *, kind: str = "plain", count: int = 1) -> list[int]:
    """Place ``count`` orders of a kind; their ids. Raises Refusal."""
    made = ORDER_KINDS.get(kind)
    if made is None:
        raise Refusal(f"There is no kind of order “{kind}”. There are: {', '.join(ORDER_KINDS)}.")
    if not 1 <= count <= MOST_AT_ONCE:
        raise Refusal(f"count lies between 1 and {MOST_AT_ONCE}, not {count}.")
    placed = []
    for _ in range(count):
        with store.working():
            placed.append(made(store, chance).id)
    return placed


def place_with(
    store: WooStore,
    chance: Random,
    lines: Sequence[tuple[str, int]],
    *,
    status: str = "processing",
) -> int:
    """An order of these (SKU, quantity); its id. Raises Refusal for a SKU the store has not."""
    bought = []
    with store.working():
        for sku, quantity in lines:
            product = by_sku(store, sku)
            if quantity < 1:
                raise Refusal(f"A quantity is at least 1, not {quantity}.")
            bought.append((product.parent_id or product.id, _variation(product), quantity))
        return _placed(store, chance, lines=bought, status=status).id


def _placed(
    store: WooStore,
    chance: Random,
    *,
    lines: Sequence[tuple[int, int, int]] | None = None,
    status: str = "processing",
) -> Order:
    method, title, _ = people.GATEWAYS[chance.randrange(3)]
    billing = _address(chance)
    return selling.place_order(
        store,
        lines=_basket(store, chance) if lines is None else lines,
        status=status,
        billing=billing,
        shipping={key: value for key, value in billing.items() if key != "email"},
        payment_method=method,
        payment_title=title,
        note=chance.choice(people.CUSTOMER_NOTES),
        shipping_total=495 * (MICRO // 100 if store.decimals else MICRO),
    )


def _plain(store: WooStore, chance: Random) -> Order:
    return _placed(store, chance)


def _unicode(store: WooStore, chance: Random) -> Order:
    """Names in every script, right to left, combining, beyond the basic plane."""
    order = _placed(store, chance)
    order.billing |= {
        "first_name": chance.choice(("שָׁלוֹם 🧑‍🚀", "Zoe\u0308", "محمد", "さくら", "𝒜𝓃𝓃𝒶", "Ọ̀ṣun")),
        "last_name": chance.choice(
            ("O’Brien-Łęcki", "Nguyễn Thị", "الأحمد", "Straße", "李", "ﬁne")
        ),
        "address_1": "улица «Мира», д. 7 — кв. 12 \u202e",
    }
    store.save_order(order, "created")
    return order


def _unknown_sku(store: WooStore, chance: Random) -> Order:
    order = _placed(store, chance)
    line = order.lines[0]
    line.product_id = line.variation_id = 0
    line.sku = f"UNKNOWN-{line.id}"
    store.save_order(order, "created")
    return order


def _deleted_product(store: WooStore, chance: Random) -> Order:
    """Sold and then deleted for good: the line keeps its name and loses its product."""
    order = _placed(store, chance)
    line = order.lines[0]
    line.product_id = line.variation_id = 0
    line.name += " (discontinued)"
    store.save_order(order, "created")
    return order


def _custom_status(store: WooStore, chance: Random) -> Order:
    """A status a plugin brought, which no list of the core names."""
    known = store.options.custom_statuses
    return _placed(store, chance, status=known[0] if known else CUSTOM_STATUS)


def _many_lines(store: WooStore, chance: Random) -> Order:
    sold = _sold(store)
    basket = [_bought(chance.choice(sold), 1) for _ in range(MANY_LINES)]
    return _placed(store, chance, lines=basket)


def _no_address(store: WooStore, chance: Random) -> Order:
    """Made in the admin by somebody in a hurry."""
    return selling.place_order(store, lines=_basket(store, chance), created_via="admin")


def _no_lines(store: WooStore, chance: Random) -> Order:
    return _placed(store, chance, lines=[])


def _other_number(store: WooStore, chance: Random) -> Order:
    """A numbering plugin: what people call the order is not its id."""
    order = _placed(store, chance)
    order.number = f"RE-26/{order.id:06d}"
    store.save_order(order, "created")
    return order


def _unpaid(store: WooStore, chance: Random) -> Order:
    return _placed(store, chance, status="pending")


ORDER_KINDS: dict[str, Callable[[WooStore, Random], Order]] = {
    "plain": _plain,
    "unicode": _unicode,
    "unknown_sku": _unknown_sku,
    "deleted_product": _deleted_product,
    "custom_status": _custom_status,
    "many_lines": _many_lines,
    "no_address": _no_address,
    "no_lines": _no_lines,
    "other_number": _other_number,
    "unpaid": _unpaid,
}


def _address(chance: Random) -> dict[str, str]:
    who = chance.randrange(10_000)
    country, state, city, postcode, prefix, _ = chance.choices(
        people.PLACES, [row[5] for row in people.PLACES]
    )[0]
    return {
        "first_name": people.FIRST_NAMES[who % len(people.FIRST_NAMES)],
        "last_name": people.LAST_NAMES[who % len(people.LAST_NAMES)],
        "address_1": f"{people.STREETS[who % len(people.STREETS)]} {who % 200 + 1}",
        "city": city,
        "state": state,
        "postcode": postcode,
        "country": country,
        "email": f"kunde{who}@gaeste.example",
        "phone": f"{prefix} {who:06d}",
    }


def _sold(store: WooStore) -> list[Product]:
    """What a customer can buy now; where all is sold out, whatever has a price. Raises Refusal."""
    found = [
        product
        for product in store.products.values()
        if product.kind not in _UNSOLD and product.price is not None and product.status == "publish"
    ]
    if not found:
        raise Refusal("The store sells nothing: it has no product with a price.")
    return [product for product in found if _room(store, product) > 0] or found


def _room(store: WooStore, product: Product) -> int:
    """How many a checkout would let go (includes/class-wc-cart.php, check_cart_item_stock)."""
    counted = stocking.keeper(store, product)
    if counted is None or counted.stock is None or counted.backorders != "no":
        return 0 if product.stock_status == "outofstock" else MOST_AT_ONCE
    return counted.stock


def _variation(product: Product) -> int:
    return product.id if product.parent_id else 0


def _bought(product: Product, quantity: int) -> tuple[int, int, int]:
    return product.parent_id or product.id, _variation(product), quantity


def _basket(store: WooStore, chance: Random) -> list[tuple[int, int, int]]:
    sold = _sold(store)
    chosen = chance.sample(sold, min(chance.choice((1, 1, 2, 3)), len(sold)))
    return [
        _bought(product, min(chance.choice((1, 1, 1, 2, 3)), max(1, _room(store, product))))
        for product in chosen
    ]
