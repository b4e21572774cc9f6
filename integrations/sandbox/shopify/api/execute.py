"""One GraphQL request from its body to its answer: read, checked, priced, paid for, run.

Errors of the document keep graphql-core's words and get the ``extensions`` Shopify adds; what
fails in our own code becomes Shopify's internal error and is logged.
"""

from __future__ import annotations

import logging
import re
import uuid
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    execute_sync,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from integrations.sandbox.shopify.api import cost, errors
from integrations.sandbox.shopify.api.bucket import Bucket
from integrations.sandbox.shopify.api.resolving import Call
from integrations.sandbox.shopify.api.schema import schema

log = logging.getLogger("sandbox")

_NO_FIELD = re.compile(r"Cannot query field '(?P<field>\w+)' on type '(?P<type>\w+)'")
_NO_ARGUMENT = re.compile(r"Unknown argument '(?P<argument>\w+)' on field '(?P<field>[\w.]+)'")
_MISSING = re.compile(r"Argument '[\w.]+\((?P<argument>\w+):\)' of type '.*' is required")
_VARIABLE = re.compile(r"(?:Variable|variable) '\$(?P<name>\w+)'")

Document = dict[str, Any]


def run(call: Call, bucket: Bucket, sent: Document) -> Document:
    """The answer's document. ``sent`` is the request's body: query, variables, operationName."""
    query, variables = sent.get("query"), sent.get("variables")
    if not isinstance(query, str) or not query.strip():
        return {"errors": {"query": "Required parameter missing or invalid"}}
    document, faults = _checked(query)
    if document is None or faults:
        return {"errors": list(faults)}
    operation = _operation(document, sent.get("operationName"))
    if isinstance(operation, dict):
        return {"errors": [operation]}
    given = get_variable_values(
        schema(),
        operation.variable_definitions or (),
        variables if isinstance(variables, dict) else {},
    )
    if isinstance(given, list):
        return {"errors": [_variable_error(one) for one in given]}
    price = cost.Price(schema(), operation, _fragments(document), given.coerced)
    return _paid(call, bucket, price, document, operation, variables or {})


def _paid(
    call: Call,
    bucket: Bucket,
    price: cost.Price,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Document,
) -> Document:
    asked = price.before()
    if asked > cost.MOST:
        return {"errors": [errors.too_dear(asked, cost.MOST)]}
    if not bucket.take(asked):
        return {
            "errors": [errors.throttled()],
            "extensions": _extensions(call, bucket, asked, None),
        }
    result = execute_sync(
        schema(),
        document,
        context_value=call,
        variable_values=variables,
        operation_name=operation.name.value if operation.name else None,
    )
    actual = min(asked, price.after(result.data))
    bucket.give_back(asked - actual)
    answer: Document = {"data": result.data}
    if result.errors:
        answer["errors"] = [_shown(error) for error in result.errors]
    answer["extensions"] = _extensions(call, bucket, asked, actual)
    return answer


def _extensions(call: Call, bucket: Bucket, asked: int, actual: int | None) -> Document:
    shown: Document = {
        "cost": {
            "requestedQueryCost": asked,
            "actualQueryCost": actual,
            "throttleStatus": bucket.status(),
        }
    }
    if call.warnings:
        shown["search"] = call.warnings
    return shown


@lru_cache(maxsize=256)
def _checked(query: str) -> tuple[DocumentNode | None, tuple[Document, ...]]:
    """Clients send few texts many times: what a text says is worked out once."""
    try:
        document = parse(query)
    except GraphQLError as error:
        return None, ({**error.formatted, "extensions": {}},)
    return document, tuple(_document_error(error) for error in validate(schema(), document))


def _operation(document: DocumentNode, name: Any) -> OperationDefinitionNode | Document:
    found = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name:
        found = [node for node in found if node.name and node.name.value == name]
    if len(found) == 1:
        return found[0]
    if name:
        return {"message": f'No operation named "{name}"'}
    return {"message": "An operation name is required"}


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }


def _document_error(error: GraphQLError) -> Document:
    shown: Document = dict(error.formatted)
    extensions: Document = {}
    if found := _NO_FIELD.search(error.message):
        shown["message"] = f"Field '{found['field']}' doesn't exist on type '{found['type']}'"
        extensions = {
            "code": "undefinedField",
            "typeName": found["type"],
            "fieldName": found["field"],
        }
    elif found := _NO_ARGUMENT.search(error.message):
        extensions = {"code": "argumentNotAccepted", "argumentName": found["argument"]}
    elif found := _MISSING.search(error.message):
        extensions = {"code": "missingRequiredArguments", "arguments": found["argument"]}
    return shown | {"extensions": extensions}


def _variable_error(error: GraphQLError) -> Document:
    found = _VARIABLE.search(error.message)
    name = found["name"] if found else ""
    return {
        "message": f"Variable ${name} was provided invalid value" if name else error.message,
        "locations": [
            {"line": place.line, "column": place.column} for place in error.locations or ()
        ],
        "extensions": {"value": None, "problems": [{"path": [], "explanation": error.message}]},
    }


def _shown(error: GraphQLError) -> Document:
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError):
        return dict(error.formatted)
    request_id = str(uuid.uuid4())
    log.error("The simulator failed at %s", error.path, exc_info=cause)
    return dict(error.formatted) | errors.internal(request_id)
