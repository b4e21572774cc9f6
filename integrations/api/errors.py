"""One shape for every refusal: RFC 9457 problem documents with a stable ``code``.

What services and platforms raise is translated here by table; views raise nothing of their own
kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.signals import got_request_exception
from django.http import Http404
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from integrations import connect, registry, sync
from integrations.errors import (
    ContractBroken,
    MerchantMustAct,
    Misconfigured,
    NotFound,
    PlatformError,
    RateLimited,
    Rejected,
    Unavailable,
    Unsupported,
)
from inventory.errors import (
    AllocationRefused,
    KitRefused,
    LinkRefused,
    PutBackRefused,
    RuleTaken,
)
from inventory.ledger import LedgerConflict, LedgerRefused
from logix.common.crypto import SealBroken
from orders.errors import OrderChangedMeanwhile, OrderError

log = structlog.get_logger(__name__)

CONTENT_TYPE = "application/problem+json"

TITLES = {
    400: "The request is not understood",
    401: "A valid token is needed",
    403: "The token does not allow this",
    404: "Not found",
    405: "Not possible at this address",
    406: "No such format",
    409: "Not possible in the present state",
    413: "The body is too large",
    415: "The body's format is not understood",
    422: "The request cannot be carried out as asked",
    429: "Too many requests",
    500: "Something went wrong in Logix",
    502: "The store did not answer as it should",
    503: "Try again in a moment",
}
_CODES = {
    400: "bad_request",
    401: "token_missing",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    415: "unsupported_media_type",
    429: "throttled",
}
# What a store says is never our own 401, 403 or 404: those speak of the caller's token and of
# our addresses.
_STORE_STATUS: tuple[tuple[type[PlatformError], int], ...] = (
    (MerchantMustAct, 422),
    (Misconfigured, 422),
    (NotFound, 422),
    (Rejected, 422),
    (Unsupported, 422),
    (RateLimited, 503),
    (Unavailable, 502),
    (ContractBroken, 502),
)
# Refusals of the connect flow that lie in the state of things; the rest lies in what was sent.
_CONNECT_CONFLICTS = frozenset({"wrong_state", "duplicate_store"})
_MOST_NAMED = 10
_BUSY = (OrderChangedMeanwhile, LedgerConflict)


class Refused(exceptions.APIException):
    """A refusal with its own status and code, for the few a view decides itself. ``more``: what
    the problem document says beyond the usual.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        retry_after_s: float | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self.status_code = status
        self.wait = retry_after_s
        self.more = more or {}
        super().__init__(detail, code)


class ProblemErrorSerializer(serializers.Serializer[Any]):
    pointer = serializers.CharField(help_text="Where in the body, as a JSON pointer.")
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer[Any]):
    """A refusal (RFC 9457). Decide by `code`; `detail` is for people."""

    type = serializers.CharField(help_text="Always `about:blank`.")
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    errors = ProblemErrorSerializer(many=True)  # type: ignore[assignment]  # so says RFC 9457
    request_id = serializers.CharField(help_text="Name it when you ask for help.")


def handle(exc: Exception, context: Mapping[str, Any]) -> Response:
    """DRF's exception handler. What nobody foresaw is logged and answered 500 without details."""
    status, code, detail, errors, wait = _told(exc)
    if status >= 500 and code == "internal_error":
        log.error("api_failed", exc_info=exc)
        request = context.get("request")
        got_request_exception.send(sender=None, request=getattr(request, "_request", request))
    headers = {}
    if getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = exc.auth_header  # type: ignore[attr-defined]
    if wait is not None:
        headers["Retry-After"] = str(max(1, round(wait)))
    return Response(
        {**problem(status, code, detail, errors), **getattr(exc, "more", {})},
        status=status,
        headers=headers,
        content_type=CONTENT_TYPE,
    )


