"""Custom field rules: a value found by a path in a record, cast, mapped and put at a target. Data,
not code.

Inbound, ``path`` is JMESPath over the platform's raw record and ``target`` a field of the Logix
record: ``custom.<name>``, ``number``, ``buyer.note``. Outbound, ``path`` runs over the Logix order
as the API shows it (``orders.shapes.for_rules``) and ``target`` is a key the platform's adapter
writes (WooCommerce: a meta data key). Source of the path language:
https://jmespath.org/specification.html
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError

from inventory.data import ProductData
from orders.data import Buyer, OrderData

Record = TypeVar("Record", OrderData, ProductData)

MAX_PATH = 300
MAX_KEY = 120
_MAX_TEXT = 2000


class RuleInvalid(ValueError):
    """The rule itself cannot work; the sentence says what to change."""


class RuleFailed(ValueError):
    """A record does not satisfy a rule. ``path`` is the rule's."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message)
        self.path = path


class Mode(StrEnum):
    SET = "set"
    FILL = "fill"
    REQUIRED = "required"


def _to_bool(value: Any) -> bool:
    word = str(value).strip().casefold()
    if word in {"1", "true", "yes", "on"}:
        return True
    if word in {"0", "false", "no", "off", ""}:
        return False
    raise ValueError(value)


def _to_text(value: Any) -> str:
    if isinstance(value, dict | list):
        raise TypeError("a list or an object")
    return str(value)[:_MAX_TEXT]


def _to_decimal(value: Any) -> str:
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError(value)
    return str(number)


CASTS: Mapping[str, Callable[[Any], Any]] = {
    "text": _to_text,
    "integer": lambda v: int(str(v)),
    "decimal": _to_decimal,
    "boolean": _to_bool,
    "date": lambda v: date.fromisoformat(str(v)[:10]).isoformat(),
    "datetime": lambda v: datetime.fromisoformat(str(v)).isoformat(),
    "json": lambda v: v,
}
TARGETS = ("number", "buyer.note", "external_customer_id")


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """A checked rule. Build it with ``compile``."""

    path: str
    target: str
    cast: str
    value_map: Mapping[str, Any]
    default: Any
    mode: Mode
    outbound: bool = False

    @classmethod
    def compile(
        cls,
        *,
        path: str,
        target: str,
        cast: str = "text",
        value_map: Mapping[str, Any] | None = None,
        default: Any = None,
        mode: str = Mode.SET,
        stream: str = "orders",
        outbound: bool = False,
    ) -> Rule:
        """Raises RuleInvalid with what is wrong."""
        _compiled(path)
        if cast not in CASTS:
            raise RuleInvalid(f"Unknown type “{cast}”. Choose one of {', '.join(CASTS)}.")
        if mode not in list(Mode):
            raise RuleInvalid(f"Unknown mode “{mode}”. Choose one of {', '.join(Mode)}.")
        if not isinstance(value_map or {}, Mapping):
            raise RuleInvalid("A value map is an object: the store's value to ours.")
        check = _check_key if outbound else _check_field
        check(target, cast, stream)
        return cls(path, target, cast, value_map or {}, default, Mode(mode), outbound)

    def value(self, source: Any) -> Any:
        """The value for one record, None when there is none. Raises RuleFailed."""
        try:
            found = _compiled(self.path).search(source)
        except JMESPathError as err:
            # A function in the path met a value of another type: this record's matter alone.
            raise RuleFailed(
                f"The path {self.path} cannot be followed in this record.", self.path
            ) from err
        if found is None or found == "":
            found = self.default
        if found is None:
            if self.mode is Mode.REQUIRED:
                raise RuleFailed(
                    f"“{self.target}” is required, and nothing was found at {self.path}.",
                    self.path,
                )
            return None
        if self.value_map:
            key = str(found)
            if key not in self.value_map and self.mode is Mode.REQUIRED:
                raise RuleFailed(f"“{key}” is not in the value map of “{self.target}”.", self.path)
            found = self.value_map.get(key, found)
        try:
            return CASTS[self.cast](found)
        except (ValueError, TypeError, InvalidOperation) as err:
            raise RuleFailed(
                f"The value at {self.path} is not a valid {self.cast}.", self.path
            ) from err


def apply_in(rules: Sequence[Rule], record: Record) -> Record:
    """The record with its custom fields set. Raises RuleFailed."""
    source = _source(record.raw)
    custom = dict(record.custom)
    changes: dict[str, Any] = {}
    for rule in rules:
        value = rule.value(source)
        if value is None:
            continue
        if rule.target.startswith("custom."):
            name = rule.target.removeprefix("custom.")
            if not (rule.mode is Mode.FILL and custom.get(name) not in (None, "")):
                custom[name] = value
        elif isinstance(record, OrderData):
            _set_field(record, changes, rule, value)
    return dataclasses.replace(record, custom=custom, **changes)


def apply_out(rules: Sequence[Rule], order: Mapping[str, Any]) -> dict[str, Any]:
    """What the rules tell the store of an order: key → value. Raises RuleFailed."""
    source = without_own(rules, order)
    values = ((rule.target, rule.value(source)) for rule in rules)
    return {target: value for target, value in values if value is not None}


def without_own(rules: Sequence[Rule], order: Mapping[str, Any]) -> dict[str, Any]:
    """The order as outbound rules see it. What they wrote comes back among its custom fields: a
    rule that read that would feed on its own echo.
    """
    ours = {rule.target for rule in rules}
    custom = {name: value for name, value in order.get("custom", {}).items() if name not in ours}
    return {**order, "custom": custom}


def _check_field(target: str, cast: str, stream: str) -> None:
    fields = TARGETS if stream == "orders" else ()
    if not (target in fields or target.startswith("custom.")) or target == "custom.":
        allowed = ", ".join((*fields, "custom.<name>"))
        raise RuleInvalid(f"“{target}” cannot be set. Choose one of {allowed}.")
    if target in TARGETS and cast != "text":
        raise RuleInvalid(f"“{target}” holds text; set the type to text.")


def _check_key(target: str, cast: str, stream: str) -> None:
    if stream != "orders":
        raise RuleInvalid("Only fields of orders can be told to a store.")
    if not target or target != target.strip() or not target.isprintable() or len(target) > MAX_KEY:
        raise RuleInvalid(
            f"“{target[:MAX_KEY]}” cannot be a key in the store: write 1 to {MAX_KEY} characters "
            "without blanks around them."
        )


def _source(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw) if raw else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise RuleFailed("The store's record is not JSON, so no rule can read it.", "$") from err


def _set_field(record: OrderData, changes: dict[str, Any], rule: Rule, value: Any) -> None:
    if rule.target == "buyer.note":
        buyer = changes.get("buyer") or record.buyer or Buyer()
        if not (rule.mode is Mode.FILL and buyer.note):
            changes["buyer"] = dataclasses.replace(buyer, note=value)
    elif not (rule.mode is Mode.FILL and getattr(record, rule.target)):
        changes[rule.target] = value


@lru_cache(maxsize=1024)
def _compiled(path: str) -> Any:
    if not path or len(path) > MAX_PATH:
        raise RuleInvalid(f"A path has 1 to {MAX_PATH} characters.")
    try:
        return jmespath.compile(path)
    except JMESPathError as err:
        words = str(err).splitlines()[0].removesuffix(", for expression:")
        raise RuleInvalid(f"The path cannot be read: {words}.") from err
