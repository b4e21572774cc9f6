"""A shop in memory that takes stock figures and commands, and fails as it is told to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from integrations.base import BaseEcommerceIntegration, Filters, Page, StoreIdentity, Subscription
from integrations.errors import NotFound
from integrations.events import Event, RawDelivery
from integrations.platform import Ability, AuthKind, Connection, PlatformCard, SignIn
from inventory.data import ProductData, StockResult, StockUpdate
from orders.data import OrderData, RefundOrder, ShipmentData, is_marked, marked
from orders.status import OrderStatus
from tests.factories import WORDS

_CAN = frozenset(
    {
        Ability.STOCK_WRITE,
        Ability.STATUS_WRITE,
        Ability.SHIPMENTS,
        Ability.TRACKING_UPDATE,
        Ability.SHIPMENT_CANCEL,
        Ability.CANCEL,
        Ability.NOTES,
        Ability.ORDER_FIELDS_WRITE,
        Ability.ORDER_BY_ID,
        Ability.REFUNDS_WRITE,
    }
)
CARD = PlatformCard(
    slug="toyshop",
    name="Toy shop",
    service="tests.integrations.outbox.toy.ToyShopIntegration",
    routes="",
    sign_ins=(SignIn(kind=AuthKind.API_KEYS, label="Keys"),),
    abilities=_CAN,
    exempt={ability: "not needed in tests" for ability in Ability if ability not in _CAN},
    stock_batch=250,
    reserved_fields=("_toy_*",),
    refunds=("record", "gateway"),
)


class ToyShop:
    """What the shop holds, what it was asked, and how it misbehaves.

    ``before`` runs before a call is carried out, ``after`` when it was and before the answer: each
    may raise. ``refused`` are lines of a batch, ``stubborn`` ones
    keep another figure, ``sells`` are units sold right after the write..
    """

    def __init__(self) -> None:
        self.stock: dict[str, int] = {}
        self.orders: dict[str, OrderData] = {}
        self.parcels: list[ShipmentData] = []
        self.notes: list[str] = []
        self.note_texts: list[str] = []
        self.refunds: list[tuple[str, RefundOrder]] = []
        self.fields: dict[str, dict[str, Any]] = {}
        self.opened = 0
        self.calls: list[tuple[Any, ...]] = []
        self.before: Callable[[tuple[Any, ...]], None] = lambda call: None
        self.after: Callable[[tuple[Any, ...]], None] = lambda call: None
        self.refused: dict[str, tuple[str, str]] = {}
        self.sells: dict[str, int] = {}
        self.stubborn: dict[str, tuple[int, str]] = {}

    @property
    def stock_calls(self) -> list[dict[str, int]]:
        return [call[1] for call in self.calls if call[0] == "stock"]

    def told(self, kind: str) -> list[tuple[Any, ...]]:
        return [call for call in self.calls if call[0] == kind]

    @contextmanager
    def adapter(self, store: Any, **_options: Any) -> Iterator[ToyShopIntegration]:
        self.opened += 1
        yield ToyShopIntegration(
            Connection(
                store_id=str(store.pk),
                base_url=store.base_url,
                credentials={},
                http=None,  # type: ignore[arg-type]  # nothing is called over HTTP
                options={"shop": self},
            )
        )

    def call(self, *what: Any, do: Callable[[], Any]) -> Any:
        self.calls.append(what)
        self.before(what)
        result = do()
        self.after(what)
        return result


def _figure(update: StockUpdate) -> str:
    """Where the shop keeps a figure: ``ref``, or ``ref@location``."""
    ref = update.stock_ref or update.external_variant_id
    return "@".join(filter(None, (ref, update.external_location_id)))


class ToyShopIntegration(BaseEcommerceIntegration):
    card = CARD

    @property
    def shop(self) -> ToyShop:
        return self.connection.options["shop"]

    def update_inventories(self, updates: Sequence[StockUpdate]) -> list[StockResult]:
        figures = {_figure(u): u.quantity for u in updates}
        return self.shop.call("stock", figures, do=lambda: self._write(figures))

    def _write(self, figures: dict[str, int]) -> list[StockResult]:
        results = []
        for ref, quantity in figures.items():
            if ref in self.shop.refused:
                code, sentence = self.shop.refused[ref]
                results.append(
                    StockResult(ok=False, changed=False, error_code=code, error=sentence)
                )
                continue
            if ref in self.shop.stubborn:
                shown, sentence = self.shop.stubborn[ref]
                results.append(
                    StockResult(ok=False, observed=shown, error_code="not_taken", error=sentence)
                )
                continue
            self.shop.stock[ref] = quantity - self.shop.sells.pop(ref, 0)
            results.append(StockResult(ok=True, observed=self.shop.stock[ref]))
        return results

    def update_order_status(
        self, order_id: str, status: OrderStatus, shipment: ShipmentData | None = None
    ) -> bool:
        if shipment:
            return self.shop.call("shipment", order_id, shipment, do=lambda: self._ship(shipment))
        return self.shop.call("status", order_id, status, do=lambda: self._set(order_id, status))

    def _ship(self, shipment: ShipmentData) -> bool:
        if shipment in self.shop.parcels:
            return False
        known = [p for p in self.shop.parcels if p.reference != shipment.reference]
        self.shop.parcels = [*known, shipment]
        return True

    def _set(self, order_id: str, status: OrderStatus) -> bool:
        order = self.shop.orders[order_id]
        if order.status.order == status:
            return False
        self.shop.orders[order_id] = replace(order, status=replace(order.status, order=status))
        return True

    def cancel_shipment(self, order_id: str, shipment: ShipmentData) -> bool:
        return self.shop.call("unship", order_id, shipment, do=lambda: self._unship(shipment))

    def _unship(self, shipment: ShipmentData) -> bool:
        kept = [p for p in self.shop.parcels if p.reference != shipment.reference]
        changed = kept != self.shop.parcels
        self.shop.parcels = kept
        return changed

    def cancel_order(
        self, order_id: str, reason: str = "", *, notify_customer: bool = True
    ) -> bool:
        return self.shop.call("cancel", order_id, do=lambda: self._cancel(order_id))

    def _cancel(self, order_id: str) -> bool:
        order = self.shop.orders[order_id]
        changed = order.status.order is not OrderStatus.CANCELLED
        self.shop.orders[order_id] = replace(order, status=WORDS["cancelled"])
        return changed

    def add_note(
        self, order_id: str, note: str, *, reference: str, to_customer: bool = False
    ) -> bool:
        return self.shop.call("note", order_id, reference, do=lambda: self._note(reference, note))

    def _note(self, reference: str, note: str) -> bool:
        if reference in self.shop.notes:
            return False
        self.shop.notes.append(reference)
        self.shop.note_texts.append(note)
        return True

    def refund_order(self, order_id: str, refund: RefundOrder, *, reference: str) -> bool:
        return self.shop.call("refund", order_id, do=lambda: self._refund(refund, reference))

    def _refund(self, refund: RefundOrder, reference: str) -> bool:
        if any(is_marked(reason, reference) for reason, _ in self.shop.refunds):
            return False
        self.shop.refunds.append((marked(refund.reason, reference), refund))
        return True

    def write_order_fields(
        self, order_id: str, fields: Mapping[str, Any], *, fill: Collection[str] = ()
    ) -> bool:
        return self.shop.call(
            "fields", order_id, dict(fields), do=lambda: self._put(order_id, fields, fill)
        )

    def _put(self, order_id: str, fields: Mapping[str, Any], fill: Collection[str]) -> bool:
        there = self.shop.fields.setdefault(order_id, {})
        told = {k: v for k, v in fields.items() if k not in there or k not in fill}
        changed = {**there, **told} != there
        there.update(told)
        return changed

    def read_order(self, order_id: str) -> OrderData:
        return self.shop.call("read", order_id, do=lambda: self._read(order_id))

    def _read(self, order_id: str) -> OrderData:
        if order_id not in self.shop.orders:
            raise NotFound(f"There is no order {order_id}.")
        return self.shop.orders[order_id]

    # -- the rest of the contract, which the outbox never calls
    # --------------------------------------------------

    def authenticate(self) -> bool:
        return True

    def setup_webhooks(self, events: Sequence[str]) -> list[Subscription]:
        return []

    def handle_webhook(self, payload: RawDelivery) -> list[Event]:
        return []

    def identify(self) -> StoreIdentity:
        return StoreIdentity(name="Toy shop", base_url="", currency="EUR", timezone="UTC")

    def read_orders(self, filters: Filters) -> Iterator[Page[OrderData]]:
        return iter(())

    def read_products(self, filters: Filters) -> Iterator[Page[ProductData]]:
        return iter(())
