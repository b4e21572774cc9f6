"""``patchListingsItem``: a change is looked over, and put off if it is good."""

from __future__ import annotations

import uuid
from typing import Any, Literal

from msgspec import Struct, to_builtins

from integrations.sandbox.amazon.api import params
from integrations.sandbox.amazon.api.call import Call, denied
from integrations.sandbox.amazon.listings import bodies, submissions
from integrations.sandbox.amazon.wire import Answer, Refused

_DATA = ("identifiers", "issues")
PREVIEW = "VALIDATION_PREVIEW"


class PatchOperation(Struct, omit_defaults=True):
    op: Literal["add", "replace", "merge", "delete"]
    path: str
    value: list[dict[str, Any]] | None = None


class PatchRequest(Struct, rename="camel"):
    product_type: str
    patches: list[PatchOperation]


def patch(call: Call) -> Answer:
    """200 whatever is wrong with the data: the status in the body tells. That a SKU which is not
    offered there is a 400 is assumed; the model knows no 404 here.
    """
    query = call.query()
    if call.words["sellerId"] != call.store.options.seller_id:
        raise denied()
    query.needed("marketplaceIds")
    places = call.sells_in(query.texts("marketplaceIds", least=1))
    included = query.texts("includedData", _DATA) or ["issues"]
    mode = query.text("mode", (PREVIEW,))
    sent = params.body(call.request, PatchRequest)
    sku = call.words["sku"]
    row = call.store.state.listings.get(sku)
    missing = [name for name in places if row is None or name not in row.offers]
    if row is None or missing:
        raise Refused(400, "BAD_REQUEST", f"SKU '{sku}' not found in marketplace {missing[0]}")
    if not sent.patches or ("identifiers" in included and mode != PREVIEW):
        raise Refused(400, "BAD_REQUEST", "Invalid input")
    patches = to_builtins(sent.patches)
    issues = submissions.faults(row, patches)
    document: dict[str, Any] = {"sku": sku, "submissionId": uuid.uuid4().hex}
    if issues:
        document["status"] = "INVALID"
    elif mode == PREVIEW:
        document["status"] = "VALID"
    else:
        document["status"] = "ACCEPTED"
        document["submissionId"] = submissions.accept(call.store, row, places, patches)
    if "issues" in included:
        document["issues"] = [bodies.issue(one, places) for one in issues]
    if "identifiers" in included:
        document["identifiers"] = [
            {"marketplaceId": name, "asin": row.asin} for name in places if name in row.offers
        ]
    return Answer(200, document)
