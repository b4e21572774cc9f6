"""Changes of a listing: what is wrong with one, and what an accepted one does when its time comes.

``patchListingsItem`` and the listings feed end here alike. Sources: the words for a missing channel
code and an unknown attribute are those of jlevers/selling-partner-api#493 and #861, the codes of
amzn/selling-partner-api-models#5219; that values are matched by channel and marketplace is #2061
there, that ``replace`` drops what it does not name is #4406. What is said about stock that Amazon
keeps is assumed: Amazon itself would rather turn such a listing into the seller's own.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from integrations.sandbox.amazon.listings.models import (
    MERCHANT_CHANNEL,
    Issue,
    Listing,
    Stock,
    Submission,
)
from integrations.sandbox.amazon.marketplaces import MARKETPLACES
from integrations.sandbox.amazon.money import rounded
from integrations.sandbox.amazon.wire import Refused

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

Patch = dict[str, Any]
ROOT = "/attributes/"
_STOCK, _OFFER = "fulfillment_availability", "purchasable_offer"
_KNOWN = frozenset(
    {
        _STOCK,
        _OFFER,
        "item_name",
        "condition_type",
        "brand",
        "bullet_point",
        "product_description",
        "list_price",
        "merchant_shipping_group",
        "max_order_quantity",
    }
)
_CHANNELS = frozenset({MERCHANT_CHANNEL} | {place.afn for place in MARKETPLACES.values()})
_MOST = 10**9
"""Units or money beyond it are a mistake (assumed)."""

_SELECTORS = {_STOCK: ("fulfillment_channel_code", "marketplace_id")}


# --- what is wrong --------------------------------------------------------------------------------


def faults(row: Listing, patches: Sequence[Patch]) -> list[Issue]:
    """Why a change would not be accepted. Raises Refused for a path that cannot be patched."""
    found = []
    for patch in patches:
        name = patch["path"].removeprefix(ROOT)
        if not patch["path"].startswith(ROOT) or "/" in name or not name:
            raise Refused(400, "BAD_REQUEST", "Invalid input", "Only top-level attributes.")
        if name not in _KNOWN:
            found.append(Issue("90000900", "The attributes are invalid.", attributes=(name,)))
        elif patch["op"] != "delete" and not patch.get("value"):
            found.append(_invalid_value("value", name))
        elif name == _STOCK:
            found += [
                one for value in patch.get("value") or () for one in _stock_faults(row, value)
            ]
        elif name == _OFFER and patch["op"] != "delete":
            found += [
                _invalid_value("our_price", name)
                for value in patch["value"]
                if _price_of(value) is None
            ]
    return found


def _stock_faults(row: Listing, value: Patch) -> list[Issue]:
    code = value.get("fulfillment_channel_code")
    if code is None:
        return [
            Issue(
                "99022",
                f"The field 'fulfillment_channel_code' for the attribute '{_STOCK}' does not have"
                " enough values. The required minimum is '1' value(s).",
                attributes=(_STOCK,),
                categories=("INVALID_ATTRIBUTE",),
            )
        ]
    if code not in _CHANNELS:
        return [_invalid_value("fulfillment_channel_code", _STOCK)]
    quantity = value.get("quantity")
    if quantity is None:
        return []
    is_number = isinstance(quantity, int) and not isinstance(quantity, bool)
    if not is_number or not 0 <= quantity < _MOST or code != MERCHANT_CHANNEL or row.is_amazons:
        return [_invalid_value("quantity", _STOCK)]
    return []


def _invalid_value(field: str, attribute: str) -> Issue:
    return Issue(
        "4000001",
        f"The provided value for '{field}' is invalid.",
        attributes=(attribute,),
        categories=("INVALID_ATTRIBUTE",),
    )


# --- what is done ---------------------------------------------------------------------------------


def accept(
    store: SellerStore, row: Listing, places: Sequence[str], patches: Sequence[Patch]
) -> str:
    """The submission's id. It is seen when ``accept_s`` are over, in the order of acceptance."""
    name = uuid.uuid4().hex
    store.state.submissions[name] = Submission(row.sku, list(places), list(patches))
    store.later(store.options.accept_s, "listing", name)
    return name


