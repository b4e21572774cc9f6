"""Webhook signatures: one table of schemes, compared in constant time against every secret that may
be in use.

Platform facts: WooCommerce signs the raw body with base64 HMAC-SHA256 (X-WC-Webhook-Signature,
class-wc-webhook.php), Shopify likewise (X-Shopify-Hmac-Sha256), Square signs notification URL +
body (x-square-hmacsha256-signature).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class Scheme:
    """What is signed, of address and raw body, and how the digest is spelled."""

    signed: Callable[[str, bytes], bytes]
    spelled: Callable[[bytes], bytes]


def _body(_url: str, body: bytes) -> bytes:
    return body


def _url_and_body(url: str, body: bytes) -> bytes:
    return url.encode() + body


def _hex(digest: bytes) -> bytes:
    return digest.hex().encode("ascii")


SCHEMES: Mapping[str, Scheme] = {
    "hmac-sha256-base64": Scheme(_body, base64.b64encode),
    "hmac-sha256-hex": Scheme(_body, _hex),
    "square-url-body-hmac": Scheme(_url_and_body, base64.b64encode),
}


def sign(scheme: str, *, secret: bytes | str, body: bytes, url: str = "") -> str:
    """The signature of ``body`` as the platform would send it. KeyError for a scheme that is not in
    the table.
    """
    return _signature(SCHEMES[scheme], secret, body, url).decode("ascii")


def verify(
    scheme: str,
    *,
    secrets: Sequence[bytes | str],
    body: bytes,
    signature: str,
    url: str = "",
) -> bool:
    """Whether any of ``secrets`` (the current one and, while it is rotated, the one before) made
    ``signature``.

    Every secret is tried, so the time does not tell which one fits. An empty secret never fits.
    """
    wanted = SCHEMES[scheme]
    given = signature.strip().encode("utf-8", "replace")
    fits = False
    for secret in secrets:
        fits |= hmac.compare_digest(_signature(wanted, secret, body, url), given) and bool(secret)
    return fits


def _signature(scheme: Scheme, secret: bytes | str, body: bytes, url: str) -> bytes:
    key = secret.encode() if isinstance(secret, str) else secret
    return scheme.spelled(hmac.new(key, scheme.signed(url, body), sha256).digest())
