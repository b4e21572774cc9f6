"""``/admin/oauth/authorize``: the merchant, always logged in here, agrees or not, and the browser
goes back to the app with a code and a signature.

Source: Shopify/shopify-app-js (lib/auth/oauth, lib/utils/hmac-validator) and shopify_python_api.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from integrations.sandbox.shopify.access.room import compressed
from integrations.sandbox.shopify.store import ShopStore
from integrations.sandbox.shopify.wire import Answer, Request
from integrations.sandbox.shopify.wire import html as page

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_ASKED = ("client_id", "scope", "redirect_uri", "state")
_STYLE = "<style>body{font:15px/1.5 system-ui;margin:3rem auto;max-width:34rem}</style>"


class Denied(Exception):
    pass


def answer(store: ShopStore, request: Request) -> Answer:
    """GET asks the merchant, POST is his word. A refusal is an HTML page with status 400."""
    sent = request.query
    if request.method == "POST":
        sent |= dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    try:
        _check(store, sent)
        if request.method != "POST":
            return _question(store, sent)
        return _agreed(store, sent) if sent.get("answer") == "approve" else _declined(sent)
    except Denied as denied:
        return _page(400, "Oauth error", f"<p>{html.escape(str(denied))}</p>")


def signature(secret: str, query: dict[str, str]) -> str:
    """Lower-case hex of HMAC-SHA256 over the sorted, percent-encoded query."""
    text = urlencode(sorted(query.items()), quote_via=quote)
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _check(store: ShopStore, sent: dict[str, str]) -> None:
    if sent.get("client_id") != store.options.client_id:
        raise Denied("invalid_client: The app cannot be found; check the client id.")
    if sent.get("grant_options[]") == "per-user":
        raise Denied("invalid_request: This store knows no tokens of single users.")
    target = urlsplit(sent.get("redirect_uri", ""))
    is_safe = target.scheme == "https" or target.hostname in _LOOPBACK
    if not target.hostname or not is_safe:
        raise Denied("invalid_request: The redirect_uri is not whitelisted.")


def _question(store: ShopStore, sent: dict[str, str]) -> Answer:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(sent[name])}">'
        for name in _ASKED
        if name in sent
    )
    scopes = "".join(f"<li>{html.escape(scope)}</li>" for scope in _wanted(store, sent))
    title = html.escape(store.options.app_title)
    return _page(
        200,
        f"Install {title}",
        f"<h1>Install {title}?</h1><p>On {html.escape(store.options.title)} it may:</p>"
        f'<ul>{scopes}</ul><form method="post" action="/admin/oauth/authorize">{hidden}'
        '<button name="answer" value="approve">Approve</button> '
        '<button name="answer" value="deny">Deny</button></form>',
    )


def _wanted(store: ShopStore, sent: dict[str, str]) -> tuple[str, ...]:
    """What the app's configuration declares, where the address asks for nothing."""
    asked = tuple(part for part in sent.get("scope", "").split(",") if part.strip())
    return compressed(asked or store.options.scopes)


def _agreed(store: ShopStore, sent: dict[str, str]) -> Answer:
    with store.working():
        scopes = store.access.offered(_wanted(store, sent))
        code = store.access.new_code(scopes, sent["redirect_uri"])
    place = f"admin.shopify.com/store/{store.options.handle}"
    query = {
        "code": code.code,
        "host": base64.b64encode(place.encode()).decode().rstrip("="),
        "shop": store.options.domain,
        "timestamp": str(store.clock.now()),
    }
    if "state" in sent:
        query["state"] = sent["state"]
    query["hmac"] = signature(store.options.client_secret, query)
    return _sent_back(sent, query)


def _declined(sent: dict[str, str]) -> Answer:
    """As OAuth has it; Shopify itself leaves the merchant in its admin."""
    query = {"error": "access_denied", "error_description": "The merchant declined."}
    if "state" in sent:
        query["state"] = sent["state"]
    return _sent_back(sent, query)


def _sent_back(sent: dict[str, str], query: dict[str, str]) -> Answer:
    mark = "&" if urlsplit(sent["redirect_uri"]).query else "?"
    target = f"{sent['redirect_uri']}{mark}{urlencode(query, quote_via=quote)}"
    return page(302, "", ("Location", target))


def _page(status: int, title: str, body: str) -> Answer:
    return page(
        status,
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"{_STYLE}</head><body>{body}</body></html>",
        ("Cache-Control", "no-store"),
        ("X-Frame-Options", "DENY"),
    )
