"""What connecting tells the rest of the hub, inside the writing transaction.
``integrations.receivers`` listens.
"""

from django.dispatch import Signal

# store: Store, actor: str. The store may be called again: connected, resumed, or given new
# credentials.
store_opened = Signal()

# store: Store, words: list[str] of its statuses that were given a meaning, or another one
status_words_changed = Signal()

# store: Store, actor: str. Channels are on that were not: what they hold was not read yet.
channels_added = Signal()
