"""``/orders``: the list, one order, writes and batches."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.woocommerce import order_writes, selling
from integrations.sandbox.woocommerce.calls import Call, created, listed, ok, window
from integrations.sandbox.woocommerce.calls import batch as batched
from integrations.sandbox.woocommerce.models import Order
from integrations.sandbox.woocommerce.orderbook import TRASH, OrderQuery
from integrations.sandbox.woocommerce.shapes import order_document
from integrations.sandbox.woocommerce.wire import Answer, Refused


def invalid_id(status: int) -> Refused:
    """The core answers 404 to reads and deletes, 400 to updates."""
    return Refused("woocommerce_rest_shop_order_invalid_id", "Invalid ID.", status)


def query_of(call: Call) -> OrderQuery:
    args = call.args
    gmt = bool(args.get("dates_are_gmt"))

    def moment(name: str) -> int | None:
        value = args.get(name)
        return None if value is None else call.store.clock.read(value, is_gmt=gmt)

    statuses: list[str] = []
    for status in args.get("status", []):
        if status == "any":
            statuses = []
            break
        statuses.append(status)
    offset, limit = window(args)
    is_old = call.store.options.ignores_modified
    return OrderQuery(
        after=moment("after"),
        before=moment("before"),
        modified_after=None if is_old else moment("modified_after"),
        modified_before=None if is_old else moment("modified_before"),
        statuses=frozenset(statuses),
        customer=args.get("customer"),
        product=args.get("product"),
        created_via=frozenset(args.get("created_via") or ()),
        parents=frozenset(args.get("parent", ())),
        not_parents=frozenset(args.get("parent_exclude", ())),
        include=tuple(args.get("include", ())),
        exclude=frozenset(args.get("exclude", ())),
        search=args.get("search") or "",
        order_by=args["orderby"],
        is_descending=args["order"] == "desc",
        shuffles_ties=call.store.options.shuffles_ties,
        offset=offset,
        limit=limit,
    )


def index(call: Call) -> Answer:
    store = call.store
    ids, total = store.orders.select(query_of(call))
    rows = [order for number in ids if (order := store.orders.get(number))]
    linked = call.sent
    if rows:
        # The controller takes the status out and puts it back last, and sets dp and context while
        # it prepares the first order: seen in the recorded Link.
        linked = {name: value for name, value in call.sent.items() if name != "status"}
        linked["status"] = call.args["status"]
        linked.setdefault("dp", call.args["dp"])
        linked.setdefault("context", call.args["context"])
    return listed(call, [_shown(call, row) for row in rows], total, linked)


def _shown(call: Call, order: Order) -> dict[str, Any]:
    document = order_document(call.store, order, call.args.get("dp"))
    for wanted, keeps in (("include_meta", True), ("exclude_meta", False)):
        if names := call.args.get(wanted):
            document["meta_data"] = [
                row for row in document["meta_data"] if (row["key"] in names) is keeps
            ]
            break
    return document


def show(call: Call) -> Answer:
    order = call.found(call.store.orders.get(call.number), invalid_id(404))
    if call.store.options.touches_on_view:
        call.store.save_order(order)
    return ok(order_document(call.store, order))


def create(call: Call) -> Answer:
    if call.number:
        raise Refused(
            "woocommerce_rest_shop_order_exists", "Cannot create existing shop_order.", 400
        )
    order = order_writes.create(call.store, call.args)
    return created(call, order_document(call.store, order))


def update(call: Call) -> Answer:
    order = call.found(call.store.orders.get(call.number), invalid_id(400))
    changed = order_writes.update(call.store, order, call.args)
    return ok(order_document(call.store, changed))


def delete(call: Call) -> Answer:
    """The answer shows the order as it was before."""
    order = call.found(call.store.orders.get(call.number), invalid_id(404))
    document = order_document(call.store, order)
    if call.args.get("force"):
        selling.delete(call.store, order.id)
        return ok(document)
    if order.status == TRASH:
        raise Refused(
            "woocommerce_rest_already_trashed", "The shop_order has already been deleted.", 410
        )
    selling.trash(call.store, order.id)
    return ok(document)


def batch(call: Call) -> Answer:
    return batched(call, create, update, delete)
