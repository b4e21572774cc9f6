"""What happens around every request: its id, its line in the log, no bodies without a length, no
redirects for machines, the content policy.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.common import CommonMiddleware
from django.urls import Resolver404, ResolverMatch, resolve

from logix.common.ids import uuid7

log = structlog.get_logger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]

_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
_MACHINES = "/api/"
_RECEIVES = "/webhooks/receive"
_PROBES = frozenset({"/livez", "/readyz", "/metrics"})
# Asked every few seconds by supervisors; a line each would bury the rest.
_UNLOGGED = (*_PROBES, "/static/")


class RequestIdMiddleware:
    """Gives the request an id, keeps it on every log line and every message sent meanwhile, and
    returns it.

    A caller's ``X-Request-ID`` is kept when it looks like one; anything else could forge log lines.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Not request.headers, which would first name all the others anew.
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid7().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        request.request_id = request_id  # type: ignore[attr-defined]  # Django's request has no room for it
        start = time.perf_counter()
        response = self.get_response(request)
        response["X-Request-ID"] = request_id
        if not request.path.startswith(_UNLOGGED):
            log.info(
                "request",
                method=request.method,
                route=_route(request),
                status=response.status_code,
                ms=round((time.perf_counter() - start) * 1000, 1),
            )
        return response


def _route(request: HttpRequest) -> str:
    """The pattern rather than the path: a webhook's path holds its token."""
    match = request.resolver_match
    return f"/{match.route}" if match else "unknown"


class LengthMiddleware:
    """Refuses a body that comes in chunks, before anything is done.

    By WSGI a body is as long as its Content-Length says, so one without it would be taken for
    empty, and "ship one of these" for "ship everything". A proxy in front may send a length.
    Source: PEP 3333, ``CONTENT_LENGTH``; Django 5.2, ``WSGIRequest``.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.META.get("HTTP_TRANSFER_ENCODING"):
            return _refusal(
                request,
                411,
                "The length is missing",
                "no_length",
                "Send the body with a Content-Length header, not in chunks. Nothing was done.",
            )
        return self.get_response(request)


class PlainHttpMiddleware:
    """Refuses the API over plain http where https is demanded.

    A redirect would be worse: a store takes 3xx for success and drops the event (WooCommerce 8–11),
    and a client would go on sending its token in the clear.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if (
            settings.SECURE_SSL_REDIRECT
            and request.path.startswith(_MACHINES)
            and not request.is_secure()
        ):
            return _refusal(
                request,
                403,
                "Plain http is not served",
                "https_required",
                f"Use {settings.LOGIX_PUBLIC_URL}.",
            )
        return self.get_response(request)


def _refusal(request: HttpRequest, status: int, title: str, code: str, detail: str) -> HttpResponse:
    """A problem document like those of the API (RFC 9457)."""
    told: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "errors": [],
        "request_id": getattr(request, "request_id", ""),
    }
    return JsonResponse(told, status=status, content_type="application/problem+json")


class SlashMiddleware(CommonMiddleware):
    """Adds a missing slash for people, never for machines: their paths are right or 404.

    Probes are asked by address (a container's health check, a load balancer, Prometheus), which is
    no name of ``ALLOWED_HOSTS``; their answers hold no links, so any name will do.
    """

    def process_request(self, request: HttpRequest) -> Any:
        if request.path in _PROBES:
            return None
        return super().process_request(request)

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        if request.path.startswith(_MACHINES):
            return False
        return super().should_redirect_with_slash(request)


class WebhookMiddleware:
    """Takes a webhook from here straight to its view. What follows in the list is for browsers
    (policies, files, sessions, forms, logins), and a store has no use for it; but its host name is
    looked at here.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        match = _webhook(request.path_info)
        if match is None:
            return self.get_response(request)
        request.get_host()  # raises DisallowedHost
        request.resolver_match = match
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        response["Content-Length"] = str(len(response.content))
        response["X-Content-Type-Options"] = "nosniff"
        return response


def _webhook(path: str) -> ResolverMatch | None:
    """The address is what the urls say it is, not what it looks like."""
    if _RECEIVES not in path:
        return None
    try:
        match = resolve(path)
    except Resolver404:
        return None
    return match if match.app_name == "webhooks" else None


class ContentSecurityPolicyMiddleware:
    """Sends ``SECURE_CSP`` (the name and shape of Django 6), changed by path as
    ``LOGIX_CSP_EXCEPTIONS`` says.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._strict = _header(settings.SECURE_CSP)
        self._exceptions = [
            (start, _header({**settings.SECURE_CSP, **changes}))
            for start, changes in settings.LOGIX_CSP_EXCEPTIONS.items()
        ]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self._policy(request.path))
        return response

    def _policy(self, path: str) -> str:
        return next(
            (policy for start, policy in self._exceptions if path.startswith(start)), self._strict
        )


def _header(directives: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in directives.items())
