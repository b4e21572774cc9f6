"""One order of a store, as it stands after what was written to it."""

from __future__ import annotations

from typing import Any

from tests.integrations.woocommerce.make import order
from tests.integrations.woocommerce.site import (
    LOST,
    Call,
    Site,
    told,
)

ORDER = "wc/v3/orders/7"
NOTES, FULFILLMENTS = f"{ORDER}/notes", f"{ORDER}/fulfillments"
PLUGIN = {
    "shipment_tracking": "wc-shipment-tracking/v3/orders/7/shipment-trackings",
    "ast": "wc-ast/v3/orders/7/shipment-trackings",
}


class Desk:
    """The order as the store keeps it: what is written is there afterwards. ``loses`` names the
    writes (method, route) that are done and never answered, once each.
    """

    def __init__(self, site: Site) -> None:
        self.meta: list[dict[str, Any]] = [{"id": 1, "key": "_theirs", "value": "x"}]
        self.notes: list[dict[str, Any]] = []
        self.trackings: list[dict[str, Any]] = []
        self.fulfillments: list[dict[str, Any]] = []
        self.status = "processing"
        self.loses: set[tuple[str, str]] = set()
        site.on("GET", ORDER, lambda _: told(order(7, meta_data=self.meta, status=self.status)))
        site.on("PUT", ORDER, self._put)
        site.on("GET", NOTES, lambda _: told(self.notes))
        site.on("POST", NOTES, self._note)
        for route in PLUGIN.values():
            site.on("GET", route, lambda _: told(self.trackings))
            site.on("POST", route, self._track)
            for number in range(1, 4):
                site.on("DELETE", f"{route}/t{number}", self._untrack)
        site.on("GET", FULFILLMENTS, lambda _: told(self.fulfillments))
        site.on("POST", FULFILLMENTS, self._fulfill)
        site.on("PUT", f"{FULFILLMENTS}/1", self._refulfill)
        for number in range(1, 4):
            site.on("DELETE", f"{FULFILLMENTS}/{number}", self._unfulfill)

    def _done(self, call: Call, body: Any) -> bytes:
        key = (call.method, call.route)
        if key in self.loses:
            self.loses.remove(key)
            return LOST
        return told(body, 201)

    def _put(self, call: Call) -> bytes:
        for row in call.body.get("meta_data", []):
            self.meta = [m for m in self.meta if m["key"] != row["key"]] + [{"id": 2, **row}]
        self.status = call.body.get("status", self.status)
        return self._done(call, {"id": 7})

    def _note(self, call: Call) -> bytes:
        # As wp_insert_comment keeps it.
        self.notes.append({**call.body, "note": call.body["note"].replace("\\", "")})
        return self._done(call, {"id": len(self.notes)})

    def _track(self, call: Call) -> bytes:
        self.trackings.append({**call.body, "tracking_id": f"t{len(self.trackings) + 1}"})
        return self._done(call, self.trackings[-1])

    def _untrack(self, call: Call) -> bytes:
        gone = call.route.rpartition("/")[2]
        self.trackings = [t for t in self.trackings if t["tracking_id"] != gone]
        return self._done(call, {})

    def _fulfill(self, call: Call) -> bytes:
        self.fulfillments.append({"id": len(self.fulfillments) + 1, **call.body})
        return self._done(call, self.fulfillments[-1])

    def _unfulfill(self, call: Call) -> bytes:
        gone = int(call.route.rpartition("/")[2])
        self.fulfillments = [f for f in self.fulfillments if f["id"] != gone]
        return self._done(call, {"message": "Fulfillment deleted successfully."})

    def _refulfill(self, call: Call) -> bytes:
        self.fulfillments[0] = {"id": 1, **call.body}
        return self._done(call, self.fulfillments[0])
