"""``/orders/{id}/refunds`` and ``/refunds``. Source:
includes/rest-api/Controllers/Version3/class-wc-rest-order-refunds-controller.php and
src/Internal/RestApiUtil.php (what a client sends becomes what ``wc_create_refund`` takes).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from integrations.sandbox.woocommerce import drafts, people, selling
from integrations.sandbox.woocommerce.calls import Call, created, listed, ok, window
from integrations.sandbox.woocommerce.models import Order, Refund
from integrations.sandbox.woocommerce.money import read_amount
from integrations.sandbox.woocommerce.shapes import refund_document
from integrations.sandbox.woocommerce.wire import Answer, Refused


class RefusedBare(Refused):
    """The controller hands WP_Error a bare number as data, so WordPress does not find a status in
    it and answers 500.
    """

    def __init__(self, code: str, message: str, number: int) -> None:
        super().__init__(code, message, 500)
        self.number = number

    def document(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "data": self.number}


_NO_ORDER = RefusedBare("woocommerce_rest_invalid_order_id", "Invalid order ID.", 404)
_PAYS_BACK = {method for method, _, pays_back in people.GATEWAYS if pays_back}
Pair = tuple[Order, Refund]


def index(call: Call) -> Answer:
    order = call.store.orders.get(int(call.args["order_id"]))
    return _listed(call, [(order, row) for row in order.refunds] if order else [])


def index_all(call: Call) -> Answer:
    """Those of every order: the dearest list of this store, it reads all orders."""
    orders = (call.store.orders.get(number) for number in call.store.orders.ids())
    return _listed(call, [(order, row) for order in orders if order for row in order.refunds])


def _listed(call: Call, pairs: list[Pair]) -> Answer:
    found = list(_narrowed(call, pairs))
    offset, limit = window(call.args)
    documents = [
        refund_document(call.store, order, refund, call.args.get("dp"))
        for order, refund in found[offset : offset + limit]
    ]
    return listed(call, documents, len(found))


def _narrowed(call: Call, pairs: list[Pair]) -> Iterable[Pair]:
    args, gmt = call.args, bool(call.args.get("dates_are_gmt"))

    def bound(*names: str) -> list[int]:
        return [call.store.clock.read(args[name], is_gmt=gmt) for name in names if args.get(name)]

    after, before = bound("after", "modified_after"), bound("before", "modified_before")
    key = (lambda pair: pair[1].id) if args["orderby"] == "id" else _by_date
    for order, refund in sorted(pairs, key=key, reverse=args["order"] == "desc"):
        if args.get("include") and refund.id not in args["include"]:
            continue
        if refund.id in args.get("exclude", ()):
            continue
        if args.get("parent") and order.id not in args["parent"]:
            continue
        if all(refund.created > moment for moment in after) and all(
            refund.created < moment for moment in before
        ):
            yield order, refund


def _by_date(pair: Pair) -> tuple[int, int]:
    return pair[1].created, pair[1].id


def _pair(call: Call) -> Pair:
    order = call.store.orders.get(int(call.args["order_id"]))
    refund = next((row for row in order.refunds if row.id == call.number), None) if order else None
    pair = (order, refund) if order and refund else None
    return call.found(
        pair, Refused("woocommerce_rest_shop_order_refund_invalid_id", "Invalid ID.", 404)
    )


def show(call: Call) -> Answer:
    return ok(refund_document(call.store, *_pair(call)))


def create(call: Call) -> Answer:
    store, args = call.store, call.args
    order = call.found(store.orders.get(int(args["order_id"])), _NO_ORDER)
    items = {int(item["id"]): item for item in args.get("line_items") or [] if item.get("id")}
    pays_back = args.get("api_refund") is not False
    try:
        amount = _amount(args.get("amount"), items)
        if amount < 0:
            raise RefusedBare(
                "woocommerce_rest_invalid_order_refund",
                "Refund amount must be greater than zero.",
                400,
            )
        if amount > selling.left_to_refund(store, order):
            raise selling.Impossible("Invalid refund amount.")
        if pays_back:
            _check_gateway(order)
        refund = selling.refund(
            store,
            order.id,
            amount=amount,
            lines={number: int(item.get("quantity") or 0) for number, item in items.items()},
            totals_of={
                number: read_amount(item.get("refund_total") or 0) for number, item in items.items()
            },
            taxes_of={number: _taxes(item) for number, item in items.items()},
            reason=args.get("reason") or "",
            is_paid_back=pays_back,
            restocks=args.get("api_restock") is not False,
        )
    except (selling.Impossible, ValueError) as err:
        raise RefusedBare("woocommerce_rest_cannot_create_order_refund", str(err), 500) from err
    for row in args.get("meta_data") or []:
        drafts.write_meta(store, refund.meta, str(row.get("key")), row.get("value"))
    return created(call, refund_document(store, order, refund))


def _amount(sent: Any, items: dict[int, dict[str, Any]]) -> int:
    if sent is not None:
        return read_amount(sent)
    return sum(
        read_amount(item.get("refund_total") or 0) + sum(_taxes(item).values())
        for item in items.values()
    )


def _taxes(item: dict[str, Any]) -> dict[int, int]:
    return {
        int(row["id"]): read_amount(row.get("refund_total") or 0)
        for row in item.get("refund_tax") or []
    }


def _check_gateway(order: Order) -> None:
    """Source: includes/wc-order-functions.php, wc_refund_payment."""
    known = {method for method, _, _ in people.GATEWAYS if method}
    if order.payment_method not in known:
        raise selling.Impossible("The payment gateway for this order does not exist.")
    if order.payment_method not in _PAYS_BACK:
        raise selling.Impossible(
            "The payment gateway for this order does not support automatic refunds."
        )


def delete(call: Call) -> Answer:
    """Only for good. The order is not saved, so its date stays and no webhook tells (11.0)."""
    if not call.args.get("force"):
        raise Refused(
            "woocommerce_rest_trash_not_supported",
            "The shop_order_refund does not support trashing.",
            501,
        )
    order, refund = _pair(call)
    document = refund_document(call.store, order, refund)
    order.refunds.remove(refund)
    call.store.orders.put(order)
    return ok(document)
