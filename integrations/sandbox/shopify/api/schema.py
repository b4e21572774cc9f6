"""The executable schema: the SDL files of ``schema/`` and the resolvers of all rooms, each field
wrapped by who may read it and each mutation by what it may refuse.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    get_named_type,
    get_nullable_type,
    is_introspection_type,
    is_list_type,
    is_non_null_type,
)

from integrations.sandbox.shopify.access import scopes
from integrations.sandbox.shopify.api import idempotency, scalars
from integrations.sandbox.shopify.api.errors import UserErrors
from integrations.sandbox.shopify.api.resolving import Fields, Resolver, reader, snake, type_of
from integrations.sandbox.shopify.rooms import FIELDS

_FOLDER = Path(__file__).parent.parent / "schema"


def sdl() -> str:
    """Our part of the official schema."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(_FOLDER.glob("*.graphql")))


@cache
def schema() -> GraphQLSchema:
    """Made once a process; it holds no store. Raises LookupError for a resolver of no field."""
    built = build_schema(sdl())
    resolvers = _merged(FIELDS)
    for name, kind in built.type_map.items():
        if is_introspection_type(kind):
            continue
        if isinstance(kind, GraphQLScalarType):
            scalars.dress(kind)
        elif isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            kind.resolve_type = lambda thing, *_: type_of(thing)
        elif isinstance(kind, GraphQLObjectType):
            _fill(kind, resolvers.pop(name, {}), is_mutation=kind is built.mutation_type)
    if resolvers:
        raise LookupError(f"The schema has no type {', '.join(resolvers)}.")
    return built


def _merged(tables: Iterable[Fields]) -> Fields:
    merged: Fields = {}
    for table in tables:
        for name, fields in table.items():
            known = merged.setdefault(name, {})
            if doubled := known.keys() & fields.keys():
                raise LookupError(f"{name} has two resolvers for {', '.join(sorted(doubled))}.")
            known.update(fields)
    return merged


def _fill(kind: GraphQLObjectType, own: dict[str, Resolver], *, is_mutation: bool) -> None:
    if missing := own.keys() - kind.fields.keys():
        raise LookupError(f"{kind.name} has no field {', '.join(sorted(missing))}.")
    for name, field in kind.fields.items():
        for argument, details in field.args.items():
            details.out_name = snake(argument)
        resolve = own.get(name) or reader(name)
        if is_mutation:
            resolve = idempotency.guarded(name, resolve)
            resolve = _refusable(resolve, get_named_type(field.type))
        field.resolve = scopes.guarded(
            kind.name,
            name,
            get_named_type(field.type).name,
            resolve,
            is_required=is_non_null_type(field.type),
            is_list=is_list_type(get_nullable_type(field.type)),
        )


def _refusable(resolve: Resolver, payload: Any) -> Resolver:
    """``userErrors`` in the shape of the mutation's payload; a done one has none."""
    lists = [name for name in payload.fields if name.lower().endswith("usererrors")]
    empty: dict[str, Any] = dict.fromkeys(payload.fields) | {name: [] for name in lists}

    def run(thing: Any, info: Any, **args: Any) -> Any:
        try:
            return empty | resolve(thing, info, **args)
        except UserErrors as refused:
            return empty | dict.fromkeys(lists, refused.errors)

    return run
