"""What the Sync Engine tells the rest of the hub, inside the writing transaction.
``integrations.receivers`` listens.
"""

from django.dispatch import Signal

# store: Store. A field rule was made, changed or removed.
rules_changed = Signal()
