"""The store as a web site: the GraphQL endpoint, the OAuth doors, the files of bulk operations.

Sources of statuses and bodies: shopify.dev/docs/api/admin-graphql and api/usage/response-codes,
api/usage/versioning, read 2026-11; parts of files as Google's storage gives them, where Shopify's
are: cloud.google.com/storage/docs/xml-api/get-object-download.
"""

from __future__ import annotations

import re
import uuid

from integrations.sandbox.shopify.access import consent, oauth
from integrations.sandbox.shopify.access.models import Grant
from integrations.sandbox.shopify.api.execute import run
from integrations.sandbox.shopify.api.resolving import Call
from integrations.sandbox.shopify.bulk.room import FILES
from integrations.sandbox.shopify.store import ShopStore
from integrations.sandbox.shopify.wire import Answer, Request

VERSIONS = ("2026-07", "2026-10")
"""Served here, oldest first. A call to a retired one is answered by the oldest."""

_GRAPHQL = re.compile(r"/admin/api/([^/]+)/graphql\.json")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_VERSION = re.compile(r"20\d\d-(01|04|07|10)")
_NO_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"  # noqa: S105 - a message


class App:
    """``answer`` is thread-safe: the store is held while a request is answered."""

    def __init__(self, store: ShopStore) -> None:
        self._store = store

    def answer(self, request: Request) -> Answer:
        path = request.path.rstrip("/") or "/"
        if found := _GRAPHQL.fullmatch(path):
            answer = self._graphql(request, found[1])
        elif path == "/admin/oauth/authorize" and request.method in ("GET", "POST"):
            answer = consent.answer(self._store, request)
        elif path == "/admin/oauth/access_token":
            with self._store.working():
                answer = oauth.token(self._store, request)
        elif path.startswith(FILES) and request.method == "GET":
            answer = self._file(path.removeprefix(FILES), request)
        else:
            answer = Answer(404, {"errors": "Not Found"})
        answer.set_header("X-Request-Id", str(uuid.uuid4()))
        return answer

    def _graphql(self, request: Request, asked: str) -> Answer:
        version = answering_version(asked)
        if version is None or request.method != "POST":
            return Answer(404, {"errors": "Not Found"})
        with self._store.working():
            grant = self._grant(request)
            if grant is None:
                return Answer(401, {"errors": _NO_TOKEN})
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind == "application/graphql":
                sent = {"query": request.body.decode("utf-8", "replace")}
            else:
                sent = request.sent() or {}
            call = Call(self._store, grant, version)
            document = run(call, self._store.bucket(grant.client_id), sent)
            is_bad = isinstance(document.get("errors"), dict)
            answer = Answer(400 if is_bad else 200, document)
            answer.content()  # while the store is held, as it was then
        answer.set_header("X-Shopify-API-Version", version)
        return answer

    def _grant(self, request: Request) -> Grant | None:
        return self._store.access.grant_of(request.headers.get("x-shopify-access-token", ""))

    def _file(self, name: str, request: Request) -> Answer:
        with self._store.working():
            content = self._store.bulk.file(name, request.query.get("signature", ""))
        if content is None:
            return Answer(404, headers=[("Content-Type", "application/xml")], body=b"<Error/>")
        kind = ("Content-Type", "application/jsonl")
        asked = _RANGE.fullmatch(request.headers.get("range", ""))
        if asked is None:
            return Answer(headers=[kind], body=content)
        start, end = int(asked[1]), int(asked[2] or len(content) - 1) + 1
        part, size = content[start:end], len(content)
        if not part:
            return Answer(416, headers=[("Content-Range", f"bytes */{size}")], body=b"")
        span = ("Content-Range", f"bytes {start}-{start + len(part) - 1}/{size}")
        return Answer(206, headers=[kind, span], body=part)


def answering_version(asked: str) -> str | None:
    """Which version answers a call to one; None for what never was or is yet to come."""
    if asked in VERSIONS:
        return asked
    if asked == "unstable":
        return VERSIONS[-1]
    is_past = _VERSION.fullmatch(asked) is not None and asked < VERSIONS[0]
    return VERSIONS[0] if is_past else None
