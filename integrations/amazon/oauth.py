"""Login with Amazon: where the seller is sent to authorise a published app, what comes back, and
tokens.

Source: the pages "Website Authorization Workflow", "Renew Selling Partner Appstore Authorization
Workflow", "Authorization Errors" and "Connect to the SP-API" of
https://developer-docs.amazon.com/sp-api, read 2026-11. An access token lives an hour; the refresh
token stays the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from integrations.amazon import marketplaces
from integrations.amazon.platform import CARD
from integrations.errors import AuthenticationFailed, Misconfigured
from integrations.kit.http import PlatformSession
from integrations.kit.oauth2 import Consent, Grant, Journey, OAuthApp, ask_token

TOKENS = "/auth/o2/token"
CONSENT = "/apps/authorize/consent"
# Amazon's own example of a page that sends a seller on from the Appstore, in its developer guide.
_CONFIRM = re.compile(r"https://(?:www\.)?amazon\.com/apps/authorize/confirm/[\w-][\w.-]*")
_SELLER = re.compile(r"A[0-9A-Z]{6,20}")


def authorize_url(
    app: OAuthApp,
    base_url: str,
    redirect_uri: str,
    state: str,
    scopes: Sequence[str],
    challenge: str,
    journey: Journey,
) -> str:
    """Where to send the seller's browser: back to the page of Amazon's that it came from, else to
    the consent page of Seller Central, which knows an app by its application id. The app's roles
    are those it was registered with. Raises Misconfigured.
    """
    query = {"redirect_uri": redirect_uri, "state": state}
    if journey.options.get("app_is_draft") or journey.came_with.get("version") == "beta":
        query["version"] = "beta"
    if back := journey.came_with.get(CARD.start_parameter):
        amazon_state = journey.came_with.get("amazon_state", "")
        return _with(_own_page(base_url, back), {**query, "amazon_state": amazon_state})
    if not app.application_id:
        raise Misconfigured(
            "The application ID of the app is missing. It stands in Seller Central → Develop Apps "
            "and begins with amzn1.sp.solution. Give it with the client ID and secret of your own "
            "app; for the app of this hub, staff set LOGIX_APPLICATION_AMAZON.",
            code="app_missing",
        )
    named = journey.options.get("marketplaces") or []
    page = f"{_seller_central(base_url, journey.typed, *map(str, named))}{CONSENT}"
    return _with(page, {"application_id": app.application_id, **query})


def read_redirect(app: OAuthApp, base_url: str, query: Mapping[str, str]) -> Consent:
    """The code, and the seller it is of. Amazon signs nothing: the state alone says that it is the
    answer to our question. Raises AuthenticationFailed.
    """
    code, seller = query.get("spapi_oauth_code", ""), query.get("selling_partner_id", "")
    if not code or not _SELLER.fullmatch(seller):
        raise AuthenticationFailed(
            "Amazon sent no code, or not whose account it is of. Start again.",
            code="redirect_forged",
        )
    return Consent(code=code, values={"seller_id": seller})


def exchange(
    http: PlatformSession, app: OAuthApp, code: str, redirect_uri: str, verifier: str
) -> Grant:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    return ask_token(http, TOKENS, {**form, **_app(app)}, repeatable=False)


# For calls about the app itself, which no seller grants. Source: …/docs/grantless-operations.
NOTIFICATIONS = "sellingpartnerapi::notifications"


def grantless(http: PlatformSession, app: OAuthApp, scope: str) -> Grant:
    form = {
        "grant_type": "client_credentials",
        "scope": scope,
        "client_id": app.client_id,
        "client_secret": app.client_secret,
    }
    return ask_token(http, TOKENS, form)


def refresh(http: PlatformSession, app: OAuthApp, refresh_token: str) -> Grant:
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return ask_token(http, TOKENS, {**form, **_app(app)})


def _seller_central(base_url: str, *words: str) -> str:
    """A simulated account, which lives under any name, has its Seller Central there, too."""
    host = urlsplit(base_url).hostname or ""
    if host not in marketplaces.HOSTS.values():
        return base_url.rstrip("/")
    return f"https://{marketplaces.seller_central(words, host)}"


def _own_page(base_url: str, back: str) -> str:
    """The page that sent the browser, if it is one of Amazon's: anybody can send a browser here.
    Raises Misconfigured.
    """
    page, simulated = urlsplit(back), urlsplit(_seller_central(base_url))
    is_theirs = page.scheme == "https" and page.netloc in marketplaces.SELLER_CENTRALS
    is_theirs = is_theirs or bool(_CONFIRM.fullmatch(back.partition("?")[0]))
    if is_theirs or (page.scheme, page.netloc) == (simulated.scheme, simulated.netloc):
        return back
    raise Misconfigured(
        f"{page.netloc[:100]} is no page of Amazon's. Begin to connect the account here instead.",
        code="start_foreign",
    )


def _with(page: str, query: Mapping[str, str]) -> str:
    """What the page's address says by the same names is not said: it may be anybody's."""
    parts = urlsplit(page)
    kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in query]
    return urlunsplit(parts._replace(query=urlencode([*kept, *query.items()]), fragment=""))


def _app(app: OAuthApp) -> dict[str, str]:
    return {"client_id": app.client_id, "client_secret": app.client_secret}
