"""How Shopify's scalars look on the wire."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from graphql import GraphQLError, GraphQLScalarType

from integrations.sandbox.shopify.clock import utc


def _moment(value: Any) -> str:
    return value if isinstance(value, str) else str(utc(value))


def _money(value: Any) -> str:
    """Money keeps the currency's decimals (``19.90``)."""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _decimal(value: Any) -> str:
    """Decimal drops the zeros at its end but one (``19.9``, ``1200.0``)."""
    text = f"{Decimal(value).normalize():f}"
    return text if "." in text else f"{text}.0"


def _number(value: Any) -> str:
    """64-bit numbers travel as text, which JavaScript would round."""
    return str(value)


def _text(value: Any) -> str:
    return str(value)


def _read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise GraphQLError("Expected a string.")
    return value


def _read_decimal(value: Any) -> Decimal:
    try:
        return Decimal(str(value))
    except ArithmeticError as err:
        raise GraphQLError(f"invalid decimal '{value}'") from err


_OUT: dict[str, Callable[[Any], Any]] = {
    "DateTime": _moment,
    "Money": _money,
    "Decimal": _decimal,
    "UnsignedInt64": _number,
    "BigInt": _number,
    "URL": _text,
    "HTML": _text,
    "FormattedString": _text,
    "ARN": _text,
    "Color": _text,
    "StorefrontID": _text,
}
_IN: dict[str, Callable[[Any], Any]] = {
    "Money": _read_decimal,
    "Decimal": _read_decimal,
    "URL": _read_text,
    "DateTime": _read_text,
}


def dress(scalar: GraphQLScalarType) -> None:
    """Give a scalar of the schema its ways in and out."""
    if show := _OUT.get(scalar.name):
        scalar.coerce_output_value = show
    if read := _IN.get(scalar.name):
        scalar.coerce_input_value = read
