"""Records as plain JSON, for files that a person can read: what has its default is left out."""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec


def told(record: Any) -> Any:
    """Everything of ``record`` but the raw payload, which is what it was made from."""
    if isinstance(record, dict):
        return {key: told(value) for key, value in record.items()}
    if isinstance(record, list | tuple):
        return [told(value) for value in record]
    if isinstance(record, frozenset):
        return sorted(told(value) for value in record)
    if not dataclasses.is_dataclass(record) or isinstance(record, type):
        return msgspec.to_builtins(record)
    found = {}
    for known in dataclasses.fields(record):
        value = getattr(record, known.name)
        if known.name != "raw" and not _is_default(known, value):
            found[known.name] = told(value)
    return found


def _is_default(known: dataclasses.Field[Any], value: Any) -> bool:
    if known.default_factory is not dataclasses.MISSING:
        return bool(value == known.default_factory())
    return bool(value == known.default)
