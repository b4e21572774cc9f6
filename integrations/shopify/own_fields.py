"""Fields of an order's own: its metafields, and its custom attributes (keys beginning with
``attributes.``). A key without a namespace is one of Logix's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from integrations.errors import Rejected
from integrations.shopify import shapes
from integrations.shopify.client import ShopifyClient
from integrations.shopify.platform import CARD
from integrations.shopify.shapes import Attribute, Camel, Metafield
from integrations.shopify.values import gid

ATTRIBUTES = "attributes."
NAMESPACE = "logix"
_KEY = re.compile(r"(?:([A-Za-z0-9_-]{3,255})\.)?([A-Za-z0-9_-]{2,64})")
_MOST_AT_ONCE = 25


class _Own(Camel):
    custom_attributes: list[Attribute] = []
    metafields: shapes.Connection[Metafield] | None = None


def write(
    client: ShopifyClient, order_id: str, fields: Mapping[str, Any], fill: Collection[str]
) -> bool:
    """True when the store was changed. Raises Rejected for a reserved key and for one that cannot
    be a key.
    """
    places = {key: _place(key) for key in fields if not key.startswith(ATTRIBUTES)}
    for key in fields:
        if CARD.reserves(key) or CARD.reserves(".".join(places.get(key, ()))):
            raise Rejected(f"“{key}” is not a field of the order's own.", code="field_reserved")
    order = gid("Order", order_id)
    own = _read(client, order, [".".join(place) for place in places.values()])
    changed = _write_attributes(client, order, own, fields, fill)
    return _write_metafields(client, order, own, fields, fill, places) or changed


def _place(key: str) -> tuple[str, str]:
    found = _KEY.fullmatch(key)
    if found is None:
        raise Rejected(
            f"“{key}” cannot be the key of a metafield: namespace.key, of letters, digits, hyphens "
            "and underscores.",
            code="bad_key",
        )
    return found[1] or NAMESPACE, found[2]


def _read(client: ShopifyClient, order: str, keys: Sequence[str]) -> _Own:
    own = _Own(metafields=shapes.Connection())
    assert own.metafields is not None  # noqa: S101 - made the line before
    for start in range(0, max(1, len(keys)), _MOST_AT_ONCE):
        part = list(keys[start : start + _MOST_AT_ONCE]) or [f"{NAMESPACE}.none"]
        found = client.ask("order_own_fields", {"id": order, "keys": part}).at("order", _Own)
        own.custom_attributes = found.custom_attributes
        own.metafields.nodes += found.metafields.nodes if found.metafields else []
    return own


def _write_attributes(
    client: ShopifyClient,
    order: str,
    own: _Own,
    fields: Mapping[str, Any],
    fill: Collection[str],
) -> bool:
    """They are written whole, so the others are sent along as they are."""
    there = [(x.key, x.value or "") for x in own.custom_attributes]
    after = list(there)
    for name, value in fields.items():
        key = name.removeprefix(ATTRIBUTES)
        if key == name or (name in fill and dict(after).get(key)):
            continue
        wanted = "" if value is None else _spelled(value)
        if dict(after).get(key, "") != wanted:
            after = [row for row in after if row[0] != key] + ([(key, wanted)] if wanted else [])
    if after == there:
        return False
    rows = [{"key": key, "value": value} for key, value in after]
    told = {"id": order, "customAttributes": rows}
    client.change("update_order", {"input": told}, "orderUpdate", repeatable=True)
    return True


def _write_metafields(
    client: ShopifyClient,
    order: str,
    own: _Own,
    fields: Mapping[str, Any],
    fill: Collection[str],
    places: Mapping[str, tuple[str, str]],
) -> bool:
    rows = own.metafields.nodes if own.metafields else []
    there = {shapes.place_of(x): x for x in rows}
    told, gone = [], []
    for name, (namespace, key) in places.items():
        before, value = there.get(f"{namespace}.{key}"), fields[name]
        if before is not None and name in fill:
            continue
        place = {"ownerId": order, "namespace": namespace, "key": key}
        if value is None or value == "":
            gone += [place] if before is not None else []
        elif before is None or not _is_same(before, value):
            type_ = before.type if before else _type_of(value)
            told.append({**place, "type": type_, "value": _spelled(value)})
    for start in range(0, len(told), _MOST_AT_ONCE):
        part = told[start : start + _MOST_AT_ONCE]
        client.change("set_fields", {"metafields": part}, "metafieldsSet", repeatable=True)
    if gone:
        client.change("delete_fields", {"metafields": gone}, "metafieldsDelete", repeatable=True)
    return bool(told or gone)


def _type_of(value: Any) -> str:
    """Shopify's type for a value. Source: https://shopify.dev/docs/apps/build/metafields/list-of-data-types"""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "number_integer"
    if isinstance(value, float):
        return "number_decimal"
    if isinstance(value, str):
        return "multi_line_text_field" if "\n" in value else "single_line_text_field"
    if isinstance(value, list) and value and all(isinstance(x, str) for x in value):
        return "list.single_line_text_field"
    return "json"


def _spelled(value: Any) -> str:
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _is_same(field: Metafield, value: Any) -> bool:
    """Shopify writes JSON and numbers its own way."""
    if field.value == _spelled(value):
        return True
    if isinstance(value, str):
        return False
    try:
        return bool(json.loads(field.value) == value)
    except ValueError:
        return False
