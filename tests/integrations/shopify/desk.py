"""One order of a store, as it stands after what was written to it."""

from __future__ import annotations

from typing import Any

from tests.integrations.shopify import make
from tests.integrations.shopify.shop import LOST, Call, Shop, data, nodes, refused

ORDER = "gid://shopify/Order/5001"
NORTH, SOUTH = "61", "62"


def gid(kind: str, number: int) -> str:
    return f"gid://shopify/{kind}/{number}"


class Desk:
    """The order as the store keeps it: what is written is there afterwards. ``loses`` names the
    mutations that are done and never answered, once each.
    """

    def __init__(self, shop: Shop) -> None:
        self.orders: list[dict[str, Any]] = []
        self.fulfillments: list[dict[str, Any]] = []
        self.metafields: dict[tuple[str, str], dict[str, str]] = {}
        self.attributes: list[dict[str, str]] = []
        self.note: str | None = None
        self.cancelled_at: str | None = None
        self.closed_at: str | None = None
        self.closes_itself = True
        self.loses: set[str] = set()
        self.writes = 0
        for name in ("OrderDesk", "FulfillmentOrders", "OrderOwnFields"):
            shop.on(name, self._told)
        shop.on("Ship", self._ship)
        shop.on("Track", self._track)
        shop.on("Unship", self._unship)
        shop.on("SetFields", self._set_fields)
        shop.on("DeleteFields", self._delete_fields)
        shop.on("UpdateOrder", self._update)
        shop.on("CloseOrder", self._close)
        shop.on("OpenOrder", self._open)

    def lies(self, number: int, lines: dict[int, int], place: str = NORTH, **about: Any) -> None:
        """A fulfillment order with units of lines at a place."""
        found = make.work(number, place, lines)
        found["assignedLocation"]["name"] = place
        actions = [{"action": "CREATE_FULFILLMENT"}]
        self.orders.append({**found, "supportedActions": actions, "fulfillmentHolds": [], **about})

    def left(self) -> dict[str, dict[int, int]]:
        """Units still to be sent, by place and line."""
        return {
            told["assignedLocation"]["name"]: {
                int(row["lineItem"]["id"].rpartition("/")[2]): row["remainingQuantity"]
                for row in told["lineItems"]["nodes"]
            }
            for told in self.orders
        }

    def parcels(self) -> list[tuple[Any, ...]]:
        """Number, tracking and units of each."""
        return [
            (
                int(told["legacyResourceId"]),
                *(row["number"] for row in told["trackingInfo"]),
                {
                    int(row["lineItem"]["id"].rpartition("/")[2]): row["quantity"]
                    for row in told["fulfillmentLineItems"]["nodes"]
                },
            )
            for told in self.fulfillments
        ]

    def _done(self, call: Call, root: str, **payload: Any) -> bytes:
        self.writes += 1
        if call.name in self.loses:
            self.loses.remove(call.name)
            return LOST
        return data(**{root: {"userErrors": [], **payload}})

    def _told(self, call: Call) -> bytes:
        if call.variables["id"] != ORDER:
            return data(order=None)
        noted = self.metafields.get(("logix", "parcels"))
        keys = call.variables.get("keys", ())
        rows = [
            {"namespace": space, "key": f"{space}.{key}", **row}
            for (space, key), row in self.metafields.items()
            if f"{space}.{key}" in keys
        ]
        return data(
            order={
                "id": ORDER,
                "cancelledAt": self.cancelled_at,
                "closedAt": self.closed_at,
                "note": self.note,
                "parcels": noted and {"value": noted["value"]},
                "fulfillments": self.fulfillments,
                "fulfillmentOrders": nodes(self.orders),
                "customAttributes": self.attributes,
                "metafields": {"nodes": rows},
            }
        )

    def _ship(self, call: Call) -> bytes:
        told = call.variables["fulfillment"]
        lines: list[dict[str, Any]] = []
        for part in told["lineItemsByFulfillmentOrder"]:
            order = next(o for o in self.orders if o["id"] == part["fulfillmentOrderId"])
            for asked in part["fulfillmentOrderLineItems"]:
                row = next(r for r in order["lineItems"]["nodes"] if r["id"] == asked["id"])
                if asked["quantity"] > row["remainingQuantity"]:
                    return refused("fulfillmentCreate", "Invalid fulfillment order line quantity")
                row["remainingQuantity"] -= asked["quantity"]
                lines.append({"quantity": asked["quantity"], "lineItem": row["lineItem"]})
        number = 900 + len(self.fulfillments)
        self.fulfillments.append(
            {
                "id": gid("Fulfillment", number),
                "legacyResourceId": str(number),
                "status": "SUCCESS",
                "createdAt": "2026-11-20T10:00:00Z",
                "trackingInfo": _tracking(told.get("trackingInfo")),
                "fulfillmentLineItems": nodes(lines),
            }
        )
        left = sum(r["remainingQuantity"] for o in self.orders for r in o["lineItems"]["nodes"])
        if self.closes_itself and not left:
            self.closed_at = "2026-11-20T10:00:00Z"
        made = {"legacyResourceId": str(number)}
        return self._done(call, "fulfillmentCreate", fulfillment=made)

    def _track(self, call: Call) -> bytes:
        told = next(f for f in self.fulfillments if f["id"] == call.variables["id"])
        told["trackingInfo"] = _tracking(call.variables["tracking"])
        return self._done(call, "fulfillmentTrackingInfoUpdate", fulfillment=None)

    def _unship(self, call: Call) -> bytes:
        told = next(f for f in self.fulfillments if f["id"] == call.variables["id"])
        if told["status"] == "CANCELLED":
            return refused("fulfillmentCancel", "The fulfillment is already cancelled.")
        told["status"] = "CANCELLED"
        return self._done(call, "fulfillmentCancel", fulfillment=None)

    def on_the_way(self) -> list[int]:
        return [int(f["legacyResourceId"]) for f in self.fulfillments if f["status"] == "SUCCESS"]

    def _set_fields(self, call: Call) -> bytes:
        for row in call.variables["metafields"]:
            value = {"type": row["type"], "value": row["value"]}
            self.metafields[row["namespace"], row["key"]] = value
        return self._done(call, "metafieldsSet")

    def _delete_fields(self, call: Call) -> bytes:
        for row in call.variables["metafields"]:
            del self.metafields[row["namespace"], row["key"]]
        return self._done(call, "metafieldsDelete")

    def _update(self, call: Call) -> bytes:
        told = call.variables["input"]
        self.note = told.get("note", self.note)
        self.attributes = told.get("customAttributes", self.attributes)
        return self._done(call, "orderUpdate")

    def _close(self, call: Call) -> bytes:
        self.closed_at = "2026-11-20T11:00:00Z"
        return self._done(call, "orderClose")

    def _open(self, call: Call) -> bytes:
        self.closed_at = None
        return self._done(call, "orderOpen")


def _tracking(told: dict[str, str] | None) -> list[dict[str, str | None]]:
    return [{name: told.get(name) for name in ("company", "number", "url")}] if told else []
