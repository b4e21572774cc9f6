"""The few answers of a WooCommerce site that connecting needs, over real HTTP, and its bad moods.

Answers are shaped as WooCommerce 11 gives them. What a whole store does is for the simulator.
"""

from __future__ import annotations

import base64
import json
import socket
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.integrations.kit.server import Request, ScriptedStore, answer

KEY = "ck_0123456789abcdef0123456789abcdef01234567"
SECRET = "cs_0123456789abcdef0123456789abcdef01234567"
KEYS = {"consumer_key": KEY, "consumer_secret": SECRET}
PAGE = b"<!DOCTYPE html><html><body>Welcome to our shop</body></html>"

_ROUTES = {
    "/wc/v3/orders": {
        "endpoints": [{"methods": ["GET"], "args": {"modified_after": {}, "modified_before": {}}}]
    }
}


def page(status: int = 200, **headers: str) -> bytes:
    return answer(status, PAGE, content_type="text/html; charset=UTF-8", **headers)


def refusal(status: int, code: str, message: str) -> bytes:
    return answer(status, {"code": code, "message": message, "data": {"status": status}})


@dataclass
class WordPress:
    """``mood``: what it answers to everything instead. ``strips``: its host drops Authorization."""

    key: str = KEY
    may_write: bool = True
    mood: bytes | None = None
    namespaces: tuple[str, ...] = ("wp/v2", "wc/v3")
    strips: bool = False
    tls: ssl.SSLContext | None = None
    hooks: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server = ScriptedStore([self._serve], tls=self.tls)

    @property
    def url(self) -> str:
        return self.server.url

    def _serve(self, request: Request, sock: socket.socket) -> None:
        sock.sendall(self.mood or self._answer(request))

    def _answer(self, request: Request) -> bytes:
        route = urlsplit(request.target).path.removeprefix("/wp-json").strip("/")
        if not request.path.startswith("/wp-json"):
            return page(404)
        if not route:
            return answer(200, {"name": "Mugs", "namespaces": list(self.namespaces)})
        if refused := self._refuses(request):
            return refused
        return self._known(request, route)

    def _refuses(self, request: Request) -> bytes | None:
        key = self._key_of(request)
        if key == "":
            return refusal(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
        if key != self.key:
            return refusal(401, "woocommerce_rest_authentication_error", "Consumer key is invalid.")
        if request.method != "GET" and not self.may_write:
            message = "The API key provided does not have write permissions."
            return refusal(401, "woocommerce_rest_authentication_error", message)
        return None

    def _key_of(self, request: Request) -> str:
        query = parse_qs(urlsplit(request.target).query)
        for name in ("consumer_key", "oauth_consumer_key"):
            if name in query:
                return query[name][0]
        header = request.headers.get("Authorization", "")
        if self.strips or not header.startswith("Basic "):
            return ""
        return base64.b64decode(header[6:]).decode().partition(":")[0]

    def _known(self, request: Request, route: str) -> bytes:
        if route == "wc/v3/webhooks" and request.method == "POST":
            hook = {**json.loads(request.body), "id": len(self.hooks) + 1}
            self.hooks.append(hook)
            return answer(201, hook)
        if route == "wc/v3/products/0":
            return refusal(400, "woocommerce_rest_product_invalid_id", "Invalid ID.")
        found: dict[str, Any] = {
            "wc/v3": {"routes": _ROUTES},
            "wc/v3/orders": [],
            "wc/v3/webhooks": self.hooks,
            "wc/v3/system_status": {
                "environment": {"version": "11.0.1"},
                "settings": {"currency": "EUR", "number_of_decimals": 2},
            },
            "wc/v3/data/currencies/current": {"code": "EUR"},
        }
        if route in found:
            return answer(200, found[route])
        return refusal(404, "rest_no_route", "No route was found matching the URL.")
