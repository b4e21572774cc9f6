"""Writing and reading stock figures: absolute, SKU by SKU, one result per line.

Amazon is asked first whose a listing is: a figure for one that lies in its warehouses would make it
a listing that the seller sends himself. What it accepts is queued and shows after minutes, so a
write observes nothing. A merge leaves what else is submitted for the channel, which a replacement
would wipe: https://github.com/amzn/selling-partner-api-models/issues/4406. The product type
PRODUCT does for changes of an offer: …-docs/issues/2167.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from integrations.amazon import shapes
from integrations.amazon.client import AmazonClient
from integrations.amazon.listing_mapper import OWN_CHANNEL, Row, figure, is_amazons
from integrations.amazon.listings import ListingReader
from integrations.amazon.values import text
from integrations.errors import ContractBroken, ItemError, PlatformError
from integrations.kit.redact import redact_told
from inventory.data import StockResult, StockUpdate

_PATH = "/attributes/fulfillment_availability"
_ANY_TYPE = "PRODUCT"
_ACCEPTED = "ACCEPTED"
_BY_AMAZON = (
    "Amazon keeps this item in its own warehouses and counts it there, so no figure is sent. Tell "
    "Logix to ignore the listing."
)
_GONE = "Amazon has no listing with this SKU in the connected marketplaces any more."
_NOBODYS = (
    "Amazon does not say who keeps this item, so no figure is sent. Enter a first quantity for it "
    "in Seller Central."
)


def write(
    client: AmazonClient, listings: ListingReader, updates: Sequence[StockUpdate]
) -> list[StockResult]:
    """Set every figure. Raises only while nothing was written; later trouble becomes the result of
    the lines it hit and of those that were not reached.
    """
    found = listings.find([sku_of(update) for update in updates])
    results: list[StockResult] = []
    trouble: PlatformError | None = None
    for update in updates:
        row = found.get(sku_of(update))
        no = refused(row)
        if no or row is None:
            results.append(no or failed("not_found", _GONE))
            continue
        if trouble is not None:
            # By its class: what the engine does next hangs on whether waiting helps.
            results.append(failed(type(trouble).code, trouble.message))
            continue
        try:
            results.append(_write_one(client, row, update.quantity))
        except (ItemError, ContractBroken) as err:
            results.append(failed(err.code, err.message))
        except PlatformError as err:
            if not any(result.ok for result in results):
                raise
            trouble = err
            results.append(failed(type(err).code, err.message))
    return results


def read(listings: ListingReader, updates: Sequence[StockUpdate]) -> list[StockResult]:
    """What shoppers can buy now, same order."""
    found = listings.find([sku_of(update) for update in updates])
    return [_read_one(found.get(sku_of(update))) for update in updates]


def sku_of(update: StockUpdate) -> str:
    return update.stock_ref or update.external_variant_id or update.external_product_id


def _write_one(client: AmazonClient, row: Row, quantity: int) -> StockResult:
    answer = client.patch_listing(row.sku, row.place, patch(type_of(row), quantity))
    told = shapes.decode(answer.body, shapes.Submission)
    if told.status != _ACCEPTED:
        return _issue(told)
    return StockResult(ok=True)


def patch(product_type: str, quantity: int) -> dict[str, Any]:
    """What sets the units a seller has of a SKU."""
    value = {"fulfillment_channel_code": OWN_CHANNEL, "quantity": quantity}
    return {
        "productType": product_type,
        "patches": [{"op": "merge", "path": _PATH, "value": [value]}],
    }


def type_of(row: Row) -> str:
    return (row.summary and row.summary.product_type) or _ANY_TYPE


def _read_one(row: Row | None) -> StockResult:
    no = refused(row)
    if no or row is None or row.listing is None:
        return no or failed("not_found", _GONE)
    return StockResult(ok=True, observed=figure(row.listing))


def refused(row: Row | None) -> StockResult | None:
    """Why no figure may be sent for a listing."""
    if row is None:
        return failed("not_found", _GONE)
    if row.trouble or row.listing is None:
        return failed("contract_broken", "Amazon's answer for this item cannot be read.")
    if is_amazons(row.listing):
        return failed("kept_by_amazon", _BY_AMAZON)
    if not row.listing.fulfillment_availability:
        return failed("channel_unknown", _NOBODYS)
    return None


def _issue(told: shapes.Submission) -> StockResult:
    """The first of what is wrong, in Amazon's words."""
    issues = sorted(_errors(told.issues), key=lambda one: one.severity != "ERROR")
    if not issues:
        return failed("rejected", "Amazon did not accept the figure and gave no reason.")
    said = redact_told(text(issues[0].message))
    return failed(text(issues[0].code, 60) or "rejected", said or "Amazon refused this item.")


def _errors(issues: Sequence[shapes.Issue]) -> Iterator[shapes.Issue]:
    yield from (one for one in issues if one.severity != "INFO")


def failed(code: str, sentence: str) -> StockResult:
    return StockResult(ok=False, changed=False, error_code=code, error=sentence)
