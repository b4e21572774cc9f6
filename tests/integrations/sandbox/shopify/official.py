"""The official schema, and whether a query and its answer keep to it."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    is_leaf_type,
    parse,
    validate,
)

_loaded: dict[Path, GraphQLSchema] = {}


def official(shared: Path, version: str = "2026-07") -> GraphQLSchema:
    """Read once a session: it takes seconds."""
    folder = shared / "contracts" / "shopify"
    path = folder / f"admin_{version}.graphql"
    if not path.exists():
        path = folder / f"admin_{version}.graphql.gz"
    if path not in _loaded:
        content = path.read_bytes()
        text = gzip.decompress(content) if path.suffix == ".gz" else content
        _loaded[path] = build_schema(text.decode(), assume_valid=True)
    return _loaded[path]


@dataclass(frozen=True)
class Asked:
    """One query that was answered with data."""

    query: str
    data: dict[str, Any]


def hold(contracts: Path | None, asked: Iterable[Asked]) -> None:
    """Queries and answers against 2026-07, queries against 2026-10, where there are contracts."""
    if contracts is None:
        return
    now, later = official(contracts), official(contracts, "2026-10")
    found = [
        f"{wrong}\n{one.query}"
        for one in asked
        for wrong in (*faults(now, one.query, one.data), *faults(later, one.query, None))
    ]
    assert not found, "\n".join(found)


def faults(schema: GraphQLSchema, query: str, data: dict[str, Any] | None) -> list[str]:
    """What is wrong with a query, or with its answer's data, by the official schema; an answer
    that is null as a whole says nothing.
    """
    document, wrong = _validated(schema, query)
    if wrong or data is None:
        return list(wrong)
    return list(_Walk(schema, document).faults(data))


@cache
def _validated(schema: GraphQLSchema, query: str) -> tuple[DocumentNode, tuple[str, ...]]:
    """Tests ask few texts many times."""
    document = parse(query)
    return document, tuple(error.message for error in validate(schema, document))


class _Walk:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self._operation = next(
            node for node in document.definitions if isinstance(node, OperationDefinitionNode)
        )

    def faults(self, data: dict[str, Any]) -> Iterator[str]:
        is_mutation = self._operation.operation is OperationType.MUTATION
        root = self._schema.mutation_type if is_mutation else self._schema.query_type
        assert root is not None
        yield from self._object(data, root, [self._operation.selection_set], root.name)

    def _value(self, value: Any, kind: Any, chosen: list[Any], path: str) -> Iterator[str]:
        if isinstance(kind, GraphQLNonNull):
            if value is None:
                yield f"{path}: null where the schema promises {kind}"
                return
            kind = kind.of_type
        if value is None:
            return
        if isinstance(kind, GraphQLList):
            if not isinstance(value, list):
                yield f"{path}: no list"
                return
            for place, row in enumerate(value):
                yield from self._value(row, kind.of_type, chosen, f"{path}[{place}]")
        elif is_leaf_type(kind):
            yield from self._leaf(value, kind, path)
        else:
            yield from self._object(value, kind, chosen, path)

    def _leaf(self, value: Any, kind: Any, path: str) -> Iterator[str]:
        if isinstance(kind, GraphQLEnumType):
            if value not in kind.values:
                yield f"{path}: {value!r} is no {kind.name}"
            return
        wanted = _SCALARS.get(kind.name, str)
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            yield f"{path}: {value!r} is no {kind.name}"

    def _object(self, value: Any, kind: Any, chosen: list[Any], path: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield f"{path}: no object"
            return
        fields = self._chosen(chosen, kind, value)
        missing = [key for key in fields.keys() - value.keys() if not _may_lack(fields[key][0])]
        if missing:
            yield f"{path}: without {sorted(missing)}"
        if extra := value.keys() - fields.keys():
            yield f"{path}: with {sorted(extra)} that nobody asked for"
        for key in fields.keys() & value.keys():
            nodes, owner = fields[key]
            name = nodes[0].name.value
            if name == "__typename":
                yield from self._typename(value[key], kind, path)
            if name.startswith("__"):  # what a schema tells of itself is its own
                continue
            below = [node.selection_set for node in nodes if node.selection_set]
            yield from self._value(value[key], owner.fields[name].type, below, f"{path}.{key}")

    def _typename(self, name: Any, kind: Any, path: str) -> Iterator[str]:
        found = self._schema.get_type(str(name))
        is_abstract = isinstance(kind, GraphQLInterfaceType | GraphQLUnionType)
        if not isinstance(found, GraphQLObjectType):
            yield f"{path}: {name} is no type"
        elif is_abstract and not self._schema.is_sub_type(kind, found):
            yield f"{path}: {name} is no {kind.name}"
        elif not is_abstract and found is not kind:
            yield f"{path}: {name} is not {kind.name}"

    def _chosen(self, sets: list[Any], kind: Any, value: Any) -> dict[str, tuple[list[Any], Any]]:
        """Answer key → (its nodes, the type they are chosen on)."""
        found: dict[str, tuple[list[Any], Any]] = {}
        for chosen in sets:
            for node, owner in self._fields(chosen, kind, value):
                key = node.alias.value if node.alias else node.name.value
                found.setdefault(key, ([], owner))[0].append(node)
        return found

    def _fields(self, chosen: Any, kind: Any, value: Any) -> Iterator[tuple[FieldNode, Any]]:
        """Through fragments; one on another type counts where the answer's __typename says so, or,
        without one, where the answer has what it asks for.
        """
        for selection in chosen.selections:
            if isinstance(selection, FieldNode):
                yield selection, kind
                continue
            inner = selection
            if isinstance(selection, FragmentSpreadNode):
                inner = self._fragments[selection.name.value]
            assert isinstance(inner, FragmentDefinitionNode | InlineFragmentNode)
            on = inner.type_condition
            below = self._schema.get_type(on.name.value) if on else kind
            if below is kind or self._fits(below, kind, inner.selection_set, value):
                yield from self._fields(inner.selection_set, below, value)

    def _fits(self, below: Any, kind: Any, chosen: Any, value: dict[str, Any]) -> bool:
        if isinstance(below, GraphQLInterfaceType) and isinstance(kind, GraphQLObjectType):
            return self._schema.is_sub_type(below, kind)
        if told := value.get("__typename"):
            real = self._schema.get_type(told)
            is_abstract = isinstance(below, GraphQLInterfaceType | GraphQLUnionType)
            return real is below or (is_abstract and self._schema.is_sub_type(below, real))
        names = {
            node.alias.value if node.alias else node.name.value
            for node in chosen.selections
            if isinstance(node, FieldNode) and not _may_lack([node])
        }
        return names <= value.keys()


def _may_lack(nodes: list[FieldNode]) -> bool:
    """Whether whoever asked may have left it out: by ``@include`` or ``@skip``."""
    return all(node.directives for node in nodes)


_SCALARS: dict[str, Any] = {
    "Boolean": bool,
    "Int": int,
    "Float": (int, float),
    "JSON": object,
}


def missing(own: GraphQLSchema, real: GraphQLSchema) -> Iterator[str]:
    """What our schema has and the official one has not, or has otherwise."""
    for name, kind in own.type_map.items():
        if name.startswith("__"):
            continue
        there = real.type_map.get(name)
        if there is None or type(there) is not type(kind):
            yield f"{name} is not there"
        elif isinstance(kind, GraphQLEnumType):
            yield from (f"{name}.{value}" for value in kind.values.keys() - there.values.keys())
        elif isinstance(kind, GraphQLUnionType):
            known = {member.name for member in there.types}
            yield from (f"{name} | {one.name}" for one in kind.types if one.name not in known)
        elif hasattr(kind, "fields"):
            yield from _missing_fields(name, kind, there)


def _missing_fields(name: str, kind: Any, there: Any) -> Iterator[str]:
    known_interfaces = {one.name for one in getattr(there, "interfaces", ())}
    for one in getattr(kind, "interfaces", ()):
        if one.name not in known_interfaces:
            yield f"{name} implements {one.name}"
    for field_name, field in kind.fields.items():
        real = there.fields.get(field_name)
        if real is None:
            yield f"{name}.{field_name}"
            continue
        if str(real.type) != str(field.type):
            yield f"{name}.{field_name}: {field.type}, officially {real.type}"
        for argument_name, argument in getattr(field, "args", {}).items():
            known = real.args.get(argument_name)
            if known is None or str(known.type) != str(argument.type):
                yield f"{name}.{field_name}({argument_name}: {argument.type})"
            elif known.default_value != argument.default_value:
                yield f"{name}.{field_name}({argument_name}) has another default"
        for argument_name, known in getattr(real, "args", {}).items():
            is_required = isinstance(known.type, GraphQLNonNull)
            if (
                is_required
                and argument_name not in field.args
                and known.ast_node.default_value is None
            ):
                yield f"{name}.{field_name} lacks the required {argument_name}"
