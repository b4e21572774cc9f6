"""The pages of Seller Central on which the seller, always signed in here, agrees to an app.

- ``/apps/authorize/consent``: the app sent him; he goes back with a code.
- ``/apps/store/{application_id}``: he starts in the Appstore and is sent to the app's login page.
- ``/apps/authorize/confirm/{application_id}``: the app sends him back from there, and on he goes.

Source: the pages "Website Authorization Workflow", "Authorization Errors" (MD1000, MD5101) and
"Renew Selling Partner Appstore Authorization Workflow". The addresses of the last two are Amazon's
own to choose and arrive as ``amazon_callback_uri``; these are assumed.
"""

from __future__ import annotations

import html
import secrets
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from integrations.sandbox.amazon.login import room
from integrations.sandbox.amazon.wire import Answer, Request
from integrations.sandbox.amazon.wire import html as page

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

CONSENT, CONFIRM, STORE = "/apps/authorize/consent", "/apps/authorize/confirm", "/apps/store"
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_ASKED = ("application_id", "state", "redirect_uri", "version")
_STYLE = "<style>body{font:15px/1.5 system-ui;margin:3rem auto;max-width:34rem}</style>"


class Denied(Exception):
    """Told on a page with Amazon's code for it."""


def answer(store: SellerStore, request: Request) -> Answer:
    """GET asks the seller, POST is his word. A refusal is a page with status 400."""
    path, sent = request.path, request.query
    try:
        if path.startswith(STORE):
            return _started(store, path.removeprefix(STORE).strip("/"))
        if path.startswith(CONFIRM):
            return _confirmed(store, path.removeprefix(CONFIRM).strip("/"), sent)
        if request.method == "POST":
            sent |= dict(parse_qsl(request.body.decode("utf-8", "replace")))
        redirect_uri = _checked(store, sent)
        if request.method != "POST":
            return _question(store, sent)
        if sent.get("answer") != "authorise":
            return _page(200, "Not authorised", "<p>The app was not authorised.</p>")
        return _agreed(store, redirect_uri, sent.get("state", ""))
    except Denied as denied:
        return _page(400, "Error", f"<p>{html.escape(str(denied))}</p>")


def _checked(store: SellerStore, sent: dict[str, str]) -> str:
    """The address to go back to."""
    options = store.options
    if sent.get("application_id") != options.application_id:
        raise Denied("MD1000: There is no such application.")
    if options.is_draft and sent.get("version") != "beta":
        raise Denied("MD1000: The application is a draft; add version=beta to the address.")
    redirect_uri = sent.get("redirect_uri") or next(iter(options.redirect_uris), "")
    target = urlsplit(redirect_uri)
    is_safe = target.scheme == "https" or target.hostname in _LOOPBACK
    is_known = not options.redirect_uris or redirect_uri in options.redirect_uris
    if not target.hostname or not is_safe or not is_known:
        raise Denied("MD5101: The redirect_uri is not registered with the application.")
    return redirect_uri


def _question(store: SellerStore, sent: dict[str, str]) -> Answer:
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(sent[name])}">'
        for name in _ASKED
        if name in sent
    )
    roles = "".join(f"<li>{html.escape(role)}</li>" for role in store.state.login.roles)
    title, seller = html.escape(store.options.app_title), html.escape(store.options.title)
    return _page(
        200,
        f"Authorise {title}",
        f"<h1>Authorise {title}?</h1><p>In the name of {seller} it may:</p><ul>{roles}</ul>"
        f'<form method="post" action="{CONSENT}">{hidden}'
        '<button name="answer" value="authorise">Confirm</button> '
        '<button name="answer" value="cancel">Cancel</button></form>',
    )


def _agreed(store: SellerStore, redirect_uri: str, state: str) -> Answer:
    with store.working():
        code = room.new_code(store, redirect_uri)
    query = {
        "state": state,
        "selling_partner_id": store.options.seller_id,
        "spapi_oauth_code": code.code,
    }
    return _sent_to(redirect_uri, query)


def _started(store: SellerStore, application_id: str) -> Answer:
    """“Authorize Now” in the Appstore. What Amazon's own state is, the app only repeats."""
    if application_id != store.options.application_id or not store.options.login_uri:
        raise Denied("MD1000: The application is not listed, or has no login address.")
    amazon_state = secrets.token_urlsafe(16)
    store.appstore_states.add(amazon_state)
    query = {
        "amazon_callback_uri": f"{store.url}{CONFIRM}/{application_id}",
        "amazon_state": amazon_state,
        "selling_partner_id": store.options.seller_id,
    }
    if store.options.is_draft:
        query["version"] = "beta"
    return _sent_to(store.options.login_uri, query)


def _confirmed(store: SellerStore, application_id: str, sent: dict[str, str]) -> Answer:
    redirect_uri = _checked(store, sent | {"application_id": application_id})
    if sent.get("amazon_state", "") not in store.appstore_states:
        raise Denied("MD1000: The amazon_state is not the one this authorisation began with.")
    store.appstore_states.discard(sent["amazon_state"])
    return _agreed(store, redirect_uri, sent.get("state", ""))


def _sent_to(uri: str, query: dict[str, str]) -> Answer:
    mark = "&" if urlsplit(uri).query else "?"
    return page(302, "", ("Location", f"{uri}{mark}{urlencode(query, quote_via=quote)}"))


def _page(status: int, title: str, body: str) -> Answer:
    return page(
        status,
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"{_STYLE}</head><body>{body}</body></html>",
        ("Cache-Control", "no-store"),
        ("X-Frame-Options", "DENY"),
    )
