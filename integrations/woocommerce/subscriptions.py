"""The store's webhooks made what they should be: missing ones created, disabled ones switched on,
wrong ones corrected, stale ones removed.

WooCommerce switches a webhook off after a run of failures and never sends again, so this is run
again and again; a store where all is well is only read. The secret cannot be read back, so the
webhook's name carries a fingerprint of the secret it was made with; and one of the connection it
belongs to, for a site may be connected twice (to two merchants, or to another hub at the same
address), and only a connection's own webhooks are touched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from integrations.base import Subscription
from integrations.errors import Misconfigured, NotFound
from integrations.woocommerce.client import WooClient

_ACTIVE = "active"


def reconcile(
    client: WooClient, topics: Sequence[str], *, url: str, secret: str, owner: str
) -> list[Subscription]:
    """Make the subscriptions of the connection ``owner`` exactly ``topics``, delivered to ``url``
    and signed with ``secret``. Raises Misconfigured when there is no address to deliver to.
    """
    if not url or not secret:
        raise Misconfigured(
            "Logix has no webhook address for this store yet. Set LOGIX_PUBLIC_URL to an address "
            "the store can reach, then connect the store again.",
            code="no_callback_url",
        )
    kept: dict[str, dict[str, Any]] = {}
    for webhook in sorted(_ours(client, url, owner), key=_goodness(url), reverse=True):
        topic = str(webhook.get("topic"))
        if topic in topics and topic not in kept:
            kept[topic] = webhook
        else:
            _delete(client, webhook)
    signed = _mark(f"logix:{secret}")
    return [
        _ensure(
            client,
            kept.get(topic),
            {"name": f"{_begin(owner)}{signed} {topic}", "topic": topic, "delivery_url": url},
            secret,
        )
        for topic in topics
    ]


def drop(client: WooClient, *, url: str, owner: str) -> None:
    for webhook in _ours(client, url, owner):
        _delete(client, webhook)


def _ensure(
    client: WooClient, webhook: dict[str, Any] | None, wanted: dict[str, str], secret: str
) -> Subscription:
    topic, url = wanted["topic"], wanted["delivery_url"]
    if webhook is None:
        made = client.add_webhook({**wanted, "secret": secret, "status": _ACTIVE})
        return Subscription(
            external_id=str(made.get("id", "")), topic=topic, url=url, mended="created"
        )
    wrong = [name for name, value in wanted.items() if webhook.get(name) != value]
    mended = []
    if webhook.get("status") != _ACTIVE:
        mended.append("switched on again")
    if "delivery_url" in wrong:
        mended.append("address corrected")
    if "name" in wrong:
        mended.append("secret renewed")
    if mended:
        client.update_webhook(int(webhook["id"]), {**wanted, "secret": secret, "status": _ACTIVE})
    return Subscription(
        external_id=str(webhook["id"]), topic=topic, url=url, mended=", ".join(mended)
    )


def _ours(client: WooClient, url: str, owner: str) -> list[dict[str, Any]]:
    """Those that deliver to our address, and those that this connection made for an older one."""
    begin = _begin(owner)
    return [
        webhook
        for webhook in client.webhooks()
        if (url and webhook.get("delivery_url") == url)
        or str(webhook.get("name", "")).startswith(begin)
    ]


def _begin(owner: str) -> str:
    """How the names of a connection's webhooks begin."""
    return f"Logix {_mark(owner)} "


def _mark(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()[:8]


def _goodness(url: str) -> Any:
    """Of two webhooks for one topic, the better one stays: right address, active, younger."""

    def key(webhook: dict[str, Any]) -> tuple[bool, bool, int]:
        is_here = webhook.get("delivery_url") == url
        return is_here, webhook.get("status") == _ACTIVE, int(webhook.get("id", 0))

    return key


def _delete(client: WooClient, webhook: dict[str, Any]) -> None:
    try:
        client.delete_webhook(int(webhook["id"]))
    except NotFound:
        # Somebody was faster; gone is what was wanted.
        return
