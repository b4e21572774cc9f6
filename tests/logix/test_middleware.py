"""The request's id, the content policy, and no redirects for machines."""

from __future__ import annotations

import re
from typing import Any

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from structlog.testing import capture_logs

from logix import middleware


def answer(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("fine")


def directive(response: HttpResponse, name: str) -> str:
    policy = response.headers["Content-Security-Policy"]
    return next((part for part in policy.split("; ") if part.startswith(f"{name} ")), "")


def test_a_request_without_an_id_gets_one(rf: RequestFactory) -> None:
    request = rf.get("/livez")

    response = middleware.RequestIdMiddleware(answer)(request)

    assert re.fullmatch(r"[0-9a-f]{32}", response["X-Request-ID"])
    assert request.request_id == response["X-Request-ID"]  # type: ignore[attr-defined]


def test_a_callers_id_is_kept_and_is_on_every_log_line(rf: RequestFactory) -> None:
    seen = {}

    def view(_request: HttpRequest) -> HttpResponse:
        seen.update(structlog.contextvars.get_contextvars())
        return HttpResponse()

    request = rf.get("/livez", headers={"X-Request-ID": "caller-0001"})
    response = middleware.RequestIdMiddleware(view)(request)

    assert response["X-Request-ID"] == "caller-0001"
    assert seen == {"request_id": "caller-0001"}


@pytest.mark.parametrize(
    "forged", ["short", "x" * 65, "line\nbreak-12345", "id with spaces", "ü" * 9]
)
def test_an_id_that_could_forge_a_log_line_is_replaced(rf: RequestFactory, forged: str) -> None:
    request = rf.get("/livez", headers={"X-Request-ID": forged})

    response = middleware.RequestIdMiddleware(answer)(request)

    assert re.fullmatch(r"[0-9a-f]{32}", response["X-Request-ID"])


def test_the_log_names_the_route_and_not_the_token_in_the_path(client: Client) -> None:
    with capture_logs() as lines:
        client.get("/admin/login/?next=/secret-path")

    request = next(line for line in lines if line["event"] == "request")
    assert request["route"] == "/admin/login/"
    assert "secret" not in str(request)


@pytest.mark.django_db
def test_pages_are_strict_but_for_what_the_admin_needs(client: Client) -> None:
    admin = client.get("/admin/login/")
    other = client.get("/livez")

    assert directive(other, "default-src") == "default-src 'self'"
    assert "unsafe" not in other.headers["Content-Security-Policy"]
    assert directive(admin, "script-src") == "script-src 'self' 'unsafe-eval'"
    assert "'unsafe-inline'" not in directive(admin, "script-src")
    assert directive(admin, "frame-ancestors") == "frame-ancestors 'none'"


def test_a_view_may_set_its_own_policy(rf: RequestFactory) -> None:
    def view(_request: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={"Content-Security-Policy": "default-src 'none'"})

    response = middleware.ContentSecurityPolicyMiddleware(view)(rf.get("/"))

    assert response.headers["Content-Security-Policy"] == "default-src 'none'"


@pytest.mark.django_db
def test_a_webhook_passes_nothing_that_is_there_for_browsers(
    client: Client, settings: pytest.FixtureRequest
) -> None:
    first = "logix.middleware.WebhookMiddleware"
    at = settings.MIDDLEWARE.index(first) + 1  # type: ignore[attr-defined]
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:at], f"{__name__}.refuse"]  # type: ignore[attr-defined]

    with capture_logs() as lines:
        response = client.post("/api/v1/woocommerce/webhooks/receive/abc", b"{}", "text/plain")
    other = client.get("/api/v1/orders")

    assert (response.status_code, other.status_code) == (401, 418)
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Length"] == str(len(response.content))
    assert re.fullmatch(r"[0-9a-f]{32}", response["X-Request-ID"])
    (line,) = [line for line in lines if line["event"] == "request"]
    assert line["route"] == "/api/v1/<slug:platform>/webhooks/receive/<str:token>"


def refuse(_get_response: Any) -> Any:
    return lambda _request: HttpResponse(status=418)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/admin/webhooks/receive/abc", "/webhooks/receive", "/api/v1//webhooks/receive/abc"]
)
def test_what_only_looks_like_a_webhook_takes_the_long_way(client: Client, path: str) -> None:
    response = client.post(path, data=b"{}", content_type="application/json")

    assert "Content-Security-Policy" in response.headers


@pytest.mark.parametrize(
    "path", ["/api/v1/woocommerce/webhooks/receive/abc", "/api/v1/orders", "/api/docs"]
)
def test_the_api_over_plain_http_is_refused_and_never_redirected(
    client: Client, settings: pytest.FixtureRequest, path: str
) -> None:
    settings.SECURE_SSL_REDIRECT = True  # type: ignore[attr-defined]

    response = client.post(path, data=b"{}", content_type="application/json")

    assert response.status_code == 403
    assert response.json()["code"] == "https_required"


def test_people_are_sent_to_https_and_probes_are_answered(
    client: Client, settings: pytest.FixtureRequest
) -> None:
    settings.SECURE_SSL_REDIRECT = True  # type: ignore[attr-defined]

    assert client.get("/admin/login/").status_code == 301
    assert client.get("/livez").status_code == 200


@pytest.mark.broker
@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics"])
def test_probes_come_by_address_and_need_no_name(
    client: Client, settings: pytest.FixtureRequest, path: str
) -> None:
    """The health check of a container asks 127.0.0.1, a load balancer whatever address it knows."""
    settings.ALLOWED_HOSTS = ["hub.example.com"]  # type: ignore[attr-defined]

    assert client.get(path, headers={"Host": "10.0.0.7:8000"}).status_code == 200
    assert client.get("/admin/login/", headers={"Host": "10.0.0.7:8000"}).status_code == 400


@pytest.mark.django_db
def test_a_slash_is_added_for_people_only(client: Client) -> None:
    assert client.get("/admin/login").status_code in {301, 302}
    for method in ("get", "post"):
        assert getattr(client, method)("/api/v1/no/such/path").status_code == 404
