"""One-click connect: the store's own ``wc-auth`` page asks the merchant and sends the keys to us.

Nothing in that call is signed: the reference we hand over as ``user_id`` is all that ties it to the
pending connection, so it must be random, single-use and short-lived. The store wants exactly 200
within 60 s, else it deletes the key. Source: WooCommerce core includes/class-wc-auth.php.
"""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec

from integrations.errors import ContractBroken, PermissionMissing
from integrations.woocommerce.shapes import Keys


def authorize_url(
    store_url: str, app_name: str, return_url: str, callback_url: str, reference: str
) -> str:
    """Where to send the merchant's browser. ``callback_url`` must be https."""
    query = urlencode(
        {
            "app_name": app_name,
            "scope": "read_write",
            "user_id": reference,
            "return_url": return_url,
            "callback_url": callback_url,
        }
    )
    return f"{store_url.rstrip('/')}/wc-auth/v1/authorize?{query}"


def read_callback(body: bytes) -> tuple[str, dict[str, str]]:
    """The reference and the credentials. Raises ContractBroken, PermissionMissing."""
    keys: Keys | None
    try:
        keys = msgspec.json.decode(body, type=Keys)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        keys = None
    if keys is None:
        # Raised out here, so that it does not carry the error of decoding, which holds the body.
        raise ContractBroken("The store's message with the keys cannot be read.")
    if keys.key_permissions not in ("", "read_write"):
        raise PermissionMissing(
            "The store made a key that may not write. Connect again and approve Read/Write.",
            scopes=("write",),
        )
    return keys.user_id, {
        "consumer_key": keys.consumer_key,
        "consumer_secret": keys.consumer_secret,
    }
