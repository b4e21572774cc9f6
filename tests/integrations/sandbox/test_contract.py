"""The simulator against what was recorded from real stores: documents, routes, arguments, answers.

Real stores: WooCommerce 11.0.1, and the differences of 8.9.3.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox.woocommerce.wire import Request
from tests.integrations.sandbox.client import Client, basic, make_client

Document = dict[str, Any]


@pytest.fixture
def real(shared: Path) -> Path:
    return shared / "contracts" / "woocommerce" / "real"


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def word(value: Any) -> str:
    """A JSON type; integers and floats are both numbers where a price may be either."""
    if isinstance(value, bool):
        return "boolean"
    return {type(None): "null", str: "string", int: "integer", float: "number"}.get(
        type(value), "list" if isinstance(value, list) else "object"
    )


# Where a real store gives now this type, now that: seen in the recordings, or in the schema.
EITHER = {
    "line_items[].price": {"integer", "number"},
    "line_items[].image.id": {"integer", "string"},
    "line_items[].parent_name": {"null", "string"},
    "line_items[].sku": {"null", "string"},
    "line_items[].global_unique_id": {"null", "string"},
    "tax_lines[].rate_percent": {"integer", "number"},
    "date_paid": {"null", "string"},
    "date_paid_gmt": {"null", "string"},
    "date_completed": {"null", "string"},
    "date_completed_gmt": {"null", "string"},
    "date_modified": {"null", "string"},
    "date_modified_gmt": {"null", "string"},
    "stock_quantity": {"integer", "null"},
    "manage_stock": {"boolean", "string"},
}
FREE = ("value", "display_value")
"""A plugin's meta data may be anything."""


def differences(shown: Any, recorded: Any, path: str = "") -> Iterator[str]:
    """Keys, their order and their types, all the way down; rows of a list against its first."""
    if path.rsplit(".", 1)[-1] in FREE:
        return
    allowed = EITHER.get(path, {word(recorded)})
    if word(shown) not in allowed:
        yield f"{path}: {word(shown)}, recorded {sorted(allowed)}"
        return
    if isinstance(shown, dict) and isinstance(recorded, dict):
        if list(shown) != list(recorded):
            yield f"{path}: {list(shown)}, recorded {list(recorded)}"
        for key in shown.keys() & recorded.keys():
            yield from differences(shown[key], recorded[key], f"{path}.{key}".lstrip("."))
    if isinstance(shown, list) and recorded:
        for row in shown:
            yield from differences(row, recorded[0], f"{path}[]")


def no_links(document: Document, *names: str) -> Document:
    """Without the links some orders have and others not."""
    links = {key: value for key, value in document["_links"].items() if key not in names}
    return document | {"_links": links}


def test_every_order_has_the_recorded_keys_in_order_and_types(real: Path, shop: Client) -> None:
    recorded = load(real / "samples" / "order.json")
    shown = shop.get("orders", per_page=60)

    found = [d for row in shown for d in differences(no_links(row, "customer"), recorded)]

    assert len(shown) == 60
    assert found == []


def test_every_refund_has_the_recorded_keys_and_types(real: Path) -> None:
    shop = make_client(orders=300)
    recorded = load(real / "samples" / "refund.json")
    shown = shop.get("refunds", per_page=100)

    assert any(row["line_items"] for row in shown)
    assert [d for row in shown for d in differences(row, recorded)] == []


def test_products_have_the_recorded_keys_and_types(real: Path, shop: Client) -> None:
    for kind in ("simple", "variable"):
        recorded = load(real / "samples" / f"product_{kind}.json")
        shown = shop.get("products", type=kind, per_page=100)

        assert shown
        assert [d for row in shown for d in differences(row, recorded)] == []


def test_variations_have_the_recorded_keys_and_types(real: Path, shop: Client) -> None:
    recorded = load(real / "samples" / "variation.json")
    shown = shop.get("variations", per_page=100)

    assert {row["manage_stock"] for row in shown} == {True, "parent"}
    assert [d for row in shown for d in differences(row, recorded)] == []


def test_a_note_and_a_webhook_have_the_recorded_keys_and_types(real: Path, shop: Client) -> None:
    number = shop.get("orders", status="completed", per_page=1)[0]["id"]
    shop.post(f"orders/{number}/notes", {"note": "Hello"})
    notes = shop.get(f"orders/{number}/notes")
    body = {"name": "x", "topic": "order.updated", "delivery_url": "https://hub.example/x"}
    hook = shop.post("webhooks", body)

    recorded_hook = load(real / "samples" / "webhook.json")
    assert [
        d for row in notes for d in differences(row, load(real / "samples" / "order_note.json"))
    ] == []
    assert list(differences(hook, recorded_hook)) == []
    assert hook["hooks"] == recorded_hook["hooks"]


