"""Writing and reading stock figures: absolute, in batches, one result per line.

Products go in one batch endpoint, the variations of each parent in another, at most 100 at a time.
A batch answers per item inside a 200. Source:
https://woocommerce.github.io/woocommerce-rest-api-docs/#batch-update-products
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence

import msgspec

from integrations.errors import ContractBroken, ItemError, NotFound, PlatformError
from integrations.kit.redact import redact_told
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
_GONE = StockResult(
    ok=False,
    changed=False,
    error_code="not_found",
    error="The store does not have this item any more.",
)
# Its place among the updates, where the figure is kept, what it shall be.
Line = tuple[int, StockAddress, StockUpdate]


def write(client: WooClient, updates: Sequence[StockUpdate]) -> list[StockResult]:
    """Set every figure. Raises only while nothing was written; later trouble becomes the result of
    the lines it hit and of those that were not reached.
    """
    results: dict[int, StockResult] = {}
    todo = deque(_parts(updates, results))
    trouble: PlatformError | None = None
    sent = False
    while todo:
        parent, part = todo.popleft()
        if trouble is not None:
            # By its class: what the engine does next hangs on whether waiting helps.
            code = type(trouble).code
            results.update({index: failed(code, trouble.message) for index, _, _ in part})
            continue
        try:
            results.update(_write_part(client, parent, part))
            sent = True
        except NotFound as err:
            # The product of these variations is gone.
            results.update({index: failed(err.code, err.message) for index, _, _ in part})
        except (ItemError, ContractBroken) as err:
            # Refused as a whole: its halves, down to the single line.
            middle = len(part) // 2
            if middle:
                todo.extendleft([(parent, part[middle:]), (parent, part[:middle])])
            else:
                results[part[0][0]] = failed(err.code, err.message)
        except PlatformError as err:
            if not sent:
                raise
            trouble = err
            todo.appendleft((parent, part))
    return [results[index] for index in range(len(updates))]


def _parts(
    updates: Sequence[StockUpdate], results: dict[int, StockResult]
) -> Iterator[tuple[int, list[Line]]]:
    """The batches, by parent (0 for products). Updates without an address become results."""
    groups: dict[int, list[Line]] = defaultdict(list)
    for index, update in enumerate(updates):
        address = address_of(update)
        if address is None:
            results[index] = failed("no_address", _NO_ADDRESS)
        else:
            parent = address.product_id if address.variation_id else 0
            groups[parent].append((index, address, update))
    for parent, lines in groups.items():
        for start in range(0, len(lines), BATCH):
            yield parent, lines[start : start + BATCH]


def _write_part(client: WooClient, parent: int, part: Sequence[Line]) -> dict[int, StockResult]:
    body = [{"id": address.item, "stock_quantity": update.quantity} for _, address, update in part]
    rows = client.batch_variations(parent, body) if parent else client.batch_products(body)
    return {
        index: _result(row, update.quantity, address.item)
        for (index, address, update), row in zip(part, rows, strict=True)
    }


def read(client: WooClient, updates: Sequence[StockUpdate]) -> list[StockResult]:
    """The store's present figures, same order. Products, and the variations of one product, are
    asked for by the hundred.
    """
    results: dict[int, StockResult] = {}
    for parent, part in _parts(updates, results):
        found = _read_part(client, parent, list(dict.fromkeys(a.item for _, a, _ in part)))
        results.update({index: found.get(address.item, _GONE) for index, address, _ in part})
    return [results[index] for index in range(len(updates))]


def _read_part(client: WooClient, parent: int, ids: Sequence[int]) -> dict[int, StockResult]:
    asked = {"include": ids, "per_page": BATCH, "_fields": "id,manage_stock,stock_quantity"}
    try:
        answer = client.some_variations_of(parent, asked) if parent else client.products(asked)
    except ItemError as err:
        return dict.fromkeys(ids, failed(err.code, err.message))
    rows = [bytes(row) for row in answer.decode(list[msgspec.Raw])]
    return {_id_of(row): _result(row, None, 0) for row in rows}


def _id_of(raw: bytes) -> int:
    try:
        return shapes.decode(raw, shapes.Thin).id
    except ContractBroken:
        return 0


def _result(raw: bytes, wanted: int | None, item: int) -> StockResult:
    """What the store says of one item; ``wanted`` None when it was only read. ``item`` is whose
    answer it must be, 0 for any.
    """
    try:
        row = shapes.decode(raw, shapes.StockRow)
    except ContractBroken:
        return failed("contract_broken", "The store's answer for this item cannot be read.")
    if item and row.id and row.id != item:
        return failed("contract_broken", "The store answered for another item than was asked for.")
    return _figure_of(row, wanted)


def _figure_of(row: shapes.StockRow, wanted: int | None) -> StockResult:
    if row.error:
        said = redact_told(text(row.error.get("message"))) or "The store refused this item."
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
