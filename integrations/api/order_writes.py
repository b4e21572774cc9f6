"""The bodies of writes to an order, and how they become arguments of ``orders.services``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers

from integrations import registry
from integrations.api.errors import Refused
from integrations.api.fields import Strict
from integrations.api.lookups import location_of
from integrations.platform import Ability
from logix.accounts.models import Merchant
from orders.models import Order
from orders.status import OrderStatus

_SETTABLE = (OrderStatus.OPEN, OrderStatus.ON_HOLD, OrderStatus.PENDING, OrderStatus.COMPLETED)


class StatusWish(Strict):
    status = serializers.ChoiceField([s.value for s in _SETTABLE])


class ParcelLine(Strict):
    either = (("line", "sku"),)

    line = serializers.UUIDField(required=False, help_text="Id of the order line.")
    sku = serializers.CharField(required=False, help_text="Instead of `line`, where it is unique.")
    quantity = serializers.IntegerField(min_value=1, max_value=1_000_000)


class Tracking(Strict):
    carrier = serializers.CharField(max_length=80, required=False, allow_blank=True)
    tracking_number = serializers.CharField(max_length=120, required=False, allow_blank=True)
    tracking_url = serializers.URLField(max_length=500, required=False, allow_blank=True)


class TrackingChange(Tracking):
    notify_customer = serializers.BooleanField(
        required=False,
        help_text="Whether the store tells its customer; without it as was said of the parcel "
        "before.",
    )


class Parcel(Tracking):
    lines = ParcelLine(many=True, required=False, allow_empty=False)
    location = serializers.CharField(
        required=False, help_text="Code or id of the place the goods left."
    )
    reference = serializers.CharField(
        max_length=64, required=False, help_text="Your own name of the parcel."
    )
    notify_customer = serializers.BooleanField(
        default=True,
        help_text="False: the store is asked not to tell its customer of this parcel, now or when "
        "its tracking changes.",
    )


class Reason(Strict):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class Cancellation(Reason):
    notify_customer = serializers.BooleanField(
        default=True,
        help_text="False: the store is asked not to tell its customer; refused where it has no "
        "such choice.",
    )


class Note(Strict):
    text = serializers.CharField(max_length=5000)
    to_customer = serializers.BooleanField(
        default=False, help_text="True: the store sends it to the buyer."
    )


def refuse_unless_quiet(order: Order, *, notify_customer: bool) -> None:
    """Whether a store can cancel without a word to its customer is a fact of its platform."""
    ability = Ability.QUIET_CANCEL
    card = registry.card(order.store.platform)
    if not notify_customer and not card.can(ability):
        reason = card.exempt[ability]
        raise Refused(409, "always_notifies", f"{reason} Cancel without `notify_customer`.")


def parcel(order: Order, merchant: Merchant, asked: dict[str, Any]) -> dict[str, Any]:
    """Arguments of ``add_shipment``. Raises ValidationError."""
    told = {name: value for name, value in asked.items() if name not in ("lines", "location")}
    if "location" in asked:
        told["location"] = location_of(merchant, asked["location"], field="location")
    if "lines" in asked:
        told["lines"] = units_of(order, asked["lines"])
    return told


def units_of(
    order: Order, wanted: list[dict[str, Any]], *, of: str = "quantity"
) -> dict[UUID, int]:
    """Units by line id, none that has none; the same line twice is added up. Raises
    ValidationError.
    """
    by_sku: dict[str, list[UUID]] = {}
    if any("sku" in item for item in wanted):
        for pk, sku in order.lines.filter(removed_at=None).values_list("pk", "sku"):
            by_sku.setdefault(sku, []).append(pk)
    units: dict[UUID, int] = {}
    for place, item in enumerate(wanted):
        line = item.get("line") or _only(by_sku.get(item["sku"], []), place, item["sku"])
        if item[of]:
            units[line] = units.get(line, 0) + item[of]
    return units


def _only(found: list[UUID], place: int, sku: str) -> UUID:
    if len(found) == 1:
        return found[0]
    why = f"{len(found)} lines have" if found else "No line has"
    raise serializers.ValidationError(
        {
            "lines": {
                str(place): {
                    "sku": serializers.ErrorDetail(
                        f"{why} the SKU {sku}. Name the line by its id.", "line_not_clear"
                    )
                }
            }
        }
    )