def test_a_products_batch_answers_as_recorded(real: Path, shop: Client) -> None:
    recorded = load(real / "samples" / "products_batch.json")["response"]
    number = shop.get("products", type="simple", stock_status="instock", per_page=1)[0]["id"]
    body = {"update": [{"id": number, "stock_quantity": 41}, {"id": 99999999}]}

    shown = shop.post("products/batch", body, status=200)

    assert list(shown) == list(recorded)
    assert list(differences(shown["update"][0], recorded["update"][0])) == []
    assert shown["update"][0]["stock_quantity"] == 41
    assert shown["update"][1] == recorded["update"][1]


def test_a_list_has_the_recorded_headers(real: Path) -> None:
    shop = make_client(orders=300)
    recorded = load(real / "samples" / "list_page_headers.json")["headers"]
    asked = (
        "per_page=100&page=2&modified_after=2026-06-01T00:00:00&dates_are_gmt=true"
        "&orderby=modified&order=asc"
    )

    answer = shop.call("GET", "orders", raw_query=asked)
    shown = dict(answer.headers)

    assert shown["X-WP-Total"] == "300"
    assert shown["X-WP-TotalPages"] == "3"
    changing = {"X-WP-Total", "X-WP-TotalPages"}
    for name in recorded.keys() - changing:
        assert shown[name] == recorded[name], name


def test_the_settings_of_the_system_status_are_as_recorded(real: Path, shop: Client) -> None:
    recorded = load(real / "samples" / "system_status_excerpt.json")
    shown = shop.get("system_status")

    for group, keys in recorded.items():
        for name, value in keys.items():
            assert word(shown[group][name]) == word(value), name
    assert shown["settings"]["order_datastore"] == recorded["settings"]["order_datastore"]
    assert shown["environment"]["version"] == recorded["environment"]["version"]


@pytest.mark.parametrize(("code", "decimals"), [("EUR", 2), ("JPY", 0), ("KWD", 3)])
def test_currency_and_settings_have_the_documented_keys(
    shared: Path, code: str, decimals: int
) -> None:
    samples = shared / "contracts" / "woocommerce" / "samples"
    shop = make_client(orders=3, currency=code)

    current = shop.get("data/currencies/current")
    general = {row["id"]: row for row in shop.get("settings/general")}
    units = {row["id"]: row["value"] for row in shop.get("settings/products")}

    documented = load(samples / "data.json")["retrieve_current_currency"]
    assert list(current) == list(documented)
    assert current["code"] == general["woocommerce_currency"]["value"] == code
    assert general["woocommerce_price_num_decimals"]["value"] == str(decimals)
    assert units["woocommerce_weight_unit"] == "kg"
    setting = load(samples / "setting-options.json")["retrieve_a_setting_option"]
    assert general["woocommerce_currency"].keys() <= setting.keys()
    slugs = [row["slug"] for row in load(samples / "data.json")["list_all_data"]]
    assert [row["slug"] for row in shop.get("data")] == slugs


def test_an_old_store_in_the_posts_table_says_so(old_shop: Client) -> None:
    status = old_shop.get("system_status")

    assert status["settings"]["HPOS_enabled"] is False
    assert status["environment"]["version"] == "8.9.3"
    assert "enabled_features" not in status["settings"]


# -- routes and arguments ----------------------------------------------------------------------


def bare(args: Any) -> Any:
    """Arguments without descriptions and without the fields of nested objects."""
    if not args:
        return {}
    kept = ("type", "enum", "default", "minimum", "maximum", "format", "required")
    found = {}
    for name, row in args.items():
        found[name] = {key: row[key] for key in kept if key in row}
        if isinstance(row.get("items"), dict):
            found[name]["items"] = {
                key: row["items"][key] for key in ("type", "enum") if key in row["items"]
            }
    return found


def test_every_route_of_the_simulator_is_declared_as_recorded(real: Path, shop: Client) -> None:
    recorded = load(real / "index_wc_v3.json")
    shown = shop.get("")

    assert shown["namespace"] == recorded["namespace"]
    assert shown["_links"] == recorded["_links"]
    for path, row in shown["routes"].items():
        wanted = recorded["routes"][path]
        assert row["methods"] == wanted["methods"], path
        assert row.get("_links") == wanted.get("_links"), path
        assert [e["methods"] for e in row["endpoints"]] == [
            e["methods"] for e in wanted["endpoints"]
        ], path
        for mine, theirs in zip(row["endpoints"], wanted["endpoints"], strict=True):
            assert bare(mine["args"]) == bare(theirs["args"]), (path, mine["methods"])


def test_an_old_store_lacks_what_only_new_ones_have(real: Path, old_shop: Client) -> None:
    diff = load(real / "schema_diff_8.9.3_to_11.0.1.json")
    routes = old_shop.get("")["routes"]

    assert not set(routes) & set(diff["routes_only_in_new"])
    places = {
        "orders": "/wc/v3/orders",
        "orders__id": "/wc/v3/orders/(?P<id>[\\d]+)",
        "orders_batch": "/wc/v3/orders/batch",
        "products": "/wc/v3/products",
        "products__id": "/wc/v3/products/(?P<id>[\\d]+)",
        "products_batch": "/wc/v3/products/batch",
        "products__id_variations": "/wc/v3/products/(?P<product_id>[\\d]+)/variations",
    }
    new = make_client(orders=1).get("")["routes"]
    for resource, path in places.items():
        lost = _names(new[path]) - _names(routes[path])
        assert lost == set(diff["resources"][resource]["args_only_in_new"]), resource


