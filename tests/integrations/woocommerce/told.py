"""Records as plain JSON, for files that a person can read: a field that is absent has its
default.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import msgspec


def told(record: Any) -> Any:
    """Everything of ``record`` but the raw payload, which is what it was made from."""
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        return {
            field.name: told(value)
            for field in dataclasses.fields(record)
            if field.name != "raw" and (value := getattr(record, field.name)) != _default(field)
        }
    if isinstance(record, dict):
        return {key: told(value) for key, value in record.items()}
    if isinstance(record, list | tuple | frozenset):
        return [told(value) for value in record]
    return msgspec.to_builtins(record)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default
