"""Orders by a bulk operation, for a back-fill that would take many pages.

The file carries an order with its lines. It may not carry what lies in lists inside it, the lines
of parcels and refunds: Shopify refuses such a query ("a connection field within a list field"), and
more than five connections. Those parts are asked for beside it, a hundred and more orders a call,
together with the time the order was last changed: one that changed since the file was written is
read whole, one that is gone is left out. So what comes is as true as a page that is read now, and
is made into the node a page would have shown, for the same mapper.

Sources: https://shopify.dev/docs/api/usage/bulk-operations/queries; the words of the refusal are in
github.com/airhorns/shopify-draft-proxy, recorded from Shopify, and its sense in
github.com/estuary/connectors, pull request 4650.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import msgspec

from integrations.base import Filters, Page
from integrations.errors import (
    ContractBroken,
    Misconfigured,
    NotFound,
    Unavailable,
    Unsupported,
)
from integrations.kit import files
from integrations.kit.files import RemoteFile
from integrations.shopify import bulk, bulk_file, records
from integrations.shopify.bulk import BulkOperation
from integrations.shopify.bulk_file import Group
from integrations.shopify.operations import with_fragments
from integrations.shopify.platform import CARD
from integrations.shopify.records import Item, Question, Source, Variables
from orders.data import OrderData

SHORTEST_WAIT_S, LONGEST_WAIT_S = 5.0, 60.0
PATIENCE = timedelta(hours=12)
_MOST_BEGUN = 2
_LISTS = ((b"lineItems", bulk_file.LINES), (b"shippingLines", bulk_file.SHIPPING))
_AT_END = b'"pageInfo":{"hasNextPage":false,"endCursor":null}'
_OF_PARTS = ("legacyResourceId", "updatedAt")


@dataclass(frozen=True, slots=True)
class Place:
    """A position: how far in the file of which operation, and how many were begun for this read."""

    operation: str
    offset: int = 0
    begun: int = 1

    @classmethod
    def of(cls, position: Mapping[str, Any] | None) -> Place | None:
        return cls(**position) if position else None

    @property
    def position(self) -> dict[str, Any]:
        return {"operation": self.operation, "offset": self.offset, "begun": self.begun}


@dataclass(frozen=True, slots=True)
class BulkReader:
    """``query`` is the search term of the window."""

    source: Source[OrderData]
    query: str
    filters: Filters

    def pages(self) -> Iterator[Page[OrderData]]:
        """Raises Unsupported, in words, where Shopify does not do it."""
        place = Place.of(self.filters.position)
        if place is None:
            yield self._begun(after=0, begun=1)
            return
        told, now = bulk.look(self.source.client, place.operation)
        if told is None or told.status not in (*bulk.RUNNING, bulk.COMPLETED):
            yield self._again(place, told)
            return
        age = now - told.began if now else timedelta()
        if told.status == bulk.COMPLETED:
            yield from self._read(told, place, now)
        elif age < PATIENCE:
            wait_s = min(max(age.total_seconds() / 4, SHORTEST_WAIT_S), LONGEST_WAIT_S)
            yield Page(records=(), position=place.position, store_time=now, wait_s=wait_s)
        else:
            bulk.cancel(self.source.client, place.operation)
            raise Unsupported(
                "Shopify had not finished the export of this store's orders after "
                f"{age // timedelta(hours=1)} hours.",
                code="bulk_late",
            )

    # -- the operation

    def _begun(self, *, after: int, begun: int) -> Page[OrderData]:
        text = text_of(self.query, self.source.variables)
        place = Place(bulk.begin(self.source.client, text, after=after).id, begun=begun)
        return Page(records=(), position=place.position, wait_s=SHORTEST_WAIT_S)

    def _again(self, place: Place, told: BulkOperation | None) -> Page[OrderData]:
        """One that failed left part of its answer, but nobody says which part: it is asked for
        anew, once.
        """
        told = told or BulkOperation(id=place.operation, status=bulk.EXPIRED, created_at="")
        if told.error_code == bulk.DENIED or place.begun >= _MOST_BEGUN:
            raise Unsupported(told.ending, code="bulk_failed")
        return self._begun(after=told.number, begun=place.begun + 1)

    # -- its file

    def _read(
        self, told: BulkOperation, place: Place, now: datetime | None
    ) -> Iterator[Page[OrderData]]:
        """Nothing found, no file. Raises Unavailable where it goes while it is read."""
        if told.url is None:
            yield Page(records=(), position=place.position, store_time=now, last=True)
            return
        has_begun = False
        try:
            with files.opened(self.source.client.http, told.url, hosts=CARD.file_hosts) as file:
                for page in self._pages(file, told, place, now):
                    yield page
                    has_begun = True
            return
        except (ContractBroken, Misconfigured) as err:
            raise Unsupported(
                f"The export of this store's orders cannot be used: {err.message}",
                code="bulk_unusable",
            ) from err
        except NotFound as err:
            if err.code != files.GONE:
                raise
            if has_begun:
                raise Unavailable(err.message, code=err.code) from err
        yield self._again(place, msgspec.structs.replace(told, status=bulk.EXPIRED))

    def _pages(
        self, file: RemoteFile, told: BulkOperation, place: Place, now: datetime | None
    ) -> Iterator[Page[OrderData]]:
        found = bulk_file.groups(file, place.offset)
        while batch := list(islice(found, self.source.page)):
            if told.file_size and file.size != int(told.file_size):
                raise ContractBroken("The file is not as long as it was said.", code="cut_short")
            place = replace(place, offset=batch[-1].end)
            yield records.to_page(
                self.source,
                self._items(batch),
                position=place.position,
                last=place.offset == file.size,
                store_time=now,
                known=self.filters.known,
            )

    def _items(self, batch: Sequence[Group]) -> list[Item]:
        """The orders of the file as they are in the store now, in the file's order. One whose own
        line names no order is kept as it is, to be set aside.
        """
        groups: dict[str, Group] = {}
        for group in batch:
            groups.setdefault(group.item.external_id, group)
        named = [number for number in groups if number.isdigit()]
        items = {number: groups[number].item for number in groups.keys() - named}
        changed = []
        for number, part in self._parts(named).items():
            if part.trouble:
                items[number] = replace(groups[number].item, raw=b"", trouble=part.trouble)
            elif _fits(groups[number], part):
                items[number] = replace(groups[number].item, raw=self._node(groups[number], part))
            else:
                changed.append(number)
        items |= records.halved(self.source, changed)
        return [items[number] for number in groups if number in items]

    def _parts(self, numbers: Sequence[str]) -> dict[str, Item]:
        """Of those that exist. A list costs less for each of its nodes than nodes by their ids, so
        they are searched for; what the search does not find is asked for by its id.
        """
        own = {name: self.source.variables[name] for name in ("assigned", "returns")}
        parts = replace(
            self.source, pages="order_parts_list", by_ids="order_parts_by_id", variables=own
        )
        question = Question(" OR ".join(f"id:{number}" for number in numbers), "ID")
        told: dict[str, Item] = {}
        while len(told) < len(numbers):
            got = records.batch(parts, question, len(numbers) - len(told))
            told |= {item.external_id: item for item in got.items}
            if got.rest in (None, question.after):
                break
            question = replace(question, after=got.rest)
        found = {number: told[number] for number in numbers if number in told}
        return found | records.halved(parts, [n for n in numbers if n not in found])

    def _node(self, group: Group, part: Item) -> bytes:
        """What a page would show of the order, but for the cursors at the ends of its lists."""
        told = [group.raw.rstrip()[:-1]]
        if self.source.variables["withKeys"]:
            told.append(b'"metafields":{"nodes":%b}' % group.nodes(bulk_file.METAFIELDS))
        for name, kind in _LISTS:
            told.append(b'"%b":{%b,"nodes":%b}' % (name, _AT_END, group.nodes(kind)))
        rest = msgspec.json.decode(part.raw, type=dict[str, msgspec.Raw])
        told.append(bulk_file.joined({k: raw for k, raw in rest.items() if k not in _OF_PARTS}))
        return b",".join(told) + b"}"


def _fits(group: Group, part: Item) -> bool:
    """Whether the file's order is the one in the store now. None is without lines."""
    when = group.item.updated_at
    has_lines = bulk_file.LINES in group.below
    return has_lines and not group.doubtful and when is not None and when == part.updated_at


def text_of(term: str, variables: Variables) -> str:
    """The query of the file. It is text alone: it takes no variables, so what pages ask for by them
    is there or is not.
    """
    buyer = "...OrderBuyer" if variables["customers"] else ""
    keys = json.dumps(variables["keys"])
    fields = _list(f"metafields(keys: {keys})", "MetafieldFields") if variables["withKeys"] else ""
    lists = _list("lineItems", "LineFields") + _list("shippingLines", "ShippingLineFields")
    order = f"id ...OrderHead {buyer} {fields} {lists}"
    return with_fragments(
        f"{{ orders(query: {json.dumps(term)}) {{ edges {{ node {{ {order} }} }} }} }}\n"
    )


def _list(field: str, fragment: str) -> str:
    """Lists are told by their edges: Shopify takes no ``nodes`` here."""
    return f"{field} {{ edges {{ node {{ ...{fragment} }} }} }} "
