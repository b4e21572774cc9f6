"""``/webhooks``. Source: class-wc-rest-webhooks-v1-controller.php, includes/class-wc-webhook.php
and includes/data-stores/class-wc-webhook-data-store.php.
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from integrations.sandbox.woocommerce.calls import Call, created, listed, ok, window
from integrations.sandbox.woocommerce.calls import batch as batched
from integrations.sandbox.woocommerce.models import Webhook
from integrations.sandbox.woocommerce.store import WooStore
from integrations.sandbox.woocommerce.wire import Answer, Refused

TOPIC_HOOKS = {
    "coupon.created": ("woocommerce_process_shop_coupon_meta", "woocommerce_new_coupon"),
    "coupon.updated": ("woocommerce_process_shop_coupon_meta", "woocommerce_update_coupon"),
    "coupon.deleted": ("wp_trash_post",),
    "coupon.restored": ("untrashed_post",),
    "customer.created": (
        "user_register",
        "woocommerce_created_customer",
        "woocommerce_new_customer",
    ),
    "customer.updated": ("profile_update", "woocommerce_update_customer"),
    "customer.deleted": ("delete_user",),
    "order.created": ("woocommerce_new_order",),
    "order.updated": ("woocommerce_update_order", "woocommerce_order_refunded"),
    "order.deleted": ("wp_trash_post", "woocommerce_trash_order"),
    "order.restored": ("untrashed_post", "woocommerce_untrash_order"),
    "product.created": (
        "woocommerce_process_product_meta",
        "woocommerce_new_product",
        "woocommerce_new_product_variation",
    ),
    "product.updated": (
        "woocommerce_process_product_meta",
        "woocommerce_update_product",
        "woocommerce_update_product_variation",
    ),
    "product.deleted": ("wp_trash_post",),
    "product.restored": ("untrashed_post",),
}
_STATUSES = ("active", "paused", "disabled")


def webhook_document(store: WooStore, webhook: Webhook) -> dict[str, Any]:
    """The secret is never shown again."""
    resource, _, event = webhook.topic.partition(".")
    hooks = (event,) if resource == "action" else TOPIC_HOOKS.get(webhook.topic, ())
    return {
        "id": webhook.id,
        "name": webhook.name,
        "status": webhook.status,
        "topic": webhook.topic,
        "resource": resource,
        "event": event,
        "hooks": list(hooks),
        "delivery_url": webhook.delivery_url,
        "date_created": store.clock.site(webhook.created),
        "date_created_gmt": store.clock.gmt(webhook.created),
        "date_modified": store.clock.site(webhook.modified),
        "date_modified_gmt": store.clock.gmt(webhook.modified),
        "_links": store.links(f"/wc/v3/webhooks/{webhook.id}", "/wc/v3/webhooks"),
    }


def _invalid_id(status: int, message: str = "Invalid ID.") -> Refused:
    return Refused("woocommerce_rest_shop_webhook_invalid_id", message, status)


def _check(topic: Any, url: Any, *, is_new: bool) -> None:
    needed = " is required and" if is_new else ""
    if topic or is_new:
        resource, _, event = str(topic or "").lower().partition(".")
        if f"{resource}.{event}" not in TOPIC_HOOKS and not (resource == "action" and event):
            raise Refused(
                "woocommerce_rest_shop_webhook_invalid_topic",
                f"Webhook topic{needed} must be valid.",
                400,
            )
    if url or is_new:
        target = urlsplit(str(url or ""))
        if target.scheme not in ("http", "https") or not target.hostname:
            raise Refused(
                "woocommerce_rest_shop_webhook_invalid_delivery_url",
                "Webhook delivery URL must be a valid URL starting with http:// or https://.",
                400,
            )


def index(call: Call) -> Answer:
    args = call.args
    search = (args.get("search") or "").casefold()
    found = [
        row
        for row in call.store.webhooks.values()
        if args["status"] in ("all", row.status)
        and search in row.name.casefold()
        and (not args["include"] or row.id in args["include"])
        and row.id not in args["exclude"]
    ]
    keys = {"title": lambda w: (w.name, w.id), "id": lambda w: (w.id, w.id)}
    key = keys.get(args["orderby"], lambda w: (w.created, w.id))
    found.sort(key=key, reverse=args["order"] == "desc")
    offset, limit = window(args)
    rows = [webhook_document(call.store, row) for row in found[offset : offset + limit]]
    return listed(call, rows, len(found))


def _one(call: Call, refusal: Refused) -> Webhook:
    return call.found(call.store.webhooks.get(call.number), refusal)


def show(call: Call) -> Answer:
    return ok(webhook_document(call.store, _one(call, _invalid_id(404))))


def create(call: Call) -> Answer:
    """The greeting goes out while the answer is under way, and changes the answer no more."""
    store, args = call.store, call.args
    _check(args.get("topic"), args.get("delivery_url"), is_new=True)
    now = store.clock.now()
    webhook = Webhook(
        id=store.ids.next("webhook"),
        name=args.get("name") or f"Webhook created on {store.clock.site(now)}",
        topic=args["topic"].lower(),
        delivery_url=args["delivery_url"],
        secret=args.get("secret") or secrets.token_urlsafe(37)[:50],
        created=now,
        status=args.get("status") or "active",
        user_id=call.key.user_id if call.key else 1,
    )
    store.webhooks[webhook.id] = webhook
    call.later.append(partial(call.ping, webhook))
    return created(call, webhook_document(store, webhook))


def update(call: Call) -> Answer:
    """A changed address, or one that never answered its greeting, is greeted again while active."""
    store, args = call.store, call.args
    webhook = _one(call, _invalid_id(400, "ID is invalid."))
    _check(args.get("topic"), args.get("delivery_url"), is_new=False)
    status = args.get("status")
    if status and status not in _STATUSES:
        raise Refused(
            "woocommerce_rest_shop_webhook_invalid_status", "Webhook status must be valid.", 400
        )
    has_moved = args.get("delivery_url") not in (None, "", webhook.delivery_url)
    for name in ("name", "topic", "delivery_url", "secret", "status"):
        if args.get(name):
            setattr(webhook, name, args[name])
    webhook.modified = store.clock.now()
    if webhook.status == "active" and (has_moved or webhook.is_pending):
        call.later.append(partial(call.ping, webhook))
    return ok(webhook_document(store, webhook))


def delete(call: Call) -> Answer:
    if not call.args.get("force"):
        raise Refused(
            "woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.", 501
        )
    webhook = _one(call, _invalid_id(404))
    del call.store.webhooks[webhook.id]
    return ok(webhook_document(call.store, webhook))


def batch(call: Call) -> Answer:
    return batched(call, create, update, delete)
