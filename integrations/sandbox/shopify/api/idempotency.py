"""``@idempotent(key:)``: the same key with the same variables is one operation.

Source: shopify.dev/docs/api/usage/idempotent-requests and the changelog that makes the directive
mandatory from 2026-04, read 2026-11.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from graphql import DirectiveNode, FieldNode, StringValueNode, VariableNode

from integrations.sandbox.shopify.api.errors import UserErrors, needs_key, refuse
from integrations.sandbox.shopify.api.resolving import Resolver

REQUIRED = frozenset(
    {"inventoryActivate", "inventoryAdjustQuantities", "inventorySetQuantities", "refundCreate"}
)
KEPT_S = 24 * 3600
_MISMATCH = "The same idempotency key cannot be used with different operation parameters."
_FAILED = "A previous request with this idempotency key failed. Retry with a new idempotency key."
_CONCURRENT = "This request is currently in progress, please try again."


def guarded(name: str, resolve: Resolver) -> Resolver:
    """A mutation of ``REQUIRED`` runs once for a key; asked again its first answer returns. One
    that was refused has used its key up, as the schema says of PREVIOUS_ATTEMPT_FAILED.
    """
    if name not in REQUIRED:
        return resolve

    def run(thing: Any, info: Any, **args: Any) -> Any:
        key = _key(info)
        if not key:
            raise needs_key()
        store = info.context.store
        if store.strikes("idempotency_busy", name):
            raise refuse(_CONCURRENT, code="IDEMPOTENCY_CONCURRENT_REQUEST")
        text = json.dumps([name, args], sort_keys=True, default=str)
        mark = hashlib.sha256(text.encode()).hexdigest()
        place = f"{info.context.grant.client_id}:{key}"
        if known := _remembered(store).get(place):
            return _again(known, mark)
        now = store.clock.now()
        try:
            answer = resolve(thing, info, **args)
        except UserErrors:
            store.idempotency[place] = (mark, None, now)
            raise
        store.idempotency[place] = (mark, answer, now)
        return answer

    return run


def _again(known: tuple[str, Any, int], mark: str) -> Any:
    if known[0] != mark:
        raise refuse(_MISMATCH, code="IDEMPOTENCY_KEY_PARAMETER_MISMATCH")
    if known[1] is None:
        raise refuse(_FAILED, code="IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED")
    return known[1]


def _remembered(store: Any) -> dict[str, tuple[str, Any, int]]:
    """What is older than a day is forgotten."""
    since = store.clock.now() - KEPT_S
    store.idempotency = {key: row for key, row in store.idempotency.items() if row[2] > since}
    found: dict[str, tuple[str, Any, int]] = store.idempotency
    return found


def _key(info: Any) -> str:
    node: FieldNode = info.field_nodes[0]
    for directive in node.directives or ():
        if directive.name.value == "idempotent":
            return _value(directive, info.variable_values).strip()
    return ""


def _value(directive: DirectiveNode, variables: Any) -> str:
    value = next((one.value for one in directive.arguments or () if one.name.value == "key"), None)
    if isinstance(value, StringValueNode):
        return value.value
    if isinstance(value, VariableNode):
        return str(variables.coerced.get(value.name.value) or "")
    return ""
