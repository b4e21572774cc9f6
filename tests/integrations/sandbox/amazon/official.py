"""Amazon's own models (Swagger 2), and whether a request and its answer keep to them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from jsonschema import Draft4Validator, FormatChecker

_FORMATS = FormatChecker(formats=())
_METHODS = ("get", "post", "put", "patch", "delete")
_NUMBERS = {"integer": int, "number": float}


@_FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@_FORMATS.checks("date", raises=ValueError)
def _is_day(value: object) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))


@dataclass(frozen=True)
class Asked:
    """A request and what it was answered; header names in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    status: int
    told_headers: dict[str, str]
    told: bytes


@dataclass(frozen=True)
class Operation:
    """``model`` is the document it stands in."""

    id: str
    method: str
    template: str
    spec: dict[str, Any]
    model: dict[str, Any]

    def words(self, path: str) -> dict[str, str] | None:
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self.template))
        found = re.fullmatch(pattern, path)
        return {name: unquote(word) for name, word in found.groupdict().items()} if found else None

    def parameters(self, where: str) -> list[dict[str, Any]]:
        return [one for one in self.spec.get("parameters", ()) if one["in"] == where]

    def plan(self) -> tuple[float, float] | None:
        """Rate and burst, as the description's table has them."""
        found = re.search(r"\n\| ([\d.]+) \| (\d+) \|", self.spec["description"])
        return (float(found[1]), float(found[2])) if found else None


@cache
def operations(shared: Path) -> tuple[Operation, ...]:
    """Every operation of every model, read once."""
    found = []
    for path in sorted((shared / "contracts" / "amazon" / "models").rglob("*.json")):
        model = json.loads(path.read_text())
        for template, item in model["paths"].items():
            for method in _METHODS:
                if method in item:
                    spec = item[method]
                    found.append(
                        Operation(spec["operationId"], method.upper(), template, spec, model)
                    )
    return tuple(found)


def by_request(shared: Path, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    for one in operations(shared):
        if one.method == method:
            words = one.words(path)
            if words is not None:
                return one, words
    return None


def covered(shared: Path, methods_and_templates: Iterable[tuple[str, str]]) -> dict[str, Operation]:
    """The operations with these methods and templates, by id."""
    wanted = set(methods_and_templates)
    return {one.id: one for one in operations(shared) if (one.method, one.template) in wanted}


def hold(contracts: Path | None, asked: Iterable[Asked]) -> None:
    """Every answer, and every request that was not meant to be wrong, where there are contracts."""
    if contracts is None:
        return
    wrong = [fault for one in asked for fault in faults(contracts, one)]
    assert wrong == []


def faults(shared: Path, one: Asked) -> Iterator[str]:
    """What breaks the model. A request that was refused as wrong may be wrong."""
    where = f"{one.method} {one.path}"
    found = by_request(shared, one.method, one.path)
    if found is None:
        if one.status not in (403, 404):
            yield f"{where}: no model has it"
        return
    operation, words = found
    if one.status != 400:
        for fault in request_faults(operation, words, one.query, one.body):
            yield f"{where}?{one.query}: {fault}"
    for fault in answer_faults(operation, one.status, one.told_headers, one.told):
        yield f"{where} {one.status}: {fault}"


# --- requests -------------------------------------------------------------------------------------


def request_faults(
    operation: Operation, words: dict[str, str], query: str, body: bytes
) -> Iterator[str]:
    for one in operation.parameters("path"):
        yield from _value_faults(one, words[one["name"]])
    given = parse_qsl(query, keep_blank_values=True)
    known = {one["name"]: one for one in operation.parameters("query")}
    for name, value in given:
        if name not in known:
            yield f"{name} is no parameter"
        else:
            yield from _value_faults(known[name], value)
    for name, one in known.items():
        times = sum(1 for key, _ in given if key == name)
        if times > 1 or (one.get("required") and not times):
            yield f"{name} is given {times} times"
    bodies = operation.parameters("body")
    if not bodies and body:
        yield "there is a body"
    for one in bodies:
        try:
            sent = json.loads(body)
        except ValueError:
            yield "the body is no JSON"
            continue
        yield from _schema_faults(operation.model, one["schema"], sent)


def _value_faults(parameter: dict[str, Any], text: str) -> Iterator[str]:
    """Of a value as it stands in an address; lists have commas (Swagger 2's default)."""
    value = _typed(parameter, text)
    schema = {
        name: kept
        for name, kept in parameter.items()
        if name not in ("name", "in", "required", "description", "collectionFormat")
    }
    for error in Draft4Validator(schema, format_checker=_FORMATS).iter_errors(value):
        yield f"{parameter['name']}: {error.message}"


def _typed(schema: dict[str, Any], text: str) -> Any:
    kind = schema.get("type")
    if kind == "array":
        return [_typed(schema["items"], part) for part in text.split(",")] if text else []
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind in _NUMBERS:
        try:
            return _NUMBERS[kind](text)
        except ValueError:
            return text
    return text


# --- answers --------------------------------------------------------------------------------------


def answer_faults(
    operation: Operation, status: int, headers: dict[str, str], body: bytes
) -> Iterator[str]:
    spec = operation.spec["responses"].get(str(status))
    if spec is None:
        yield "the model knows no such status"
        return
    known = {name.lower() for name in spec.get("headers", ())}
    for name in headers:
        if name.startswith("x-amzn-") and name not in known:
            yield f"{name} is told"
    if "x-amzn-requestid" not in headers:
        yield "x-amzn-RequestId is missing"
    schema = spec.get("schema")
    if schema is None:
        if body:
            yield "there is a body"
        return
    try:
        told = json.loads(body)
    except ValueError:
        yield "the body is no JSON"
        return
    yield from _schema_faults(operation.model, schema, told)


def _schema_faults(model: dict[str, Any], schema: dict[str, Any], value: Any) -> Iterator[str]:
    whole = {**_strict(schema), "definitions": _definitions(json.dumps(model["definitions"]))}
    for error in Draft4Validator(whole, format_checker=_FORMATS).iter_errors(value):
        where = "/".join(str(part) for part in error.absolute_path)
        yield f"{where}: {error.message}"


@cache
def _definitions(text: str) -> dict[str, Any]:
    told = json.loads(text)
    found: dict[str, Any] = _strict({name: _whole(told, one) for name, one in told.items()})
    return found


def _whole(definitions: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """One object for ``allOf``: each of its parts alone would refuse what the others have."""
    if "allOf" not in schema:
        return schema
    properties: dict[str, Any] = {}
    required: list[str] = []
    for part in schema["allOf"]:
        name = part.get("$ref", "").rpartition("/")[2]
        told = _whole(definitions, definitions[name]) if name else part
        properties |= told.get("properties", {})
        required += told.get("required", [])
    more = {"required": required} if required else {}
    return {"type": "object", "properties": properties, **more}


def _strict(schema: Any) -> Any:
    """As JSON Schema: ``x-nullable`` is a type, and what lists its properties has no others."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _strict(value) for name, value in schema.items()}
    if isinstance(found.get("type"), str) and found.get("x-nullable") is True:
        found["type"] = [found["type"], "null"]
    if found.get("type") == "object" and isinstance(found.get("properties"), dict):
        found.setdefault("additionalProperties", False)
    return found
