"""What a WooCommerce store says when it refuses, in words for the person who can act.

WordPress answers errors as ``{"code", "message", "data"}``, in the site's own language; only the
codes can be relied on. Web pages in place of an answer are known to ``kit`` already, except those
that WordPress and web servers make for reasons of their own.
"""

from __future__ import annotations

import html
import re

from integrations.errors import (
    ContractBroken,
    MerchantMustAct,
    Misconfigured,
    NotFound,
    PermissionMissing,
    PlatformError,
    Rejected,
    Unavailable,
)
from integrations.kit.http import Answer, Explained
from integrations.woocommerce.bare import bare

KEY_REFUSED = "woocommerce_rest_authentication_error"
# Answers of a store that saw no user: either the host stripped the Authorization header, or PHP
# does not know that the site is behind https and looks for OAuth parameters. Source: core
# includes/class-wc-rest-authentication.php.
KEY_NOT_SEEN = frozenset(
    {
        "authentication_failed",
        "rest_forbidden",
        "rest_not_logged_in",
        "rest_cannot_access",
        "woocommerce_rest_cannot_view",
        "woocommerce_rest_cannot_edit",
        "woocommerce_rest_cannot_create",
        "woocommerce_rest_cannot_delete",
        "woocommerce_rest_cannot_batch",
        "woocommerce_rest_authentication_missing_parameter",
        "woocommerce_rest_authentication_invalid_signature",
        KEY_REFUSED,
    }
)
# English stores say so; others are asked in all ways before the key is given up.
SURELY_WRONG = re.compile(r"consumer (?:key|secret) is invalid", re.IGNORECASE)

_NEW_KEY = (
    "Make a new key in WooCommerce → Settings → Advanced → REST API, with permission Read/Write, "
    "and enter it in Logix."
)
_ROLE = (
    "The WordPress user of the key may not do this; give that user the role Shop manager, or make "
    "a key for one who has it."
)
_LOST_PAGE = "The page numbers moved while the list was read; it is read again."
# (status, code) → error class and what to do; status 0 stands for any.
ADVICE: dict[tuple[int, str], tuple[type[PlatformError] | None, str]] = {
    (401, KEY_REFUSED): (None, _NEW_KEY),
    (403, "woocommerce_rest_cannot_view"): (PermissionMissing, _ROLE),
    (403, "woocommerce_rest_cannot_edit"): (PermissionMissing, _ROLE),
    (403, "woocommerce_rest_cannot_create"): (PermissionMissing, _ROLE),
    (403, "woocommerce_rest_cannot_delete"): (PermissionMissing, _ROLE),
    # Its status is 500, and nothing was done: the refund is taken back where the gateway refuses.
    # Source: core includes/wc-order-functions.php, wc_create_refund, 11.0.
    (500, "woocommerce_rest_cannot_create_order_refund"): (Rejected, ""),
    (500, "woocommerce_rest_invalid_order_refund"): (Rejected, ""),
    (0, "rest_no_route"): (NotFound, ""),
    (0, "rest_post_invalid_page_number"): (Unavailable, _LOST_PAGE),
    (0, "rest_disabled"): (
        Misconfigured,
        "A plugin of the store closes its REST API; allow wc/v3 there.",
    ),
    (0, "woocommerce_rest_already_trashed"): (NotFound, ""),
}
_WRITE_REFUSED = "write permission"
_READ_REFUSED = "read permission"
_TAG = re.compile(r"<[^>]*>")
_MOST_WORDS = 140


def explain(answer: Answer) -> Explained | None:
    """The hook of ``PlatformSession``: code, words and, where the status misleads, the error."""
    answer = bare(answer)
    if answer.is_html:
        return _explain_page(answer)
    try:
        body = answer.json()
    except ContractBroken:
        return None
    if not isinstance(body, dict) or not isinstance(body.get("message"), str):
        return None
    code, words = str(body.get("code") or "")[:60], plain_words(body["message"])
    if answer.status == 401 and (_WRITE_REFUSED in words or _READ_REFUSED in words):
        return code, f"{words} {_NEW_KEY}", PermissionMissing
    if code.endswith("_invalid_id"):
        return code, words, NotFound
    kind, advice = ADVICE.get((answer.status, code)) or ADVICE.get((0, code)) or (None, "")
    sentence = f"{words} {advice}".strip()
    return (code, sentence, kind) if kind else (code, sentence)


def plain_words(message: str) -> str:
    """A message without its HTML, short."""
    text = " ".join(html.unescape(_TAG.sub(" ", message)).split())
    return text if len(text) <= _MOST_WORDS else f"{text[:_MOST_WORDS]}…"


def read_only(err: PlatformError) -> PermissionMissing:
    """The same key could read a moment ago: it is a key for reading, whatever language says so."""
    return PermissionMissing(
        f"{err.message.partition(' It said:')[0]} The key may only read. {_NEW_KEY}",
        scopes=("write",),
        code=err.code,
        status=err.status,
    )


def _explain_page(answer: Answer) -> Explained | None:
    if answer.status == 401 and "WWW-Authenticate" in answer.headers:
        return (
            "site_password",
            "The web server asks for a password of its own before WordPress is reached. Ask the "
            "store's host to leave /wp-json/ open.",
            MerchantMustAct,
        )
    page = answer.body[:20_000].lower()
    if b"critical error" in page and answer.status >= 500:
        return (
            "critical_error",
            "WordPress stopped with a critical error. The store's operator finds the reason in "
            "WooCommerce → Status → Logs.",
        )
    if b"scheduled maintenance" in page:
        return "maintenance", "The store is being updated.", Unavailable
    return None
