"""What the inbox keeps sealed: bodies under the store's key, packed with lz4, and the secrets of
its endpoints.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import lz4.block

from integrations.models import Endpoint
from logix.accounts import keys
from logix.common.crypto import Vault
from webhooks.models import Delivery

_BODY = ("webhooks_delivery", "body_sealed")
_ENDPOINT = "integrations_endpoint"


def seal_body(vault: Vault, endpoint_id: object, dedupe_key: str, body: bytes) -> bytes:
    return vault.seal(lz4.block.compress(body), *_BODY, _row(endpoint_id, dedupe_key))


def open_body(delivery: Delivery) -> bytes | None:
    """The raw body as it came; None when it has expired. Reads ``delivery.store``. Raises
    SealBroken.
    """
    if not delivery.body_sealed:
        return None
    vault = keys.vault(delivery.store.data_key_id)
    row = _row(delivery.endpoint_id, delivery.dedupe_key)
    return lz4.block.decompress(vault.open(bytes(delivery.body_sealed), *_BODY, row))


def secrets_of(endpoint: Endpoint, vault: Vault, *, now: datetime) -> list[bytes]:
    """The current secret and, while a rotation lasts, the one before. Raises SealBroken."""
    row = str(endpoint.pk)
    secrets = [secret_of(endpoint.pk, bytes(endpoint.secret_sealed), vault)]
    until = endpoint.previous_valid_until
    if endpoint.previous_secret_sealed and until is not None and now < until:
        sealed = bytes(endpoint.previous_secret_sealed)
        secrets.append(vault.open(sealed, _ENDPOINT, "previous_secret_sealed", row))
    return secrets


def secret_of(endpoint_id: UUID, sealed: bytes, vault: Vault) -> bytes:
    """The current secret of an endpoint. Raises SealBroken."""
    return vault.open(sealed, _ENDPOINT, "secret_sealed", str(endpoint_id))


def _row(endpoint_id: object, dedupe_key: str) -> str:
    return f"{endpoint_id}:{dedupe_key}"
