"""Everything the control page shows, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from integrations.sandbox.amazon.clock import iso
from integrations.sandbox.amazon.feeds.models import Feed
from integrations.sandbox.amazon.login import room
from integrations.sandbox.amazon.marketplaces import MARKETPLACES
from integrations.sandbox.amazon.orders import acts as order_acts
from integrations.sandbox.amazon.outbound.life import STEPS_S
from integrations.sandbox.amazon.reports.models import Report

if TYPE_CHECKING:
    from integrations.sandbox.amazon.shop import Shop
    from integrations.sandbox.amazon.store import SellerStore

_SHOWN_ORDERS, _SHOWN_STOCK, _SHOWN_LOG = 20, 25, 25


def described(shop: Shop) -> dict[str, Any]:
    store = shop.store
    with store.working():
        return {
            "store": _facts(store),
            "app": _app(store),
            "counts": {"orders": len(store.state.orders), "listings": len(store.state.listings)},
            "orders": [
                order_acts.row(store, name) for name in order_acts.newest(store, _SHOWN_ORDERS)
            ],
            "stock": _stock(store),
            "outbound": _outbound(store),
            "jobs": _jobs(store),
            "news": _news(store),
            "calls": store.quotas.document(),
            "faults": shop.faults.document(),
            "traffic": {"per_minute": shop.traffic.per_minute},
            "requests": shop.log(_SHOWN_LOG),
        }


def _facts(store: SellerStore) -> dict[str, Any]:
    options = store.options
    return {
        "title": options.title,
        "url": store.url,
        "seller_id": options.seller_id,
        "region": options.region,
        "marketplaces": [
            {"id": name, "name": MARKETPLACES[name].name} for name in options.sells_in
        ],
        "application_id": options.application_id,
        "client_id": options.client_id,
        "client_secret": store.state.login.client_secret,
        "refresh_token": room.authorised_token(store),
        "time_scale": options.time_scale,
        "now": iso(store.clock.now()),
    }


def _app(store: SellerStore) -> dict[str, Any]:
    login, now = store.state.login, store.clock.exact()
    return {
        "title": store.options.app_title,
        "is_authorised": bool(room.authorised_token(store)),
        "is_secret_over": room.is_secret_over(store),
        "roles": list(login.roles),
        "tokens": sum(1 for one in login.accesses.values() if one.until > now),
    }


def _stock(store: SellerStore) -> list[dict[str, Any]]:
    rows = []
    for row in store.state.listings.values():
        if row.quantity is None and row.stock is None:
            continue
        rows.append(
            {
                "sku": row.sku,
                "asin": row.asin,
                "title": row.title,
                "channel": row.channel,
                "for_sale": row.for_sale,
                "marketplaces": [MARKETPLACES[name].name for name in row.offers],
            }
        )
        if len(rows) == _SHOWN_STOCK:
            break
    return rows


def _outbound(store: SellerStore) -> list[dict[str, Any]]:
    """Orders of other shops, the newest first."""
    rows = sorted(store.state.outbound.values(), key=lambda row: -row.received)
    return [
        {
            "id": row.id,
            "status": row.status,
            "speed": row.speed,
            "units": sum(item.quantity for item in row.items),
            "updated_at": iso(row.updated),
            "goes_on": row.status in STEPS_S,
        }
        for row in rows[:_SHOWN_ORDERS]
    ]


def _news(store: SellerStore) -> list[dict[str, Any]]:
    """What the app is told of, and into which queue."""
    places = store.state.destinations
    return [
        {"kind": one.kind, "queue": places[one.destination].arn}
        for one in store.state.subscriptions.values()
    ]


def _jobs(store: SellerStore) -> list[dict[str, Any]]:
    """Reports and feeds, newest first."""
    jobs: list[Report | Feed] = [*store.state.reports.values(), *store.state.feeds.values()]
    jobs.sort(key=lambda job: -job.created)
    return [
        {"id": job.id, "kind": job.kind, "status": job.status, "created": iso(job.created)}
        for job in jobs[:_SHOWN_LOG]
    ]
