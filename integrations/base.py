"""The contract every platform adapter fulfils: ``BaseEcommerceIntegration``.

An adapter is built from a ``Connection`` and nothing else; it speaks HTTP and records. What it
raises is in ``errors.py``. What its card declares exempt raises ``Unsupported`` here, so adapters
write only what they can do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar

from integrations.errors import PermissionMissing, Rejected, Unsupported
from integrations.events import Event, RawDelivery
from integrations.kit import channels
from integrations.kit.channels import Channel
from integrations.platform import Ability, Connection, PlatformCard
from inventory.data import (
    KeptStock,
    ProductData,
    StockResult,
    StockUpdate,
    StoreLocationData,
)
from orders.data import OrderData, PartData, PayoutData, RefundOrder, ShipmentData
from orders.data_outside import Offer, OutsideNews, OutsideOrder
from orders.status import OrderStatus

Record = TypeVar("Record", OrderData, ProductData, PayoutData, PartData, KeptStock)
# Of raw records by id, the ids of those that are stored just as they are.
Known = Callable[[Mapping[str, bytes]], Collection[str]]


class ReadBy(StrEnum):
    """Which of a record's times a read walks along."""

    CHANGED = "changed"
    PLACED = "placed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What to read. Times are aware UTC; ``since`` inclusive, ``until`` exclusive.

    ``by=CHANGED`` is the incremental walk, oldest change first, resumable from ``position``;
    ``by=PLACED`` is back-fill over a window of creation times, any order. ``ids`` overrides both.
    ``position`` is opaque: it is what the last committed ``Page`` carried. What ``known`` names
    need not be mapped: an adapter may leave it out of a page's records and name it in
    ``Page.known``.

    ``counted``: tell ``Page.total`` though it takes a call of its own. ``whole``, of orders by
    PLACED and only where the card says ``whole_from``: have the store prepare all of the window in
    the background. The first page then has nothing but a ``position`` and ``wait_s``. Raises
    Unsupported, in words, where the store will not or cannot; it is then read without ``whole``.
    """

    since: datetime | None = None
    until: datetime | None = None
    by: ReadBy = ReadBy.CHANGED
    ids: tuple[str, ...] = ()
    number: str = ""
    position: Mapping[str, Any] | None = None
    counted: bool = False
    whole: bool = False
    page_size: int | None = None
    known: Known | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A record that could not be mapped. ``reason`` is for people; ``raw`` the untouched bytes."""

    external_id: str
    reason: str
    code: str = "contract_broken"
    path: str = "$"
    changed_at: datetime | None = None
    placed_at: datetime | None = None
    raw: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Record]):
    """One page read. ``position`` resumes after it; ``total`` is the platform's own count for the
    whole read, if told.

    ``store_time`` is the store's clock (Date header, aware UTC) when it answered; ``last`` marks
    the end of the read. ``gap`` says in words what part of the read could not be made complete.
    ``known`` are the ids of records left out because ``Filters.known`` has them. ``wait_s``: the
    store is still preparing what was asked for; such a page brings nothing else and is the end of
    its read, which goes on from ``position`` in so many seconds, or sooner where the platform
    announces one of ``awaits``, by the names it gave them (``EventKind.REPORT``).
    """

    records: tuple[Record, ...]
    unreadable: tuple[Unreadable, ...] = ()
    known: tuple[str, ...] = ()
    position: Mapping[str, Any] = field(default_factory=dict)
    total: int | None = None
    store_time: datetime | None = None
    last: bool = False
    gap: str = ""
    wait_s: float | None = None
    awaits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreIdentity:
    """Who the store says it is. ``features`` is kept in the store's options and handed back in
    ``Connection.options``. ``locations`` are those it keeps stock at, closed ones included; None
    where it keeps one figure, or does not let us see them. ``channels`` are all that it sells in
    through this connection, the chosen ones and the others; the store's currency and time zone are
    those of the first that is chosen. They are kept and handed back among the features.
    """

    name: str
    base_url: str
    currency: str
    timezone: str
    version: str = ""
    granted: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    clock_skew_s: float | None = None
    features: Mapping[str, Any] = field(default_factory=dict)
    locations: tuple[StoreLocationData, ...] | None = None
    channels: tuple[Channel, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def kept(self) -> dict[str, Any]:
        """The features, channels among them."""
        told = {channels.FEATURE: channels.as_kept(self.channels)} if self.channels else {}
        return {**self.features, **told}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A live webhook subscription at the platform. ``mended`` names what ``setup_webhooks`` had to
    do: created, re-enabled… ``problem``: why one is not active, in words, where that is known.
    """

    external_id: str
    topic: str
    url: str
    active: bool = True
    mended: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedNews:
    """One message of the merchant's own queue. Until its ``receipt`` is handed back it comes
    again.
    """

    receipt: str = field(repr=False)
    delivery: RawDelivery


@dataclass(frozen=True, slots=True, kw_only=True)
class StockEntry:
    """Whether the figure of a listing may stand in a file. ``refused``: it may not, as
    ``update_inventories`` would say it. ``word`` is told again with its line.
    """

    refused: StockResult | None = None
    word: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StockLine:
    """A figure in a file; ``number`` from 1 on, which its result is known by."""

    number: int
    update: StockUpdate
    word: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelLine:
    """A parcel in a file; ``number`` from 1 on, which its result is known by. ``placed_at`` (aware
    UTC) and ``custom`` are the order's, as the adapter told them.
    """

    number: int
    order_id: str
    shipment: ShipmentData
    placed_at: datetime
    custom: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelRefusal:
    """Why a parcel in a file was not taken, in words. ``is_unsure``: the store may have it already,
    so it is to be told by a call, which looks first.
    """

    code: str
    error: str
    is_unsure: bool = False


Refusal = TypeVar("Refusal", StockResult, ParcelRefusal)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOutcome(Generic[Refusal]):
    """What became of what was handed over in a file. ``wait_s``: nothing yet, look again in so many
    seconds. ``lost``: in words, why there is no word on it; nothing of it can still take effect,
    and all is to be told again. Else the store has worked it off at ``ended_at`` (aware UTC, None
    where it does not say), and all was taken but ``refused``, by their numbers: read once, as a
    stream, which may raise any PlatformError.
    """

    wait_s: float | None = None
    lost: str = ""
    refused: Iterable[tuple[int, Refusal]] = ()
    ended_at: datetime | None = None


# Given the handle of what is handed over before it is, and {} where that was surely refused.
Keep = Callable[[Mapping[str, Any]], None]


class BaseEcommerceIntegration(ABC):
    """The seven methods of the specification, and the abilities around them.

    Writes are idempotent: True means changed, False means it was already so, failure raises.
    """

    card: ClassVar[PlatformCard]

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @staticmethod
    def address(typed: str) -> str:
        """What people paste as this platform's store, made into its address as far as it is known;
        anything else is given back as it is. Pure.
        """
        return typed

    def can(self, ability: Ability) -> bool:
        """Whether the platform does this and the merchant granted it."""
        return self.card.can(ability) and not self._lacking(ability)

    def require(self, ability: Ability) -> None:
        """Raises PermissionMissing naming the scopes the merchant did not grant."""
        if scopes := self._lacking(ability):
            raise PermissionMissing(
                f"The merchant did not grant {', '.join(scopes)}, so this is off: "
                f"{str(ability).replace('_', ' ')}. Connect the store again once the app is "
                "allowed to.",
                scopes=scopes,
            )

    def _lacking(self, ability: Ability) -> tuple[str, ...]:
        return self.card.turned_off(self.connection.missing).get(ability, ())

    # -- the specification's seven
    # -------------------------------------------------------------------------------

    @abstractmethod
    def authenticate(self) -> bool:
        """One cheap call with the credentials. True, or raises AuthenticationFailed /
        PermissionMissing.
        """

    def sync_orders(self, filters: Filters) -> Iterator[OrderData]:
        """Yield orders lazily; unreadable ones are left out. The engine calls ``read_orders``,
        which keeps them.
        """
        for page in self.read_orders(filters):
            yield from page.records

    def sync_products(self, filters: Filters) -> Iterator[ProductData]:
        """Yield products lazily; see ``read_products``."""
        for page in self.read_products(filters):
            yield from page.records

    @abstractmethod
    def update_order_status(
        self, order_id: str, status: OrderStatus, shipment: ShipmentData | None = None
    ) -> bool:
        """Write a status, or with ``shipment`` one parcel, of which the store tells its customer if
        ``shipment.notify_customer``. Looks first: a repeat answers False.
        """

    def update_inventory(self, sku: str, quantity: int, update: StockUpdate | None = None) -> bool:
        """Set one listing's stock to ``quantity``. ``update`` addresses it; without it the SKU is
        looked up.
        """
        result = self.update_inventories([update or self.find_listing(sku, quantity)])[0]
        if not result.ok:
            raise Rejected(result.error, code=result.error_code)
        return result.changed

    @abstractmethod
    def setup_webhooks(self, events: Sequence[str]) -> list[Subscription]:
        """Make the store's subscriptions exactly ``events``, told to ``connection.callback_url``
        or, where the platform has no webhooks, into the queue that the credentials open; return
        what is live.
        """

    @abstractmethod
    def handle_webhook(self, payload: RawDelivery) -> list[Event]:
        """Turn one verified delivery into events. Pure: no call is made. Raises ContractBroken."""

    # -- what the engine needs around them
    # -----------------------------------------------------------------------

    @abstractmethod
    def identify(self) -> StoreIdentity:
        """Read who the store is, what the credentials may do and which features it has."""

    @abstractmethod
    def read_orders(self, filters: Filters) -> Iterator[Page[OrderData]]:
        """Yield pages; each is fetched when it is asked for."""

    @abstractmethod
    def read_products(self, filters: Filters) -> Iterator[Page[ProductData]]:
        """Yield pages of products with their variants."""

    @abstractmethod
    def update_inventories(self, updates: Sequence[StockUpdate]) -> list[StockResult]:
        """Write absolute quantities, batched inside as the platform allows. One result per update,
        same order.

        A failure of a single line is a result; only a failure of the call itself raises. Raises
        before anything was written, or after everything was: a half-written sequence of calls
        returns results for the rest.
        """

    def stock_entries(self, updates: Sequence[StockUpdate]) -> list[StockEntry]:
        """Look at the listings before their figures are handed over, same order. The quantities are
        computed anew later.
        """
        raise self._exempt("taking many stock figures in one file")

    def hand_over_stock(self, lines: Iterable[StockLine], keep: Keep) -> Mapping[str, Any]:
        """Send absolute figures in a file that the store works off by itself, each line read once,
        none held; return the handle by which it is found again, plain JSON. What ``lines`` and
        ``keep`` raise passes through.

        ``keep`` is given the handle before the file is handed in, and {} where that was surely
        refused: a handle whose hand-over was not heard of is looked after as any other. Where the
        platform announces that it is done (``EventKind.FILE``), the names that it will then use
        stand in the handle's ``awaits``.
        """
        raise self._exempt("taking many stock figures in one file")

    def stock_outcome(self, handle: Mapping[str, Any]) -> FileOutcome[StockResult]:
        """What became of what was handed over; safe to ask again."""
        raise self._exempt("taking many stock figures in one file")

    def drop_stock(self, handle: Mapping[str, Any]) -> None:
        """What was handed over is not wanted any more, as far as it was not begun. Quiet where it
        is done, or gone, already.
        """
        raise self._exempt("taking many stock figures in one file")

    # -- many parcels in one file, where the card says ``parcels_bulk_from``

    def fits_file(self, parcel: ParcelLine) -> bool:
        """Whether a parcel may stand in a file; one that may not is told by a call, which says why.
        Pure: no call is made.
        """
        raise self._exempt("taking many parcels in one file")

    def hand_over_parcels(self, lines: Iterable[ParcelLine], keep: Keep) -> Mapping[str, Any]:
        """As ``hand_over_stock``, of parcels the store was not told of yet."""
        raise self._exempt("taking many parcels in one file")

    def parcels_outcome(self, handle: Mapping[str, Any]) -> FileOutcome[ParcelRefusal]:
        """As ``stock_outcome``."""
        raise self._exempt("taking many parcels in one file")

    def drop_parcels(self, handle: Mapping[str, Any]) -> None:
        """As ``drop_stock``."""
        raise self._exempt("taking many parcels in one file")

    def find_listing(self, sku: str, quantity: int) -> StockUpdate:
        raise self._exempt("looking a listing up by SKU")

    def read_order(self, order_id: str) -> OrderData:
        """One order in full, refunds and shipments included. Raises NotFound."""
        raise self._exempt("reading one order by id")

    def read_product(self, product_id: str) -> ProductData:
        raise self._exempt("reading one product by id")

    def read_payouts(self, filters: Filters) -> Iterator[Page[PayoutData]]:
        """Yield pages of payouts with their lines, made in ``since`` ≤ ``issued_at`` < ``until``
        by either of ``ReadBy``: the engine looks back as far as a payout may still change. Lines
        of those that ``known`` names need not be fetched; give it each payout's own record.

        Raises PermissionMissing, or Unsupported with a sentence where this store's money does not
        go through the platform.
        """
        raise self._exempt("reading payouts")

    def read_refunds(self, filters: Filters) -> Iterator[Page[PartData]]:
        """Yield pages of refunds, where the card tells them apart from orders, and of fees where
        the platform tells them in the same place: those made in ``since`` ≤ … < ``until`` by either
        of ``ReadBy``. ``ids`` are those of records (``PartData.external_id``). One that cannot be
        read bears such an id as well.
        """
        raise self._exempt("reading refunds apart from orders")

    def read_returns(self, filters: Filters) -> Iterator[Page[PartData]]:
        """Likewise of returns, by when they were asked for. A page may have a ``wait_s``."""
        raise self._exempt("reading returns apart from orders")

    def read_kept(self, filters: Filters) -> Iterator[Page[KeptStock]]:
        """Yield pages of what lies in the platform's own warehouses, or is on its way there: all
        of it each time, in any order, no unit twice. What a complete read does not name is gone.
        ``ids`` are records' own.

        Raises PermissionMissing naming the scope, or Unsupported with a sentence.
        """
        raise self._exempt("keeping units in warehouses of its own")

    def read_stock(self, updates: Sequence[StockUpdate]) -> list[StockResult]:
        """The store's present figures for these listings, same order."""
        raise self._exempt("reading stock")

    def withheld(self, filters: Filters) -> str:
        """In words, which orders of such a read the platform keeps from this app; '' where none
        are. Not a gap: reading again brings no more. Pure: no call is made.
        """
        return ""

    def order_ids(self, filters: Filters) -> Iterable[str]:
        """Ids of all orders placed in the window, nothing else fetched."""
        raise self._exempt("listing order ids")

    def drop_whole(self, position: Mapping[str, Any]) -> None:
        """What the store prepares under this position of a ``whole`` read is not wanted any more.
        Quiet where it is done, or gone, already.
        """
        raise self._exempt("preparing records in the background")

    def cancel_shipment(self, order_id: str, shipment: ShipmentData) -> bool:
        """Take back one parcel that ``update_order_status`` told the store of. Looks first: one
        that is not there, or was taken back already, answers False. It is known by its reference
        and its id; with ``lines`` as well by what it holds, where no other name stands on it: the
        answer to its making may have been lost. ``notify_customer`` as far as the store has that
        choice.
        """
        raise self._exempt("taking back a parcel")

    def cancel_order(
        self, order_id: str, reason: str = "", *, notify_customer: bool = True
    ) -> bool:
        """``notify_customer`` as far as the card says ``QUIET_CANCEL``."""
        raise self._exempt("cancelling an order")

    def add_note(
        self, order_id: str, note: str, *, reference: str, to_customer: bool = False
    ) -> bool:
        """Add a note once; ``reference`` is searched first."""
        raise self._exempt("adding a note")

    def refund_order(self, order_id: str, refund: RefundOrder, *, reference: str) -> bool:
        """Refund once: ``reference`` is looked for among the order's refunds first. The store keeps
        it with the reason (``orders.data.marked``), by which its refund is known again. Nothing is
        put back on sale there. Raises Rejected where store or gateway refuse.
        """
        raise self._exempt("refunding an order")

    # -- sending orders of other stores (Ability.FULFILS_FOR_OTHERS). A store that does says of each
    # listing that lies in its platform's warehouses who keeps it: ``custom["fulfilled_by"]``.

    def preview_fulfillment(self, order: OutsideOrder) -> tuple[Offer, ...]:
        """What sending it would cost, by speed, and what of it cannot be sent. Changes nothing."""
        raise self._exempt("sending orders of other stores")

    def request_fulfillment(self, order: OutsideOrder) -> bool:
        """Have it sent from the platform's warehouses. Looks for ``order.reference`` first: what is
        there already, whatever became of it, is not asked for again and answers False. Raises
        Rejected only when nothing of it is there.
        """
        raise self._exempt("sending orders of other stores")

    def read_fulfillment(self, reference: str) -> OutsideNews:
        """How far it is. Raises NotFound."""
        raise self._exempt("sending orders of other stores")

    def cancel_fulfillment(self, reference: str) -> bool:
        """Call it off. Looks first: False for one that is called off or refused already, NotFound
        for one that is not there. Raises Rejected when it is too late, OutcomeUnknown as long as
        it may still be and the platform does not show that it is.
        """
        raise self._exempt("sending orders of other stores")

    def write_order_fields(
        self, order_id: str, fields: Mapping[str, Any], *, fill: Collection[str] = ()
    ) -> bool:
        """Set fields of an order by their keys, values being plain JSON; other keys are left alone.
        Those named in ``fill`` are set only where the store has nothing. Looks first: what is there
        already is not written. Raises Rejected for a key the card reserves.
        """
        raise self._exempt("writing fields of an order")

    def drop_webhooks(self) -> None:
        """Remove every subscription that points to ``connection.callback_url``, or to the queue."""
        raise self._exempt("removing webhooks")

    def receive_news(self, *, wait_s: float) -> list[QueuedNews]:
        """Some messages of the queue that the credentials open, in any order, any of them perhaps
        not for the first time; [] when none came within ``wait_s``. What cannot be read comes as
        it is. For a minute at least nobody else is given them. Raises PermissionMissing naming
        what the queue does not allow, Misconfigured where there is no such queue.
        """
        raise self._exempt("news through a queue")

    def acknowledge_news(self, receipts: Sequence[str]) -> None:
        """Have these messages out of the queue. One that is gone already is what was wanted."""
        raise self._exempt("news through a queue")

    def remove_app(self) -> None:
        """Take the app that ``connection.token`` is of out of the store. Every token it has there
        is dead afterwards, whoever holds it, and its webhooks are gone. An app that is gone already
        is what was wanted.
        """
        raise self._exempt("taking its app out of a store")

    def _exempt(self, what: str) -> Unsupported:
        return Unsupported(f"{self.card.name} does not support {what}.")
