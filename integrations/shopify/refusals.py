"""What Shopify says when it refuses, in words for the person who can act.

GraphQL answers errors inside a 200, each with a code in its ``extensions``; only the codes can be
relied on. Source: https://shopify.dev/docs/api/admin-graphql, "Status and error codes"; recorded
shapes in the facts sheet.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from integrations.errors import (
    ContractBroken,
    MerchantMustAct,
    Misconfigured,
    OutcomeUnknown,
    PermissionMissing,
    PlatformError,
    Rejected,
    Unavailable,
)
from integrations.kit.http import Answer, Explained
from integrations.kit.redact import redact_told
from integrations.shopify.operations import Operation
from integrations.shopify.platform import CARD
from integrations.shopify.shapes import UserError
from integrations.shopify.values import text

THROTTLED = "THROTTLED"
TOO_COSTLY = "MAX_COST_EXCEEDED"
DENIED = "ACCESS_DENIED"
INTERNAL = "internal_error"
_TROUBLE = frozenset({"INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"})

_STATUS: dict[int, Explained] = {
    402: (
        "payment_required",
        "The store is frozen: its owner has a bill of Shopify's to pay first.",
        MerchantMustAct,
    ),
    404: (
        "not_a_store",
        "There is no Shopify store at this address. Enter the one that ends in .myshopify.com; "
        "Shopify admin → Settings → Domains shows it.",
        # Not NotFound: it is no order or product that is gone.
        Misconfigured,
    ),
    423: (
        "locked",
        "Shopify has locked the store. Its owner finds the reason in the Shopify admin, or asks "
        "Shopify's support.",
        Unavailable,
    ),
}
# Where an error does not name the scope it misses: the field it stands at tells.
_SCOPE_OF_FIELD = {
    "orders": "read_orders",
    "order": "read_orders",
    "returns": "read_returns",
    "shopifyPaymentsAccount": "read_shopify_payments_accounts",
    "products": "read_products",
    "product": "read_products",
    "productVariants": "read_products",
    "inventoryItem": "read_inventory",
    "locations": "read_locations",
    "inventorySetQuantities": "write_inventory",
    "inventoryActivate": "write_inventory",
    "fulfillmentCreate": "write_merchant_managed_fulfillment_orders",
    "fulfillmentTrackingInfoUpdate": "write_merchant_managed_fulfillment_orders",
    "orderCancel": "write_orders",
    "refundCreate": "write_orders",
    "orderUpdate": "write_orders",
    "orderClose": "write_orders",
    "orderOpen": "write_orders",
    "metafieldsSet": "write_orders",
    "metafieldsDelete": "write_orders",
}
_SCOPE = re.compile(r"\b(?:read|write)_[a-z_]+\b")
_MOST_WORDS = 200


class TooCostly(Rejected):
    """One query may cost so much and no more; less of the same may be asked for."""

    code = "max_cost_exceeded"

    def __init__(self, message: str, *, cost: float | None) -> None:
        super().__init__(message)
        self.cost = cost


def explain(answer: Answer) -> Explained | None:
    """The hook of ``PlatformSession``: what a status means here, or Shopify's own words."""
    if answer.status in _STATUS:
        return _STATUS[answer.status]
    body = answer.json()
    said = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(said, str):
        return None
    if answer.status == 403 and (scopes := _SCOPE.findall(said)):
        return "scope_missing", no_scope(scopes)
    return "", words(said)


def words(message: Any) -> str:
    """What Shopify said, short, without secrets, as a sentence."""
    said = redact_told(text(message, _MOST_WORDS)).strip()
    return said if not said or said.endswith((".", "!", "?")) else f"{said}."


def code_of(error: Any) -> str:
    extensions = error.get("extensions") if isinstance(error, dict) else None
    return text(extensions.get("code"), 60) if isinstance(extensions, dict) else ""


def error_of(errors: Sequence[Any], operation: Operation, *, repeatable: bool) -> PlatformError:
    """What the errors of an answer amount to; throttling is not among them."""
    by_code = {code_of(error): error for error in reversed(errors)}
    if TOO_COSTLY in by_code:
        return _too_costly(by_code[TOO_COSTLY])
    if DENIED in by_code:
        return _denied([e for e in errors if code_of(e) == DENIED])
    if _TROUBLE & set(by_code):
        sentence = "Shopify had an internal error."
        if operation.is_mutation and not repeatable:
            return OutcomeUnknown(f"{sentence} The change may have happened.", code=INTERNAL)
        return Unavailable(sentence, code=INTERNAL)
    first = errors[0] if isinstance(errors[0], dict) else {}
    path = ".".join(str(part) for part in first.get("path") or ())
    return ContractBroken(
        f"Shopify did not understand “{operation.name}”: {words(first.get('message'))}",
        path=f"$.{path}" if path else "$.errors",
    )


def rejection(found: Sequence[UserError]) -> Rejected:
    """User errors of a mutation that is done whole or not at all."""
    said = " ".join(dict.fromkeys(words(error.message) for error in found))
    return Rejected(f"Shopify refused: {said}", code=line_code(found[0]))


def line_code(error: UserError) -> str:
    return text(error.code, 60).lower() or Rejected.code


def _too_costly(error: Any) -> TooCostly:
    told = error["extensions"].get("cost")
    return TooCostly(
        "Shopify refuses a query of this size.",
        cost=float(told) if isinstance(told, int | float) else None,
    )


def _denied(errors: Sequence[Any]) -> PermissionMissing:
    scopes: dict[str, None] = {}
    for error in errors:
        said = f"{error['extensions'].get('requiredAccess') or ''} {error.get('message') or ''}"
        path = [part for part in error.get("path") or () if isinstance(part, str)]
        named = _SCOPE.findall(said) or [_SCOPE_OF_FIELD[p] for p in path if p in _SCOPE_OF_FIELD]
        scopes |= dict.fromkeys(sorted(named, key=_is_strange)[:1])
    if not scopes:
        return PermissionMissing(
            f"Shopify does not let this app do that: {words(errors[0].get('message'))}",
            code="access_denied",
        )
    return PermissionMissing(no_scope(list(scopes)), scopes=tuple(scopes), code="scope_missing")


def _is_strange(scope: str) -> bool:
    """Whether nobody asks for it: of several that would do, Logix names its own."""
    return scope not in CARD.wanted_scopes


def no_scope(scopes: Sequence[str]) -> str:
    return (
        f"The app was not granted {', '.join(dict.fromkeys(scopes))}. Connect the store again and "
        "grant it."
    )
