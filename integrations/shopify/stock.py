"""Writing and reading stock figures: what can be sold (``available``) of an item at a location, one
result per line.

Each figure is looked at before it is written, and written only if it still is what was seen: a sale
in between is told as such and computed anew. A batch is done whole or not at all, so the lines that
Shopify names are taken out and the rest is sent again. Source: the official schema 2026-07,
inventorySetQuantities; https://shopify.dev/changelog, "Making idempotency mandatory".
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from integrations.errors import ItemError, NotFound, PlatformError, Unavailable
from integrations.shopify import catalogue, product_shapes, refusals, shapes
from integrations.shopify.client import ShopifyClient, user_errors
from integrations.shopify.shapes import Camel, UserError
from integrations.shopify.values import gid
from inventory.data import StockResult, StockUpdate

BATCH = 250
# The reason for a general adjustment, shown in the item's history. The schema points to the list:
# https://shopify.dev/docs/apps/build/orders-fulfillment/inventory-management-apps/manage-quantities-states
# its values are also told at
# https://www.highviewapps.com/kb/ez-inventory-shopify-inventory-adjustment-reasons/ (2026-11-26).
_REASON = "correction"
_NAMESPACE = uuid.UUID("6f8ddc0e-6a53-5c0c-9a0b-2b1f3b1e7a10")
_NOT_COUNTED = (
    "The store does not count this item: “Track quantity” is off. Turn it on at the product, or "
    "tell Logix to ignore the listing."
)
_BUNDLE = "The item is a bundle, whose figure Shopify computes from its parts."
_GONE = "The store does not have this item any more."
_CHANGED = "The figure was changed in the store while it was being written."
_NO_ADDRESS = "Logix does not know where the store keeps this figure. Read the products again."
_NO_LOCATION = (
    "Logix does not know which of the store's locations this figure is of. Choose under Stores → "
    "the store → Locations which of your places each of them shows."
)
# Somebody changed the figure after it was looked at.
_STALE = frozenset({"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"})
# The same key is under way, or failed for reasons that may pass.
_AGAIN = frozenset({"IDEMPOTENCY_CONCURRENT_REQUEST", "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"})


class _Sold(Camel):
    requires_components: bool = False


class _Item(product_shapes.InventoryItem):
    variants: shapes.Connection[_Sold] | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    """An update and what the store showed before of its item at its location."""

    index: int
    update: StockUpdate
    location: str
    item: _Item
    shown: int

    @property
    def is_stocked(self) -> bool:
        return self.item.inventory_level is not None

    @property
    def since(self) -> str:
        """When the figure came to be what it is: the same change later is another change."""
        level = self.item.inventory_level
        return level.updated_at if level else self.item.updated_at


def write(client: ShopifyClient, updates: Sequence[StockUpdate]) -> list[StockResult]:
    """Set every figure. Raises only while nothing was written; later trouble becomes the result of
    the lines it hit and of those that were not reached.
    """
    results: dict[int, StockResult] = {}
    lines = _look(client, updates, results)
    writer = _Writer(client, results)
    lines = [line for line in lines if not writer.is_so(line)]
    writer.activate([line for line in lines if not line.is_stocked])
    stocked = [line for line in lines if line.is_stocked]
    for start in range(0, len(stocked), BATCH):
        writer.set(stocked[start : start + BATCH])
    if writer.stale:
        results |= _what_changed(client, writer.stale)
    return [results[index] for index in range(len(updates))]


def read(client: ShopifyClient, updates: Sequence[StockUpdate]) -> list[StockResult]:
    """The present figures, same order."""
    results: dict[int, StockResult] = {}
    for line in _look(client, updates, results):
        results[line.index] = StockResult(ok=True, changed=False, observed=line.shown)
    return [results[index] for index in range(len(updates))]


def _what_changed(client: ShopifyClient, lines: Sequence[_Line]) -> dict[int, StockResult]:
    """Lines whose figures were changed by somebody else meanwhile, as the store shows them now."""
    try:
        shown = read(client, [line.update for line in lines])
    except PlatformError as err:
        shown = [failed(type(err).code, err.message) for _ in lines]
    return {
        line.index: replace(now, ok=False, error_code="not_taken", error=_CHANGED)
        if now.ok
        else now
        for line, now in zip(lines, shown, strict=True)
    }


def _look(
    client: ShopifyClient, updates: Sequence[StockUpdate], results: dict[int, StockResult]
) -> list[_Line]:
    """The items as they are, location by location; what cannot be told or set becomes a result."""
    wanted: dict[str, dict[int, str]] = {}
    for index, update in enumerate(updates):
        if not update.external_location_id:
            results[index] = failed("no_location", _NO_LOCATION)
            continue
        try:
            ref = gid("InventoryItem", update.stock_ref)
            wanted.setdefault(gid("Location", update.external_location_id), {})[index] = ref
        except NotFound:
            results[index] = failed("no_address", _NO_ADDRESS)
    lines = []
    for location, refs in wanted.items():
        items = _items(client, location, refs.values())
        for index, ref in refs.items():
            line = _line(index, updates[index], location, items.get(ref))
            if isinstance(line, StockResult):
                results[index] = line
            else:
                lines.append(line)
    return lines


def _items(client: ShopifyClient, location: str, refs: Iterable[str]) -> dict[str, _Item]:
    """Those of ``refs`` that there are, each with its figure at the location."""
    found: dict[str, _Item] = {}
    for _, reply in client.by_ids("stock", list(dict.fromkeys(refs)), {"location": location}):
        for raw in reply.at("nodes", list[msgspec.Raw]):
            if bytes(raw) not in (b"null", b"{}"):
                item = shapes.decode(bytes(raw), _Item)
                found[item.id] = item
    return found


def _line(
    index: int, update: StockUpdate, location: str, item: _Item | None
) -> _Line | StockResult:
    if item is None:
        return failed("not_found", _GONE)
    sold = item.variants.nodes[0] if item.variants and item.variants.nodes else _Sold()
    if sold.requires_components:
        return failed("bundle", _BUNDLE)
    if not item.tracked:
        return failed("stock_not_managed", _NOT_COUNTED)
    return _Line(index, update, location, item, catalogue.available(item.inventory_level))


@dataclass(slots=True)
class _Writer:
    client: ShopifyClient
    results: dict[int, StockResult]
    stale: list[_Line] = field(default_factory=list)
    has_written: bool = False
    trouble: PlatformError | None = None

    def is_so(self, line: _Line) -> bool:
        """Whether there is nothing to write. An item that is not kept at a location has none there,
        so 0 is no reason to keep it there.
        """
        if line.shown != line.update.quantity:
            return False
        self.results[line.index] = StockResult(ok=True, changed=False, observed=line.shown)
        return True

    def activate(self, lines: Iterable[_Line]) -> None:
        """Items that are not kept at their location yet are, with their figure."""
        for line in lines:
            variables = {
                "item": line.item.id,
                "location": line.location,
                "available": line.update.quantity,
                "key": _key("activate", [line]),
            }
            self._try([line], "stock_item_at_location", variables, "inventoryActivate")

    def set(self, waiting: Sequence[_Line]) -> None:
        while waiting:
            errors = self._try(waiting, "set_stock", self._input(waiting), "inventorySetQuantities")
            if not errors:
                return
            bad = _by_place(errors, len(waiting))
            for place, error in bad.items():
                self._refuse(waiting[place], error)
            waiting = [line for place, line in enumerate(waiting) if place not in bad]

    def _input(self, lines: Sequence[_Line]) -> dict[str, Any]:
        quantities = [
            {
                "inventoryItemId": line.item.id,
                "locationId": line.location,
                "quantity": line.update.quantity,
                "changeFromQuantity": line.shown,
            }
            for line in lines
        ]
        told = {"name": "available", "reason": _REASON, "quantities": quantities}
        return {"input": told, "key": _key("set", lines)}

    def _try(
        self, lines: Sequence[_Line], name: str, variables: dict[str, Any], root: str
    ) -> list[UserError]:
        """One mutation. Its errors where they tell the lines apart; else [], and the results are
        there.
        """
        if self.trouble is not None:
            self._end(lines, failed(type(self.trouble).code, self.trouble.message))
            return []
        try:
            # The key makes a repeat harmless.
            reply = self.client.ask(name, variables, repeatable=True)
            errors = user_errors(reply.at(root, dict[str, msgspec.Raw]))
            if any(error.code in _AGAIN for error in errors):
                raise Unavailable("Shopify is still busy with the same change.", code="busy")
        except ItemError as err:
            self._end(lines, failed(err.code, err.message))
            return []
        except PlatformError as err:
            if not self.has_written:
                raise
            self.trouble = err
            self._end(lines, failed(type(err).code, err.message))
            return []
        if not errors:
            self.has_written = True
            for line in lines:
                self.results[line.index] = StockResult(ok=True, observed=line.update.quantity)
        elif len(lines) == 1 or not _by_place(errors, len(lines)):
            for line in lines:
                self._refuse(line, errors[0])
            return []
        return errors

    def _refuse(self, line: _Line, error: UserError) -> None:
        if error.code in _STALE:
            self.stale.append(line)
        else:
            self.results[line.index] = failed(
                refusals.line_code(error), refusals.words(error.message)
            )

    def _end(self, lines: Sequence[_Line], result: StockResult) -> None:
        self.results.update({line.index: result for line in lines})


def _by_place(errors: Sequence[UserError], count: int) -> dict[int, UserError]:
    """Whose errors they are: the path is ``input, quantities, <place>, …``."""
    found: dict[int, UserError] = {}
    for error in errors:
        place = next((int(part) for part in error.field or () if part.isdigit()), count)
        if place < count:
            found.setdefault(place, error)
    return found


def _key(what: str, lines: Sequence[_Line]) -> str:
    """The same for the same change of the same figures, and for no other: Shopify answers a key it
    knows with what it answered before.
    """
    told = [[x.location, x.item.id, x.shown, x.since, x.update.quantity] for x in lines]
    return str(uuid.uuid5(_NAMESPACE, msgspec.json.encode([what, told]).decode()))


def failed(code: str, sentence: str) -> StockResult:
    return StockResult(ok=False, changed=False, error_code=code, error=sentence)
