"""A client that speaks as a merchant's program would, and short ways to bring orders in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.test import Client
from django.utils import timezone

from integrations.authentication import save_credentials
from integrations.kit.channels import FEATURE, Channel, as_kept
from integrations.models import Reconciliation, Store, Stream
from integrations.sync import apply_kept, apply_orders, apply_payouts, apply_products
from inventory.data import KeptPlace, KeptStock, ListingChannelData
from inventory.models import Listing, Variant
from logix.accounts import tokens
from logix.accounts.models import Merchant, Scope
from orders.data import Authority, OrderData, PayoutData
from orders.models import Order, Payout
from tests import factories
from tests.integrations.api.shop import KEYS

GERMANY = Channel(
    external_id="A1PA6795UKMFR9",
    name="Amazon.de",
    country="DE",
    currency="EUR",
    timezone="Europe/Berlin",
)
BRITAIN = Channel(
    external_id="A1F83G8C2ARO7P",
    name="Amazon.co.uk",
    country="GB",
    currency="GBP",
    timezone="Europe/London",
)


class Api:
    """The methods below /api/v1, with a token; bodies are JSON."""

    def __init__(self, token: str = "") -> None:
        self.client = Client()
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> Any:
        return self.client.get(f"/api/v1{path}", query, headers={**self.headers, **headers})

    def follow(self, address: str) -> Any:
        return self.client.get(address.removeprefix("http://testserver"), headers=self.headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("post", path, body, headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("put", path, body, headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("patch", path, body, headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.client.delete(f"/api/v1{path}", headers={**self.headers, **headers})

    def _send(self, verb: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        send = getattr(self.client, verb)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return send(
            f"/api/v1{path}",
            data=body if body is not None else {},
            content_type="application/json",
            headers={**self.headers, **headers},
        )


def api_for(merchant: Merchant, *scopes: str) -> Api:
    _, text = tokens.issue(merchant, name="test", scopes=scopes or Scope.values)
    return Api(text)


def import_payouts(store: Store, records: Sequence[PayoutData]) -> list[Payout]:
    apply_payouts(store, records, observed_at=factories.NOW)
    ids = [record.external_id for record in records]
    return [Payout.objects.get(store=store, external_id=external_id) for external_id in ids]


def import_orders(store: Store, records: Sequence[OrderData]) -> list[Order]:
    apply_orders(store, records, authority=Authority.BY_ID, observed_at=factories.NOW)
    ids = [record.external_id for record in records]
    return [Order.objects.get(store=store, external_id=external_id) for external_id in ids]


def import_products(store: Store, *numbers: int) -> None:
    records = [factories.make_product(number) for number in numbers]
    apply_products(store, records, observed_at=factories.NOW)


def kept_there(store: Store, *numbers: object) -> None:
    """Units of these products in warehouses of the platform's own."""
    place = KeptPlace(external_id="EU", name="Kept (EU)")
    records = [
        KeptStock(place=place, external_variant_id=f"p{n}", sku=f"SKU-{n}", sellable=5, inbound=2)
        for n in numbers
    ]
    apply_kept(store, records, observed_at=factories.NOW)


def make_comparison(store: Store, **changes: Any) -> Reconciliation:
    """One of last night that found nothing to differ, of ten orders and five figures."""
    now = timezone.now()
    counts = {
        "orders_there": 10,
        "orders_here": 10,
        "orders_agree": 10,
        "listings": 5,
        "listings_agree": 5,
        "sampled": 10,
        "exact": 10,
    }
    fields: dict[str, Any] = {
        "state": "complete",
        "phase": "done",
        "window_from": now - timedelta(days=30),
        "window_to": now,
        "counts": counts,
        "requested_by": "system",
        "finished_at": now,
        **changes,
    }
    return Reconciliation.objects.create(store=store, **fields)


def make_depot(merchant: Merchant) -> Store:
    """A store whose platform keeps SKU-1 in its own warehouses, and sends for others."""
    depot = factories.make_store(
        merchant, platform="amazon", base_url="https://depot.example", writes_enabled=True
    )
    save_credentials(depot, KEYS, kind="api_keys", actor="user:anna")
    Listing.objects.create(
        merchant=merchant,
        store=depot,
        external_product_id="FBA-1",
        external_variant_id="FBA-1",
        sku="FBA-1",
        variant=Variant.objects.get(merchant=merchant, sku="SKU-1"),
        custom={"fulfilled_by": "Amazon"},
        changed_at=factories.NOW,
    )
    return depot


def offered(variant: str) -> tuple[ListingChannelData, ...]:
    """A mug, as both channels of ``make_seller`` offer it."""
    return tuple(
        ListingChannelData(
            channel=channel.external_id,
            external_variant_id=variant,
            external_id="B0MUG",
            title="Becher",
            price=Decimal("9.5"),
            currency=channel.currency,
            raw_status="BUYABLE",
            is_buyable=True,
        )
        for channel in (GERMANY, BRITAIN)
    )


def make_seller(merchant: Merchant, **changes: Any) -> Store:
    """A store that sells in two channels, its products read."""
    fields = {
        "platform": "amazon",
        "base_url": "https://sellingpartnerapi-eu.amazon.com",
        "features": {FEATURE: as_kept((GERMANY, BRITAIN))},
        **changes,
    }
    store = factories.make_store(merchant, **fields)
    Stream.objects.filter(store=store).update(read_through=factories.NOW)
    return store
