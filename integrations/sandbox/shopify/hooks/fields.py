"""Webhook subscriptions as GraphQL shows and changes them.

Source: the official schema of 2026-07. That a local address may be plain http is this store's own;
Shopify insists on https. The wording of refusals is as remembered from its API, not as documented.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from integrations.sandbox.shopify import ids
from integrations.sandbox.shopify.api import search
from integrations.sandbox.shopify.api.errors import refuse
from integrations.sandbox.shopify.api.filtering import by_sort, found
from integrations.sandbox.shopify.api.pages import connection, count
from integrations.sandbox.shopify.api.resolving import Call, Fields
from integrations.sandbox.shopify.hooks.models import WebhookSubscription
from integrations.sandbox.shopify.hooks.topics import NOT_BY_API, enum_of, scopes_of, topic_of

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_SORTS = {"CREATED_AT": lambda row: row.created_at}

Given = dict[str, Any]


# --- asking ---------------------------------------------------------------------------------------


def _row(_: Call) -> dict[str, search.Value]:
    return {
        "id": lambda row: row.id,
        "created_at": lambda row: row.created_at,
        "updated_at": lambda row: row.updated_at,
    }


def _chosen(
    call: Call,
    *,
    query: str | None = None,
    topics: list[str] | None = None,
    uri: str | None = None,
    callback_url: str | None = None,
    format: str | None = None,
) -> list[Any]:
    rows = found(
        call, call.store.hooks.subscriptions.values(), query, _row(call), "webhookSubscriptions"
    )
    address = uri or callback_url
    return [
        row
        for row in rows
        if (topics is None or enum_of(row.topic) in topics)
        and (address is None or row.uri == address)
        and (format is None or row.format == format)
    ]


_FILTERS = ("query", "topics", "uri", "callback_url", "format")


def subscriptions(_: Any, info: Any, *, sort_key: str = "CREATED_AT", **args: Any) -> Any:
    chosen = _chosen(info.context, **{name: args.pop(name, None) for name in _FILTERS})
    rows = info.context.store.hooks.subscriptions
    return connection(by_sort(chosen, _SORTS, sort_key), lambda key: rows[key[-1]], **args)


def subscriptions_count(
    _: Any, info: Any, *, query: str | None = None, limit: int | None = 10_000
) -> Any:
    return count(len(_chosen(info.context, query=query)), limit)


def subscription(_: Any, info: Any, *, id: str) -> WebhookSubscription | None:
    one: WebhookSubscription | None = info.context.store.hooks.subscriptions.get(
        ids.number_of(id, "WebhookSubscription")
    )
    return one


# --- changing -------------------------------------------------------------------------------------


def create(_: Any, info: Any, *, topic: str, webhook_subscription: Given) -> Given:
    call, store = info.context, info.context.store
    name = topic_of(topic)
    _check_topic(call, name)
    now = store.clock.now()
    one = WebhookSubscription(0, name, "", created_at=now, updated_at=now)
    _fill(one, webhook_subscription)
    _check(call, one)
    one.id = store.ids.next("WebhookSubscription")
    store.hooks.subscriptions[one.id] = one
    return {"webhookSubscription": one}


def update(_: Any, info: Any, *, id: str, webhook_subscription: Given) -> Given:
    call, store = info.context, info.context.store
    one = subscription(None, info, id=id)
    if one is None:
        raise refuse("Webhook subscription does not exist", "id")
    draft = WebhookSubscription(
        one.id, one.topic, one.uri, one.created_at, store.clock.now(), one.format, one.filter,
        one.include_fields, one.metafield_namespaces, one.metafields, one.name,
    )  # fmt: skip
    _fill(draft, webhook_subscription)
    _check(call, draft)
    store.hooks.subscriptions[one.id] = draft
    return {"webhookSubscription": draft}


def delete(_: Any, info: Any, *, id: str) -> Given:
    number = ids.number_of(id, "WebhookSubscription")
    if not info.context.store.hooks.drop(number):
        raise refuse("Webhook subscription does not exist", "id")
    return {"deletedWebhookSubscriptionId": id}


def _fill(one: WebhookSubscription, given: Given) -> None:
    one.uri = given.get("uri") or given.get("callbackUrl") or one.uri
    one.format = given.get("format") or one.format
    one.filter = given.get("filter", one.filter)
    one.include_fields = given.get("includeFields") or one.include_fields
    one.metafield_namespaces = given.get("metafieldNamespaces") or one.metafield_namespaces
    one.name = given.get("name", one.name)
    if given.get("metafields") is not None:
        one.metafields = [(row["namespace"], row["key"]) for row in given["metafields"]]


def _check_topic(call: Call, topic: str) -> None:
    needed = scopes_of(topic)
    if topic in NOT_BY_API or (needed and not any(call.grant.allows(one) for one in needed)):
        raise refuse("You cannot create a webhook subscription with the specified topic", "topic")


def _check(call: Call, one: WebhookSubscription) -> None:
    field = ("webhookSubscription", "uri")
    target = urlsplit(one.uri)
    if not target.hostname:
        raise refuse("Address is invalid", *field)
    if target.scheme != "https" and target.hostname not in _LOOPBACK:
        raise refuse(f"Address protocol {target.scheme}:// is not supported", *field)
    if one.format != "JSON":
        raise refuse("This store writes webhooks as JSON alone", "webhookSubscription", "format")
    for other in call.store.hooks.subscriptions.values():
        is_same = (other.topic, other.uri, other.filter) == (one.topic, one.uri, one.filter)
        if is_same and other.id != one.id:
            raise refuse("Address for this topic has already been taken", *field)


def _version(_: Any, info: Any) -> Given:
    handle = info.context.store.options.webhook_api_version
    return {"displayName": handle, "handle": handle, "supported": True}


FIELDS: Fields = {
    "QueryRoot": {
        "webhookSubscription": subscription,
        "webhookSubscriptions": subscriptions,
        "webhookSubscriptionsCount": subscriptions_count,
    },
    "Mutation": {
        "webhookSubscriptionCreate": create,
        "webhookSubscriptionUpdate": update,
        "webhookSubscriptionDelete": delete,
    },
    "WebhookSubscription": {
        "topic": lambda one, _: enum_of(one.topic),
        "callbackUrl": lambda one, _: one.uri,
        "endpoint": lambda one, _: {"__typename": "WebhookHttpEndpoint", "callbackUrl": one.uri},
        "apiVersion": _version,
        "metafields": lambda one, _: [
            {"namespace": namespace, "key": key} for namespace, key in one.metafields
        ],
    },
}
