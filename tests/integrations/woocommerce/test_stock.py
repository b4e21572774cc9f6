"""Stock figures: batches per parent, one result a line, and nothing left unsaid after a failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from integrations import policy
from integrations.errors import AuthenticationFailed, Rejected, Unavailable
from integrations.policy import What
from inventory.data import StockResult, StockUpdate
from tests.integrations.woocommerce.make import product, variation
from tests.integrations.woocommerce.site import Call, Shelf, Site, adapter_for, refused, told

BATCH, PRODUCTS = "wc/v3/products/batch", "wc/v3/products"


def of(parent: int) -> str:
    return f"wc/v3/products/{parent}/variations"


def update(
    product_id: int, quantity: int = 3, variant: int | None = None, **more: str
) -> StockUpdate:
    return StockUpdate(
        sku=f"S{product_id}",
        quantity=quantity,
        external_product_id=str(product_id),
        external_variant_id=str(variant or product_id),
        **more,
    )


def obeys(call: Call) -> bytes:
    """What was sent is what is there."""
    return told({"update": [{**row, "manage_stock": True} for row in call.body["update"]]})


def ok(figure: int) -> StockResult:
    return StockResult(ok=True, observed=figure)


def codes(results: list[StockResult]) -> list[str]:
    return [result.error_code for result in results]


def test_each_parent_is_a_batch_of_its_own_and_results_keep_their_order(site: Site) -> None:
    site.on("POST", BATCH, obeys)
    site.on("POST", f"{of(2)}/batch", obeys)
    updates = [
        update(1, 5),
        update(2, 6, variant=21),
        update(3, 0),
        update(2, 8, stock_ref="variation:2:22"),
        update(2, 9, variant=23, stock_ref="product:2"),
        StockUpdate(sku="?", quantity=1, external_product_id="", external_variant_id="x"),
        update(4, 1, stock_ref="shelf:4"),
    ]

    results = adapter_for(site).update_inventories(updates)

    assert results[:5] == [ok(5), ok(6), ok(0), ok(8), ok(9)]
    assert codes(results)[5:] == ["no_address", "no_address"]
    assert [(c.route, [r["id"] for r in c.body["update"]]) for c in site.sent("POST")] == [
        (BATCH, [1, 3, 2]),
        (f"{of(2)}/batch", [21, 22]),
    ]


def test_more_than_a_hundred_lines_go_in_several_batches(site: Site) -> None:
    site.on("POST", BATCH, obeys)

    results = adapter_for(site).update_inventories([update(n) for n in range(1, 251)])

    assert results == [ok(3)] * 250
    assert [len(call.body["update"]) for call in site.sent("POST")] == [100, 100, 50]


def test_trouble_with_one_line_is_the_result_of_that_line(site: Site) -> None:
    error = {"code": "woocommerce_rest_product_invalid_id", "message": "<b>Invalid ID.</b>"}
    rows = [
        {"id": 1, "manage_stock": True, "stock_quantity": 3},
        {"id": 2, "error": error},
        {"id": 3, "manage_stock": False, "stock_quantity": None},
        {"id": 4, "manage_stock": "parent", "stock_quantity": 3},
        {"id": 5, "manage_stock": True, "stock_quantity": 99},
        {"id": 66, "manage_stock": True, "stock_quantity": 3},
        "what",
        {"id": 8, "error": {}, "manage_stock": True, "stock_quantity": "3"},
        {"id": 9, "error": {"message": None}},
    ]
    site.on("POST", BATCH, {"update": rows})

    results = adapter_for(site).update_inventories([update(n) for n in range(1, 10)])

    assert codes(results) == [
        "",
        "woocommerce_rest_product_invalid_id",
        "stock_not_managed",
        "stock_at_parent",
        "not_taken",
        "contract_broken",
        "contract_broken",
        "",
        "rejected",
    ]
    assert results[4].observed == 99
    assert [r.ok for r in results] == [True, *[False] * 6, True, False]


def test_a_batch_refused_as_a_whole_is_cut_until_the_bad_line_stands_alone(site: Site) -> None:
    def picky(call: Call) -> bytes:
        ids = [row["id"] for row in call.body["update"]]
        return refused(400, "rest_invalid_param", "Bad.") if 7 in ids else obeys(call)

    site.on("POST", BATCH, picky)

    results = adapter_for(site).update_inventories([update(n) for n in range(1, 11)])

    assert [r.ok for r in results] == [n != 7 for n in range(1, 11)]
    assert results[6].error_code == "rest_invalid_param"
    assert len(site.sent("POST")) < 10


def test_a_store_with_a_smaller_limit_gets_smaller_batches(site: Site) -> None:
    def small(call: Call) -> bytes:
        too_many = len(call.body["update"]) > 20
        code = "woocommerce_rest_request_entity_too_large"
        return refused(413, code) if too_many else obeys(call)

    site.on("POST", BATCH, small)

    assert adapter_for(site).update_inventories([update(n) for n in range(1, 51)]) == [ok(3)] * 50


def test_an_answer_of_the_wrong_length_is_not_guessed_at(site: Site) -> None:
    def forgetful(call: Call) -> bytes:
        rows = [{**row, "manage_stock": True} for row in call.body["update"]]
        return told({"update": rows[1:] if len(rows) > 1 else rows})

    site.on("POST", BATCH, forgetful)

    assert adapter_for(site).update_inventories([update(1, 4), update(2, 5)]) == [ok(4), ok(5)]


@pytest.mark.parametrize("body", [{}, {"update": []}, {"update": None}])
def test_an_answer_that_says_nothing_is_a_broken_contract(site: Site, body: Any) -> None:
    site.on("POST", BATCH, body)

    (result,) = adapter_for(site).update_inventories([update(1)])

    assert (result.ok, result.error_code) == (False, "contract_broken")


def test_variations_of_a_product_that_is_gone_cost_one_call(site: Site) -> None:
    site.on("POST", f"{of(2)}/batch", refused(404, "woocommerce_rest_product_invalid_id"))

    results = adapter_for(site).update_inventories([update(2, variant=n) for n in (21, 22, 23)])

    assert codes(results) == ["woocommerce_rest_product_invalid_id"] * 3
    assert len(site.calls) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (
            refused(401, "woocommerce_rest_authentication_error", "Consumer key is invalid."),
            AuthenticationFailed,
        ),
        (refused(503, "busy"), Unavailable),
    ],
)
def test_nothing_is_a_result_while_nothing_was_written(
    site: Site, answer: bytes, error: type[Exception]
) -> None:
    site.on("POST", BATCH, answer)

    with pytest.raises(error):
        adapter_for(site).update_inventories([update(1)])


def test_after_the_first_write_trouble_is_told_line_by_line(site: Site) -> None:
    site.on("POST", f"{of(2)}/batch", obeys)
    site.on("POST", f"{of(3)}/batch", refused(503, "busy", "Later."))
    updates = [update(2, variant=21), update(3, variant=31), update(4, variant=41)]

    results = adapter_for(site).update_inventories(updates)

    # Not the store's own word: by the class it is known that waiting helps.
    assert codes(results) == ["", "unavailable", "unavailable"]
    assert policy.decide_line(results[1].error_code, results[1].error).what is What.WAIT
    # The third was never asked for: a store that is down is not asked again and again.
    assert not site.asked(f"{of(4)}/batch", "POST")


def test_a_half_that_was_written_counts_as_written(site: Site) -> None:
    answers: list[Callable[[Call], bytes] | bytes] = [
        refused(400, "rest_invalid_param"),
        obeys,
        refused(503, "busy"),
    ]
    site.on("POST", BATCH, *answers)

    results = adapter_for(site).update_inventories([update(1), update(2)])

    assert codes(results) == ["", "unavailable"]


def test_one_figure_by_sku_alone(site: Site) -> None:
    site.on("GET", PRODUCTS, Shelf([product(1, sku="A")]))
    site.on("POST", BATCH, obeys, {"update": [{"id": 1, "manage_stock": False}]})
    adapter = adapter_for(site)

    assert adapter.update_inventory("A", 4) is True
    with pytest.raises(Rejected, match="Stock management"):
        adapter.update_inventory("A", 4)


def test_figures_are_read_by_the_hundred_wherever_they_are_kept(site: Site) -> None:
    site.on("GET", PRODUCTS, Shelf([product(n, stock_quantity=n) for n in range(1, 121)]))
    site.on("GET", of(2), Shelf([variation(21, 2, stock_quantity=4), variation(22, 2)]))
    site.on("GET", of(3), refused(404, "woocommerce_rest_product_invalid_id"))
    updates = [update(n) for n in range(1, 121)]
    updates += [update(2, variant=22), update(2, variant=21), update(2, variant=29)]
    updates += [update(3, variant=31), update(999), update(1)]

    results = adapter_for(site).read_stock(updates)

    assert results[:120] == [ok(n) for n in range(1, 121)]
    assert [r.observed for r in results[120:]] == [7, 4, None, None, None, 1]
    assert codes(results)[122:125] == [
        "not_found",
        "woocommerce_rest_product_invalid_id",
        "not_found",
    ]
    assert [c.route for c in site.calls] == [PRODUCTS, PRODUCTS, of(2), of(3)]


def test_a_row_that_cannot_be_read_costs_only_its_own_figure(site: Site) -> None:
    rows = ["what", {"id": 1, "manage_stock": True, "stock_quantity": "2.9"}, {"id": 2, "error": 3}]
    site.on("GET", PRODUCTS, told(rows))

    results = adapter_for(site).read_stock([update(1), update(2)])

    assert results[0] == ok(2)
    assert results[1].error_code == "contract_broken"
