"""``/wc-auth/v1/authorize``: the merchant agrees, the store posts new keys, the browser goes back.

The merchant of this store is always logged in. Source: includes/class-wc-auth.php; there the
consent is a link with a nonce, here a form.
"""

from __future__ import annotations

import html
import json
import secrets
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from integrations.sandbox.woocommerce import hookshot
from integrations.sandbox.woocommerce.deliveries import Post
from integrations.sandbox.woocommerce.pages import page
from integrations.sandbox.woocommerce.store import WooStore
from integrations.sandbox.woocommerce.wire import Answer, Request, php_query

_WANTED = ("app_name", "user_id", "return_url", "callback_url", "scope")
_SCOPES = {"read": "Read", "write": "Write", "read_write": "Read/Write"}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Denied(Exception):
    pass


def answer(store: WooStore, request: Request, post: Post | None) -> Answer | None:
    """None for any other page. A refusal is an HTML page with status 401, as the core's."""
    path = request.path.removeprefix(store.home_path).strip("/").lower()
    if path != "wc-auth/v1/authorize":
        return None
    sent = request.query
    if request.method == "POST":
        sent = sent | php_query(request.body.decode("utf-8", "replace"))
    try:
        asked = _checked(sent)
        if request.method != "POST":
            return _question(store, asked)
        return _grant(store, asked, post)
    except Denied as denied:
        return page("Access denied", f"<p>Error: {html.escape(str(denied))}.</p>", 401)


def _checked(sent: dict[str, Any]) -> dict[str, str]:
    asked = {}
    for name in _WANTED:
        value = sent.get(name)
        if not value:
            raise Denied(f"Missing parameter {name}")
        if not isinstance(value, str):
            raise Denied(f"Invalid parameter {name}")
        asked[name] = value
    if asked["scope"] not in _SCOPES:
        raise Denied(f"Invalid scope {asked['scope']}")
    for name in ("return_url", "callback_url"):
        asked[name] = _address(asked[name])
        if not urlsplit(asked[name]).hostname:
            raise Denied(f"The {asked[name]} is not a valid URL")
    target = urlsplit(asked["callback_url"])
    # The core insists on https; this store lets a hub on the same machine do without.
    if target.scheme != "https" and target.hostname not in _LOOPBACK:
        raise Denied("The callback_url needs to be over SSL")
    return asked


def _address(value: str) -> str:
    value = unquote(value)
    return value if "://" in value else f"https://{value}"


def _question(store: WooStore, asked: dict[str, str]) -> Answer:
    name = html.escape(asked["app_name"])
    hidden = "".join(
        f'<input type="hidden" name="{key}" value="{html.escape(value)}">'
        for key, value in asked.items()
    )
    back = html.escape(_with(asked["return_url"], success="0", user_id=asked["user_id"]))
    return page(
        "Application authentication request",
        f"<h1>{name} would like to connect to your store</h1>"
        f"<p>This will give “{name}” <strong>{_SCOPES[asked['scope']]}</strong> access to "
        f"{html.escape(store.options.title)}.</p>"
        f'<form method="post">{hidden}<button type="submit">Approve</button></form>'
        f'<p><a href="{back}">Deny</a></p>',
    )


def _grant(store: WooStore, asked: dict[str, str], post: Post | None) -> Answer:
    """The callback must say exactly 200, else the key is gone again."""
    with store.working():
        key = store.add_key(
            f"ck_{secrets.token_hex(20)}",
            f"cs_{secrets.token_hex(20)}",
            asked["scope"],
            f"{asked['app_name']} - API",
        )
    body = {
        "key_id": key.id,
        "user_id": asked["user_id"],
        "consumer_key": key.consumer_key,
        "consumer_secret": key.consumer_secret,
        "key_permissions": key.permissions,
    }
    headers = hookshot.headers(store.options.version, "application/json;charset=UTF-8")
    status = post(asked["callback_url"], json.dumps(body).encode(), headers) if post else 0
    if status != 200:
        with store.working():
            store.keys.pop(key.id, None)
        raise Denied(
            "An error occurred in the request and at the time were unable to send the consumer data"
        )
    back = _with(asked["return_url"], success="1", user_id=asked["user_id"])
    return Answer(302, headers=[("Location", back)], body=b"")


def _with(url: str, **values: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(values)}"
