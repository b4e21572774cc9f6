"""``Idempotency-Key``: a write sent twice is done once, and the second answer is the first one
again.

The key is claimed before the work; work and answer are kept in one transaction where the work is
all ours. Calls that talk to a store cannot be in a transaction: their answer is kept right after.
Refusals changed nothing and are not kept, so the same key may try again. Rows are kept for a week
(``integrations.upkeep``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.auth import may, merchant_of
from integrations.api.errors import Refused
from integrations.api.formats import encode
from inventory.ledger import LedgerConflict
from logix.accounts.models import IdempotentRequest, Scope
from logix.common import crypto
from logix.common.transactions import again_on
from orders.errors import OrderChangedMeanwhile

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
KEPT = timedelta(days=7)
# Longer than any write of the API takes, calls to a store included.
LOCK = timedelta(minutes=3)
MAX_KEY = 255
_State = IdempotentRequest.State
Handler = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class _Claim:
    """The right to do the work; ``answer`` is set when it was done before.

    ``locked_until`` is the fence: whoever set it may finish, a slower worker finds another value.
    """

    row: IdempotentRequest
    answer: Response | None = None

    def mine(self) -> QuerySet[IdempotentRequest]:
        return IdempotentRequest.objects.filter(
            pk=self.row.pk, state=_State.RUNNING, locked_until=self.row.locked_until
        )

    def keep(self, response: Response) -> None:
        sealed = crypto.ring().seal(encode(response.data), _place(self.row)).encode()
        kept = self.mine().update(state=_State.DONE, status=response.status_code, response=sealed)
        if not kept:
            raise _in_flight(LOCK)


def once(handler: Handler, *, talks_to_store: bool) -> Handler:
    """``handler`` guarded by the request's key, if it has one."""

    def guarded(request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER)
        if key is None:
            return handler(request, *args, **kwargs)
        claim = _claim(request, _checked(key))
        if claim.answer is not None:
            return claim.answer
        try:
            if talks_to_store:
                response = handler(request, *args, **kwargs)
                claim.keep(response)
                return response

            def work() -> Response:
                response = handler(request, *args, **kwargs)
                claim.keep(response)
                return response

            return again_on(OrderChangedMeanwhile, LedgerConflict)(work)
        except BaseException:
            claim.mine().delete()
            raise

    return guarded


def _claim(request: Request, key: str) -> _Claim:
    """Raises Refused: 422 for another request under the same key, 409 while the first one runs."""
    now = timezone.now()
    merchant = merchant_of(request)
    asked = {
        "method": request.method or "",
        "path": request.path[:255],
        "request_digest": _digest(request),
    }
    try:
        with transaction.atomic():
            row = IdempotentRequest.objects.create(
                merchant=merchant, key=key, locked_until=now + LOCK, **asked
            )
        return _Claim(row)
    except IntegrityError:
        found = IdempotentRequest.objects.filter(merchant=merchant, key=key).first()
    if found is None:
        raise _in_flight(timedelta(seconds=1))
    if found.created_at < now - KEPT:
        IdempotentRequest.objects.filter(pk=found.pk, locked_until=found.locked_until).delete()
        return _claim(request, key)
    if any(getattr(found, name) != value for name, value in asked.items()):
        raise Refused(
            422,
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request. Use a new one.",
        )
    if found.state == _State.DONE:
        return _Claim(found, _answer_of(found))
    if found.locked_until > now:
        raise _in_flight(found.locked_until - now)
    return _take_over(found)


def _digest(request: Request) -> str:
    """What makes two requests the same. Who may not see buyers must not be given the answer of
    somebody who may.
    """
    sight = b"buyers" if may(request, Scope.PII) else b""
    return crypto.digest(b"\n".join((request.get_full_path().encode(), sight, request.body)))


def _take_over(row: IdempotentRequest) -> _Claim:
    """The first worker died. Two late repeats may come here at once: only one update finds the old
    time.
    """
    until = timezone.now() + LOCK
    taken = IdempotentRequest.objects.filter(
        pk=row.pk, state=_State.RUNNING, locked_until=row.locked_until
    ).update(locked_until=until)
    if not taken:
        raise _in_flight(LOCK)
    row.locked_until = until
    return _Claim(row)


def _answer_of(row: IdempotentRequest) -> Response:
    opened = crypto.ring().open(bytes(row.response or b"").decode(), _place(row))
    return Response(
        msgspec.json.decode(opened), status=row.status or 200, headers={REPLAYED: "true"}
    )


def _checked(key: str) -> str:
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise Refused(
            400, "bad_idempotency_key", f"{HEADER} is 1 to {MAX_KEY} printable ASCII characters."
        )
    return key


def _in_flight(wait: timedelta) -> Refused:
    return Refused(
        409,
        "idempotency_in_flight",
        "A request with this Idempotency-Key is being worked on. Ask again for its answer.",
        retry_after_s=min(5.0, max(1.0, wait.total_seconds())),
    )


def _place(row: IdempotentRequest) -> str:
    return f"accounts_idempotentrequest|response|{row.merchant_id}|{row.key}"