def problem(
    status: int, code: str, detail: str, errors: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": TITLES.get(status, "Refused"),
        "status": status,
        "code": code,
        "detail": detail,
        "errors": errors or [],
        "request_id": request_id(),
    }


def request_id() -> str:
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


Told = tuple[int, str, str, list[dict[str, str]], float | None]


def _told(exc: Exception) -> Told:
    if isinstance(exc, exceptions.ValidationError):
        errors = list(_fields(exc.detail, ""))
        return 400, "invalid", _in_short(errors), errors, None
    if isinstance(exc, Http404 | exceptions.NotFound | registry.UnknownPlatform):
        return 404, "not_found", _sentence(exc) or "There is no such object here.", [], None
    if isinstance(exc, DjangoPermissionDenied):
        return 403, "forbidden", "Not allowed.", [], None
    if isinstance(exc, exceptions.APIException):
        return _of_rest(exc)
    if isinstance(exc, PlatformError):
        status = next((s for kind, s in _STORE_STATUS if isinstance(exc, kind)), 502)
        return status, f"store_{exc.code}", str(exc), [], getattr(exc, "retry_after_s", None)
    if isinstance(exc, connect.ConnectError):
        status = 409 if exc.code in _CONNECT_CONFLICTS else 422
        return status, exc.code, exc.message, [], None
    if isinstance(exc, OrderError):
        return 409, exc.code, exc.message, [], None
    if isinstance(exc, LedgerRefused):
        return 409, "stock_refused", str(exc), [], None
    if isinstance(exc, LinkRefused):
        return 409, "link_refused", str(exc), [], None
    if isinstance(exc, KitRefused):
        return 409, "kit_refused", str(exc), [], None
    if isinstance(exc, AllocationRefused):
        return 409, "allocation_refused", str(exc), [], None
    if isinstance(exc, RuleTaken):
        return 409, "rule_taken", str(exc), [], None
    if isinstance(exc, PutBackRefused):
        return 409, "put_back_refused", str(exc), [], None
    if isinstance(exc, sync.RunRefused):
        return 409, "run_refused", str(exc), [], None
    if isinstance(exc, _BUSY):
        return 503, "busy", "Others are changing the same thing. Send it again.", [], 1
    if isinstance(exc, SealBroken):
        return 409, "sealed", "The data is sealed with a key this hub no longer has.", [], None
    return 500, "internal_error", "The request failed. Nothing you sent is wrong.", [], None


def _of_rest(exc: exceptions.APIException) -> Told:
    code = exc.get_codes()
    code = code if isinstance(code, str) and code != "error" else ""
    generic = getattr(exc, "default_code", "")
    if not code or code in {generic, "parse_error"}:
        code = _CODES.get(exc.status_code, "refused")
    if isinstance(exc, exceptions.ParseError):
        code = "malformed"
    return exc.status_code, code, str(exc.detail), [], getattr(exc, "wait", None)


def _sentence(exc: Exception) -> str:
    """Messages of ours only: Django's own 404 names models and queries."""
    if isinstance(exc, Http404):
        return ""
    text = str(getattr(exc, "detail", "") or exc)
    return "" if text == str(exceptions.NotFound.default_detail) else text


def _in_short(errors: list[dict[str, str]]) -> str:
    """One sentence for all of them; each has its own in ``errors``."""
    if len(errors) == 1:
        return errors[0]["detail"]
    names = list(dict.fromkeys(e["pointer"][1:61] for e in errors if e["pointer"]))
    told = ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
    return f"Some values are missing or not valid: {told}. See “errors”."


def _fields(detail: Any, pointer: str) -> Iterator[dict[str, str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            own = name == "non_field_errors"
            yield from _fields(inner, pointer if own else f"{pointer}/{name}")
    elif isinstance(detail, list):
        for place, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list)
            yield from _fields(inner, f"{pointer}/{place}" if nested else pointer)
    else:
        code = getattr(detail, "code", "invalid")
        yield {"pointer": pointer, "code": str(code), "detail": str(detail)}
