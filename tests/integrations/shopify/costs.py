"""What an operation costs by the documented rule: an object 1, a scalar 0, a connection its
``first`` times what a node costs, a mutation 10.

Source: https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits, read 2026-11-26. Shopify
is known to ask for less; what it asks for stands in each answer.
"""

from __future__ import annotations

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_composite_type,
)

MUTATION = 10


class Pricer:
    """The price of one document when its list is asked for ``count`` nodes, and without what the
    variable ``lacking`` would let in.
    """

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, count: int, lacking: str = ""
    ) -> None:
        self.schema = schema
        self.count = count
        self.lacking = lacking
        definitions = document.definitions
        self.fragments = {
            d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)
        }
        (self.operation,) = [d for d in definitions if isinstance(d, OperationDefinitionNode)]

    def price(self) -> int:
        if self.operation.operation is OperationType.MUTATION:
            return MUTATION
        root = self.schema.query_type
        assert root is not None
        return self._set(self.operation.selection_set, root)

    def _set(self, selections: SelectionSetNode, parent: GraphQLNamedType) -> int:
        total, alternatives = 0, [0]
        for node in selections.selections:
            if isinstance(node, FieldNode):
                total += self._field(node, parent)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self.fragments[node.name.value]
                alternatives.append(self._fragment(fragment, parent))
            elif isinstance(node, InlineFragmentNode):
                alternatives.append(self._fragment(node, parent))
        is_abstract = not hasattr(parent, "fields") or parent.name == "Node"
        return total + (max(alternatives) if is_abstract else sum(alternatives))

    def _fragment(
        self, node: FragmentDefinitionNode | InlineFragmentNode, parent: GraphQLNamedType
    ) -> int:
        named = node.type_condition
        of = self.schema.type_map[named.name.value] if named else parent
        return self._set(node.selection_set, of)

    def _field(self, node: FieldNode, parent: GraphQLNamedType) -> int:
        if node.name.value.startswith("__") or node.selection_set is None or self._is_out(node):
            return 0
        of = get_named_type(parent.fields[node.name.value].type)  # type: ignore[attr-defined]
        assert is_composite_type(of)
        inside = self._set(node.selection_set, of)
        if of.name.endswith("Connection"):
            return self._connection(node, of)
        if any(a.name.value == "ids" for a in node.arguments or ()):
            return self.count * (1 + inside)
        return 1 + inside

    def _is_out(self, node: FieldNode) -> bool:
        told = [a.value for d in node.directives or () for a in d.arguments or ()]
        return any(isinstance(v, VariableNode) and v.name.value == self.lacking for v in told)

    def _connection(self, node: FieldNode, of: GraphQLNamedType) -> int:
        size = next(a.value for a in node.arguments or () if a.name.value == "first")
        times = int(size.value) if isinstance(size, IntValueNode) else self.count
        total = 0
        for field in node.selection_set.selections:  # type: ignore[union-attr]
            assert isinstance(field, FieldNode)
            price = self._field(field, of)
            total += times * price if field.name.value == "nodes" else price
        return total
