"""Whether a query may run in bulk, and its answer as lines.

Source: shopify.dev/docs/api/usage/bulk-operations/queries, read 2026-11: one to five connections,
nested two deep below the first, parents with their id, no node and nodes at the top. That lists are
told by their edges alone, that no connection may lie within a list, and the words of the refusals:
github.com/airhorns/shopify-draft-proxy, recorded from Shopify in 2026.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    IntValueNode,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    get_nullable_type,
    is_list_type,
    parse,
    validate,
    visit,
)

MOST_CONNECTIONS = 5
DEEPEST = 2
_PAGING = frozenset({"first", "last", "after", "before"})


class Unfit(Exception):
    """The query cannot run in bulk; the message says why."""


def checked(query: str, schema: GraphQLSchema) -> DocumentNode:
    """The query without the sizes of pages, which a bulk operation ignores. Raises Unfit."""
    try:
        document = parse(query)
    except GraphQLError as err:
        raise Unfit(f"Invalid bulk query: {err.message}") from err
    if found := validate(schema, document):
        raise Unfit(f"Invalid bulk query: {found[0].message}")
    operations = [
        node for node in document.definitions if isinstance(node, OperationDefinitionNode)
    ]
    if len(operations) != 1 or operations[0].operation is not OperationType.QUERY:
        raise Unfit("Bulk queries must contain exactly one query operation.")
    names = {
        field.name.value
        for field in operations[0].selection_set.selections
        if isinstance(field, FieldNode)
    }
    if names & {"node", "nodes"}:
        raise Unfit("Bulk queries cannot contain a top level `node` or `nodes` field.")
    types = TypeInfo(schema)
    counter = _Connections(types)
    document = visit(document, TypeInfoVisitor(types, counter))
    counter.judge()
    return document


class _Connections(Visitor):
    """Counts connections and how deep they are nested; takes their pages' sizes away."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self._types = types
        self._depth = self._deepest = self._count = self._lists = 0
        self._has_bare_parent = self._is_in_list = False
        self._by_nodes: list[str] = []

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self._lists += self._is_list()
        if self._is_connection():
            self._count += 1
            self._depth += 1
            self._deepest = max(self._deepest, self._depth)
            self._is_in_list |= self._lists > 0
            if "nodes" in _chosen(node):
                self._by_nodes.append(node.name.value)

    def leave_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
        self._lists -= self._is_list()
        if self._is_connection():
            self._depth -= 1
            kept = tuple(one for one in node.arguments or () if one.name.value not in _PAGING)
            changed: FieldNode = _with(node, arguments=kept)
            return changed
        if node.name.value in ("node", "nodes") and self._depth and not _selects_id(node):
            self._has_bare_parent |= _has_connection(node)
        return None

    def _is_connection(self) -> bool:
        kind = self._types.get_type()
        return kind is not None and get_named_type(kind).name.endswith("Connection")

    def _is_list(self) -> bool:
        """A list that is no page of a connection."""
        kind, owner = self._types.get_type(), self._types.get_parent_type()
        is_page = owner is not None and owner.name.endswith("Connection")
        return kind is not None and is_list_type(get_nullable_type(kind)) and not is_page

    def judge(self) -> None:
        if not self._count:
            raise Unfit("Bulk queries must contain at least one connection.")
        if self._by_nodes:
            named = "', '".join(self._by_nodes)
            raise Unfit(
                "All connection fields in a bulk query must select their contents using 'edges' >"
                f" 'node', e.g: '{self._by_nodes[0]} {{ edges {{ node {{'. Selecting via 'nodes' is"
                f" not supported. Invalid connection fields: '{named}'."
            )
        if self._count > MOST_CONNECTIONS:
            raise Unfit(f"Bulk queries cannot contain more than {MOST_CONNECTIONS} connections.")
        if self._deepest > DEEPEST + 1:
            raise Unfit(
                "Bulk queries cannot contain connections with a nesting depth greater than"
                f" {DEEPEST}."
            )
        if self._has_bare_parent:
            raise Unfit(
                "The parent 'node' field for a nested connection must select the 'id' field without"
                " an alias and must be of type 'ID'."
            )
        if self._is_in_list:
            raise Unfit(
                "Queries that contain a connection field within a list field are not currently"
                " supported."
            )


def _chosen(node: FieldNode) -> set[str]:
    rows = node.selection_set.selections if node.selection_set else ()
    return {row.name.value for row in rows if isinstance(row, FieldNode)}


