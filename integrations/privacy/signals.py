"""What erasing tells the rest of the hub, inside the writing transaction. Whoever hears it empties
what it holds and answers with counts by kind.
"""

from django.dispatch import Signal

# store: Store, external_ids: list[str] | None. What is kept of these orders, or of all the store's
# (None), and belongs to no order of ours that was erased.
erased = Signal()
