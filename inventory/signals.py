"""What inventory tells, inside the writing transaction. The only listener is
``integrations.receivers``.
"""

from django.dispatch import Signal

# variant_ids: frozenset[UUID] of stock items whose free quantity changed.
stock_changed = Signal()

# listing_ids: frozenset[UUID] whose figure in the store is not what it was when we last looked.
store_figure_changed = Signal()

# store_id: UUID, listing_ids: frozenset[UUID] that now have a variant and had none before.
listings_linked = Signal()
