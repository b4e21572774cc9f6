"""The units Amazon keeps: getInventorySummaries."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.sandbox.amazon.clock import iso
from integrations.sandbox.amazon.orders import placing
from integrations.sandbox.amazon.play import acts
from tests.integrations.sandbox.amazon.client import DE, FR, NOW, Client
from tests.integrations.sandbox.amazon.conftest import Make

PATH = "/fba/inventory/v1/summaries"
DAY = 24 * 3600


def summaries(client: Client, place: str = DE, **query: Any) -> Any:
    asked = {"granularityType": "Marketplace", "granularityId": place, "marketplaceIds": place}
    return client.get(PATH, **asked, **query)


def test_a_summary_tells_totals_and_with_details_the_parts(account: Client) -> None:
    plain = summaries(account)["payload"]
    detailed = summaries(account, details=True)["payload"]

    assert plain["granularity"] == {"granularityType": "Marketplace", "granularityId": DE}
    assert "inventoryDetails" not in plain["inventorySummaries"][0]
    for told in detailed["inventorySummaries"]:
        row = account.store.state.listings[told["sellerSku"]]
        assert row.stock is not None
        parts = told["inventoryDetails"]
        whole = (
            parts["fulfillableQuantity"]
            + parts["inboundWorkingQuantity"]
            + parts["inboundShippedQuantity"]
            + parts["inboundReceivingQuantity"]
            + parts["reservedQuantity"]["totalReservedQuantity"]
            + parts["researchingQuantity"]["totalResearchingQuantity"]
            + parts["unfulfillableQuantity"]["totalUnfulfillableQuantity"]
        )
        assert told["totalQuantity"] == whole
        assert (told["asin"], told["fnSku"]) == (row.asin, row.fnsku)


def test_only_what_amazon_keeps_and_offers_there_is_told(account: Client) -> None:
    for place in (DE, FR):
        skus = [
            row["sellerSku"] for row in summaries(account, place)["payload"]["inventorySummaries"]
        ]
        assert skus == sorted(
            row.sku
            for row in account.store.state.listings.values()
            if row.stock and place in row.offers
        )


def test_an_order_moves_units_to_the_reserved(account: Client) -> None:
    row = next(one for one in account.store.state.listings.values() if one.stock and one.for_sale)
    account.later(10)
    placing.place_with(account.store, account.chance, [(row.sku, 1)])

    told = summaries(account, details=True, startDateTime=iso(NOW + 5))["payload"]

    assert [one["sellerSku"] for one in told["inventorySummaries"]] == [row.sku]
    details = told["inventorySummaries"][0]["inventoryDetails"]
    assert details["reservedQuantity"]["pendingCustomerOrderQuantity"] == 1


def test_pages_of_fifty_and_a_token_that_dies_in_thirty_seconds(make_store: Make) -> None:
    client = make_store(products=260, orders=0)
    first = summaries(client)
    token = first["pagination"]["nextToken"]
    assert len(first["payload"]["inventorySummaries"]) == 50

    client.later(29)
    second = summaries(client, nextToken=token)
    assert second["pagination"] == {}
    skus = [
        row["sellerSku"]
        for page in (first, second)
        for row in page["payload"]["inventorySummaries"]
    ]
    assert skus == sorted(set(skus))

    client.later(1)
    asked = {"granularityType": "Marketplace", "granularityId": DE, "marketplaceIds": DE}
    assert client.refused("GET", PATH, **asked, nextToken=token) == (400, "InvalidInput")


def test_the_start_outranks_a_list_of_skus_and_that_a_single_one(account: Client) -> None:
    rows = [row for row in account.store.state.listings.values() if row.stock and DE in row.offers]
    acts.set_stock(account.store, rows[0].sku, 5)

    def skus(**query: Any) -> list[str]:
        account.store.quotas.fill()
        told = summaries(account, **query)["payload"]["inventorySummaries"]
        return [one["sellerSku"] for one in told]

    assert skus(startDateTime=iso(NOW), sellerSkus=rows[1].sku) == [rows[0].sku]
    assert skus(sellerSkus=[rows[1].sku, rows[2].sku], sellerSku=rows[0].sku) == sorted(
        [rows[1].sku, rows[2].sku]
    )
    assert skus(sellerSku=rows[0].sku) == [rows[0].sku]


@pytest.mark.parametrize(
    "change",
    [
        {"granularityType": None},
        {"granularityType": "Warehouse"},
        {"granularityId": FR},
        {"marketplaceIds": f"{DE},{FR}"},
        {"startDateTime": iso(NOW - 549 * DAY)},
        {"sellerSkus": ",".join(str(number) for number in range(51))},
        {"nextToken": "nope"},
        {"details": "yes"},
    ],
)
def test_a_wrong_question_is_refused(account: Client, change: dict[str, Any]) -> None:
    asked = {"granularityType": "Marketplace", "granularityId": DE, "marketplaceIds": DE}

    assert account.refused("GET", PATH, **(asked | change)) == (400, "InvalidInput")