def _names(route: Document) -> set[str]:
    return {name for end in route["endpoints"] for name in (end["args"] or {})}


def test_old_documents_lack_what_only_new_ones_have(real: Path) -> None:
    diff = load(real / "schema_diff_8.9.3_to_11.0.1.json")["resources"]
    old = make_client(orders=200, version="8.9.3", is_hpos=False)
    new = make_client(orders=200)
    number = next(row["id"] for row in new.get("orders", per_page=100) if row["refunds"])
    parent = new.get("products", type="variable", per_page=1)[0]["id"]
    write_only = {"manual_update"}
    for resource, path in (
        ("orders__id", f"orders/{number}"),
        ("products__id", f"products/{parent}"),
        ("products__id_variations", f"products/{parent}/variations"),
    ):
        before, after = old.get(path), new.get(path)
        lost = paths(after) - paths(before)
        wanted = {
            name
            for name in diff[resource]["fields_only_in_new"]
            if name not in write_only and not name.startswith("brands[]")
        }
        assert {p for p in lost if not p.startswith("_links")} == wanted, resource
        assert paths(before) <= paths(after), resource


def paths(value: Any, above: str = "") -> set[str]:
    """``line_items[].sku`` for every key there is; a list at the top counts as its rows."""
    found: set[str] = set()
    if isinstance(value, list):
        for row in value:
            found |= paths(row, f"{above}[]" if above else "")
    elif isinstance(value, dict):
        for key, below in value.items():
            name = f"{above}.{key}" if above else key
            found |= {name} | paths(below, name)
    return found


# -- refusals ----------------------------------------------------------------------------------


def test_refusals_are_shaped_as_the_platform_shapes_them(shared: Path, shop: Client) -> None:
    known = load(
        shared / "contracts" / "woocommerce" / "samples" / "connect_and_webhook_shapes.json"
    )

    nowhere = shop.call("GET", "no/such/route")
    forged = shop.call("GET", "orders", headers=basic(secret="cs_wrong"))

    for answer, name in ((nowhere, "error_no_route"), (forged, "error")):
        wanted = dict(known[name])
        assert answer.status == wanted.pop("_http_status")
        assert answer.document == wanted


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "orders/999999", 404, "woocommerce_rest_shop_order_invalid_id"),
        ("PUT", "orders/999999", 400, "woocommerce_rest_shop_order_invalid_id"),
        ("DELETE", "orders/999999", 404, "woocommerce_rest_shop_order_invalid_id"),
        ("GET", "products/999999", 404, "woocommerce_rest_product_invalid_id"),
        ("PUT", "products/999999", 400, "woocommerce_rest_product_invalid_id"),
        ("GET", "orders/999999/notes", 404, "woocommerce_rest_shop_order_invalid_id"),
        ("GET", "webhooks/999999", 404, "woocommerce_rest_shop_webhook_invalid_id"),
        ("DELETE", "webhooks/999999", 501, "woocommerce_rest_trash_not_supported"),
        ("PATCH", "orders", 404, "rest_no_route"),
        ("GET", "settings/nonsense", 404, "rest_setting_setting_group_invalid"),
    ],
)
def test_what_is_not_there_is_refused_in_the_cores_words(
    shop: Client, method: str, path: str, status: int, code: str
) -> None:
    body = {} if method in ("PUT", "PATCH") else None

    answer = shop.call(method, path, body)

    assert (answer.status, answer.document["code"]) == (status, code)
    assert answer.document["data"]["status"] == status


def test_wrong_arguments_are_named_one_by_one(shop: Client) -> None:
    answer = shop.call("GET", "orders", per_page="500", modified_after="yesterday")

    assert answer.status == 400
    assert answer.document["code"] == "rest_invalid_param"
    assert answer.document["message"] == "Invalid parameter(s): per_page, modified_after"
    assert answer.document["data"]["params"] == {
        "per_page": "per_page must be between 1 (inclusive) and 100 (inclusive)",
        "modified_after": "Invalid date.",
    }


def test_what_breaks_the_site_is_answered_as_a_broken_site(
    shop: Client, caplog: pytest.LogCaptureFixture
) -> None:
    answer = shop.call("POST", "orders/batch", {"update": ["no object"]})

    assert (answer.status, answer.document["code"]) == (500, "internal_server_error")
    assert "POST /wp-json/wc/v3/orders/batch" in caplog.text


def test_a_body_that_is_no_json_is_refused(shop: Client) -> None:
    request = Request(
        "POST",
        "/wp-json/wc/v3/orders",
        headers=basic() | {"content-type": "application/json"},
        body=b'{"status": ',
        is_tls=True,
    )

    assert shop.app.answer(request).document["code"] == "rest_invalid_json"
