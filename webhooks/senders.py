"""Who may have sent a delivery: the endpoint of an address, or those of the store that a header
names; and whether their secrets signed it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

import structlog
from django.utils import timezone

from integrations.kit import signatures
from integrations.models import Endpoint
from logix.accounts import keys
from logix.common import crypto
from webhooks.sealing import secrets_of

log = structlog.get_logger(__name__)

IsSigned = Callable[[Sequence[bytes]], bool]


def by_token(platform: str, token: str) -> Endpoint | None:
    """The endpoint of this address. A miss spends the time of a signature."""
    rows = Endpoint.objects.select_related("store").filter(
        token_digest=crypto.digest(token), store__platform=platform
    )
    # The digest is unique; ``first`` would compile and run a sort for nothing.
    found = next(iter(rows.order_by()), None)
    if found is None:
        _spend_time()
    return found


def by_account(platform: str, account: str) -> list[Endpoint]:
    """One for each connection of the store: the open one, else the last there was. Merchants may
    share a store. A miss spends the time of a signature.
    """
    rows = Endpoint.objects.select_related("store").exclude(account="")
    newest: dict[UUID, Endpoint] = {}
    for endpoint in rows.filter(account=account, store__platform=platform).order_by("created_at"):
        before = newest.get(endpoint.store_id)
        if before is None or before.status == Endpoint.Status.CLOSED:
            newest[endpoint.store_id] = endpoint
    if not newest:
        _spend_time()
    return list(newest.values())


def signed_by(endpoint: Endpoint, is_signed: IsSigned) -> bool:
    """Whether either of its live secrets signed. A closed endpoint whose key is gone can prove
    nothing any more. Raises SealBroken.
    """
    try:
        vault = keys.vault(endpoint.store.data_key_id)
        secrets = secrets_of(endpoint, vault, now=timezone.now())
    except crypto.SealBroken:
        if endpoint.status != Endpoint.Status.CLOSED:
            raise
        return False
    if not is_signed(secrets):
        log.warning("signature_refused", store=str(endpoint.store_id))
        return False
    return True


def _spend_time() -> None:
    """As long as two secrets take, so that a guess is not answered sooner than the rest."""
    signatures.verify("hmac-sha256-base64", secrets=["-" * 43] * 2, body=b"", signature="-")
