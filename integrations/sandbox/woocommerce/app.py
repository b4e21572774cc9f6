"""The store as a web site: front page, consent page, route index and the REST routes.

``App.answer`` takes a request apart as WordPress does: who calls, which route, are the arguments
right, may he, and then the handler, all while the store is held. What the core sends out while it
answers (a webhook's greeting, the keys of a one-click connection) goes through ``post`` after the
store is let go, so that a receiver may call back at once.
"""

from __future__ import annotations

import importlib
import json
import logging
import re
from collections.abc import Callable
from typing import Any

from integrations.sandbox.woocommerce import args as arguments
from integrations.sandbox.woocommerce import auth, consent, deliveries, pages
from integrations.sandbox.woocommerce.calls import Call, Handler, not_allowed, ok, trimmed
from integrations.sandbox.woocommerce.models import ApiKey, Webhook
from integrations.sandbox.woocommerce.routes import Bound, bound, index_document, wordpress_path
from integrations.sandbox.woocommerce.store import WooStore
from integrations.sandbox.woocommerce.wire import (
    NO_CACHE,
    Answer,
    Refused,
    Request,
    no_route,
    php_query,
)

logger = logging.getLogger(__name__)

_OPEN = frozenset({"settings.statuses"})
# Their controllers ask for permission only where the object exists.
_LOOK_FIRST = frozenset(
    f"{module}.{verb}"
    for module in ("orders", "products", "variations", "refunds", "notes", "fulfillments")
    for verb in ("show", "update", "delete")
) | {"notes.index", "notes.create", "fulfillments.index", "fulfillments.create"}
_OURS = re.compile(r"/?wc[/-]")
_BODIED = frozenset({"POST", "PUT", "PATCH", "DELETE"})


_BROKEN = Refused(
    "internal_server_error", "<p>There has been a critical error on this website.</p>", 500
)


