"""Why a store shows what it shows, over the API: every number with where it is from."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.models import Push, Store
from inventory import kits, ledger, locations
from inventory.models import (
    Listing,
    ListingMode,
    Location,
    Reservation,
    StockLevel,
    StockMovement,
    StockRule,
    StoreLocation,
    StorePlace,
    Variant,
)
from logix.accounts.models import AuditEvent, Merchant
from orders.models import Order
from tests import factories
from tests.integrations.api.client import Api, import_orders, import_products

TOLD = factories.NOW


@pytest.fixture
def main(store: Store) -> Location:
    return locations.default(store.merchant_id)


@pytest.fixture
def mug(store: Store, main: Location) -> Variant:
    """Ten counted, two of them sold in an order; the store was told and shows eight."""
    import_products(store, 1)
    mug = Variant.objects.get()
    count(mug, main, 10)
    import_orders(store, [factories.make_order(1)])
    in_step(8)
    return mug


def count(variant: Variant, place: Location, units: int) -> None:
    ledger.adjust(variant=variant, location=place, set_to=units, reason="Count", actor="user:anna")


def in_step(figure: int) -> None:
    """All stores were told ``figure`` and show it."""
    Push.objects.update(
        state=Push.State.IDLE, pushed_value=figure, pushed_at=TOLD, dirty_since=None
    )
    Push.objects.update(next_at=None, problem="", problem_code="")
    Listing.objects.update(seen_quantity=figure, seen_at=TOLD)


def explain(api: Api, **query: Any) -> dict[str, Any]:
    answer = api.get("/stock/explain", {"sku": "SKU-1", **query})
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def item(variant: Variant) -> dict[str, Any]:
    return {"id": str(variant.pk), "sku": variant.sku, "title": variant.title}


def place(location: Location) -> dict[str, Any]:
    return {"id": str(location.pk), "code": location.code, "name": location.name}


def time(at: Any) -> str:
    return at.isoformat().replace("+00:00", "Z")


def judged(api: Api) -> tuple[str, str]:
    (row,) = explain(api)["listings"]["rows"]
    return row["verdict"], row["words"]


def test_every_number_says_where_it_is_from(
    api: Api, store: Store, mug: Variant, main: Location
) -> None:
    rule = StockRule.objects.create(merchant=store.merchant, store=store, buffer=3)
    in_step(5)
    order, listing, level = Order.objects.get(), Listing.objects.get(), StockLevel.objects.get()
    reserved, counted = StockMovement.objects.order_by("-at", "-id")

    assert explain(api) == {
        "variant": item(mug),
        "is_kit": False,
        "counted": [
            {
                "variant": item(mug),
                "units": 1,
                "levels": [
                    {
                        "id": str(level.pk),
                        "location": place(main),
                        "kept_by": None,
                        "is_open": True,
                        "on_hand": 10,
                        "reserved": 2,
                        "allocated": 0,
                        "held": 0,
                        "damaged": 0,
                        "free": 8,
                        "counted_at": time(level.counted_at),
                    }
                ],
            }
        ],
        "in_kits": {"count": 0, "rows": []},
        "listings": {
            "count": 1,
            "rows": [
                {
                    "store": {
                        "id": str(store.pk),
                        "name": "Example shop",
                        "status": "active",
                        "writes_enabled": False,
                    },
                    "listing": {
                        "id": str(listing.pk),
                        "sku": "SKU-1",
                        "title": "Mug 1",
                        "mode": "normal",
                    },
                    "verdict": "in_step",
                    "words": "The store shows 5, as it should.",
                    "should_show": {
                        "value": 5,
                        "reason": "Computed from stock.",
                        "rule": {"id": rule.pk, "words": "The rule of the store."},
                        "terms": {
                            "on_hand": 10,
                            "reserved": 2,
                            "set_aside": 0,
                            "held": 0,
                            "damaged": 0,
                            "lacking": 0,
                            "own_set_aside": 0,
                            "pool": 8,
                            "buffer": 3,
                            "percent": 100,
                            "share": 5,
                            "max_listed": None,
                            "end_when": 0,
                        },
                        "takes_off": None,
                        "told": 5,
                        "by_location": {},
                    },
                    "push": {
                        "state": "idle",
                        "told": 5,
                        "told_at": time(TOLD),
                        "waiting_since": None,
                        "next_at": None,
                        "problem_code": "",
                        "problem": "",
                    },
                    "seen": 5,
                    "seen_at": time(TOLD),
                    "figures": [
                        {
                            "location": "",
                            "name": "",
                            "places": None,
                            "should_show": 5,
                            "told": 5,
                            "seen": 5,
                        }
                    ],
                }
            ],
        },
        "movements": {
            "count": 2,
            "rows": [
                {
                    "id": str(reserved.pk),
                    "at": time(reserved.at),
                    "kind": "reserve",
                    "bucket": "reserved",
                    "before": 0,
                    "delta": 2,
                    "after": 2,
                    "reason": "",
                    "actor": "system",
                    "order": {"id": str(order.pk), "number": "1001"},
                    "variant": item(mug),
                    "location": place(main),
                },
                {
                    "id": str(counted.pk),
                    "at": time(counted.at),
                    "kind": "count",
                    "bucket": "on_hand",
                    "before": 0,
                    "delta": 10,
                    "after": 10,
                    "reason": "Count",
                    "actor": "user:anna",
                    "order": None,
                    "variant": item(mug),
                    "location": place(main),
                },
            ],
        },
        "reservations": {
            "count": 1,
            "units": 2,
            "short": 0,
            "rows": [
                {
                    "order": {"id": str(order.pk), "number": "1001"},
                    "variant": item(mug),
                    "location": place(main),
                    "units": 2,
                    "short": 0,
                    "placed_at": time(order.placed_at),
                }
            ],
        },
        "set_aside": [],
        "differences": [],
    }


def test_an_item_is_named_by_its_sku_or_id_and_may_be_asked_of_one_store(
    api: Api, store: Store, merchant: Merchant, mug: Variant
) -> None:
    other = factories.make_store(merchant, base_url="https://b.example", name="B")
    import_products(other, 1)

    by_id = api.get("/stock/explain", {"variant": str(mug.pk)}).json()
    assert by_id == explain(api, sku="sku-1")
    names = [row["store"]["name"] for row in by_id["listings"]["rows"]]
    assert names == ["B", "Example shop"]
    of_one = explain(api, store=str(other.pk))["listings"]
    assert (of_one["count"], [row["store"]["name"] for row in of_one["rows"]]) == (1, ["B"])
    Store.objects.filter(pk=other.pk).update(status="disconnected")
    assert explain(api)["listings"]["count"] == 1


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "sku_or_variant"),
        ({"sku": "SKU-404"}, "unknown"),
        ({"sku": "SKU-1", "variant": "0190f4e4-0000-7000-8000-000000000000"}, "sku_or_variant"),
        ({"sku": "SKU-1", "store": "0190f4e4-0000-7000-8000-000000000000"}, "unknown"),
        ({"sku": "SKU-1", "stores": "x"}, "unknown"),
    ],
)
def test_what_cannot_be_explained_is_refused(
    api: Api, mug: Variant, query: dict[str, str], code: str
) -> None:
    answer = api.get("/stock/explain", query)

    assert answer.status_code == 400
    assert code in {error["code"] for error in answer.json()["errors"]}


# --- whether told = seen = should ---


def test_a_store_that_does_not_show_its_figure_says_what_stands_in_the_way(
    api: Api, store: Store, mug: Variant
) -> None:
    assert judged(api) == ("in_step", "The store shows 8, as it should.")

    Push.objects.update(state=Push.State.READY, pushed_value=9)
    assert judged(api) == (
        "waiting",
        "The store is about to be told 8; so far it was told 9.",
    )
    Store.objects.update(status="paused")
    assert judged(api) == (
        "waiting",
        "The store is about to be told 8; so far it was told 9. Nothing is sent: Example shop is "
        "paused.",
    )
    Push.objects.update(state=Push.State.BLOCKED, problem="The store refused the figure.")
    assert judged(api) == ("blocked", "The store refused the figure.")

    in_step(8)
    Listing.objects.update(seen_quantity=3, seen_at=TOLD - timedelta(hours=1))
    assert judged(api) == ("told", "The store was told 8 and was not read since.")
    Listing.objects.update(seen_at=TOLD + timedelta(hours=1))
    assert judged(api) == (
        "differs",
        "The store shows 3 instead of 8, and nothing waits to be sent. Press “Send again” at its "
        "stock push.",
    )
    Listing.objects.update(mode=ListingMode.IGNORE)
    assert judged(api) == ("left_alone", "This listing is never written by Logix.")


def test_a_store_with_locations_is_explained_location_by_location(
    api: Api, store: Store, mug: Variant, main: Location
) -> None:
    north = locations.create(store.merchant_id, code="north", name="North", rank=50)
    count(mug, north, 4)
    for external_id, name, ours in (("61", "Hauptlager", main), ("62", "Laden", north)):
        at = StoreLocation.objects.create(store=store, external_id=external_id, name=name)
        StorePlace.objects.create(store=store, location=ours, shown_at=at, rank=int(external_id))
    Push.objects.update(state=Push.State.IDLE, pushed_value=12, pushed_at_places={"61": 8, "62": 4})
    Listing.objects.update(seen_quantity=11, seen_at_places={"61": 8, "62": 3})
    Listing.objects.update(seen_at=TOLD + timedelta(hours=1))

    (row,) = explain(api)["listings"]["rows"]

    assert (row["should_show"]["value"], row["should_show"]["by_location"]) == (
        12,
        {"61": 8, "62": 4},
    )
    assert (row["verdict"], row["seen"]) == ("differs", 11)
    assert row["figures"] == [
        {
            "location": "61",
            "name": "Hauptlager",
            "places": [place(main)],
            "should_show": 8,
            "told": 8,
            "seen": 8,
        },
        {
            "location": "62",
            "name": "Laden",
            "places": [place(north)],
            "should_show": 4,
            "told": 4,
            "seen": 3,
        },
    ]


# --- kits, shortage, proof, bounds ---


def test_a_kit_is_explained_by_its_parts(api: Api, store: Store, main: Location) -> None:
    import_products(store, 1, 2, 3)
    kit, mug, box = Variant.objects.order_by("sku")
    count(mug, main, 9)
    count(box, main, 5)
    kits.set_parts(kit, {mug.pk: 2, box.pk: 1}, actor="user:anna")
    import_orders(store, [factories.make_order(1)])

    found = explain(api)

    assert found["is_kit"] is True
    assert [
        (one["variant"]["sku"], one["units"], [level["free"] for level in one["levels"]])
        for one in found["counted"]
    ] == [("SKU-2", 2, [5]), ("SKU-3", 1, [3])]
    assert found["listings"]["rows"][0]["should_show"]["value"] == 2
    held = {(row["variant"]["sku"], row["units"]) for row in found["reservations"]["rows"]}
    assert held == {("SKU-2", 4), ("SKU-3", 2)}
    assert {row["variant"]["sku"] for row in found["movements"]["rows"]} == {"SKU-2", "SKU-3"}
    assert explain(api, sku="SKU-2")["in_kits"] == {"count": 1, "rows": [item(kit)]}


def test_what_is_sold_and_not_there_is_told_with_the_order_that_waits(
    api: Api, store: Store, mug: Variant
) -> None:
    line = factories.make_line(1, quantity=11)
    import_orders(store, [factories.make_order(2, lines=(line,))])

    held = explain(api)["reservations"]

    assert (held["count"], held["units"], held["short"]) == (2, 10, 3)
    rows = [(row["order"]["number"], row["units"], row["short"]) for row in held["rows"]]
    assert sorted(rows) == [("1001", 2, 0), ("1002", 8, 3)]


def test_a_level_that_does_not_add_up_is_told(api: Api, mug: Variant) -> None:
    StockLevel.objects.update(on_hand=11)

    assert explain(api)["differences"] == [
        "SKU-1 at Main warehouse: on hand is 11, its movements add up to 10."
    ]


def test_variants_that_share_a_count_are_explained_by_it(
    api: Api, store: Store, mug: Variant, main: Location
) -> None:
    pool = Variant.objects.create(
        merchant=mug.merchant, product=mug.product, sku="POOL", sku_key="pool"
    )
    Variant.objects.filter(pk=mug.pk).update(counted_as=pool)
    count(pool, main, 6)

    found = explain(api)

    assert [one["variant"]["sku"] for one in found["counted"]] == ["POOL"]
    assert found["listings"]["rows"][0]["should_show"]["value"] == 6
    assert explain(api, sku="POOL")["listings"] == found["listings"]


def test_lists_are_short_and_say_how_many_there_are(
    api: Api, store: Store, mug: Variant, main: Location
) -> None:
    north = locations.create(store.merchant_id, code="north", name="North", rank=50)
    for number in range(1, 26):
        count(mug, main if number % 3 else north, number + 100)
    orders = [factories.make_order(n) for n in range(2, 32)]
    import_orders(store, orders)

    found = explain(api)

    newest = StockMovement.objects.order_by("-at", "-id")
    assert found["movements"]["count"] == newest.count() > 50
    ids = [row["id"] for row in found["movements"]["rows"]]
    assert ids == [str(pk) for pk in newest.values_list("pk", flat=True)[:20]]
    held = Reservation.objects.filter(quantity__gt=0).count()
    assert (found["reservations"]["count"], len(found["reservations"]["rows"])) == (held, 20)


def test_six_stores_cost_as_many_statements_as_one(
    api: Api, store: Store, merchant: Merchant, mug: Variant, main: Location
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            explain(api)
        return len(seen)

    api.get("/platforms")  # notes the token's use, once a minute
    one = cost()
    for number in range(5):
        other = factories.make_store(merchant, base_url=f"https://s{number}.example", name="S")
        import_products(other, 1)
        at = StoreLocation.objects.create(store=other, external_id="1", name="Hauptlager")
        StorePlace.objects.create(store=other, location=main, shown_at=at)
    import_orders(store, [factories.make_order(n) for n in range(2, 9)])
    assert explain(api)["listings"]["count"] == 6

    # One more: the places that stores were given.
    assert cost() == one + 1 <= 28


# --- what if ---


def suppose(api: Api, **rule: Any) -> Any:
    return api.post("/stock/explain", {"sku": "SKU-1", "suppose": rule})


def test_another_rule_is_tried_beside_the_one_that_holds_and_nothing_is_kept(
    api: Api, store: Store, merchant: Merchant, mug: Variant
) -> None:
    other = factories.make_store(merchant, base_url="https://b.example", name="B")
    import_products(other, 1)
    rule = StockRule.objects.create(merchant=merchant, store=store, buffer=1)
    Push.objects.all().delete()
    audited = AuditEvent.objects.count()

    answer = suppose(api, buffer=5, percent=50)

    assert answer.status_code == 200, answer.content
    assert answer.json()["variant"] == item(mug)
    aside = dict.fromkeys(("set_aside", "held", "damaged", "lacking", "own_set_aside"), 0)
    terms = {"on_hand": 10, "reserved": 2, **aside, "pool": 8, "max_listed": None, "end_when": 0}
    then = {
        "value": 1,
        "reason": "Computed from stock.",
        "rule": {"id": None, "words": "The rule that is supposed."},
        "terms": {**terms, "buffer": 5, "percent": 50, "share": 1},
        "takes_off": None,
        "told": 1,
        "by_location": {},
    }
    rows = {row["store"]["name"]: row for row in answer.json()["listings"]}
    assert rows["B"]["now"] == {
        **then,
        "value": 8,
        "told": 8,
        "rule": {"id": None, "words": "No rule: all that is free."},
        "terms": {**terms, "buffer": 0, "percent": 100, "share": 8},
    }
    assert rows["Example shop"]["now"] == {
        **then,
        "value": 7,
        "told": 7,
        "rule": {"id": rule.pk, "words": "The rule of the store."},
        "terms": {**terms, "buffer": 1, "percent": 100, "share": 7},
    }
    assert [row["supposed"] for row in rows.values()] == [then, then]
    assert StockRule.objects.get() == rule
    assert not Push.objects.exists()
    assert AuditEvent.objects.count() == audited


def test_what_can_be_supposed_is_what_a_rule_can_say(api: Api, mug: Variant) -> None:
    def figure(**rule: Any) -> int:
        (row,) = suppose(api, **rule).json()["listings"]
        shown: int = row["supposed"]["value"]
        return shown

    assert [
        figure(),
        figure(max_listed=3),
        figure(end_when=8),
        figure(always=99),
        figure(always=None, max_listed=None),
    ] == [8, 3, 0, 99, 8]
    for wrong in ({"percent": 101}, {"bufer": 1}, {"store": "x"}):
        assert suppose(api, **wrong).status_code == 400, wrong
    assert api.post("/stock/explain", {"sku": "SKU-1"}).json()["errors"][0]["code"] == "required"
