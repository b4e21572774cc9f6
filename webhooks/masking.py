"""Webhook bodies as people may read them: pretty-printed, and without what could be personal unless
they may see it.
"""

from __future__ import annotations

import json
import re
from typing import Any

MASK = "•••"
_MOST = 200_000

# Text under these names says nothing about a person. Whatever is not listed is masked: a store's
# own fields, notes and addresses come under names nobody can foresee.
_HARMLESS = re.compile(
    r"(status|currency(_symbol)?|number|version|sku|type|kind|code|rate_code|tax_class|price|quantity|created_via"
    r"|prices_include_tax|method_id|payment_method|catalog_visibility|stock_status|tax_status|backorders"
    r"|(.*_)?(total|subtotal|tax|price|amount)|date_.*|.*_(at|gmt|on))",
)
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")


def readable(body: bytes, *, whole: bool) -> str:
    """The body as text. Not ``whole``: every text that could be personal is masked, numbers and
    structure stay.
    """
    try:
        told = json.loads(body)
    except ValueError:
        text = body.decode("utf-8", "replace") if whole else "Not JSON; hidden."
        return text[:_MOST]
    told = told if whole else _masked(told, "")
    return json.dumps(told, indent=2, ensure_ascii=False)[:_MOST]


def _masked(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _masked(part, str(key)) for key, part in value.items()}
    if isinstance(value, list):
        return [_masked(part, name) for part in value]
    if isinstance(value, str):
        is_id = name == "id" or name.endswith("_id")
        harmless = _HARMLESS.fullmatch(name) or (is_id and _PLAIN_ID.fullmatch(value))
        return value if harmless or not value else MASK
    return value if isinstance(value, bool) or value is None or _counts(name) else MASK


def _counts(name: str) -> bool:
    """Whether a number under this name is a figure; a phone or a post code may be written as a
    number, too.
    """
    return not re.search(r"phone|mobile|tel|fax|post|zip|vat|value", name, re.IGNORECASE)
