"""What the Sync Engine tells the rest of the hub, inside the writing transaction.
``integrations.receivers`` listens.
"""

from django.dispatch import Signal

# store: Store. A field rule was made, changed or removed.
rules_changed = Signal()

# store: Store, whose stock is counted by another than before: by itself, or by Logix. Each listener
# answers how many listings are to be told another figure because of it.
stock_master_changed = Signal()
