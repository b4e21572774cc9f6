"""The store's webhook subscriptions made what they should be: missing ones created, wrong ones
corrected, stale ones removed.

Shopify deletes a subscription after 8 failed deliveries in a row, so this is run again and again; a
store where all is well is only read. A store may be connected by several hubs with one app, so a
subscription's name carries a mark of its connection, and only a connection's own are touched.
Deliveries name the thing and leave out what is in it: it is read anyway, and buyers' data do not
travel twice. Source: https://shopify.dev/docs/apps/build/webhooks/subscribe
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from integrations.base import Subscription
from integrations.errors import Misconfigured, Rejected
from integrations.shopify import shapes
from integrations.shopify.client import ShopifyClient, user_errors
from integrations.shopify.shapes import Camel, Ref

_JSON = "JSON"
# What a delivery tells; topics that are not here tell little as they are.
_FIELDS = {
    "orders/create": ["id", "updated_at"],
    "orders/updated": ["id", "updated_at"],
    "orders/cancelled": ["id", "updated_at"],
    "fulfillments/create": ["id", "order_id", "updated_at"],
    "fulfillments/update": ["id", "order_id", "updated_at"],
    "refunds/create": ["id", "order_id", "created_at"],
    "returns/request": ["id", "order"],
    "returns/approve": ["id", "order"],
    "returns/decline": ["id", "order"],
    "products/create": ["id", "updated_at"],
    "products/update": ["id", "updated_at"],
}


class Hook(Camel):
    id: str
    topic: str
    uri: str
    name: str | None = None
    format: str = _JSON
    filter: str | None = None
    include_fields: list[str] = []


def reconcile(
    client: ShopifyClient, topics: Sequence[str], *, url: str, owner: str
) -> list[Subscription]:
    """Make the subscriptions of the connection ``owner`` exactly ``topics``, delivered to ``url``.
    Raises Misconfigured when there is no address to deliver to.
    """
    if not url:
        raise Misconfigured(
            "Logix has no webhook address for this store yet. Set LOGIX_PUBLIC_URL to an https "
            "address that Shopify can reach, then connect the store again.",
            code="no_callback_url",
        )
    wanted = {_spelled(topic): topic for topic in topics}
    kept: dict[str, Hook] = {}
    for hook in sorted(_ours(client, url, owner), key=lambda hook: hook.uri != url):
        if hook.topic in wanted and hook.topic not in kept:
            kept[hook.topic] = hook
        else:
            _delete(client, hook)
    return [
        _ensure(client, kept.get(spelled), topic, url=url, name=_name(owner))
        for spelled, topic in wanted.items()
    ]


def drop(client: ShopifyClient, *, url: str, owner: str) -> None:
    for hook in _ours(client, url, owner):
        _delete(client, hook)


def _ensure(
    client: ShopifyClient, hook: Hook | None, topic: str, *, url: str, name: str
) -> Subscription:
    fields = _FIELDS.get(topic, [])
    wanted = {"uri": url, "name": name, "format": _JSON, "includeFields": fields}
    if hook is None:
        variables = {"topic": _spelled(topic), "subscription": wanted}
        made = client.change("subscribe", variables, "webhookSubscriptionCreate")
        hook_id = shapes.decode(bytes(made["webhookSubscription"]), Ref).id
        return Subscription(external_id=hook_id, topic=topic, url=url, mended="created")
    mended = []
    if hook.uri != url:
        mended.append("address corrected")
    if hook.format != _JSON or hook.filter or sorted(hook.include_fields) != sorted(fields):
        mended.append("content corrected")
    if mended:
        variables = {"id": hook.id, "subscription": {**wanted, "filter": ""}}
        client.change("resubscribe", variables, "webhookSubscriptionUpdate", repeatable=True)
    return Subscription(external_id=hook.id, topic=topic, url=url, mended=", ".join(mended))


def _ours(client: ShopifyClient, url: str, owner: str) -> list[Hook]:
    """Those that deliver to our address, and those that this connection made for an older one."""
    found: list[Hook] = []
    after: str | None = None
    while True:
        reply = client.ask("subscriptions", {"after": after})
        page = reply.at("webhookSubscriptions", shapes.Connection[Hook])
        found += [h for h in page.nodes if (url and h.uri == url) or h.name == _name(owner)]
        if page.rest is None or page.rest == after:
            return found
        after = page.rest


def _delete(client: ShopifyClient, hook: Hook) -> None:
    reply = client.ask("unsubscribe", {"id": hook.id}, repeatable=True)
    payload = reply.at("webhookSubscriptionDelete", dict[str, msgspec.Raw])
    errors = user_errors(payload)
    # One that is gone was what was wanted; Shopify names the id then.
    if any((error.field or [""])[-1] != "id" for error in errors):
        raise Rejected(f"Shopify kept a webhook subscription: {errors[0].message}")


def _name(owner: str) -> str:
    return f"Logix {hashlib.sha256(owner.encode()).hexdigest()[:12]}"


def _spelled(topic: str) -> str:
    """A topic as GraphQL names it: ``orders/create`` is ORDERS_CREATE."""
    return topic.replace("/", "_").upper()
