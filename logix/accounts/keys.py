"""Data keys of stores: made, opened (cached per process), re-wrapped under a new ring key,
destroyed.
"""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from django.db.models.functions import Now

from logix.accounts.models import DataKey, Merchant
from logix.common import crypto
from logix.common.ids import uuid7


def _context(key_id: UUID, merchant_id: UUID) -> str:
    return f"accounts_datakey|wrapped|{key_id}|{merchant_id}"


def create(merchant: Merchant) -> DataKey:
    key_id = uuid7()
    wrapped = crypto.ring().seal(crypto.new_data_key(), _context(key_id, merchant.pk))
    return DataKey.objects.create(
        id=key_id, merchant=merchant, wrapped=wrapped, kid=crypto.KeyRing.kid_of(wrapped)
    )


@lru_cache(maxsize=4096)
def vault(key_id: UUID) -> crypto.Vault:
    """The vault of a store's data key. Raises SealBroken when the key was destroyed or the ring
    lacks its key.
    """
    row = DataKey.objects.get(pk=key_id)
    if not row.wrapped:
        raise crypto.SealBroken(
            "This store's data key was destroyed: its sealed data is gone for good."
        )
    plain = crypto.ring().open(row.wrapped, _context(row.pk, row.merchant_id))
    return crypto.Vault(plain, row.merchant_id)


def rewrap(row: DataKey) -> bool:
    """Wrap under the ring's write key. False when it already is, or another process was faster."""
    ring = crypto.ring()
    if not row.wrapped or row.kid == ring.write_kid:
        return False
    context = _context(row.pk, row.merchant_id)
    wrapped = ring.seal(ring.open(row.wrapped, context), context)
    changed = DataKey.objects.filter(pk=row.pk, wrapped=row.wrapped).update(
        wrapped=wrapped, kid=ring.write_kid
    )
    return changed == 1


def destroy(key_id: UUID) -> None:
    """Erase everything this key ever sealed. Cannot be undone."""
    DataKey.objects.filter(pk=key_id).update(wrapped="", kid="", destroyed_at=Now())
    vault.cache_clear()
