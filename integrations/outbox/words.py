"""What a person wrote into a command: a note's text, the reason of a cancellation or refund. It may
name the buyer, so it is kept sealed, beside the payload.
"""

from __future__ import annotations

from typing import Any

from integrations import authentication
from integrations.models import Command, Store
from logix.accounts import keys

_TABLE, _COLUMN = "integrations_command", "words"


def seal(words: str, *, store_id: Any, data_key_id: Any, key: str) -> bytes | None:
    """None where nothing was written. ``key`` is the command's."""
    if not words:
        return None
    return keys.vault(data_key_id).seal(words.encode(), _TABLE, _COLUMN, _row(store_id, key))


def words_of(command: Command) -> str:
    """'' where nothing was written, or it was erased. Raises Misconfigured when the hub lacks the
    key.
    """
    if command.words_sealed is None:
        return ""
    store = Store.objects.get(pk=command.store_id)
    row = _row(command.store_id, command.key)
    return authentication.open_sealed(store, command.words_sealed, _TABLE, _COLUMN, row).decode()


def _row(store_id: Any, key: str) -> str:
    return f"{store_id}:{key}"
