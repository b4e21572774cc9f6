"""The card and what people type: regions, keys, and where tokens come from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from integrations import limits, registry
from integrations.amazon.marketplaces import HOSTS, MARKETPLACES
from integrations.amazon.platform import CARD
from integrations.amazon.service import AmazonIntegration
from integrations.connect import addresses
from integrations.errors import Misconfigured
from integrations.kit import channels
from integrations.kit.channels import Channel
from integrations.platform import AuthKind
from tests.integrations.amazon.world import KEYS
from tests.integrations.sandbox.amazon.official import operations


@pytest.mark.parametrize(
    ("typed", "region"),
    [
        ("EU", "eu"),
        ("Europe", "eu"),
        ("uk", "eu"),
        ("DE", "eu"),
        ("amazon.de", "eu"),
        ("https://www.amazon.co.uk/gp/help", "eu"),
        ("https://sellercentral.amazon.de/home?x=1", "eu"),
        ("sellercentral-europe.amazon.com", "eu"),
        ("A1PA6795UKMFR9", "eu"),
        (" na ", "na"),
        ("amazon.com", "na"),
        ("sellercentral.amazon.com.mx", "na"),
        ("Far East", "fe"),
        ("https://sellercentral-japan.amazon.com/", "fe"),
        ("amazon.com.au", "fe"),
        ("https://sellingpartnerapi-fe.amazon.com", "fe"),
    ],
)
def test_whatever_names_a_region_leads_to_its_host(typed: str, region: str) -> None:
    assert addresses.store_address(CARD, typed) == f"https://{HOSTS[region]}"


@pytest.mark.parametrize("typed", ["amazon.example", "sellingpartnerapi-xx.amazon.com", "shop.de"])
def test_what_names_none_is_refused_in_words(typed: str) -> None:
    assert AmazonIntegration.address(typed) == typed
    with pytest.raises(Misconfigured, match=r"is not an address of Amazon\. Where you sell"):
        addresses.store_address(CARD, typed)


def test_marketplaces_are_chosen_by_country_or_id_and_all_where_none_is_named() -> None:
    germany, france, britain = all_ = tuple(
        Channel(external_id=x, name=MARKETPLACES[x].name, country=MARKETPLACES[x].country)
        for x in ("A1PA6795UKMFR9", "A13V1IB3VIYZZH", "A1F83G8C2ARO7P")
    )

    assert channels.chosen((), all_) == all_
    assert channels.chosen(("UK", "de", "GB"), all_) == (britain, germany)
    assert channels.chosen(("A13V1IB3VIYZZH",), all_) == (france,)
    assert channels.chosen(("JP",), all_) == ()
    option = CARD.options[0]
    assert all(re.fullmatch(option.pattern, word) for word in ("DE", *MARKETPLACES))


def test_what_a_seller_pastes_looks_like_what_is_asked_for() -> None:
    sign_in, consent = CARD.sign_ins

    assert (sign_in.kind, consent.kind) == (AuthKind.REFRESH_TOKEN, AuthKind.OAUTH2)
    assert sign_in.required == set(KEYS)
    assert sign_in.names == sign_in.required
    assert not any(field.required for field in CARD.queue_fields)
    for field in sign_in.fields:
        assert field.help
        if field.required:
            assert re.fullmatch(field.pattern, KEYS[field.name]), field.name
    assert not re.fullmatch(sign_in.fields[2].pattern, "Atza|an-access-token")


def test_the_limits_are_those_of_the_official_models(shared: Path) -> None:
    plans = {one.id: one.plan() for one in operations(shared)}

    for limit in CARD.limits[1:]:
        assert plans[limit.bucket] == (limit.rate, limit.burst), limit.bucket


def test_staff_may_slow_calls_down_that_have_a_limit_of_their_own_never_speed_them_up() -> None:
    fast, slow = limits.limiter(CARD, 50.0), limits.limiter(CARD, 0.1)

    assert fast is not slow
    told = {limit.bucket: limits._allowed(limit, 50.0).rate for limit in CARD.limits}
    assert (told["default"], told["searchOrders"]) == (50.0, 0.0056)
    assert limits._allowed(CARD.limits[3], 0.1).rate == 0.1


def test_tokens_come_from_amazon_for_every_region_and_from_a_simulator_for_itself() -> None:
    real = {CARD.tokens_at(f"https://{host}") for host in HOSTS.values()}

    assert real == {"https://api.amazon.com"}
    assert CARD.tokens_at("http://127.0.0.1:8092") == "http://127.0.0.1:8092"
    shop = registry.card("shopify")
    assert shop.tokens_at("https://a.myshopify.com") == "https://a.myshopify.com"