class App:
    """``post`` is None where nothing may be sent: a pending webhook then stays pending, and a
    one-click connection fails as at an unreachable callback.
    """

    def __init__(self, store: WooStore, post: deliveries.Post | None = None) -> None:
        self.store = store
        self.post = post

    def answer(self, request: Request) -> Answer:
        """Raises nothing: what breaks here is logged and looks like a broken site. HEAD
        is answered as GET without a body.
        """
        later: list[Callable[[], object]] = []
        route = self._rest_route(request)
        try:
            if route is None:
                return (
                    pages.answer(self.store, request)
                    or consent.answer(self.store, request, self.post)
                    or pages.not_found(self.store)
                )
            with self.store.working():
                answer = self._rest(request, route, later)
                answer.content()  # encoded while nothing moves under it
        except Refused as refusal:
            answer = refusal.answer()
            if isinstance(refusal, auth.BadSecret):
                answer.set_header("WWW-Authenticate", auth.REALM)
        except Exception:
            logger.exception("The simulated store broke over %s %s", request.method, request.path)
            answer = _BROKEN.answer()
        if answer.header("Link") is None:
            answer.set_header("Link", f'<{self.store.rest_url("/")}>; rel="https://api.w.org/"')
        for work in later:
            work()
        if request.method == "HEAD":
            answer.body = b""
        return answer

    def _rest_route(self, request: Request) -> str | None:
        """``/wc/v3/orders``; None for a page. ``?rest_route=`` works with all permalinks."""
        asked = request.query.get("rest_route")
        if isinstance(asked, str) and asked:
            return "/" + asked.strip("/")
        options = self.store.options
        home = self.store.home_path
        if options.permalinks == "plain" or not request.path.startswith(home):
            return None
        path = request.path[len(home) :].removeprefix("index.php/")
        if path.strip("/") == options.rest_prefix:
            return "/"
        if not path.startswith(f"{options.rest_prefix}/"):
            return None
        return "/" + path[len(options.rest_prefix) :].strip("/")

    def _rest(self, request: Request, route: str, later: list[Callable[[], object]]) -> Answer:
        method = _method(request)
        key = auth.authenticate(self.store, request) if _OURS.match(route) else None
        if key is not None:
            auth.permit(key, method)
        given, sent = _parameters(request)
        answer = self._index(route, method)
        if answer is None:
            answer = self._dispatch(route, method, key, given, sent, later)
        fields = given.get("_fields")
        if isinstance(fields, list):
            fields = ",".join(map(str, fields))
        if isinstance(fields, str) and answer.status < 300:
            answer.document = trimmed(answer.document, fields)
        if key is not None:
            for name, value in NO_CACHE:
                answer.set_header(name, value)
        return answer

    def _index(self, route: str, method: str) -> Answer | None:
        if method not in ("GET", "HEAD"):
            return None
        store = self.store
        spaces = {r.namespace for _, r, _ in bound(store.surface)}
        if route == "/":
            return ok(pages.root_document(store, sorted(spaces)))
        space = route.strip("/")
        if space not in spaces:
            return None
        own = {
            f"/{space}": {
                "namespace": space,
                "methods": ["GET"],
                "endpoints": [
                    {
                        "methods": ["GET"],
                        "args": {
                            "namespace": {"default": space, "required": False},
                            "context": {"default": "view", "required": False},
                        },
                    }
                ],
                "_links": {"self": [{"href": store.rest_url(f"/{space}")}]},
            }
        }
        routes = own | index_document(store.surface, space, store.rest_url)
        links = {"up": [{"href": store.rest_url("/")}]}
        return ok({"namespace": space, "routes": routes, "_links": links})

    def _dispatch(
        self,
        route: str,
        method: str,
        key: ApiKey | None,
        given: dict[str, Any],
        sent: dict[str, Any],
        later: list[Callable[[], object]],
    ) -> Answer:
        found, ends, path_args = self._match(route)
        allowed = list(dict.fromkeys(name for end in ends for name in end.methods))
        if method == "OPTIONS":
            listed = index_document(self.store.surface, None, self.store.rest_url)
            return _allowing(ok(listed[found]), allowed)
        wanted = "GET" if method == "HEAD" else method
        end = next((end for end in ends if wanted in end.methods), None)
        if end is None:
            raise no_route()
        checked = arguments.check(end.args, path_args | given)
        shown = {name: checked.get(name, value) for name, value in sent.items()}
        module, _, verb = end.handler.partition(".")
        if key is None and end.handler not in _OPEN | _LOOK_FIRST:
            raise not_allowed(verb)
        call = Call(
            store=self.store,
            path=route,
            verb=verb,
            args=checked,
            sent=shown,
            key=key,
            later=later,
            ping=self._ping,
        )
        return _allowing(_handler(module, verb)(call), allowed)

    def _match(self, route: str) -> tuple[str, tuple[Bound, ...], dict[str, Any]]:
        for pattern, row, ends in bound(self.store.surface):
            if match := pattern.fullmatch(route):
                from_path = match.groupdict()
                return wordpress_path(row), ends, from_path
        raise no_route()

    def _ping(self, webhook: Webhook) -> None:
        if self.post is not None and deliveries.ping(self.store, webhook, self.post):
            webhook.modified = self.store.clock.now()


def _handler(module: str, verb: str) -> Handler:
    found: Handler = getattr(
        importlib.import_module(f"integrations.sandbox.woocommerce.{module}"), verb
    )
    return found


def _allowing(answer: Answer, methods: list[str]) -> Answer:
    answer.set_header("Allow", ", ".join(methods))
    return answer


def _method(request: Request) -> str:
    """POST may stand in for another method. Source: WordPress, WP_REST_Server::serve_request."""
    stand_in = request.query.get("_method") or request.headers.get("x-http-method-override")
    if request.method == "POST" and stand_in:
        return str(stand_in).upper()
    return request.method.upper()


def _parameters(request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
    """(all, those of the query): a body beats the query. Raises Refused for bad JSON."""
    sent = {
        name: value
        for name, value in request.query.items()
        if name not in ("rest_route", "_method")
    }
    given = dict(sent)
    if request.method in _BODIED and request.body:
        given |= _body(request)
    return given, sent


def _body(request: Request) -> dict[str, Any]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return php_query(request.body.decode("utf-8", "replace"))
    if kind != "application/json" and not kind.endswith("+json"):
        return {}
    try:
        found = json.loads(request.body)
    except ValueError as err:
        raise Refused(
            "rest_invalid_json",
            "Invalid JSON body passed.",
            400,
            json_error_code=4,
            json_error_message="Syntax error",
        ) from err
    return found if isinstance(found, dict) else {}
