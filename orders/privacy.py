"""The sealed parts of an order: the buyer's block with its blind indexes, and the raw payload."""

from __future__ import annotations

from typing import Any

import lz4.block
import msgspec

from logix.accounts import keys
from logix.common import crypto
from orders.data import Buyer

_encoder = msgspec.json.Encoder()
_TABLE, _BUYER, _PAYLOAD = "orders_order", "buyer_sealed", "payload"


def _place(store_id: Any, external_id: str) -> str:
    """The row a value is bound to: known before the row is written, and never reused."""
    return f"{store_id}:{external_id}"


def seal_buyer(vault: crypto.Vault, store_id: Any, external_id: str, buyer: Buyer) -> bytes:
    return vault.seal(_encoder.encode(buyer), _TABLE, _BUYER, _place(store_id, external_id))


def seal_payload(vault: crypto.Vault, store_id: Any, external_id: str, raw: bytes) -> bytes:
    packed = lz4.block.compress(raw)
    return vault.seal(packed, _TABLE, _PAYLOAD, _place(store_id, external_id))


def open_buyer(data_key_id: Any, store_id: Any, external_id: str, sealed: bytes) -> Buyer:
    """Raises SealBroken."""
    place = _place(store_id, external_id)
    plain = keys.vault(data_key_id).open(sealed, _TABLE, _BUYER, place)
    return msgspec.json.decode(plain, type=Buyer)


def open_payload(data_key_id: Any, store_id: Any, external_id: str, sealed: bytes) -> bytes:
    """Raises SealBroken."""
    place = _place(store_id, external_id)
    return lz4.block.decompress(keys.vault(data_key_id).open(sealed, _TABLE, _PAYLOAD, place))


def email_index(merchant_id: Any, email: str) -> str:
    """For exact search: case and outer blanks do not matter."""
    return crypto.blind_index(merchant_id, email.strip().casefold())


def phone_index(merchant_id: Any, phone: str) -> str:
    """For exact search: digits only, so spelling does not matter."""
    return crypto.blind_index(merchant_id, "".join(c for c in phone if c.isdigit()))
