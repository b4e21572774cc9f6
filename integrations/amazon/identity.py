"""Who a seller account is, where it sells, and which roles the app has there: ``StoreIdentity``.

No call tells an app's roles, so what a role opens is tried with a call that finds nothing. The
roles for addresses cannot be tried so: an order tells, by what its address lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from integrations.amazon import account, shapes
from integrations.amazon.account import Account
from integrations.amazon.client import AmazonClient
from integrations.amazon.platform import (
    CARD,
    FINANCES_ROLE,
    FULFILLMENT_ROLE,
    LISTINGS_ROLE,
    ORDERS_ROLE,
)
from integrations.base import StoreIdentity
from integrations.errors import ItemError, Misconfigured, PermissionMissing
from integrations.kit import channels

# An order id that cannot be: those of Amazon begin with a marketplace's number.
_NO_ORDER = "000-0000000-0000000"
_NOTHING_ASKED_FOR = "LGX-NONE"
_OF_NO_ORDER = {"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": _NO_ORDER}
_NONE_CHOSEN = (
    "The account sells in none of the marketplaces that were chosen for this store, but in: {}."
)
_SELLS_NOWHERE = (
    "The account sells in no marketplace of this region. Choose the region where it sells, or open "
    "a marketplace in Seller Central."
)
_SUSPENDED = "{} has suspended listings of this account. Seller Central says why."


def identify(client: AmazonClient, base_url: str, options: Mapping[str, Any]) -> StoreIdentity:
    """Raises AuthenticationFailed, Misconfigured for an account that sells nowhere here, and
    whatever says "not now".
    """
    answer = client.participations()
    rows = account.participating(answer.body)
    if not rows:
        raise Misconfigured(_SELLS_NOWHERE, code="no_marketplace")
    told = account.to_channels(rows)
    chosen = channels.chosen(Account(client, options).named, told)
    if not chosen:
        names = ", ".join(channel.name for channel in told)
        raise Misconfigured(_NONE_CHOSEN.format(names), code="no_marketplace")
    by_id = {row.marketplace.id: row for row in rows}
    first, row = chosen[0], by_id[chosen[0].external_id]
    missing = _missing(client, first.external_id)
    features: dict[str, Any] = {}
    if LISTINGS_ROLE not in missing:
        # Nothing else tells that the merchant token is this account's.
        features["account"] = client.seller
    return StoreIdentity(
        name=row.store_name or first.name or CARD.name,
        base_url=base_url,
        currency=first.currency,
        timezone=first.timezone,
        version=CARD.api_version,
        granted=tuple(role for role in CARD.wanted_scopes if role not in missing),
        missing=missing,
        clock_skew_s=(answer.date - datetime.now(UTC)).total_seconds() if answer.date else None,
        features=features,
        channels=told,
        warnings=tuple(_warnings([by_id[x.external_id] for x in chosen])),
    )


def _missing(client: AmazonClient, place: str) -> tuple[str, ...]:
    tries: tuple[tuple[str, Callable[[], object]], ...] = (
        (ORDERS_ROLE, lambda: client.order(_NO_ORDER, ("FULFILLMENT",))),
        (LISTINGS_ROLE, lambda: client.search_listings(place, {"pageSize": 1})),
        (FULFILLMENT_ROLE, lambda: client.outbound_order(_NOTHING_ASKED_FOR)),
        (FINANCES_ROLE, lambda: client.transactions(_OF_NO_ORDER)),
    )
    return tuple(role for role, call in tries if not _is_let(call))


def _is_let(call: Callable[[], object]) -> bool:
    try:
        call()
    except PermissionMissing:
        return False
    except ItemError:
        # It was looked for, and is not there.
        return True
    return True


def _warnings(rows: Sequence[shapes.Participating]) -> list[str]:
    return [
        _SUSPENDED.format(row.marketplace.name)
        for row in rows
        if row.participation.has_suspended_listings
    ]
