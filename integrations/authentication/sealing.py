"""What of a store is kept sealed, and the address its webhooks come in at."""

from __future__ import annotations

from django.conf import settings

from integrations.errors import Misconfigured
from integrations.models import Store
from logix.accounts import keys
from logix.common.crypto import SealBroken

ENDPOINT = "integrations_endpoint"


def webhook_url(platform: str, token: str) -> str:
    """Where a store delivers."""
    return f"{settings.LOGIX_PUBLIC_URL}/api/v1/{platform}/webhooks/receive/{token}"


def open_sealed(
    store: Store, sealed: bytes | memoryview, table: str, column: str, row: str
) -> bytes:
    """Open one sealed value of a store. Raises Misconfigured with what to do."""
    try:
        return keys.vault(store.data_key_id).open(bytes(sealed), table, column, row)
    except SealBroken as err:
        raise Misconfigured(
            f"The secrets of {store.name} cannot be opened: this hub's key ring does not hold the "
            "key they were sealed "
            "with. Put that key back into LOGIX_KEYS, or connect the store again.",
            code="sealed",
        ) from err


def seal(store: Store, plain: str, column: str, row: str) -> bytes:
    """Seal one value of an endpoint; ``row`` is its primary key."""
    return keys.vault(store.data_key_id).seal(plain.encode(), ENDPOINT, column, row)
