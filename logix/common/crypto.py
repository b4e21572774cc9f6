"""Sealing of secrets and personal data: a key ring wraps one data key per store, the data key seals
fields.

AES-256-GCM throughout. The associated data binds each sealed value to its place (table, column,
row, merchant), so a value moved to another row does not open. Rotation: put the new key first in
``LOGIX_KEYS``, run ``rotate_keys``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

KEY_BYTES = 32
_NONCE_BYTES = 12
_FIELD_FORMAT = b"\x01"
# A name stands between dots in what it sealed, and in a column of 32 characters.
_KID = re.compile(r"[A-Za-z0-9_-]{1,32}")


class SealBroken(Exception):
    """A sealed value does not open: wrong key, wrong place, or altered. Holds no data."""


class KeyRing:
    """The hub's own keys, ``k2:<base64>,k1:<base64>``; the first one writes, all of them read."""

    def __init__(self, spec: str) -> None:
        self._keys: dict[str, AESGCM] = {}
        for part in filter(None, (p.strip() for p in spec.split(","))):
            kid, colon, encoded = part.partition(":")
            if not colon:
                raise ValueError("LOGIX_KEYS: each key is written name:<32 bytes in base64>.")
            try:
                key = base64.b64decode(encoded, validate=True)
            except binascii.Error as err:
                raise ValueError(f"LOGIX_KEYS: key '{kid}' is not base64.") from err
            if not _KID.fullmatch(kid):
                raise ValueError(
                    f"LOGIX_KEYS: '{kid[:40]}' is no name for a key; take up to 32 letters, "
                    "digits, - and _, e.g. k2."
                )
            if len(key) != KEY_BYTES:
                raise ValueError(f"LOGIX_KEYS: key '{kid}' must be {KEY_BYTES} bytes in base64.")
            if kid in self._keys:
                # The second would hide the first: what the first sealed would never open again.
                raise ValueError(f"LOGIX_KEYS: two keys are called '{kid}'; rename the new one.")
            self._keys[kid] = AESGCM(key)
        if not self._keys:
            raise ValueError("LOGIX_KEYS is empty: the hub cannot seal anything without a key.")
        self.write_kid = next(iter(self._keys))

    def seal(self, plain: bytes, context: str) -> str:
        """Seal under the write key. Text ``v1.<kid>.<base64>``."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._keys[self.write_kid].encrypt(nonce, plain, context.encode())
        return f"v1.{self.write_kid}.{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, context: str) -> bytes:
        """Open what ``seal`` made with any key of the ring. Raises SealBroken."""
        try:
            version, kid, encoded = sealed.split(".", 2)
            if version != "v1" or kid not in self._keys:
                raise SealBroken(f"Sealed with key '{kid}', which is not in LOGIX_KEYS.")
            blob = base64.b64decode(encoded, validate=True)
            return self._keys[kid].decrypt(
                blob[:_NONCE_BYTES], blob[_NONCE_BYTES:], context.encode()
            )
        except (ValueError, InvalidTag, binascii.Error) as err:
            raise SealBroken("A sealed value was altered, moved, or belongs elsewhere.") from err

    @staticmethod
    def kid_of(sealed: str) -> str:
        return sealed.split(".", 2)[1] if sealed.count(".") >= 2 else ""


class Vault:
    """Seals the fields of one store with its data key. Bytes in, bytes out."""

    def __init__(self, key: bytes, merchant: UUID) -> None:
        self._aead = AESGCM(key)
        self._merchant = str(merchant)

    def seal(self, plain: bytes, table: str, column: str, row: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        place = f"{table}|{column}|{row}|{self._merchant}".encode()
        return _FIELD_FORMAT + nonce + self._aead.encrypt(nonce, plain, place)

    def open(self, sealed: bytes, table: str, column: str, row: str) -> bytes:
        """Raises SealBroken."""
        sealed = bytes(sealed)
        if sealed[:1] != _FIELD_FORMAT:
            raise SealBroken(f"{table}.{column}: unknown seal format.")
        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        place = f"{table}|{column}|{row}|{self._merchant}".encode()
        try:
            return self._aead.decrypt(nonce, ciphertext, place)
        except (InvalidTag, ValueError) as err:  # ValueError: cut off before its nonce ends
            raise SealBroken(f"{table}.{column}: altered, or moved from another row.") from err


@lru_cache(maxsize=4)
def _ring_from(spec: str) -> KeyRing:
    return KeyRing(spec)


def ring() -> KeyRing:
    """The ring of the running settings."""
    return _ring_from(settings.LOGIX_KEYS)


def new_data_key() -> bytes:
    return AESGCM.generate_key(KEY_BYTES * 8)


def blind_index(merchant: UUID | str, value: str) -> str:
    """Keyed digest for exact search on sealed values: 32 hex digits, '' for ''. Normalise before
    calling.
    """
    if not value:
        return ""
    message = f"{merchant}|{value}".encode()
    return hmac.digest(settings.LOGIX_PEPPER.encode(), message, "sha256").hex()[:32]


def digest(value: str | bytes) -> str:
    """SHA-256 in hex: how unguessable tokens are looked up without being stored."""
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).hexdigest()
