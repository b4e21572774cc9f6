"""Where an order goes: every part that Amazon tells of an address, in the places Logix has. Pure.

Source: the model ``orders_2026-01-01``, CustomerAddress and AddressExtendedFields.
"""

from __future__ import annotations

import re

from integrations.amazon import shapes
from integrations.amazon.values import text
from orders.data import Address

_WORD = re.compile(r"\w+")


def to_address(told: shapes.Address) -> Address:
    """Empty lines close up; what has no place of its own stands behind the street, once."""
    city, region = text(told.city, 120), text(told.state_or_region, 80)
    district, extended = text(told.district_or_county, 80), told.extended_fields
    lines = street(told)
    more = [extended.complement, extended.neighborhood] if extended else []
    for part in (*more, told.municipality, told.district_or_county if region else None):
        word = text(part, 200)
        if word and _words(word) not in _words(", ".join((*lines, city, region))):
            lines.append(word)
    first = lines.pop(0) if street(told) else ""
    return Address(
        name=text(told.name, 200),
        company=text(told.company_name, 200),
        line1=first,
        line2=", ".join(lines),
        city=city,
        region=region or district,
        postcode=text(told.postal_code, 32),
        country=text(told.country_code, 2).upper(),
        phone=text(told.phone, 40),
    )


def street(told: shapes.Address) -> list[str]:
    """The lines that are there. In Brazil street and number are told apart as well."""
    lines = [text(x, 200) for x in (told.address_line1, told.address_line2, told.address_line3)]
    found = [line for line in lines if line.strip()]
    parts = told.extended_fields or shapes.ExtendedAddress()
    whole = ", ".join(text(x, 120) for x in (parts.street_name, parts.street_number) if x)
    if whole and _words(whole) not in _words(", ".join(found)):
        found = [whole, *(line for line in found if _words(line) not in _words(whole))]
    return found


def _words(line: str) -> str:
    """For looking one up in another by whole words."""
    return f" {' '.join(_WORD.findall(line.casefold()))} "
