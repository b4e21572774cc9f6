"""Who calls: Basic or query keys over TLS, OAuth 1.0a otherwise, and what a key may do.

Written from https://woocommerce.github.io/woocommerce-rest-api-docs/#authentication, RFC 5849 and,
for the messages, includes/class-wc-rest-authentication.php. A key nobody knows over TLS is no error
here: the caller stays a stranger, and the route says that it may not be seen.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from integrations.sandbox.woocommerce.models import ApiKey
from integrations.sandbox.woocommerce.store import WooStore
from integrations.sandbox.woocommerce.wire import Refused, Request

WINDOW_S = 15 * 60
_DIGESTS = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}
_PARAMETERS = (
    "oauth_consumer_key",
    "oauth_timestamp",
    "oauth_nonce",
    "oauth_signature",
    "oauth_signature_method",
)
_READS = frozenset({"GET", "HEAD"})
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
REALM = (
    'Basic realm="WooCommerce API. Use a consumer key in the username field and a consumer secret '
    'in the password field."'
)


class BadSecret(Refused):
    """Answered with a WWW-Authenticate header."""


def refused(message: str) -> Refused:
    return Refused("woocommerce_rest_authentication_error", message, 401)


def authenticate(store: WooStore, request: Request) -> ApiKey | None:
    """The caller's key, None for a stranger. Raises Refused for a claim that does not hold."""
    if request.is_tls or store.options.serves_plain_http_as_tls:
        key = _basic(store, request)
        if key is not None:
            return key
    return _oauth(store, request)


def permit(key: ApiKey, method: str) -> None:
    """Raises Refused where the key's permission does not cover the method."""
    if method == "OPTIONS":
        return
    if method not in _READS | _WRITES:
        raise refused("Unknown request method.")
    word = "read" if method in _READS else "write"
    if key.permissions not in (word, "read_write"):
        raise refused(f"The API key provided does not have {word} permissions.")


def _key(store: WooStore, consumer_key: object) -> ApiKey | None:
    return next((row for row in store.keys.values() if row.consumer_key == consumer_key), None)


def _basic(store: WooStore, request: Request) -> ApiKey | None:
    name, secret = request.query.get("consumer_key"), request.query.get("consumer_secret")
    if not (name and secret):
        name, secret = _basic_header(store, request)
    key = _key(store, name) if name and secret else None
    if key is None:
        return None
    if not hmac.compare_digest(key.consumer_secret.encode(), str(secret).encode()):
        raise BadSecret("woocommerce_rest_authentication_error", "Consumer secret is invalid.", 401)
    return key


def _basic_header(store: WooStore, request: Request) -> tuple[str, str]:
    scheme, _, word = _authorization(store, request).partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        name, _, secret = base64.b64decode(word.strip()).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


def _authorization(store: WooStore, request: Request) -> str:
    return "" if store.options.strips_authorization else request.headers.get("authorization", "")


def _oauth(store: WooStore, request: Request) -> ApiKey | None:
    claimed = _oauth_parameters(store, request)
    if not any(claimed.get(name) for name in _PARAMETERS):
        return None
    missing = [name for name in _PARAMETERS if not claimed.get(name)]
    if missing:
        plural = "s" if len(missing) > 1 else ""
        raise Refused(
            "woocommerce_rest_authentication_missing_parameter",
            f"Missing OAuth parameter{plural} {', '.join(missing)}",
            401,
        )
    key = _key(store, claimed["oauth_consumer_key"])
    if key is None:
        raise refused("Consumer key is invalid.")
    _check_signature(store, request, key, claimed)
    _check_once(store, key, str(claimed["oauth_timestamp"]), str(claimed["oauth_nonce"]))
    return key


def _oauth_parameters(store: WooStore, request: Request) -> dict[str, Any]:
    """Query, form body and ``Authorization: OAuth …`` together."""
    claimed = dict(request.query)
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        claimed |= Request("POST", "/", raw_query=request.body.decode("utf-8", "replace")).query
    header = _authorization(store, request).strip()
    if header.startswith("OAuth "):
        for part in header.removeprefix("OAuth ").split(","):
            name, _, value = part.strip().partition("=")
            if name.startswith("oauth_"):
                claimed[name] = unquote(value.strip('"'))
    return claimed


def _check_signature(
    store: WooStore, request: Request, key: ApiKey, claimed: Mapping[str, Any]
) -> None:
    digest = _DIGESTS.get(str(claimed["oauth_signature_method"]))
    if digest is None:
        raise refused("Invalid signature - signature method is invalid.")
    text = base_string(store, request, claimed)
    made = hmac.new(f"{key.consumer_secret}&".encode(), text.encode(), digest).digest()
    given = unquote(str(claimed["oauth_signature"]).replace(" ", "+"))
    if not hmac.compare_digest(base64.b64encode(made), given.encode("utf-8", "replace")):
        raise refused("Invalid signature - provided signature does not match.")


def base_string(store: WooStore, request: Request, claimed: Mapping[str, Any]) -> str:
    """RFC 5849 §3.4.1 over the address the site believes in: its own home URL, whatever host the
    request named.
    """
    home = urlsplit(store.home_url)
    scheme = "https" if request.is_tls else "http"
    address = f"{scheme}://{home.netloc}{request.raw_path}"
    pairs = [
        (quote(name, safe="~"), quote(value, safe="~"))
        for name, value in _flat(claimed)
        if name != "oauth_signature"
    ]
    normal = "&".join(f"{name}={value}" for name, value in sorted(pairs))
    return "&".join((request.method.upper(), quote(address, safe="~"), quote(normal, safe="~")))


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        full = f"{above}[{name}]" if above else name
        if isinstance(value, dict):
            yield from _flat(value, full)
        else:
            yield full, str(value)


def _check_once(store: WooStore, key: ApiKey, timestamp: str, nonce: str) -> None:
    now = store.clock.now()
    moment = int(timestamp) if timestamp.isdecimal() else 0
    if abs(now - moment) > WINDOW_S:
        raise refused("Invalid timestamp.")
    store.nonces = {used: since for used, since in store.nonces.items() if since >= now - WINDOW_S}
    if (key.id, nonce) in store.nonces:
        raise refused("Invalid nonce - nonce has already been used.")
    store.nonces[key.id, nonce] = moment
