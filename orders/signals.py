"""What orders ask of the outside, inside the writing transaction. The only listener is
``integrations.receivers``.
"""

from django.dispatch import Signal

# shipment: Shipment, version: int (1 when shipped, higher when tracking changed), actor: str
shipment_added = Signal()

# order: Order, status: OrderStatus, actor: str
status_requested = Signal()

# order: Order, reason: str, actor: str
cancel_requested = Signal()

# order: Order, text: str, to_customer: bool, reference: str, actor: str
note_requested = Signal()
