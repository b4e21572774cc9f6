"""``/orders/{id}/shipment-trackings`` of Shipment Tracking and Advanced Shipment Tracking.

Source: https://woocommerce.com/document/shipment-tracking/ (REST API) and the example requests of
Advanced Shipment Tracking; the refusals are this simulator's reading of them.
"""

from __future__ import annotations

import hashlib
from typing import Any

from integrations.sandbox.woocommerce import drafts, selling
from integrations.sandbox.woocommerce.calls import Call, ok
from integrations.sandbox.woocommerce.models import Order, Tracking
from integrations.sandbox.woocommerce.store import WooStore
from integrations.sandbox.woocommerce.wire import Answer, Refused

META_KEY = "_wc_shipment_tracking_items"
_LINKS = {
    "dhl": "https://www.dhl.de/de/privatkunden/pakete-empfangen/verfolgen.html?piececode=%1$s",
    "fedex": "https://www.fedex.com/Tracking?action=track&tracknumbers=%1$s",
    "ups": "https://www.ups.com/track?loc=en_US&tracknum=%1$s",
}
_NO_ORDER = Refused("woocommerce_rest_order_invalid_id", "Invalid order ID.", 404)


def tracking_document(call: Call, row: Tracking) -> dict[str, Any]:
    link = row.custom_link or _LINKS.get(row.provider.casefold(), "")
    path = call.path.removesuffix(f"/{row.id}")
    order = f"/wc/v3/orders/{int(call.args['order_id'])}"
    return {
        "tracking_id": row.id,
        "tracking_provider": row.provider or row.custom_provider,
        "tracking_link": link.replace("%1$s", row.number),
        "tracking_number": row.number,
        "date_shipped": row.shipped,
        "_links": {
            "self": [{"href": call.store.rest_url(f"{path}/{row.id}")}],
            "collection": [{"href": call.store.rest_url(path)}],
            "up": [{"href": call.store.rest_url(order)}],
        },
    }


def _order(call: Call) -> Order:
    return call.found(call.store.orders.get(int(call.args["order_id"])), _NO_ORDER)


def _one(call: Call, order: Order) -> Tracking:
    rows = call.store.trackings.get(order.id, [])
    row = next((row for row in rows if row.id == call.args["id"]), None)
    if row is None:
        raise Refused(
            "woocommerce_rest_order_shipment_tracking_invalid_id",
            "Invalid shipment tracking ID.",
            404,
        )
    return row


def index(call: Call) -> Answer:
    rows = call.store.trackings.get(_order(call).id, [])
    return ok([tracking_document(call, row) for row in rows])


def show(call: Call) -> Answer:
    return ok(tracking_document(call, _one(call, _order(call))))


def create(call: Call) -> Answer:
    """Sent twice it stands twice, unless ``replace_tracking`` clears what was there."""
    store, args, order = call.store, call.args, _order(call)
    number = args.get("tracking_number") or ""
    if not number:
        raise Refused(
            "woocommerce_rest_shipment_tracking_invalid", "Tracking number is required.", 400
        )
    kept = [] if args.get("replace_tracking") == 1 else store.trackings.get(order.id, [])
    today = (store.clock.site(store.clock.now()) or "")[:10]
    provider = args.get("tracking_provider") or ""
    mark = f"{order.id}-{provider}-{number}-{store.ids.next('meta')}"
    row = Tracking(
        id=hashlib.md5(mark.encode(), usedforsecurity=False).hexdigest(),
        provider=provider,
        custom_provider=args.get("custom_tracking_provider") or "",
        custom_link=args.get("custom_tracking_link") or "",
        number=number,
        shipped=args.get("date_shipped") or today,
    )
    store.trackings[order.id] = [*kept, row]
    _keep(store, order)
    if args.get("status_shipped") == 1:
        selling.set_status(store, order.id, "completed")
    return ok(tracking_document(call, row), 201)


def delete(call: Call) -> Answer:
    order = _order(call)
    row = _one(call, order)
    call.store.trackings[order.id].remove(row)
    _keep(call.store, order)
    return ok(tracking_document(call, row))


def _keep(store: WooStore, order: Order) -> None:
    """As meta data of the order. Where orders have tables of their own, that moves their date; in
    the posts table it does not.
    """
    value = [
        {
            "tracking_provider": row.provider,
            "custom_tracking_provider": row.custom_provider,
            "custom_tracking_link": row.custom_link,
            "tracking_number": row.number,
            "date_shipped": row.shipped,
            "tracking_id": row.id,
        }
        for row in store.trackings[order.id]
    ]
    drafts.write_meta(store, order.meta, META_KEY, value)
    if store.options.is_hpos:
        store.save_order(order)
    else:
        store.orders.put(order)
