"""What stands above all rooms: nodes by id, jobs, metafields, tags, money."""

from __future__ import annotations

from typing import Any

from integrations.sandbox.shopify import ids
from integrations.sandbox.shopify.access.scopes import OWNERS, may_write
from integrations.sandbox.shopify.api.errors import (
    UserErrors,
    access_denied,
    bad_request,
    refuse,
    too_many,
    user_error,
)
from integrations.sandbox.shopify.api.pages import listed
from integrations.sandbox.shopify.api.resolving import Fields
from integrations.sandbox.shopify.models import Job, Metafield

_MOST_METAFIELDS = 25
_MOST_NODES = 250


def node(_: Any, info: Any, *, id: str) -> Any:
    """None for what does not exist. Raises for what is no id of a type that is known here."""
    store = info.context.store
    kind, number = ids.parted(id)
    load = store.nodes.get(kind)
    if load is None:
        raise bad_request(f"Invalid global id '{id}'", "RESOURCE_NOT_FOUND")
    return load(store, number)


def nodes(_: Any, info: Any, *, ids: list[str]) -> list[Any]:
    if len(ids) > _MOST_NODES:
        raise too_many("ids", len(ids), _MOST_NODES)
    return [node(None, info, id=one) for one in ids]


def job(_: Any, info: Any, *, id: str) -> Job | None:
    """A job's number is any uuid; unknown ones are told to be done, as Shopify forgets them."""
    found = info.context.store.jobs.get(id.removeprefix("gid://shopify/Job/"))
    return found or Job(id.removeprefix("gid://shopify/Job/"), is_done=True)


def metafield(thing: Any, _: Any, *, key: str, namespace: str | None = None) -> Any:
    if namespace is None and "." in key:
        namespace, key = key.split(".", 1)
    rows = thing.metafields
    return next(
        (row for row in rows if row.key == key and row.namespace == (namespace or "app")), None
    )


def metafields(
    thing: Any,
    _: Any,
    *,
    namespace: str | None = None,
    keys: list[str] | None = None,
    **page: Any,
) -> Any:
    rows = list(thing.metafields)
    if namespace is not None:
        rows = [row for row in rows if row.namespace == namespace]
    if keys is not None:
        rows = [row for row in rows if f"{row.namespace}.{row.key}" in keys or row.key in keys]
    return listed(rows, **page)


def metafields_set(_: Any, info: Any, *, metafields: list[dict[str, Any]]) -> dict[str, Any]:
    """All or none of them."""
    store = info.context.store
    if len(metafields) > _MOST_METAFIELDS:
        raise refuse(
            f"Exceeded the maximum metafields input limit of {_MOST_METAFIELDS}.",
            "metafields",
            code="LESS_THAN_OR_EQUAL_TO",
        )
    owners, wrong = [], []
    for place, row in enumerate(metafields):
        kind, number = ids.parted(row["ownerId"])
        _check_may(info, "metafieldsSet", kind)
        load = store.nodes.get(kind)
        owner = load(store, number) if load else None
        owners.append(owner)
        if not hasattr(owner, "metafields"):
            wrong.append(_wrong(place, "ownerId", "Owner does not exist.", "INVALID"))
        elif not row.get("value"):
            wrong.append(_wrong(place, "value", "Value can't be blank.", "BLANK"))
        elif not row.get("type") and not _known(owner, row):
            wrong.append(_wrong(place, "type", "Type can't be blank.", "BLANK"))
    if wrong:
        raise UserErrors(*wrong)
    written = [_write(store, owner, row) for owner, row in zip(owners, metafields, strict=True)]
    return {"metafields": written}


def metafields_delete(_: Any, info: Any, *, metafields: list[dict[str, Any]]) -> dict[str, Any]:
    """Those that are not there are null in the answer."""
    store = info.context.store
    gone: list[dict[str, Any] | None] = []
    for row in metafields:
        kind, number = ids.parted(row["ownerId"])
        _check_may(info, "metafieldsDelete", kind)
        load = store.nodes.get(kind)
        owner: Any = load(store, number) if load else None
        found = _known(owner, row) if hasattr(owner, "metafields") else None
        if found is not None:
            owner.metafields.remove(found)
            store.touched(owner)
        gone.append(row if found else None)
    return {"deletedMetafields": gone}


def _check_may(info: Any, name: str, kind: str) -> None:
    if kind in OWNERS and not may_write(info.context.grant, kind):
        raise access_denied(name, f"`{OWNERS[kind]}` access scope.")


def _wrong(place: int, name: str, message: str, code: str) -> dict[str, Any]:
    return user_error(message, "metafields", place, name, code=code, elementIndex=None)


def _known(owner: Any, row: dict[str, Any]) -> Metafield | None:
    namespace = row.get("namespace") or "app"
    return next(
        (m for m in owner.metafields if m.key == row["key"] and m.namespace == namespace), None
    )


def _write(store: Any, owner: Any, row: dict[str, Any]) -> Metafield:
    now = store.clock.now()
    found = _known(owner, row)
    if found is None:
        found = Metafield(
            id=store.ids.next("Metafield"),
            owner=type(owner).__name__.upper(),
            namespace=row.get("namespace") or "app",
            key=row["key"],
            type=row["type"],
            value="",
            created_at=now,
        )
        owner.metafields.append(found)
    found.value, found.updated_at = row["value"], now
    store.touched(owner)
    return found


def tags_add(_: Any, info: Any, *, id: str, tags: list[str]) -> dict[str, Any]:
    store = info.context.store
    kind, number = ids.parted(id)
    _check_may(info, "tagsAdd", kind)
    load = store.nodes.get(kind)
    thing: Any = load(store, number) if load else None
    if not hasattr(thing, "tags"):
        raise refuse(f"{kind or 'Node'} does not exist", "id")
    fresh = [tag.strip() for one in tags for tag in one.split(",") if tag.strip()]
    known = {tag.lower() for tag in thing.tags}
    added = [tag for tag in dict.fromkeys(fresh) if tag.lower() not in known]
    if added:
        thing.tags = sorted([*thing.tags, *added])
        store.touched(thing)
    return {"node": thing}


FIELDS: Fields = {
    "QueryRoot": {"node": node, "nodes": nodes, "job": job},
    "Mutation": {
        "metafieldsDelete": metafields_delete,
        "metafieldsSet": metafields_set,
        "tagsAdd": tags_add,
    },
    "Job": {
        "id": lambda found, _: f"gid://shopify/Job/{found.number}",
        "done": lambda found, _: found.is_done,
        "query": lambda *_: {},
    },
    "Metafield": {"ownerType": lambda row, _: row.owner},
    "MoneyV2": {"currencyCode": lambda amount, _: amount.currency},
    "MoneyBag": {
        "shopMoney": lambda bag, _: bag.shop,
        "presentmentMoney": lambda bag, _: bag.presentment,
    },
}
