"""The answers Logix reads, typed as loosely as PHP writes them: only what is used, and only as
strict as it must be.

Shapes recorded from WooCommerce 8.9.3 and 11.0.1. PHP writes "nothing" as "", [], false or null,
whole numbers as text, and a list whose keys have holes as an object; none of that is worth losing
an order for. A record that does not fit raises ContractBroken with the path.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Struct, field

from integrations.errors import ContractBroken

T = TypeVar("T")
Scalar = str | int | float | bool | None
# What MySQL counts rows with; an id is never less than nothing.
Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Row = TypeVar("Row")
Rows = list[Row] | dict[str, Row] | str | int | float | bool | None


class Meta(Struct):
    key: Scalar = ""
    value: Any = None


class Place(Struct):
    first_name: Scalar = ""
    last_name: Scalar = ""
    company: Scalar = ""
    address_1: Scalar = ""
    address_2: Scalar = ""
    city: Scalar = ""
    state: Scalar = ""
    postcode: Scalar = ""
    country: Scalar = ""
    email: Scalar = ""
    phone: Scalar = ""


class TaxPart(Struct):
    """Of a line's tax what one rate takes, unrounded."""

    total: Scalar = "0"


class LineItem(Struct):
    id: Id
    quantity: Scalar
    name: Scalar = ""
    product_id: Scalar = 0
    variation_id: Scalar = 0
    sku: Scalar = ""
    subtotal: Scalar = "0"
    total: Scalar = "0"
    total_tax: Scalar = "0"
    price: Scalar = None
    taxes: Rows[TaxPart] = None
    meta_data: Rows[Meta] = None


class Charge(Struct):
    """A shipping or fee line."""

    id: Scalar = None
    method_id: Scalar = ""
    method_title: Scalar = ""
    name: Scalar = ""
    total: Scalar = "0"
    total_tax: Scalar = "0"
    taxes: Rows[TaxPart] = None


class TaxLine(Struct):
    id: Scalar = None
    rate_code: Scalar = ""
    label: Scalar = ""
    tax_total: Scalar = "0"
    shipping_tax_total: Scalar = "0"


class Coupon(Struct):
    id: Scalar = None
    code: Scalar = ""
    discount: Scalar = "0"
    discount_tax: Scalar = "0"


class RefundSummary(Struct):
    id: Id
    total: Scalar
    reason: Scalar = ""


class Dated(Struct):
    """What tells records apart in a list."""

    id: Id
    date_modified: Scalar = None
    date_modified_gmt: Scalar = None
    date_created: Scalar = None
    date_created_gmt: Scalar = None


class Order(Dated):
    status: Scalar = ""
    currency: Scalar = ""
    total: Scalar = None
    total_tax: Scalar = "0"
    number: Scalar = None
    prices_include_tax: Scalar = False
    customer_id: Scalar = 0
    date_completed: Scalar = None
    date_completed_gmt: Scalar = None
    date_paid: Scalar = None
    date_paid_gmt: Scalar = None
    billing: Place | list[Any] | str | bool | None = None
    shipping: Place | list[Any] | str | bool | None = None
    payment_method: Scalar = ""
    payment_method_title: Scalar = ""
    transaction_id: Scalar = ""
    customer_note: Scalar = ""
    meta_data: Rows[Meta] = None
    line_items: Rows[LineItem] = None
    shipping_lines: Rows[Charge] = None
    fee_lines: Rows[Charge] = None
    tax_lines: Rows[TaxLine] = None
    coupon_lines: Rows[Coupon] = None
    refunds: Rows[RefundSummary] = None


class RefundLine(Struct):
    id: Id
    quantity: Scalar = 0
    total: Scalar = "0"
    total_tax: Scalar = "0"
    meta_data: Rows[Meta] = None


class Refund(Struct):
    id: Id
    amount: Scalar
    reason: Scalar = ""
    date_created_gmt: Scalar = None
    line_items: Rows[RefundLine] = None


class Attribute(Struct):
    name: Scalar = ""
    option: Scalar = ""


class Category(Struct):
    name: Scalar = ""


class Product(Dated):
    """A product or a variation; what only one of them has is empty on the other."""

    name: Scalar = ""
    type: Scalar = "simple"
    status: Scalar = ""
    sku: Scalar = ""
    global_unique_id: Scalar = ""
    price: Scalar = ""
    weight: Scalar = ""
    manage_stock: Scalar = False
    stock_quantity: Scalar = None
    backorders_allowed: Scalar = False
    parent_id: Scalar = 0
    variations: Rows[Id] = None
    attributes: Rows[Attribute] = None
    categories: Rows[Category] = None
    meta_data: Rows[Meta] = None


class Thin(Struct):
    """A webhook's body before it is believed: whose news it is, or the error it carries instead."""

    id: Id = 0
    parent_id: Scalar = 0
    type: Scalar = ""
    code: Scalar = ""
    message: Scalar = ""


class Keys(Struct):
    """What the ``wc-auth`` page posts."""

    user_id: str
    consumer_key: str
    consumer_secret: str
    key_permissions: Scalar = ""

    def __repr__(self) -> str:
        return "Keys(***)"


class StockRow(Struct):
    """An item as a batch answers it."""

    id: Id = 0
    manage_stock: Scalar = False
    stock_quantity: Scalar = None
    error: dict[str, Any] = field(default_factory=dict)


def rows(value: Rows[Row], path: str) -> Sequence[Row]:
    """The rows of a list as PHP may write it. Raises ContractBroken where something else stands."""
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return list(value.values())
    if value:
        raise ContractBroken(f"A list was expected at {path}.", path=path)
    return ()


_LONE_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


def decode(raw: bytes, type_: type[T]) -> T:
    """One record. Lone surrogates and broken UTF-8 become U+FFFD. Raises ContractBroken.

    ``kit.strictjson`` is left to answers from outside of pages: at 0.5 ms an order its checks would
    cost as much as everything else. What they guard against cannot pass the types used here.
    """
    decoder: msgspec.json.Decoder[T] = _decoder(type_)  # type: ignore[arg-type]  # types hash
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as err:
        raise _misfit(err) from err
    except RecursionError as err:
        raise ContractBroken("The store's record is nested too deep.", code="too_deep") from err
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    text = raw.decode("utf-8", "replace").encode()
    try:
        return decoder.decode(_LONE_SURROGATE.sub(rb"\\ufffd", text))
    except msgspec.ValidationError as err:
        raise _misfit(err) from err
    except (msgspec.DecodeError, RecursionError) as err:
        raise ContractBroken("The store's record is not valid JSON.", code="not_json") from err


@lru_cache(maxsize=32)
def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_, strict=False)


def _misfit(err: msgspec.ValidationError) -> ContractBroken:
    """Keeps what and where, never the value."""
    what, _, where = str(err).partition(" - at `")
    path = where.rstrip("`") or "$"
    return ContractBroken(
        f"The store's record is not as documented: {what.rstrip('.')} at {path}.", path=path
    )
