"""Ways to prove who calls, as ``requests`` auth callables. None of them shows its secret in
``repr``.
"""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256, SIGNATURE_TYPE_QUERY
from oauthlib.oauth1 import Client as OAuth1Client
from requests import PreparedRequest
from requests.auth import AuthBase

from integrations.errors import AuthenticationFailed

_FORM = "application/x-www-form-urlencoded"


class _Hidden(AuthBase):
    """Shows its kind and nothing else."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"


class RenewingAuth(_Hidden, ABC):
    """One whose token may run out while it is in use (``kit.oauth2.TokenAuth``)."""

    @abstractmethod
    def ready(self) -> None:
        """Have a token, before quota is taken and connections are opened. Raises PlatformError."""

    @abstractmethod
    def renewed(self, request: PreparedRequest) -> bool:
        """The store answered 401 to ``request``: whether there is another token to send it with
        now. Raises PlatformError.
        """


class BasicAuth(_Hidden):
    """``Authorization: Basic``, UTF-8 (RFC 7617)."""

    def __init__(self, key: str, secret: str) -> None:
        pair = f"{key}:{secret}".encode()
        self._value = f"Basic {base64.b64encode(pair).decode('ascii')}"

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


class HeaderAuth(_Hidden):
    """A token in a header of the platform's own. Raises AuthenticationFailed when it could not be
    sent as one.
    """

    def __init__(self, name: str, value: str) -> None:
        if not value or not value.isascii() or not value.isprintable() or value != value.strip():
            raise AuthenticationFailed(
                "The access token is empty or contains characters that a token cannot have. "
                "Paste it again."
            )
        self._name = name
        self._value = value

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers[self._name] = self._value
        return request


class QueryAuth(_Hidden):
    """Credentials as query parameters, added when the request is otherwise ready, so that no log
    has seen them.
    """

    def __init__(self, **params: str) -> None:
        self._params = params

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        scheme, host, path, query, _ = urlsplit(str(request.url))
        own = urlencode(self._params)
        request.url = urlunsplit((scheme, host, path, f"{query}&{own}" if query else own, ""))
        return request


class OneLeggedOAuth1(_Hidden):
    """OAuth 1.0a with a consumer key only (RFC 5849), its parameters in the query string.

    ``signature`` is "HMAC-SHA256" or "HMAC-SHA1". Each call signs anew: nonce and time are single
    use.
    """

    METHODS = (SIGNATURE_HMAC_SHA256, SIGNATURE_HMAC_SHA1)

    def __init__(self, key: str, secret: str, signature: str = SIGNATURE_HMAC_SHA256) -> None:
        if signature not in self.METHODS:
            raise ValueError(f"OAuth 1.0a signs with {' or '.join(self.METHODS)}, not {signature}.")
        self._client = OAuth1Client(
            key,
            client_secret=secret,
            signature_method=signature,
            signature_type=SIGNATURE_TYPE_QUERY,
        )

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        scheme, host, path, query, _ = urlsplit(str(request.url))
        # oauthlib refuses a query with unescaped brackets or the like; every server reads %5B the
        # same.
        escaped = urlencode(parse_qsl(query, keep_blank_values=True), quote_via=quote)
        form = request.headers.get("Content-Type", "").startswith(_FORM)
        request.url, _, _ = self._client.sign(
            urlunsplit((scheme, host, path, escaped, "")),
            http_method=request.method,  # type: ignore[arg-type]  # stubs list methods, requests says str
            body=request.body if form else None,  # type: ignore[arg-type]  # a form's body is text
            headers={"Content-Type": _FORM} if form else None,
        )
        return request
