"""Fields of an order's own, kept as its meta data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from integrations.errors import Rejected
from integrations.woocommerce import shapes, shipping
from integrations.woocommerce.client import WooClient
from integrations.woocommerce.platform import CARD
from integrations.woocommerce.values import meta_value


def write(
    client: WooClient, order_id: str, fields: Mapping[str, Any], fill: Collection[str]
) -> bool:
    """True when the store was changed. Raises Rejected for a reserved key, and for an order in the
    trash.
    """
    for key in fields:
        if CARD.reserves(key):
            raise Rejected(f"“{key}” is not a field of the order's own.", code="field_reserved")
    meta = shapes.rows(shipping.live(client, order_id).meta_data, "$.meta_data")
    told = {}
    for key, value in fields.items():
        there, wanted = _stored(meta_value(meta, key)), _stored(value)
        if there != wanted and not (key in fill and there not in ("", [], {})):
            told[key] = wanted
    if not told:
        return False
    # By key alone, so that rows of one key become one, and all other keys stay.
    client.update_order(order_id, {"meta_data": [{"key": k, "value": v} for k, v in told.items()]})
    return True


def _stored(value: Any) -> Any:
    """As WordPress keeps it: the column holds text, so a single value comes back as text, and
    nothing as "". A list or an object is kept whole; an empty object comes back as a list.

    Source: WordPress, maybe_serialize() and the meta_value columns, 6.8.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | float):
        return str(value)
    return [] if value == {} else value
