"""What happens by itself when its time has come, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from integrations.sandbox.amazon.feeds import processing
from integrations.sandbox.amazon.listings import submissions
from integrations.sandbox.amazon.orders import life
from integrations.sandbox.amazon.outbound import life as outbound
from integrations.sandbox.amazon.reports import making, settlements

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

DUE: dict[str, Callable[[SellerStore, str, float], None]] = {
    "authorised": life.authorised,
    "left_warehouse": life.left_warehouse,
    "delivered": life.delivered,
    "listing": submissions.apply,
    "report": making.go_on,
    "settle": settlements.close,
    "feed": processing.go_on,
    "outbound": outbound.go_on,
}
"""(account, which thing, the moment it was due)."""
