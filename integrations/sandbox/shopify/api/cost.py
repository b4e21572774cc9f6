"""What a query costs, before it runs (from its text) and after (from its answer).

Shopify publishes the rules (objects 1, scalars 0, mutations 10, connections by page size) but not
how a page's size counts. The figures here are fitted to what real queries cost in API 2025-07, as
measured in December 2025 and published in github.com/microsoft/BCApps (pull request 5926 and the
query files): a connection is 2 and, for each of ``twice the natural logarithm of its size``
(rounded down, at least one), what one node costs; prices and the page's own parts are free. A field
that ``@include`` or ``@skip`` leaves out is not counted: so it is in the analysis of graphql-ruby,
which Shopify's server is built with (github.com/rmosolgo/graphql-ruby, pull request 4865).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
)

MOST = 1_000
MUTATION = 10
_CONNECTION = 2
_FREE = frozenset({"MoneyV2", "MoneyBag", "PageInfo", "Count"})
_WRAPPERS = frozenset({"edges", "nodes", "node"})
_LEAVES_OUT = {"include": False, "skip": True}


def weight(size: int) -> int:
    """How many nodes' cost a page of this size is charged."""
    return max(1, math.floor(2 * math.log(size))) if size > 0 else 0


class Price:
    """Of one operation. ``before`` needs the variables, ``after`` the data of the answer."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, Any],
    ) -> None:
        self._schema, self._operation = schema, operation
        self._fragments, self._variables = fragments, variables
        self._is_mutation = operation.operation is OperationType.MUTATION

    def before(self) -> int:
        return self._of(self._operation.selection_set, self._root, None)

    def after(self, data: dict[str, Any] | None) -> int:
        return self._of(self._operation.selection_set, self._root, data or {})

    @property
    def _root(self) -> GraphQLObjectType:
        kind = self._schema.mutation_type if self._is_mutation else self._schema.query_type
        if kind is None:
            raise LookupError("The schema has no such operation.")
        return kind

    def _of(self, chosen: SelectionSetNode | None, kind: Any, data: dict[str, Any] | None) -> int:
        """With ``data`` None every branch is thought to be there; of fragments on several types
        the dearest counts, since a thing is of one of them.
        """
        shared, by_type = 0, {"": 0}
        for field, owner in self._fields(chosen, kind, data):
            price = self._field(field, owner, data)
            if owner is kind or isinstance(owner, GraphQLInterfaceType):
                shared += price
            else:
                by_type[owner.name] = by_type.get(owner.name, 0) + price
        return shared + max(by_type.values())

    def _field(self, field: FieldNode, owner: Any, data: dict[str, Any] | None) -> int:
        named = get_named_type(owner.fields[field.name.value].type)
        if is_leaf_type(named):
            return 0
        if owner is self._schema.mutation_type:
            return MUTATION
        key = field.alias.value if field.alias else field.name.value
        if named.name.endswith("Connection"):
            return self._connection(field, named, None if data is None else data.get(key))
        if data is None:
            return self._object(field, named, None)
        found = data.get(key)
        rows = found if isinstance(found, list) else [found]
        dearest = [self._object(field, named, row) for row in rows if row is not None]
        return max(dearest, default=0)

    def _object(self, field: FieldNode, named: Any, data: dict[str, Any] | None) -> int:
        own = 0 if named.name in _FREE or named.name.endswith("Edge") else 1
        return own + self._of(field.selection_set, named, data)

    def _connection(self, field: FieldNode, named: Any, data: dict[str, Any] | None) -> int:
        """What stands in ``edges`` and in ``nodes`` is counted once, whichever is dearer."""
        own = [
            (inner, owner)
            for inner, owner in self._fields(field.selection_set, named, data)
            if inner.name.value in _WRAPPERS
        ]
        if data is None:
            prices = [self._node(inner, owner, None) for inner, owner in own]
            return _CONNECTION + weight(self._size(field)) * max(prices, default=0)
        size, dearest = 0, 0
        for inner, owner in own:
            key = inner.alias.value if inner.alias else inner.name.value
            rows = data.get(key) or []
            size = max(size, len(rows))
            dearest = max([dearest, *(self._node(inner, owner, row) for row in rows)])
        return _CONNECTION + weight(size) * dearest

    def _node(self, field: FieldNode, owner: Any, data: dict[str, Any] | None) -> int:
        named = get_named_type(owner.fields[field.name.value].type)
        if not named.name.endswith("Edge"):
            return self._object(field, named, data)
        return self._of(field.selection_set, named, data)

    def _size(self, field: FieldNode) -> int:
        sizes = [0]
        for argument in field.arguments or ():
            if argument.name.value not in ("first", "last"):
                continue
            if isinstance(argument.value, IntValueNode):
                sizes.append(int(argument.value.value))
            elif isinstance(argument.value, VariableNode):
                found = self._variables.get(argument.value.name.value)
                sizes.append(found if isinstance(found, int) else 0)
        return max(sizes)

    def _fields(
        self, chosen: SelectionSetNode | None, kind: Any, data: dict[str, Any] | None
    ) -> Iterator[tuple[FieldNode, Any]]:
        """Fields through fragments, with the type each is chosen on; once per answer key and type,
        and of an answer what it has.
        """
        seen: set[tuple[str, str]] = set()
        for field, owner in self._walk(chosen, kind):
            key = field.alias.value if field.alias else field.name.value
            if (
                (key, owner.name) in seen
                or field.name.value.startswith("__")
                or (data is not None and key not in data)
            ):
                continue
            seen.add((key, owner.name))
            yield field, owner

    def _is_left_out(self, selection: SelectionNode) -> bool:
        return any(
            self._condition(directive) is _LEAVES_OUT[directive.name.value]
            for directive in selection.directives or ()
            if directive.name.value in _LEAVES_OUT
        )

    def _condition(self, directive: DirectiveNode) -> Any:
        for given in directive.arguments or ():
            if isinstance(given.value, VariableNode):
                return self._variables.get(given.value.name.value)
            if isinstance(given.value, BooleanValueNode):
                return given.value.value
        return None

    def _walk(self, chosen: SelectionSetNode | None, kind: Any) -> Iterator[tuple[FieldNode, Any]]:
        for selection in chosen.selections if chosen else ():
            if self._is_left_out(selection):
                continue
            if isinstance(selection, FieldNode):
                yield selection, kind
                continue
            inner: FragmentDefinitionNode | InlineFragmentNode
            if isinstance(selection, FragmentSpreadNode):
                inner = self._fragments[selection.name.value]
            elif isinstance(selection, InlineFragmentNode):
                inner = selection
            else:
                continue
            on = inner.type_condition
            below = self._schema.get_type(on.name.value) if on else kind
            yield from self._walk(inner.selection_set, below)
