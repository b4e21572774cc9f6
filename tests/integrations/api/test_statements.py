"""What a list costs does not grow with its rows: as many statements for fifty as for five."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.base import Unreadable
from integrations.models import FieldRule, RunKind, RunState, Store, Stream, SyncRun
from integrations.sync import apply_products, park
from inventory.data import VariantData
from inventory.models import Location, StockRule, StoreLocation, StorePlace
from logix.accounts.models import Merchant
from orders.models import Order, OrderEvent, Oversell, Payout, RefundRequest
from tests import factories
from tests.integrations.api.client import api_for, import_orders, import_payouts, kept_there
from tests.integrations.api.routes import is_twin, operations

FEW, MANY = 5, 50
# Token, its merchant and the rows; some lists look their store or order up, or fetch parts of rows.
MOST = 6
PAGED = {
    "integrations",
    "runs",
    "mappings",
    "parked",
    "orders",
    "timeline",
    "refunds",
    "returns",
    "oversells",
    "payouts",
    "lines",
    "products",
    "variants",
    "listings",
    "locations",
    "kept",
    "levels",
    "movements",
    "rules",
}
# A store has few locations: they come all at once.
OF_ONE_STORE = "/api/v1/integrations/{id}/locations"


def fill(merchant: Merchant, store: Store, count: int) -> None:
    """``count`` of everything there is a list of."""
    now = factories.NOW
    products = [
        factories.make_product(
            n,
            variants=tuple(
                VariantData(external_id=f"p{n}-{v}", sku=f"SKU-{n}-{v}", stock=9) for v in range(3)
            ),
        )
        for n in range(count)
    ]
    store.stock_opened_at = now  # so that the store's figures are taken as first counts
    apply_products(store, products, observed_at=now)
    kept_there(store, *(f"{n}-0" for n in range(count)))
    returned = tuple(factories.make_return(n) for n in range(count))
    records = [factories.make_order(n, returns=returned if n == 0 else None) for n in range(count)]
    orders = import_orders(store, records)
    Oversell.objects.bulk_create(
        Oversell(merchant=merchant, order=x, line=x.lines.all()[0], units=1, opened_at=now)
        for x in orders
    )
    lines = tuple(factories.make_payout_line(n) for n in range(count))
    import_payouts(store, [factories.make_payout(n, lines=lines) for n in range(count)])
    OrderEvent.objects.bulk_create(
        OrderEvent(order=orders[0], at=now, kind="note", title=f"Note {n}", origin="hub")
        for n in range(count)
    )
    RefundRequest.objects.bulk_create(
        RefundRequest(
            order=orders[0],
            reference=f"R{n}",
            lines=[{"line": "l1", "quantity": 1, "amount": "1", "tax": "0"}],
        )
        for n in range(count)
    )
    Location.objects.bulk_create(
        Location(merchant=merchant, code=f"place-{n}", name=f"Place {n}") for n in range(count)
    )
    place = Location.objects.filter(merchant=merchant)[0]
    stream = Stream.objects.get(store=store, name="orders")
    done = {"store": store, "stream": stream, "state": RunState.COMPLETED}
    SyncRun.objects.bulk_create(
        SyncRun(kind=RunKind.BACKFILL, window_from=now, **done) for _ in range(count)
    )
    FieldRule.objects.bulk_create(
        FieldRule(store=store, path="id", target=f"custom.f{n}") for n in range(count)
    )
    StockRule.objects.bulk_create(
        StockRule(merchant=merchant, store=store, category=f"Category {n}") for n in range(count)
    )
    for n in range(count):
        park(store, stream="orders", unreadable=Unreadable(external_id=f"odd{n}", reason="Odd."))
        other = factories.make_store(merchant, base_url=f"https://shop{n}.example")
        at = StoreLocation.objects.create(store=other, external_id="1", name="Hauptlager")
        StorePlace.objects.create(store=other, location=place, shown_at=at)


def costs(slug: str, count: int) -> dict[str, tuple[int, int]]:
    """(rows, statements) of a page of each list, of a merchant who has ``count`` of everything."""
    merchant = factories.make_merchant(slug)
    store = factories.make_store(merchant)
    fill(merchant, store, count)
    api = api_for(merchant)
    order = Order.objects.get(store=store, number="1000")
    payout = Payout.objects.filter(store=store).first()
    assert payout is not None
    ids = {"integrations": store.pk, "orders": order.pk, "payouts": payout.pk}
    api.get("/platforms")  # notes the token's use, once a minute
    found = {}
    for operation in operations():
        is_list = operation.method == "get" and operation.path.rsplit("/", 1)[1] in PAGED
        if is_list and operation.path != OF_ONE_STORE and not is_twin(operation.path):
            with CaptureQueriesContext(connection) as seen:
                answer = api.get(operation.address(ids), {"page_size": 200})
            assert answer.status_code == 200, answer.content
            found[str(operation)] = (len(answer.json()["results"]), len(seen))
    return found


def test_a_page_of_fifty_costs_no_more_statements_than_one_of_five(db: None) -> None:
    few, many = costs("few", FEW), costs("many", MANY)

    assert len(few) > 12
    for name, (rows, statements) in few.items():
        assert many[name][0] >= rows + MANY - FEW, f"{name}: {many[name][0]} rows"
        assert many[name][1] == statements <= MOST, f"{name}: {statements} and {many[name][1]}"
