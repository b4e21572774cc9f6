"""Lists: filters, bounds, order and pages, with the traps a sync falls into."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integrations.sandbox.woocommerce import selling
from integrations.sandbox.woocommerce.models import Order
from integrations.sandbox.woocommerce.wire import Request
from tests.integrations.sandbox.client import NOW, Client, basic, make_client

DAY = 86_400


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["id"] for row in rows]


def total(client: Client, path: str = "orders", **query: Any) -> int:
    return int(client.call("GET", path, **query).header("X-WP-Total") or -1)


def stamp(client: Client, moment: int) -> str:
    return str(client.store.clock.gmt(moment))


def every_order(client: Client) -> list[Order]:
    return [order for n in client.store.orders.ids() if (order := client.store.orders.get(n))]


# -- moments -----------------------------------------------------------------------------------


def test_modified_after_is_exclusive_to_the_second(shop: Client) -> None:
    moment = shop.store.orders.get(next(shop.store.orders.ids())).modified  # type: ignore[union-attr]
    at = sum(order.modified == moment for order in every_order(shop))
    later = sum(order.modified > moment for order in every_order(shop))

    assert at >= 1
    assert total(shop, modified_after=stamp(shop, moment), dates_are_gmt="true") == later
    assert total(shop, modified_after=stamp(shop, moment - 1), dates_are_gmt="true") == later + at


def test_modified_before_after_and_before_are_exclusive_too(shop: Client) -> None:
    orders = every_order(shop)
    moment = sorted(order.created for order in orders)[len(orders) // 2]
    for name, matches in (
        ("after", lambda o: o.created > moment),
        ("before", lambda o: o.created < moment),
        ("modified_before", lambda o: o.modified < moment),
    ):
        wanted = sum(map(matches, orders))
        assert total(shop, **{name: stamp(shop, moment)}, dates_are_gmt="true") == wanted, name


def test_without_dates_are_gmt_the_sites_zone_counts_and_an_offset_changes_nothing() -> None:
    shop = make_client(orders=60, timezone="Asia/Tokyo")
    moment = every_order(shop)[30].modified
    later = sum(order.modified > moment for order in every_order(shop))
    local = str(shop.store.clock.site(moment))

    assert total(shop, modified_after=local) == later
    assert total(shop, modified_after=f"{local}Z") == later
    assert total(shop, modified_after=f"{local}-05:00") == later
    assert total(shop, modified_after=stamp(shop, moment)) != later


def test_orders_of_one_second_are_sorted_by_id_and_none_is_lost_between_pages() -> None:
    shop = make_client(orders=300, same_second=120)
    query = {"orderby": "modified", "order": "asc", "per_page": 50}

    pages = [shop.get("orders", page=page, **query) for page in range(1, 7)]

    found = [(row["date_modified_gmt"], row["id"]) for page in pages for row in page]
    assert found == sorted(found)
    assert len({number for _, number in found}) == 300
    assert max(sum(moment == other for other, _ in found) for moment, _ in found) >= 120


def test_descending_turns_the_ids_within_a_second_too() -> None:
    shop = make_client(orders=100, same_second=40)
    up = ids(shop.get("orders", orderby="modified", order="asc", per_page=100))
    down = ids(shop.get("orders", orderby="modified", order="desc", per_page=100))

    assert down == up[::-1]


def test_a_walk_past_the_last_second_seen_skips_the_rest_of_that_second() -> None:
    """The trap of an exclusive bound: whoever goes on from the last second of a full page loses
    orders.
    """
    shop = make_client(orders=100, same_second=40)
    query = {"orderby": "modified", "order": "asc", "per_page": 100, "dates_are_gmt": "true"}
    page = shop.get("orders", **query)
    crowded = max({row["date_modified_gmt"] for row in page}, key=lambda m: sum(
        row["date_modified_gmt"] == m for row in page))  # fmt: skip
    before = sum(row["date_modified_gmt"] < crowded for row in page)

    half = shop.get("orders", **(query | {"per_page": before + 20}))
    rest = shop.get("orders", modified_after=half[-1]["date_modified_gmt"], **query)

    assert half[-1]["date_modified_gmt"] == crowded
    assert len(half) + len(rest) < 100


def test_an_edit_between_two_pages_moves_the_order_to_the_end_and_shifts_one_past_the_reader(
) -> None:  # fmt: skip
    shop = make_client(orders=40)
    query = {"orderby": "modified", "order": "asc", "per_page": 20}
    first = ids(shop.get("orders", page=1, **query))
    all_of_them = ids(shop.get("orders", orderby="modified", order="asc", per_page=40))
    shop.clock.moment += 60

    selling.edit_order(shop.store, first[3], note="changed")
    second = ids(shop.get("orders", page=2, **query))

    assert second[-1] == first[3]
    assert set(all_of_them) - set(first) - set(second) == {all_of_them[20]}


def test_where_mysql_shuffles_a_second_pages_of_it_overlap_and_miss() -> None:
    shop = make_client(orders=200, same_second=200, shuffles_ties=True)
    query = {"orderby": "modified", "order": "asc", "per_page": 50}

    pages = [ids(shop.get("orders", page=page, **query)) for page in (1, 2, 3, 4)]

    assert pages[0] == ids(shop.get("orders", page=1, **query)), "the same question, the same page"
    assert len({number for page in pages for number in page}) < 200


def test_a_look_at_an_order_moves_its_date_where_the_version_does_that() -> None:
    shop = make_client(orders=5, touches_on_view=True)
    number = next(shop.store.orders.ids())

    assert shop.get(f"orders/{number}")["date_modified_gmt"] == stamp(shop, NOW)
    assert shop.events == [("order.updated", number)]


def test_a_store_before_5_8_ignores_modified_after_silently(shop: Client) -> None:
    ancient = make_client(orders=60, version="5.7.2", ignores_modified=True)
    tomorrow = stamp(shop, NOW + DAY)

    assert total(shop, modified_after=tomorrow, dates_are_gmt="true") == 0
    assert total(ancient, modified_after=tomorrow, dates_are_gmt="true") == 60
    assert total(ancient, "products", modified_after=tomorrow) == 60
    assert ancient.refusal("GET", "orders", orderby="modified") == (400, "rest_invalid_param")
    args = ancient.get("")["routes"]["/wc/v3/orders"]["endpoints"][0]["args"]
    assert "modified_after" not in args


# -- pages -------------------------------------------------------------------------------------


def test_pages_cover_everything_once_and_the_page_after_the_last_is_empty(shop: Client) -> None:
    pages = [ids(shop.get("orders", page=page, per_page=25)) for page in (1, 2, 3, 4)]

    assert [len(page) for page in pages] == [25, 25, 10, 0]
    assert len({number for page in pages for number in page}) == 60


def test_links_lead_to_both_neighbours_and_keep_the_question(shop: Client) -> None:
    link = shop.call("GET", "products", page=2, per_page=10, search="r").header("Link")

    assert link is not None
    assert '&per_page=10&search=r>; rel="prev"' in link
    assert "<https://shop.example/wp-json/wc/v3/products?page=3&" in link


def test_an_offset_beats_the_page(shop: Client) -> None:
    whole = ids(shop.get("orders", per_page=60))

    assert ids(shop.get("orders", offset=10, page=3, per_page=5)) == whole[10:15]


def test_variations_are_linked_under_their_parent(shop: Client) -> None:
    parent = shop.get("products", type="variable", per_page=1)[0]["id"]

    link = shop.call("GET", f"products/{parent}/variations", per_page=2).header("Link")

    assert f"/wc/v3/products/{parent}/variations?per_page=2&page=2>" in str(link)


@pytest.mark.parametrize("per_page", ["0", "101", "many"])
def test_a_page_size_out_of_bounds_is_refused(shop: Client, per_page: str) -> None:
    assert shop.refusal("GET", "orders", per_page=per_page) == (400, "rest_invalid_param")


# -- what is asked for -------------------------------------------------------------------------


def test_status_takes_one_several_and_any_but_no_unknown_word(shop: Client) -> None:
    counts = {word: total(shop, status=word) for word in ("completed", "processing")}

    both = shop.call("GET", "orders", raw_query="status[]=completed&status[]=processing")

    assert int(both.header("X-WP-Total") or 0) == sum(counts.values()) > 0
    assert total(shop, status="completed,processing") == sum(counts.values())
    assert total(shop, status="any") == 60
    assert shop.refusal("GET", "orders", status="nonsense") == (400, "rest_invalid_param")


def test_the_trash_is_seen_only_when_asked_for(shop: Client) -> None:
    number = next(shop.store.orders.ids())
    selling.trash(shop.store, number)

    assert total(shop) == total(shop, status="any") == 59
    assert ids(shop.get("orders", status="trash")) == [number]
    assert shop.get(f"orders/{number}")["status"] == "trash"

    selling.restore(shop.store, number)

    assert total(shop) == 60


def test_a_custom_status_is_a_status_of_this_store() -> None:
    shop = make_client(orders=200, custom_statuses=("shipped",))

    found = shop.get("orders", status="shipped", per_page=100)

    assert found
    assert {row["status"] for row in found} == {"shipped"}
    assert {"slug": "shipped", "name": "Shipped"} in shop.get("orders/statuses")


def test_include_exclude_customer_product_and_search_narrow(shop: Client) -> None:
    orders = every_order(shop)
    three = [order.id for order in orders[5:8]]
    buyer = next(order for order in orders if order.customer_id)
    sold = next(line.product_id for line in orders[0].lines if line.product_id)

    assert sorted(ids(shop.get("orders", include=",".join(map(str, three))))) == three
    shuffled = [three[2], three[0], three[1]]
    asked = ",".join(map(str, shuffled))
    assert ids(shop.get("orders", include=asked, orderby="include", order="asc")) == shuffled
    assert total(shop, exclude=",".join(map(str, three))) == 57
    for name, value, matches in (
        ("customer", buyer.customer_id, lambda o: o.customer_id == buyer.customer_id),
        ("product", sold, lambda o: sold in {line.product_id for line in o.lines}),
    ):
        assert total(shop, **{name: value}) == sum(map(matches, orders)) > 0, name
    assert buyer.id in ids(shop.get("orders", search=buyer.billing["email"], per_page=100))
    assert total(shop, search="nothing like this") == 0


def test_fields_trim_an_answer_to_what_was_asked_for(shop: Client) -> None:
    rows = shop.get("orders", _fields="id,line_items.sku,_links.self", per_page=1)

    assert list(rows[0]) == ["id", "line_items", "_links"]
    assert rows[0]["line_items"] == [], "WordPress cannot look into lists and empties them"
    assert list(rows[0]["_links"]) == ["self"]


def test_dp_sets_the_decimals_of_totals(shop: Client) -> None:
    row = shop.get("orders", dp=4, per_page=1)[0]

    assert len(row["total"].split(".")[1]) == 4


def test_meta_data_can_be_left_out_by_key(shop: Client) -> None:
    number = next(shop.store.orders.ids())
    rows = [{"key": "keep", "value": 1}, {"key": "drop", "value": 2}]
    shop.put(f"orders/{number}", {"meta_data": rows})

    kept = shop.get("orders", include=number, include_meta="keep")[0]["meta_data"]
    others = shop.get("orders", include=number, exclude_meta="drop")[0]["meta_data"]

    assert [row["key"] for row in kept] == ["keep"]
    assert "drop" not in {row["key"] for row in others}


def test_products_are_found_by_sku_type_stock_and_status(shop: Client) -> None:
    rows = shop.get("products", per_page=100)
    with_sku = [row for row in rows if row["sku"]]
    wanted = with_sku[3]["sku"]

    assert {row["sku"] for row in shop.get("products", sku=wanted)} == {wanted}
    pair = f"{wanted},{with_sku[4]['sku']}"
    assert {row["sku"] for row in shop.get("products", sku=pair)} == set(pair.split(","))
    for name, value in (("type", "grouped"), ("stock_status", "outofstock"), ("status", "draft")):
        found = shop.get("products", **{name: value}, per_page=100)
        assert ids(found) == ids([row for row in rows if row[name] == value]), name
        assert found, name


def test_products_are_narrowed_by_every_other_argument(shop: Client) -> None:
    rows = shop.get("products", per_page=100)
    some = rows[7]
    category = some["categories"][0]["id"]
    checks: list[tuple[dict[str, Any], Callable[[dict[str, Any]], bool]]] = [
        ({"include": some["id"]}, lambda r: r["id"] == some["id"]),
        ({"exclude": some["id"]}, lambda r: r["id"] != some["id"]),
        ({"slug": some["slug"]}, lambda r: r["slug"] == some["slug"]),
        ({"category": category}, lambda r: category in [c["id"] for c in r["categories"]]),
        ({"virtual": "true"}, lambda r: r["virtual"] is True),
        ({"on_sale": "true"}, lambda r: r["sale_price"] != ""),
        ({"tax_class": "reduced-rate"}, lambda r: r["tax_class"] == "reduced-rate"),
        ({"search": some["name"].split()[0]}, lambda r: some["name"].split()[0] in r["name"]),
        ({"search_sku": "VAR"}, lambda r: "VAR" in r["sku"]),
        ({"search_name_or_sku": "SKU-000"}, lambda r: "SKU-000" in r["sku"]),
        ({"include_types": "grouped,external"}, lambda r: r["type"] in ("grouped", "external")),
        ({"exclude_types": "simple"}, lambda r: r["type"] != "simple"),
        ({"include_status": "draft"}, lambda r: r["status"] == "draft"),
        ({"exclude_status": "draft"}, lambda r: r["status"] != "draft"),
    ]
    for query, matches in checks:
        wanted = sorted(row["id"] for row in rows if matches(row))
        assert sorted(ids(shop.get("products", per_page=100, **query))) == wanted, query
        assert wanted, query


def test_products_are_found_by_date_and_sorted_by_it(shop: Client) -> None:
    rows = shop.get("products", per_page=100, orderby="modified", order="asc")
    found = [(row["date_modified_gmt"], row["id"]) for row in rows]
    moment = rows[20]["date_modified_gmt"]

    later = shop.get("products", per_page=100, modified_after=moment, dates_are_gmt="true")
    earlier = shop.get("products", per_page=100, modified_before=moment, dates_are_gmt="true")

    assert found == sorted(found)
    assert set(ids(later)) == {number for at, number in found if at > moment}
    assert set(ids(earlier)) == {number for at, number in found if at < moment}


def test_refunds_of_all_orders_are_found_by_date_and_id() -> None:
    shop = make_client(orders=300)
    rows = shop.get("refunds", per_page=100, orderby="date", order="asc")
    moment = rows[5]["date_created_gmt"]
    query = {"per_page": 100, "dates_are_gmt": "true"}

    later = shop.get("refunds", after=moment, **query)

    assert [row["date_created_gmt"] for row in rows] == sorted(
        row["date_created_gmt"] for row in rows
    )
    assert set(ids(later)) == {row["id"] for row in rows if row["date_created_gmt"] > moment}
    assert ids(shop.get("refunds", include=rows[3]["id"])) == [rows[3]["id"]]
    assert rows[3]["id"] not in ids(shop.get("refunds", exclude=rows[3]["id"], **query))


def test_all_variations_are_listed_without_their_parents(shop: Client) -> None:
    parents = shop.get("products", type="variable", per_page=100)

    found = shop.get("variations", per_page=100)

    assert sorted(ids(found)) == sorted(n for row in parents for n in row["variations"])


# -- addresses ---------------------------------------------------------------------------------


def test_plain_permalinks_answer_by_rest_route_and_say_so_in_their_links() -> None:
    shop = make_client(orders=3, permalinks="plain")

    row = shop.get("/", rest_route="/wc/v3/orders", per_page=1)[0]
    link = shop.call("GET", "/", rest_route="/wc/v3/orders", per_page=1).header("Link")

    href = f"https://shop.example/index.php?rest_route=/wc/v3/orders/{row['id']}"
    assert row["_links"]["self"][0]["href"] == href
    assert str(link).startswith(
        "<https://shop.example/index.php?rest_route=/wc/v3/orders&per_page=1&"
    )
    missing = shop.call("GET", "orders")
    assert missing.status == 404
    assert str(missing.header("Content-Type")).startswith("text/html")


def test_a_renamed_prefix_in_a_sub_directory_is_found_by_the_front_pages_link() -> None:
    shop = make_client(orders=3, home_url="https://shop.example/laden", rest_prefix="api")

    front = shop.call("GET", "/laden/", headers={})

    assert front.header("Link") == '<https://shop.example/laden/api/>; rel="https://api.w.org/"'
    assert len(shop.get("/laden/api/wc/v3/orders")) == 3
    assert shop.call("GET", "orders").status == 404


def test_the_root_index_names_the_site_and_its_namespaces(shop: Client) -> None:
    root = shop.get("/wp-json/")

    assert root["name"] == "Musterladen"
    assert "wc/v3" in root["namespaces"]
    assert root["timezone_string"] == "Europe/Berlin"
    assert root["gmt_offset"] == 1


def test_a_head_request_has_the_headers_and_no_body(shop: Client) -> None:
    answer = shop.call("HEAD", "orders")

    assert answer.header("X-WP-Total") == "60"
    assert answer.content() == b""


def test_a_post_may_stand_in_for_another_method(shop: Client) -> None:
    number = next(shop.store.orders.ids())
    body = {"customer_note": "x"}

    by_query = shop.call("POST", f"orders/{number}", body, _method="PUT")
    by_header = shop.call(
        "POST", f"orders/{number}", headers=basic() | {"x-http-method-override": "DELETE"}
    )

    assert by_query.document["customer_note"] == "x"
    assert by_header.status == 200
    assert shop.get(f"orders/{number}")["status"] == "trash"


def test_options_describe_a_route(shop: Client) -> None:
    answer = shop.call("OPTIONS", "orders")

    assert answer.header("Allow") == "GET, POST"
    assert answer.document["methods"] == ["GET", "POST"]


def test_a_form_is_read_as_php_reads_it(shop: Client) -> None:
    request = Request(
        "POST",
        "/wp-json/wc/v3/orders",
        headers=basic() | {"content-type": "application/x-www-form-urlencoded"},
        body=b"status=on-hold&billing[city]=K%C3%B6ln&meta_data[0][key]=a&meta_data[0][value]=b",
        is_tls=True,
    )

    made = shop.app.answer(request).document

    assert (made["status"], made["billing"]["city"]) == ("on-hold", "Köln")
    assert [(row["key"], row["value"]) for row in made["meta_data"]] == [("a", "b")]
