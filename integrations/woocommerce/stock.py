"""Writing and reading stock figures: absolute, in batches, one result per line.

Products go in one batch endpoint, the variations of each parent in another, at most 100 at a time.
A batch answers per item inside a 200. Source:
https://woocommerce.github.io/woocommerce-rest-api-docs/#batch-update-products
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec

from integrations.errors import ContractBroken, ItemError, PlatformError
from integrations.woocommerce import shapes
from integrations.woocommerce.catalogue import AT_PARENT, StockAddress, figure
from integrations.woocommerce.client import WooClient
from integrations.woocommerce.values import text
from inventory.data import StockResult, StockUpdate

BATCH = 100
_NOT_COUNTED = (
    "The store does not count this item: “Stock management” is off. Turn it on in the product's "
    "inventory tab, or tell Logix to ignore the listing."
)
_AT_PARENT = "The store counts this variation at its product. Read the products again."
_NO_ADDRESS = "Logix does not know where the store keeps this figure. Read the products again."
# Its own ids; for the variations of one parent, and (parent 0) for products.
Line = tuple[int, StockAddress, StockUpdate]


def write(client: WooClient, updates: Sequence[StockUpdate]) -> list[StockResult]:
    """Set every figure. Raises only while nothing was written; later trouble becomes the result of
    the lines it hit and of those that were not reached.
    """
    results: dict[int, StockResult] = {}
    groups: dict[int, list[Line]] = defaultdict(list)
    for index, update in enumerate(updates):
        address = address_of(update)
        if address is None:
            results[index] = failed("no_address", _NO_ADDRESS)
        else:
            parent = address.product_id if address.variation_id else 0
            groups[parent].append((index, address, update))
    trouble: PlatformError | None = None
    sent = False
    for parent, lines in groups.items():
        for start in range(0, len(lines), BATCH):
            part = lines[start : start + BATCH]
            if trouble is None:
                try:
                    results.update(_write_part(client, parent, part))
                    sent = True
                    continue
                except PlatformError as err:
                    if not sent:
                        raise
                    trouble = err
            results.update({index: failed(trouble.code, trouble.message) for index, _, _ in part})
    return [results[index] for index in range(len(updates))]


def _write_part(client: WooClient, parent: int, part: Sequence[Line]) -> dict[int, StockResult]:
    """One batch; where the store refuses it as a whole, its halves, down to the single line."""
    body = [
        {"id": address.variation_id or address.product_id, "stock_quantity": update.quantity}
        for _, address, update in part
    ]
    try:
        rows = client.batch_variations(parent, body) if parent else client.batch_products(body)
    except (ItemError, ContractBroken) as err:
        if len(part) == 1:
            return {part[0][0]: failed(err.code, err.message)}
        middle = len(part) // 2
        return {
            **_write_part(client, parent, part[:middle]),
            **_write_part(client, parent, part[middle:]),
        }
    return {
        index: _result(row, update.quantity)
        for (index, _, update), row in zip(part, rows, strict=True)
    }


def read(client: WooClient, updates: Sequence[StockUpdate]) -> list[StockResult]:
    """The store's present figures, same order. Products are asked for by the hundred."""
    results: dict[int, StockResult] = {}
    products: dict[int, list[int]] = defaultdict(list)
    for index, update in enumerate(updates):
        address = address_of(update)
        if address is None:
            results[index] = failed("no_address", _NO_ADDRESS)
        elif address.variation_id:
            results[index] = _read_variation(client, address)
        else:
            products[address.product_id].append(index)
    ids = list(products)
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        fields = "id,manage_stock,stock_quantity"
        answer = client.products({"include": part, "per_page": BATCH, "_fields": fields})
        found = {row.id: row for row in answer.decode(list[shapes.StockRow], strict=False)}
        for product_id in part:
            row = found.get(product_id)
            gone = failed("not_found", "The store does not have this product any more.")
            for index in products[product_id]:
                results[index] = _figure_of(row, None) if row else gone
    return [results[index] for index in range(len(updates))]


def _read_variation(client: WooClient, address: StockAddress) -> StockResult:
    try:
        answer = client.variation(address.product_id, address.variation_id)
    except ItemError as err:
        return failed(err.code, err.message)
    return _result(answer.body, None)


def _result(raw: bytes, wanted: int | None) -> StockResult:
    """What the store says of one item; ``wanted`` None when it was only read."""
    try:
        row = msgspec.json.decode(raw, type=shapes.StockRow, strict=False)
    except msgspec.DecodeError:
        return failed("contract_broken", "The store's answer for this item cannot be read.")
    return _figure_of(row, wanted)


def _figure_of(row: shapes.StockRow, wanted: int | None) -> StockResult:
    if row.error:
        said = text(row.error.get("message")) or "The store refused this item."
        return failed(text(row.error.get("code"), 60) or "rejected", said)
    if row.manage_stock == AT_PARENT:
        return failed("stock_at_parent", _AT_PARENT)
    observed = figure(row.stock_quantity)
    if not row.manage_stock or observed is None:
        return failed("stock_not_managed", _NOT_COUNTED)
    if wanted is not None and observed != wanted:
        return StockResult(
            ok=False,
            observed=observed,
            error_code="not_taken",
            error=f"The store shows {observed} after {wanted} was written. A plugin may change it.",
        )
    # The API does not say whether the figure was another one before.
    return StockResult(ok=True, observed=observed)


def address_of(update: StockUpdate) -> StockAddress | None:
    try:
        if update.stock_ref:
            return StockAddress.read(update.stock_ref)
        product, variant = int(update.external_product_id), int(update.external_variant_id)
    except ValueError:
        return None
    return StockAddress(product, 0 if variant == product else variant)


def failed(code: str, sentence: str) -> StockResult:
    return StockResult(ok=False, changed=False, error_code=code, error=sentence)