def _selects_id(node: FieldNode) -> bool:
    return any(
        isinstance(field, FieldNode) and field.name.value == "id" and field.alias is None
        for field in (node.selection_set.selections if node.selection_set else ())
    )


def _has_connection(node: FieldNode) -> bool:
    """Any field below that has edges or nodes of its own."""
    for field in node.selection_set.selections if node.selection_set else ():
        if isinstance(field, FieldNode) and field.selection_set:
            inner = {
                one.name.value
                for one in field.selection_set.selections
                if isinstance(one, FieldNode)
            }
            if inner & {"edges", "nodes"} or _has_connection(field):
                return True
    return False


# --- page by page ---------------------------------------------------------------------------------


def paged(document: DocumentNode, size: int, after: str | None) -> DocumentNode:
    """The query with a page of its connection at the top, where it has one alone and right there;
    the cursors it needs are asked for under names of our own.
    """
    operation = next(n for n in document.definitions if isinstance(n, OperationDefinitionNode))
    top = operation.selection_set.selections
    field = top[0]
    if not isinstance(field, FieldNode):
        raise Unfit("A bulk query starts with a field.")
    arguments = list(field.arguments or ())
    arguments.append(_argument("first", IntValueNode(value=str(size))))
    if after is not None:
        arguments.append(_argument("after", StringValueNode(value=after)))
    info = parse("{f{_page:pageInfo{hasNextPage endCursor}}}").definitions[0]
    extra = info.selection_set.selections[0].selection_set.selections  # type: ignore[attr-defined]
    chosen = field.selection_set.selections if field.selection_set else ()
    fresh = _with(
        field,
        arguments=tuple(arguments),
        selection_set=_with(field.selection_set, selections=(*chosen, *extra)),
    )
    selection_set = _with(operation.selection_set, selections=(fresh, *top[1:]))
    changed = _with(operation, selection_set=selection_set)
    others = tuple(node for node in document.definitions if node is not operation)
    return DocumentNode(definitions=(changed, *others))


def is_pageable(document: DocumentNode, schema: GraphQLSchema) -> bool:
    """Whether the query is one connection at the top and nothing else."""
    operation = next(n for n in document.definitions if isinstance(n, OperationDefinitionNode))
    top = operation.selection_set.selections
    if len(top) != 1 or not isinstance(top[0], FieldNode):
        return False
    kind, name = schema.query_type, top[0].name.value
    return kind is not None and get_named_type(kind.fields[name].type).name.endswith("Connection")


def _argument(name: str, value: Any) -> ArgumentNode:
    return ArgumentNode(name=NameNode(value=name), value=value)


def _with(node: Any, **changes: Any) -> Any:
    return type(node)(**{key: getattr(node, key) for key in node.keys} | changes)


# --- lines ----------------------------------------------------------------------------------------


def lines(data: dict[str, Any], *, is_grouped: bool) -> tuple[list[bytes], int]:
    """(the nodes of an answer, one a line and children with ``__parentId``; how many at the top).
    Not grouped, children come after all the tops.
    """
    tops = list(_tops(data))
    rows: list[dict[str, Any]] = []
    children: list[dict[str, Any]] = []
    for top in tops:
        own, *below = _spread(top, None)
        rows.append(own)
        (rows if is_grouped else children).extend(below)
    text = [json.dumps(row, separators=(",", ":")).encode() for row in (*rows, *children)]
    return text, len(tops)


def _tops(value: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(value, dict):
        return
    if _is_connection(value):
        yield from _nodes(value)
        return
    for below in value.values():
        yield from _tops(below)


def _spread(node: dict[str, Any], parent: str | None) -> Iterator[dict[str, Any]]:
    """The node without the connections in it, however deep, then what was in them."""
    inner: list[dict[str, Any]] = []
    own = _bare(node, inner)
    if parent is not None:
        own["__parentId"] = parent
    yield own
    for found in inner:
        for child in _nodes(found):
            yield from _spread(child, str(node.get("id")))


def _bare(value: Any, inner: list[dict[str, Any]]) -> Any:
    """A value without its connections, which go into ``inner``."""
    if isinstance(value, list):
        return [_bare(row, inner) for row in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, below in value.items():
        if _is_connection(below):
            inner.append(below)
        else:
            kept[name] = _bare(below, inner)
    return kept


def _is_connection(value: Any) -> bool:
    return isinstance(value, dict) and ("edges" in value or "nodes" in value)


def _nodes(value: dict[str, Any]) -> list[dict[str, Any]]:
    if "nodes" in value:
        return list(value["nodes"])
    return [edge["node"] for edge in value["edges"] if "node" in edge]
