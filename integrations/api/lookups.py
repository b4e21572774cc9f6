"""Objects named in bodies, always looked up inside the caller's merchant."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers

from integrations.models import Store, StoreStatus
from inventory.catalogue import sku_key
from inventory.models import Listing, Location, Variant
from logix.accounts.models import Merchant
from orders.models import Order

# A body that names an item does so either by its SKU or by its id.
ONE_ITEM = ("sku", "variant")


def location_of(merchant: Merchant, text: str, *, field: str) -> Location:
    """By code or id. Raises ValidationError."""
    rows = Location.objects.filter(merchant=merchant)
    found = rows.filter(code=text).first() or (
        rows.filter(pk=uuid).first() if (uuid := _uuid(text)) else None
    )
    if found is None:
        raise _unknown(field, f"There is no location “{text[:60]}”.")
    return found


def store_of(merchant: Merchant, pk: UUID, *, field: str) -> Store:
    """One that is connected. Raises ValidationError."""
    rows = Store.objects.filter(merchant=merchant).exclude(status=StoreStatus.DISCONNECTED)
    found = rows.select_related("merchant").filter(pk=pk).first()
    if found is None:
        raise _unknown(field, "There is no such store.")
    return found


def listing_of(store: Store, pk: UUID, *, field: str) -> Listing:
    found = Listing.objects.filter(store=store, pk=pk).first()
    if found is None:
        raise _unknown(field, f"{store} has no such listing.")
    return found


def item_of(merchant: Merchant, asked: dict[str, Any], *, within: str = "") -> Variant:
    """The variant that a body with ``ONE_ITEM`` names; ``within`` leads to it where it is a part of
    the body. Raises ValidationError.
    """
    if "sku" in asked:
        return variant_by_sku(merchant, asked["sku"], field=f"{within}sku")
    return variant_by_id(merchant, asked["variant"], field=f"{within}variant")


def order_of(merchant: Merchant, pk: UUID | None, *, field: str) -> UUID | None:
    """The order's id, if it is one of the merchant's. Raises ValidationError."""
    if pk is not None and not Order.objects.filter(merchant=merchant, pk=pk).exists():
        raise _unknown(field, "There is no such order.")
    return pk


def variant_by_sku(merchant: Merchant, sku: str, *, field: str) -> Variant:
    key = sku_key(sku)
    found = Variant.objects.filter(merchant=merchant, sku_key=key).first() if key else None
    if found is None:
        raise _unknown(field, f"There is no variant with the SKU {sku[:60]}.")
    return found


def variant_by_id(merchant: Merchant, pk: UUID, *, field: str) -> Variant:
    found = Variant.objects.filter(merchant=merchant, pk=pk).first()
    if found is None:
        raise _unknown(field, "There is no such variant.")
    return found


def _unknown(field: str, sentence: str) -> serializers.ValidationError:
    return serializers.ValidationError({field: serializers.ErrorDetail(sentence, "unknown")})


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
