"""Who comes in: the access token, the quota, the operation, and the headers of every answer.

Sources: the pages "Connect to the SP-API" and "Usage Plans and Rate Limits" (the limit's header
stands only on 20x, 400 and 404); the words of 403 from amzn/selling-partner-api-docs#2147 and the
clients that wait for them; that an unknown path is a 403, too, from
saleweaver/python-amazon-sp-api#495.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from integrations.sandbox.amazon.api.call import Call, Operation, denied
from integrations.sandbox.amazon.api.operations import OPERATIONS
from integrations.sandbox.amazon.login import room
from integrations.sandbox.amazon.wire import Answer, Refused, Request, errors

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

_TELLS_LIMIT = frozenset({200, 201, 202, 204, 400, 404})


def answer(store: SellerStore, request: Request) -> Answer:
    with store.working():
        operation, words = found(request)
        try:
            _check_token(store, request, operation)
            if operation is None:
                raise denied()
            if not store.quotas.take(operation.id, operation.rate, operation.burst):
                told = throttled(store, operation)
            else:
                told = operation.act(Call(store, request, words))
                told.content()  # while the account is held, as it was then
        except Refused as refused:
            told = refused.answer()
        name = operation.id if operation else "unknown"
        store.quotas.count(name, told.status)
    told.set_header("x-amzn-RequestId", str(uuid.uuid4()))
    if operation and operation.tells_limit and told.status in _TELLS_LIMIT:
        _tell_limit(told, operation)
    return told


def found(request: Request) -> tuple[Operation | None, dict[str, str]]:
    segments = request.segments
    for operation in OPERATIONS:
        if operation.method == request.method:
            words = operation.words(segments)
            if words is not None:
                return operation, words
    return None, {}


def throttled(store: SellerStore, operation: Operation | None) -> Answer:
    """No Retry-After, and mostly no word on the rate."""
    told = errors(429, "QuotaExceeded", "You exceeded your quota for the requested resource.")
    if operation and store.strikes("limit_told", operation.id):
        _tell_limit(told, operation)
    return told


def _tell_limit(told: Answer, operation: Operation) -> None:
    told.set_header("x-amzn-RateLimit-Limit", str(float(operation.rate)))


def _check_token(store: SellerStore, request: Request, operation: Operation | None) -> None:
    """Raises Refused."""
    token = request.headers.get("x-amz-access-token", "")
    if not token:
        raise denied("Access token is missing in the request header.")
    access = store.state.login.accesses.get(token)
    is_living = access is not None and (access.scope or room.is_authorised(store, access.refresh))
    if access is None or not is_living:
        raise denied("The access token you provided is revoked, malformed or invalid.")
    if access.until <= store.clock.exact():
        raise denied("The access token you provided has expired.")
    if access.scope != (operation.scope if operation else ""):
        raise denied()
    if operation and not operation.scope and not operation.roles & set(store.state.login.roles):
        raise denied()
