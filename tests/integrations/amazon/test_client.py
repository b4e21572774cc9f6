"""How Amazon is spoken to: tokens, roles, limits, and words for who must act."""

from __future__ import annotations

import pytest

from integrations.amazon import account, refusals
from integrations.amazon.service import AmazonIntegration
from integrations.base import Filters
from integrations.errors import (
    AuthenticationFailed,
    Misconfigured,
    PermissionMissing,
    RateLimited,
    Rejected,
    Unsupported,
)
from integrations.events import EventKind, RawDelivery
from integrations.kit.http import Answer
from integrations.kit.ratelimit import LimitNews
from integrations.sandbox.amazon.play import acts
from orders.status import OrderStatus
from tests.integrations.amazon.conftest import MakeAdapter, MakeWorld
from tests.integrations.amazon.world import KEYS, AmazonWorld
from tests.integrations.conformance.suite import EVERYTHING
from tests.integrations.conformance.world import adapter_of
from tests.integrations.sandbox.amazon.client import DE, FR, UK


def test_a_token_that_is_over_is_renewed_and_the_call_made_once_more(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    assert adapter.authenticate()
    world.trouble("token_expired", count=1)

    assert adapter.authenticate()

    assert sum(row.path == "/auth/o2/token" for row in world.shop.requests) == 2


def test_access_taken_back_for_good_is_the_sellers_to_give_again(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    acts.on_app(world.shop.store, "revoke")

    with pytest.raises(AuthenticationFailed) as caught:
        adapter.authenticate()

    assert KEYS["refresh_token"] not in str(caught.value)


def test_a_missing_role_is_no_missing_login(world: AmazonWorld, adapter: AmazonIntegration) -> None:
    world.trouble("role_missing", route="searchOrders")

    with pytest.raises(PermissionMissing, match="role") as caught:
        list(adapter.read_orders(EVERYTHING))

    assert caught.value.code == refusals.ROLE_MISSING
    assert sum(row.path == "/auth/o2/token" for row in world.shop.requests) == 1


def test_a_refusal_names_amazons_number_of_the_request(adapter: AmazonIntegration) -> None:
    with pytest.raises(Rejected, match=r"Amazon's number of this request: [0-9a-f-]{36}\."):
        adapter.client.search_orders({"lastUpdatedAfter": "never"})


@pytest.mark.parametrize(("operation", "wait"), [("searchOrders", 1 / 0.0056), ("getOrder", 2.0)])
@pytest.mark.parametrize("is_told", [False, True])
def test_a_throttled_call_waits_as_long_as_its_operation_needs(
    world: AmazonWorld, make_adapter: MakeAdapter, operation: str, wait: float, is_told: bool
) -> None:
    """Whether or not Amazon says with the 429 how long that is."""
    adapter = make_adapter(world, retries=0)
    (order_id,) = world.place("plain")
    world.trouble("throttled", route=operation)
    if is_told:
        world.trouble("limit_told")

    asked = Filters(ids=(order_id,)) if operation == "getOrder" else EVERYTHING
    with pytest.raises(RateLimited) as caught:
        list(adapter.read_orders(asked))

    assert caught.value.retry_after_s == pytest.approx(wait)


def test_the_rate_that_is_told_corrects_the_bucket_of_its_operation(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    learned: dict[str, float] = {}
    limiter = adapter.client.http.limiter
    before = limiter.learn

    def noted(key: str, **news: float) -> None:
        learned[key.partition(":")[2]] = news["rate"]
        before(key, **news)  # type: ignore[arg-type]

    limiter.learn = noted  # type: ignore[method-assign, assignment]
    list(adapter.read_orders(EVERYTHING))

    assert learned == {"searchOrders": 0.0056}


def test_amazon_is_told_who_calls(world: AmazonWorld, adapter: AmazonIntegration) -> None:
    adapter.authenticate()

    headers = world.shop.asked[-1].headers
    assert headers["user-agent"].startswith("Logix")
    assert "Language=Python" in headers["user-agent"]
    assert "authorization" not in headers


def test_without_a_merchant_token_listings_say_what_is_missing(world: AmazonWorld) -> None:
    with adapter_of(world, {**KEYS, "seller_id": ""}) as adapter:
        assert adapter.authenticate()
        with pytest.raises(Misconfigured, match="Account Info"):
            list(adapter.read_products(EVERYTHING))


def test_amazon_calls_nobody_and_says_so(adapter: AmazonIntegration) -> None:
    (event,) = adapter.handle_webhook(RawDelivery(topic="x", body=b"{}"))

    assert event.kind is EventKind.IGNORED
    with pytest.raises(Unsupported, match="polling"):
        adapter.setup_webhooks(adapter.card.topics)
    with pytest.raises(Unsupported):
        adapter.update_order_status("302-1234567-1234567", OrderStatus.COMPLETED)


def test_who_an_account_is_and_where_it_sells(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    europe, japan = make_world(orders=0), make_world(orders=0, region="fe")

    told, far = make_adapter(europe).identify(), make_adapter(japan).identify()

    assert (told.name, told.currency, told.timezone) == ("Musterhandel", "GBP", "Europe/London")
    assert (far.currency, far.timezone) == ("JPY", "Asia/Tokyo")
    assert [(x.external_id, x.name, x.country, x.currency, x.timezone) for x in told.channels] == [
        (UK, "Amazon.co.uk", "GB", "GBP", "Europe/London"),
        (DE, "Amazon.de", "DE", "EUR", "Europe/Berlin"),
        (FR, "Amazon.fr", "FR", "EUR", "Europe/Paris"),
    ]
    assert [x.name for x in told.channels] == ["Amazon.co.uk", "Amazon.de", "Amazon.fr"]
    assert told.granted == (
        "Inventory and Order Tracking",
        "Product Listing",
        "Amazon Fulfillment",
        "Finance and Accounting",
    )
    assert (told.missing, told.warnings) == ((), ())


def test_what_is_no_marketplace_is_left_out_and_one_that_opens_tomorrow_is_not(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    america = make_adapter(make_world(orders=0, region="na"))

    told = america.identify()

    assert (told.currency, told.timezone) == ("USD", "America/Los_Angeles")
    assert [x.name for x in told.channels or ()] == ["Amazon.com", "Amazon.ca"]
    body = america.client.participations().body
    new = {b"ATVPDKIKX0DER": b"A1NEW", b"www.amazon.com": b"www.amazon.cl"}
    for before, after in new.items():
        body = body.replace(b'"%s"' % before, b'"%s"' % after)
    assert [row.marketplace.id for row in account.participating(body)] == [
        "A1NEW",
        "A2EUQ1WTGCTBG2",
    ]


def test_roles_are_found_out_without_a_search_for_orders(
    make_world: MakeWorld, make_adapter: MakeAdapter
) -> None:
    world = make_world(orders=0, roles=("Product Listing",))

    told = make_adapter(world).identify()

    assert told.missing == (
        "Inventory and Order Tracking",
        "Amazon Fulfillment",
        "Finance and Accounting",
    )
    assert world.calls("searchOrders") == 0


@pytest.mark.parametrize(
    ("named", "words"), [(["JP"], "Amazon.co.uk, Amazon.de, Amazon.fr"), (["FR", "GB"], "")]
)
def test_chosen_marketplaces_are_where_the_account_sells(
    world: AmazonWorld, make_adapter: MakeAdapter, named: list[str], words: str
) -> None:
    adapter = make_adapter(world, {"marketplaces": named})

    if words:
        with pytest.raises(Misconfigured, match=words):
            adapter.identify()
    else:
        assert adapter.identify().timezone == "Europe/Paris"


@pytest.mark.parametrize(
    "told", ["", "0", "-1", "nan", "inf", "-inf", "1e308", "1e-300", "0.0000001", "two", "1,5"]
)
def test_a_rate_that_nobody_means_is_not_believed(told: str) -> None:
    def of(rate: str) -> Answer:
        return Answer(200, {"x-amzn-RateLimit-Limit": rate}, b"", "", None, 0.0, "")

    assert refusals.learn(of(told)) is None
    assert refusals.learn(of("0.0056")) == LimitNews(rate=0.0056)
