"""What inventory tells, inside the writing transaction. The only listener is
``integrations.receivers``.
"""

from django.dispatch import Signal

# variant_ids: frozenset[UUID] of stock items whose free quantity changed.
stock_changed = Signal()

# listing_ids: frozenset[UUID] whose figure in the store is not what it was when we last looked.
store_figure_changed = Signal()

# store_id: UUID, listing_ids: frozenset[UUID] that have their first variant, or another one.
listings_linked = Signal()

# store_id: UUID, sku_keys: frozenset[str] that other listings of the store have than before: one
# was renamed, or is gone.
skus_changed = Signal()

# listing_ids: frozenset[UUID] that have no variant any more.
listings_unlinked = Signal()

# line_refs: frozenset[UUID] of order lines that were short of something, some or all of which is
# no longer missing.
lines_served = Signal()

# store_id: UUID of a store whose locations changed, or the places of ours that it sells from.
shelves_changed = Signal()

# listing_ids: frozenset[UUID] that another stock rule holds for than before, or a changed one; that
# are sold in another mode; or of which their store keeps another number back.
ruled_anew = Signal()

# variant_id: UUID of a kit whose parts changed, actor: str who changed them.
kit_changed = Signal()
