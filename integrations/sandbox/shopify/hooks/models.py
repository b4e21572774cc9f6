"""What an app has asked to be told."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class WebhookSubscription(Struct):
    """``topic`` is spelled as deliveries spell it (``orders/create``); ``metafields`` are
    (namespace, key). ``failures`` counts deliveries that were given up, in a row.
    """

    id: int
    topic: str
    uri: str
    created_at: int
    updated_at: int
    format: str = "JSON"
    filter: str | None = None
    include_fields: list[str] = []
    metafield_namespaces: list[str] = []
    metafields: list[tuple[str, str]] = []
    name: str | None = None


def trimmed(body: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    """``includeFields``: names and paths (``line_items.id``); none of them: the whole body."""
    if not fields:
        return body
    wanted: dict[str, Any] = {}
    for name in fields:
        node = wanted
        for step in name.split("."):
            node = node.setdefault(step, {})
    found: dict[str, Any] = _picked(body, wanted)
    return found


def _picked(value: Any, wanted: dict[str, Any]) -> Any:
    if not wanted:
        return value
    if isinstance(value, list):
        return [_picked(row, wanted) for row in value]
    if not isinstance(value, dict):
        return value
    return {name: _picked(below, wanted[name]) for name, below in value.items() if name in wanted}
