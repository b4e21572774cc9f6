"""What webhooks say of orders, held to Shopify's own samples and to the schemas drawn from them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from integrations.sandbox.shopify.orders import acts, kinds, placing
from integrations.sandbox.shopify.store import Event
from tests.integrations.sandbox.shopify.client import Client
from tests.integrations.sandbox.shopify.conftest import Make

Document = dict[str, Any]
Bodies = dict[str, list[Document]]

# Not in the samples of 2026-07, which have neither a company's order nor a discount; the JSON
# schemas have both.
ADDED = {"company", "discount_applications[].code", "discount_applications[].title"}
# A payment that is no card's has no card to tell of.
OMITTED = {"payment_details"}


@pytest.fixture
def samples(shared: Path) -> Path:
    return shared / "contracts" / "shopify" / "samples"


def kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return {str: "text", list: "list"}.get(type(value), "object")


def differences(body: Any, sample: Any, path: str = "") -> Iterator[str]:
    """Keys too many or too few, and values of another type; null may be anything."""
    if body is None or sample is None:
        return
    if kind_of(body) != kind_of(sample):
        yield f"{path}: {kind_of(body)}, not {kind_of(sample)}"
    elif isinstance(body, dict):
        for key in sample.keys() - body.keys() - OMITTED:
            yield f"{path}.{key} is missing".lstrip(".")
        for key in body.keys() - sample.keys():
            where = f"{path}.{key}".lstrip(".")
            if where not in ADDED:
                yield f"{where} is too many"
        for key in body.keys() & sample.keys():
            yield from differences(body[key], sample[key], f"{path}.{key}".lstrip("."))
    elif isinstance(body, list) and sample:
        for row in body:
            yield from differences(row, sample[0], f"{path}[]")


def told(shop: Client) -> Bodies:
    """From now on, every body by its topic."""
    found: Bodies = {}

    def note(event: Event) -> None:
        found.setdefault(event.topic, []).append(event.body())

    shop.store.subscribe(note)
    return found


def live(shop: Client) -> Bodies:
    """A long life of one order and short ones of others; every body that was told."""
    bodies = told(shop)
    store = shop.store
    (number,) = placing.place(store, Random(3))
    for verb in (
        "edit", "hold", "release", "move", "ship_one", "number", "ship", "deliver", "refund",
        "return", "arrive", "touch",
    ):  # fmt: skip
        shop.wait(1)
        acts.act(store, verb, number)
    for kind in kinds.KINDS:
        if kind != "many_lines":
            placing.place(store, Random(4), kind=kind)
    (other,) = placing.place(store, Random(5))
    acts.act(store, "cancel", other)
    acts.act(store, "delete", other)
    with store.working():
        store.orders.keep_customer(store.orders.customer(store.orders.customer_ids()[0]))
    return bodies


def test_every_body_has_the_keys_and_types_of_its_sample(shop: Client, samples: Path) -> None:
    bodies = live(shop)

    wrong = set()
    for topic, rows in bodies.items():
        path = samples / "webhooks" / f"{topic.replace('/', '__')}.json"
        if topic.startswith(
            ("orders/", "fulfill", "refunds/", "returns/", "order_t", "customers/")
        ):
            sample = json.loads(path.read_text())
            wrong |= {f"{topic} {one}" for row in rows for one in differences(row, sample)}

    assert wrong == set()
    assert bodies.keys() >= {
        "orders/create",
        "orders/updated",
        "orders/paid",
        "orders/edited",
        "orders/fulfilled",
        "orders/partially_fulfilled",
        "orders/cancelled",
        "orders/delete",
        "order_transactions/create",
        "fulfillments/create",
        "fulfillments/update",
        "fulfillment_orders/order_routing_complete",
        "fulfillment_orders/placed_on_hold",
        "fulfillment_orders/hold_released",
        "fulfillment_orders/moved",
        "fulfillment_holds/added",
        "fulfillment_holds/released",
        "refunds/create",
        "returns/approve",
        "returns/close",
        "customers/update",
    }


@pytest.mark.parametrize(
    "topic", ["orders/create", "orders/updated", "fulfillments/create", "refunds/create"]
)
def test_what_samples_leave_empty_is_as_the_schemas_say(
    shop: Client, samples: Path, topic: str
) -> None:
    """Nulls are passed over: the schemas were drawn from few payloads and know few of them; so are
    lists that none of those filled.
    """
    path = samples / "webhook_schemas" / f"{topic.replace('/', '__')}.schema.json"
    checker = Draft202012Validator(json.loads(path.read_text()))

    wrong = {
        f"{'.'.join(step for step in error.path if isinstance(step, str))}: {error.message[:80]}"
        for body in live(shop)[topic]
        for error in checker.iter_errors(body)
        if not is_narrow(error)
    }

    assert wrong == set()


# Required by the schemas of 2026-07, and in none of its samples.
GONE = (
    "accepts_marketing", "accepts_marketing_updated_at", "email_marketing_consent",
    "marketing_opt_in_level", "sms_marketing_consent", "tags",
)  # fmt: skip


def is_narrow(error: ValidationError) -> bool:
    """The schemas were drawn from few payloads: where those had no null, no list filled and no
    rate with decimals, the schema forbids them.
    """
    return (
        error.instance is None
        or (error.validator == "items" and error.schema["items"] is False)
        or (error.validator == "type" and isinstance(error.instance, float))
        or any(f"'{name}' is a required property" == error.message for name in GONE)
    )


def test_amounts_have_the_decimals_of_their_currency(make_store: Make) -> None:
    shop = make_store(orders=0)
    bodies = told(shop)
    placing.place(shop.store, Random(9), kind="zero_decimal")

    (order,) = bodies["orders/create"]

    price = order["total_price_set"]
    assert price["presentment_money"]["currency_code"] == "JPY"
    assert "." not in price["presentment_money"]["amount"]
    assert price["shop_money"]["amount"] == order["total_price"]
    assert order["total_price"][-3] == "."


def test_moments_are_in_the_stores_zone(shop: Client) -> None:
    bodies = told(shop)
    placing.place(shop.store, Random(9))

    assert bodies["orders/create"][0]["created_at"] == "2026-11-18T12:06:40+01:00"


def test_one_act_tells_an_order_once(shop: Client) -> None:
    (number,) = placing.place(shop.store, Random(9))
    shop.events.clear()

    acts.act(shop.store, "ship", number)

    assert shop.events.count(("orders/updated", number)) == 1


def test_a_parcel_names_its_own_quantity(shop: Client) -> None:
    item = next(one for one in shop.store.catalogue.items.values() if one.tracked and one.sku)
    number = placing.place_with(shop.store, Random(1), [(item.sku, 3)])
    bodies = told(shop)

    acts.act(shop.store, "ship_one", number)
    acts.act(shop.store, "ship", number)

    quantities = [body["line_items"][0]["quantity"] for body in bodies["fulfillments/create"]]
    names = [body["name"] for body in bodies["fulfillments/create"]]
    order = shop.store.orders.existing(number)
    assert quantities == [1, 2]
    assert names == [f"{order.name}.1", f"{order.name}.2"]
    assert bodies["fulfillments/create"][1]["tracking_number"]
    assert bodies["orders/updated"][-1]["fulfillment_status"] == "fulfilled"


def test_an_edit_names_what_was_added_and_what_went(shop: Client) -> None:
    item = next(one for one in shop.store.catalogue.items.values() if one.tracked and one.sku)
    number = placing.place_with(shop.store, Random(1), [(item.sku, 3)])
    line = shop.store.orders.existing(number).lines[0].id
    bodies = told(shop)

    acts.act(shop.store, "edit", number)
    acts.act(shop.store, "remove", number)

    first, second = (body["order_edit"] for body in bodies["orders/edited"])
    assert first["order_id"] == number
    assert first["line_items"] == {"additions": [{"id": line, "delta": 1}], "removals": []}
    assert second["line_items"] == {"additions": [], "removals": [{"id": line, "delta": 1}]}


def test_a_deleted_order_is_told_by_its_id_alone(shop: Client) -> None:
    (number,) = placing.place(shop.store, Random(9))
    bodies = told(shop)

    acts.act(shop.store, "delete", number)

    assert bodies["orders/delete"] == [{"id": number}]
    stock = {"inventory_levels/update", "products/update"}  # what was set aside is free again
    assert bodies.keys() - stock == {"orders/delete"}
