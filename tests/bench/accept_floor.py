"""The floor of taking a webhook in: check the signature, INSERT, commit, answer; nothing else.

``gunicorn tests.bench.accept_floor:app``, with BENCH_DATABASE and BENCH_SECRET in the environment.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

import psycopg

TABLE = "CREATE TABLE bench_inbox (key text PRIMARY KEY, topic text, body bytea, at timestamptz)"

_local = threading.local()
_secret = os.environ.get("BENCH_SECRET", "").encode()


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    signature = base64.b64encode(hmac.new(_secret, body, hashlib.sha256).digest()).decode()
    if not hmac.compare_digest(signature, environ.get("HTTP_X_WC_WEBHOOK_SIGNATURE", "")):
        start_response("401 Unauthorized", [("Content-Length", "0")])
        return []
    key = hashlib.sha256(body).hexdigest()
    connection = _connection()
    connection.execute(
        "INSERT INTO bench_inbox VALUES (%s, %s, %s, now()) ON CONFLICT DO NOTHING",
        [key, environ.get("HTTP_X_WC_WEBHOOK_TOPIC", ""), body],
    )
    connection.commit()
    start_response("200 OK", [("Content-Length", "0")])
    return []


def _connection() -> psycopg.Connection[Any]:
    if not hasattr(_local, "connection"):
        _local.connection = psycopg.connect(os.environ["BENCH_DATABASE"])
    found: psycopg.Connection[Any] = _local.connection
    return found
