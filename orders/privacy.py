"""The sealed parts of an order: the buyer's block with its blind indexes, the raw payload, and what
people wrote about returns.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import lz4.block
import msgspec

from logix.accounts import keys
from logix.common import crypto
from orders.data import Buyer, OrderData, ReturnData
from orders.models import Order, Return

_encoder = msgspec.json.Encoder()
_TABLE, _BUYER, _PAYLOAD = "orders_order", "buyer_sealed", "payload"
_RETURN, _NOTES = "orders_return", "notes_sealed"
# The columns of a buyer who is not there.
EMPTY: dict[str, Any] = {"buyer_sealed": None, "email_index": "", "phone_index": ""}


def buyer_columns(
    store: Any, data: OrderData, known: Order | None, vault: crypto.Vault, *, erased: bool
) -> dict[str, Any]:
    """The order's columns about its buyer. One who was erased stays erased, whatever the store
    still sends; one who is not to be taken in never was here.
    """
    if erased and known is None:
        return {**EMPTY, **_plain(data), "external_customer_id": ""}
    if erased and known:
        place = ("external_customer_id", "ship_country", "ship_region", "ship_city")
        return {**EMPTY, **{name: getattr(known, name) for name in place}}
    if data.buyer is None:
        return {**EMPTY, **_plain(data)}
    buyer = data.buyer
    phone = buyer.phone or buyer.billing.phone or buyer.shipping.phone
    return {
        "buyer_sealed": seal_buyer(vault, store.pk, data.external_id, buyer),
        "email_index": email_index(store.merchant_id, buyer.email),
        "phone_index": phone_index(store.merchant_id, phone),
        **_plain(data),
    }


def lasting_of(custom: Mapping[str, Any], lasting: Collection[str]) -> dict[str, Any]:
    """What stays of an order's own fields when its buyer is erased."""
    return {name: value for name, value in custom.items() if name in lasting}


def seal_buyer(vault: crypto.Vault, store_id: Any, external_id: str, buyer: Buyer) -> bytes:
    return vault.seal(_encoder.encode(buyer), _TABLE, _BUYER, _place(store_id, external_id))


def seal_payload(vault: crypto.Vault, store_id: Any, external_id: str, raw: bytes) -> bytes:
    packed = lz4.block.compress(raw)
    return vault.seal(packed, _TABLE, _PAYLOAD, _place(store_id, external_id))


def open_buyer(data_key_id: Any, store_id: Any, external_id: str, sealed: bytes) -> Buyer:
    """Raises SealBroken."""
    return _open_buyer(keys.vault(data_key_id), store_id, external_id, sealed)


def opened(
    vault: crypto.Vault, store_id: Any, external_id: str, sealed: bytes | memoryview | None
) -> Buyer | None:
    """The buyer as stored; None where there is none, or where the seal does not open."""
    try:
        return _open_buyer(vault, store_id, external_id, bytes(sealed)) if sealed else None
    except crypto.SealBroken:
        return None


def open_payload(data_key_id: Any, store_id: Any, external_id: str, sealed: bytes) -> bytes:
    """Raises SealBroken."""
    place = _place(store_id, external_id)
    return lz4.block.decompress(keys.vault(data_key_id).open(sealed, _TABLE, _PAYLOAD, place))


def seal_notes(
    vault: crypto.Vault,
    store_id: Any,
    order_external_id: str,
    told: ReturnData,
    before: bytes | None,
) -> bytes | None:
    """What people wrote about the lines of a return, None where nobody did. ``before``, the notes
    as they are stored, comes back where they say the same.
    """
    notes = {line.external_id: line.note for line in told.lines if line.note}
    place = _place_of_return(store_id, order_external_id, told.external_id)
    try:
        if before and _open_notes(vault, before, place) == notes:
            return before
    except crypto.SealBroken:
        pass
    return vault.seal(_encoder.encode(notes), _RETURN, _NOTES, place) if notes else None


def notes_of(order: Order, found: Return) -> dict[str, str]:
    """What people wrote about the lines of a return, by the line's external id. Raises
    SealBroken.
    """
    if not found.notes_sealed:
        return {}
    place = _place_of_return(order.store_id, order.external_id, found.external_id)
    vault = keys.vault(order.store.data_key_id)
    return _open_notes(vault, bytes(found.notes_sealed), place)


def email_index(merchant_id: Any, email: str) -> str:
    """For exact search: case and outer blanks do not matter."""
    return crypto.blind_index(merchant_id, email.strip().casefold())


def phone_index(merchant_id: Any, phone: str) -> str:
    """For exact search: digits only, so spelling does not matter."""
    return crypto.blind_index(merchant_id, "".join(filter(str.isdigit, phone)))


def _open_buyer(vault: crypto.Vault, store_id: Any, external_id: str, sealed: bytes) -> Buyer:
    plain = vault.open(sealed, _TABLE, _BUYER, _place(store_id, external_id))
    return msgspec.json.decode(plain, type=Buyer)


def _open_notes(vault: crypto.Vault, sealed: bytes, place: str) -> dict[str, str]:
    return msgspec.json.decode(vault.open(sealed, _RETURN, _NOTES, place), type=dict[str, str])


def _place_of_return(store_id: Any, order_external_id: str, external_id: str) -> str:
    return f"{_place(store_id, order_external_id)}:{external_id}"


def _place(store_id: Any, external_id: str) -> str:
    """The row a value is bound to: known before the row is written, and never reused."""
    return f"{store_id}:{external_id}"


def _plain(data: OrderData) -> dict[str, Any]:
    """What stays readable, for analytics."""
    buyer = data.buyer
    place = (buyer.shipping if buyer.shipping.country else buyer.billing) if buyer else None
    return {
        "external_customer_id": data.external_customer_id,
        "ship_country": place.country[:2] if place else "",
        "ship_region": place.region[:80] if place else "",
        "ship_city": place.city[:120] if place else "",
    }
