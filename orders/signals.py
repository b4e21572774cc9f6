"""What orders ask of the outside, inside the writing transaction. The only listener is
``integrations.receivers``.
"""

from django.dispatch import Signal

# shipment: Shipment, version: int (1 when shipped, higher when tracking changed), actor: str
shipment_added = Signal()

# shipment: Shipment with its order, reopens: bool (the order was all shipped, and units are to
# leave again), actor: str
shipment_cancelled = Signal()

# order: Order, status: OrderStatus, actor: str; by_parcels=True where its parcels say so and nobody
# asked
status_requested = Signal()

# order: Order, reason: str, notify_customer: bool, actor: str
cancel_requested = Signal()

# order: Order, text: str, to_customer: bool, reference: str, actor: str
note_requested = Signal()

# request: RefundRequest, refund: RefundOrder, actor: str
refund_requested = Signal()

# order: Order. Each listener empties what it keeps of the buyer and answers how many rows that
# were, by kind: dict[str, int]. Sent again when an erasure is asked for again.
buyer_erased = Signal()

# variant_ids: frozenset[UUID] of stock items that were sold and are not there. Each listener
# answers what explains it, by item: dict[UUID, dict[str, Any]].
oversold = Signal()

# store: the store, revisions: dict[UUID, int] of orders that were imported as new or changed
orders_imported = Signal()

# fulfillment: OutsideFulfillment with its order and store, actor: str
outside_requested = Signal()

# fulfillment: OutsideFulfillment with its order and store, actor: str. The listener answers whether
# the store that sends was never told of it, and now never will be: bool
outside_cancel_requested = Signal()
