"""``/products/{id}/variations`` and, on new stores, ``/variations`` of all products."""

from __future__ import annotations

from integrations.sandbox.woocommerce import product_writes
from integrations.sandbox.woocommerce.calls import Call, created, listed, ok
from integrations.sandbox.woocommerce.calls import batch as batched
from integrations.sandbox.woocommerce.models import Product
from integrations.sandbox.woocommerce.product_shapes import variation_document
from integrations.sandbox.woocommerce.products import select
from integrations.sandbox.woocommerce.wire import Answer, Refused


def _invalid_id(status: int) -> Refused:
    return Refused("woocommerce_rest_product_variation_invalid_id", "Invalid ID.", status)


def _variation(call: Call, status: int) -> Product:
    """Only under its own parent."""
    found = call.store.products.get(call.number)
    wanted = int(call.args["product_id"])
    belongs = found is not None and found.parent_id == wanted
    return call.found(found if belongs else None, _invalid_id(status))


def index(call: Call) -> Answer:
    parent = call.store.products.get(int(call.args["product_id"]))
    children = parent.variations if parent is not None else []
    return _listed(call, [call.store.products[n] for n in children if n in call.store.products])


def index_all(call: Call) -> Answer:
    return _listed(call, [p for p in call.store.products.values() if p.parent_id])


def _listed(call: Call, rows: list[Product]) -> Answer:
    found, total = select(call, rows)
    return listed(call, [variation_document(call.store, row) for row in found], total)


def show(call: Call) -> Answer:
    return ok(variation_document(call.store, _variation(call, 404)))


def create(call: Call) -> Answer:
    parent = call.store.products.get(int(call.args["product_id"]))
    if parent is None:
        raise Refused(
            "woocommerce_rest_product_variation_invalid_parent",
            "Cannot set attributes due to invalid parent product.",
            404,
        )
    made = product_writes.create(call.store, call.args, parent)
    return created(call, variation_document(call.store, made))


def update(call: Call) -> Answer:
    product = _variation(call, 400)
    changed = product_writes.update(call.store, product, call.args)
    return ok(variation_document(call.store, changed))


def delete(call: Call) -> Answer:
    product = _variation(call, 404)
    document = variation_document(call.store, product)
    if call.args.get("force"):
        product_writes.delete(call.store, product)
    else:
        product_writes.trash(call.store, product)
    return ok(document)


def batch(call: Call) -> Answer:
    return batched(call, create, update, delete)