def apply(store: SellerStore, key: str, at: float) -> None:
    """The listing may be gone by then."""
    submission = store.state.submissions.pop(key)
    row = store.state.listings.get(submission.sku)
    if row is None or store.strikes("change_lost", f"listing {submission.sku}"):
        return
    before = (row.quantity, [offer.price for offer in row.offers.values()], str(row.attributes))
    for patch in submission.patches:
        for place in submission.marketplaces:
            _patch(row, patch, place)
    if before != (row.quantity, [one.price for one in row.offers.values()], str(row.attributes)):
        touch(row, int(at), submission.marketplaces)


def touch(row: Listing, now: int, places: Sequence[str] | None = None) -> None:
    row.updated = now
    for name in row.offers if places is None else places:
        if name in row.offers:
            row.offers[name].updated = now


def to_amazon(row: Listing, place: str, now: int) -> None:
    """The listing is one that Amazon keeps from now on; nothing has arrived there yet."""
    row.channel = MARKETPLACES[place].afn
    row.quantity, row.stock = None, Stock(0, now)
    row.fnsku = f"X00{row.asin[2:9]}"
    row.attributes[_STOCK] = [
        {"fulfillment_channel_code": row.channel, "marketplace_id": name} for name in row.offers
    ]
    touch(row, now)


def _patch(row: Listing, patch: Patch, place: str) -> None:
    name = patch["path"].removeprefix(ROOT)
    values = [{"marketplace_id": place} | value for value in patch.get("value") or ()]
    kept = row.attributes.get(name, [])
    if patch["op"] == "delete":
        kept = [one for one in kept if values and not _matched(name, one, values)]
    for value in values if patch["op"] != "delete" else ():
        old = next((one for one in kept if _same(name, one, value)), None)
        new = (old or {}) | value if patch["op"] == "merge" else value
        kept = [one for one in kept if one is not old] + [new]
    row.attributes[name] = kept
    if name == _STOCK:
        _sell(row, kept, values, is_merged=patch["op"] == "merge")
    elif name == _OFFER and patch["op"] != "delete":
        for value in values:
            _reprice(row, value)


def _matched(name: str, one: Patch, values: Sequence[Patch]) -> bool:
    return any(_same(name, one, value) for value in values)


def _same(name: str, one: Patch, other: Patch) -> bool:
    selectors = _SELECTORS.get(name, ("marketplace_id",))
    return all(one.get(key) == other.get(key) for key in selectors)


def _sell(row: Listing, kept: Sequence[Patch], values: Sequence[Patch], *, is_merged: bool) -> None:
    """What shoppers can buy is what was submitted last for the seller's own channel. What is merged
    without a quantity leaves what sales have left of it.
    """
    own = [
        value
        for value in values
        if value.get("fulfillment_channel_code") == MERCHANT_CHANNEL
        and ("quantity" in value or not is_merged)
    ]
    if own and row.quantity is not None:
        matching = [one for one in kept if _same(_STOCK, one, own[-1])]
        row.quantity = int(matching[-1].get("quantity") or 0) if matching else 0


def _reprice(row: Listing, value: Patch) -> None:
    offer, price = row.offers.get(value["marketplace_id"]), _price_of(value)
    if offer is not None and price is not None:
        offer.price = rounded(price, MARKETPLACES[value["marketplace_id"]].currency)


def _price_of(value: Patch) -> Decimal | None:
    try:
        found = value["our_price"][0]["schedule"][0]["value_with_tax"]
        price = Decimal(str(found))
    except (KeyError, IndexError, TypeError, ArithmeticError):
        return None
    return price if price.is_finite() and 0 < price < _MOST else None
