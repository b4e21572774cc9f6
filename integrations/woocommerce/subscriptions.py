"""The store's webhooks made what they should be: missing ones created, disabled ones switched on,
wrong ones corrected, stale ones removed.

WooCommerce switches a webhook off after a run of failures and never sends again, so this is run
again and again; a store where all is well is only read. Only webhooks that point to this hub's
receiving address are touched. The secret cannot be read back, so the webhook's name carries a
fingerprint of the secret it was made with.
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
    client: WooClient, topics: Sequence[str], *, url: str, secret: str
) -> list[Subscription]:
    """Make the store's subscriptions to ``url`` exactly ``topics``, signed with ``secret``.

    Raises Misconfigured when there is no address to deliver to.
    """
    if not url or not secret:
        raise Misconfigured(
            "Logix has no webhook address for this store yet. Set LOGIX_PUBLIC_URL to an address "
            "the store can reach, then connect the store again.",
            code="no_callback_url",
        )
    kept: dict[str, dict[str, Any]] = {}
    for webhook in sorted(_ours(client, url), key=_goodness(url), reverse=True):
        topic = str(webhook.get("topic"))
        if topic in topics and topic not in kept:
            kept[topic] = webhook
        else:
            _delete(client, webhook)
    return [_ensure(client, topic, kept.get(topic), url, secret) for topic in topics]


def drop(client: WooClient, *, url: str) -> None:
    for webhook in _ours(client, url):
        _delete(client, webhook)


def _ensure(
    client: WooClient, topic: str, webhook: dict[str, Any] | None, url: str, secret: str
) -> Subscription:
    mark = hashlib.sha256(f"logix:{secret}".encode()).hexdigest()[:8]
    wanted = {"name": f"Logix {topic} {mark}", "topic": topic, "delivery_url": url}
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


def _ours(client: WooClient, url: str) -> list[dict[str, Any]]:
    """Those that deliver to this hub's receiving address, whatever token: older ones are stale."""
    prefix = url.rpartition("/")[0]
    if not prefix:
        return []
    return [w for w in client.webhooks() if str(w.get("delivery_url", "")).startswith(f"{prefix}/")]


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
