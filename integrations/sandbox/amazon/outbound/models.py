"""An order of another shop that Amazon sends, and its shipments. Moments are epoch seconds."""

from __future__ import annotations

from msgspec import Struct

SPEEDS = {"Standard": (5, "4.50"), "Expedited": (3, "7.90"), "Priority": (1, "12.40")}
"""Days it takes, and what the transport costs."""

CANCELLABLE = frozenset({"Received", "Planning"})
STATUSES = (
    "New",
    "Received",
    "Planning",
    "Processing",
    "Cancelled",
    "Complete",
    "CompletePartialled",
    "Unfulfillable",
    "Invalid",
)


class Item(Struct):
    key: str
    sku: str
    quantity: int
    cancelled: int = 0
    unfulfillable: int = 0

    @property
    def open(self) -> int:
        return self.quantity - self.cancelled - self.unfulfillable


class Package(Struct):
    number: int
    carrier: str
    tracking: str


class Shipment(Struct):
    """``items``: units by the seller's key of the item."""

    id: str
    center: str
    status: str
    date: float
    items: dict[str, int]
    packages: list[Package] = []


class Outbound(Struct):
    """``is_held``: its units are taken out of what can be sold. ``order_id``: what Orders calls
    it.
    """

    id: str
    marketplace: str
    shown_id: str
    shown_date: float
    comment: str
    speed: str
    action: str
    policy: str
    address: dict[str, str]
    items: list[Item]
    received: float
    updated: float
    status: str = "New"
    is_held: bool = False
    order_id: str = ""
    shipments: list[Shipment] = []
