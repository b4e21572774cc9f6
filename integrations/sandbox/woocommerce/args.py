"""What a route accepts: one-line declarations, and WordPress's way of checking and coercing against
them.

``"integer=10 1..100"`` has a default and bounds, ``"enum(a|b)=a"`` a closed set, ``"[integer]"`` is
a list, ``"date-time"`` a string with that format, ``"null|string"`` a union, a trailing ``!`` marks
it required.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from integrations.sandbox.woocommerce import clock
from integrations.sandbox.woocommerce.wire import Refused

_NOTHING = object()
_TRUE = {"true", "1", 1}
_FALSE = {"false", "0", "", 0}


@dataclass(frozen=True, slots=True)
class Arg:
    type: str | tuple[str, ...] | None
    default: Any = _NOTHING
    minimum: int | None = None
    maximum: int | None = None
    enum: tuple[str, ...] = ()
    items: Arg | None = None
    format: str = ""
    required: bool = False

    @property
    def has_default(self) -> bool:
        return self.default is not _NOTHING

    def document(self) -> dict[str, Any]:
        """As the route index shows it."""
        shown: dict[str, Any] = {}
        if self.type is not None:
            shown["type"] = list(self.type) if isinstance(self.type, tuple) else self.type
        if self.items is not None:
            items = self.items.document()
            items.pop("required")
            shown["items"] = items
        for name in ("enum", "format", "minimum", "maximum"):
            value = getattr(self, name)
            if value not in (None, (), ""):
                shown[name] = list(value) if name == "enum" else value
        if self.has_default:
            shown["default"] = self.default
        return shown | {"required": self.required}


def declared(spec: str) -> Arg:
    """Read one declaration."""
    spec = spec.strip()
    required = spec.endswith("!")
    spec = spec.removesuffix("!")
    bounds: tuple[int | None, int | None] = (None, None)
    ranged = re.search(r" (\d+)\.\.(\d*)$", spec)
    if ranged:
        bounds = (int(ranged[1]), int(ranged[2]) if ranged[2] else None)
        spec = spec[: ranged.start()]
    kind, has_default, default = spec.partition("=")
    enum: tuple[str, ...] = ()
    items = None
    form = ""
    type_: str | tuple[str, ...] | None = kind or None
    if kind.startswith("["):
        items, type_ = declared(kind[1:-1]), "array"
    elif kind.startswith("enum("):
        enum, type_ = tuple(kind[5:-1].split("|")), "string"
    elif kind in ("date-time", "uri"):
        form, type_ = kind, "string"
    elif "|" in kind:
        type_ = tuple(kind.split("|"))
    value = _default(type_, default) if has_default else _NOTHING
    return Arg(type_, value, *bounds, enum, items, form, required)


def _default(type_: Any, text: str) -> Any:
    if text == "[]":
        return []
    if type_ == "integer":
        return int(text)
    types = type_ if isinstance(type_, tuple) else (type_,)
    return text == "true" if "boolean" in types else text


def check(args: dict[str, Arg], given: dict[str, Any]) -> dict[str, Any]:
    """The arguments with defaults filled in and types coerced; unknown names ride along. Raises
    Refused (400).
    """
    missing = [name for name, arg in args.items() if arg.required and given.get(name) is None]
    if missing:
        raise Refused(
            "rest_missing_callback_param",
            f"Missing parameter(s): {', '.join(missing)}",
            400,
            params=missing,
        )
    checked = {name: arg.default for name, arg in args.items() if arg.has_default}
    problems: dict[str, tuple[str, str]] = {}
    for name, value in given.items():
        arg = args.get(name)
        if arg is None:
            checked[name] = value
            continue
        try:
            checked[name] = _coerced(name, value, arg)
        except _Bad as bad:
            problems[name] = (bad.code, str(bad))
    if problems:
        raise Refused(
            "rest_invalid_param",
            f"Invalid parameter(s): {', '.join(problems)}",
            400,
            params={name: message for name, (_, message) in problems.items()},
            details={
                name: {"code": code, "message": message, "data": None}
                for name, (code, message) in problems.items()
            },
        )
    for name, arg in args.items():
        if arg.type == "array" and isinstance(checked.get(name), str):
            checked[name] = _coerced(name, checked[name], arg)
    return checked


class _Bad(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _coerced(name: str, value: Any, arg: Arg) -> Any:
    types = arg.type if isinstance(arg.type, tuple) else (arg.type,)
    if arg.type is None:
        return value
    for type_ in types:
        converted = _as(type_, value)
        if converted is not _NOTHING:
            break
    else:
        raise _Bad("rest_invalid_type", f"{name} is not of type {','.join(map(str, types))}.")
    if arg.enum and converted not in arg.enum:
        raise _Bad("rest_not_in_enum", f"{name} is not one of {_listed(arg.enum)}.")
    if arg.format == "date-time" and not clock.is_date(converted):
        raise _Bad("rest_invalid_date", "Invalid date.")
    if arg.minimum is not None and converted < arg.minimum and arg.maximum is None:
        raise _Bad("rest_out_of_bounds", f"{name} must be greater than or equal to {arg.minimum}")
    if arg.maximum is not None and not (arg.minimum or 0) <= converted <= arg.maximum:
        raise _Bad(
            "rest_out_of_bounds",
            f"{name} must be between {arg.minimum} (inclusive) and {arg.maximum} (inclusive)",
        )
    if arg.items is not None and isinstance(converted, list):
        return [_coerced(f"{name}[{i}]", item, arg.items) for i, item in enumerate(converted)]
    return converted


def _as(type_: str | None, value: Any) -> Any:
    """``value`` as this JSON type the way WordPress takes it, or _NOTHING."""
    if type_ == "integer":
        return _integer(value)
    if type_ == "string":
        return value if isinstance(value, str) else _NOTHING
    if type_ == "boolean":
        folded = value.lower() if isinstance(value, str) else value
        if isinstance(folded, list | dict) or folded is None:
            return _NOTHING
        return True if folded in _TRUE else False if folded in _FALSE else _NOTHING
    if type_ == "array":
        if isinstance(value, dict):
            return list(value.values()) if all(key.isdecimal() for key in value) else _NOTHING
        if isinstance(value, str):
            return [part for part in re.split(r"[\s,]+", value) if part]
        return value if isinstance(value, list) else _NOTHING
    if type_ == "object":
        return value if isinstance(value, dict) else {} if value in ("", []) else _NOTHING
    if type_ == "null":
        return None if value in (None, "") else _NOTHING
    return value


def _integer(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, list | dict):
        return _NOTHING
    try:
        number = float(value)
    except ValueError:
        return _NOTHING
    return int(number) if number.is_integer() else _NOTHING


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(values[:-1]) + f", and {values[-1]}" if len(values) > 1 else values[0]
