"""What the documents list is what the code has: statuses, retries, commands, formula."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

import pytest
from django.core.management import get_commands, load_command_class

from integrations import policy
from integrations.amazon.mapper import STATUS_IN as AMAZON_STATUS_IN
from integrations.amazon.platform import CARD as AMAZON
from integrations.outbox import gate
from integrations.sandbox.amazon.orders import acts as amazon_acts
from integrations.sandbox.amazon.orders import placing as amazon_placing
from integrations.sandbox.amazon.play import acts as amazon_play
from integrations.sandbox.amazon.play import faults as amazon_faults
from integrations.sandbox.shopify.orders import acts as shopify_acts
from integrations.sandbox.shopify.orders import placing as shopify_placing
from integrations.sandbox.shopify.play import acts as shopify_play
from integrations.sandbox.shopify.play import faults as shopify_faults
from integrations.sandbox.woocommerce import acts, faults, placing
from integrations.shopify.mapper import FULFILLMENT_IN, PAYMENT_IN
from integrations.shopify.platform import CARD as SHOPIFY
from integrations.shopify.webhooks import TOPICS as SHOPIFY_TOPICS
from integrations.woocommerce.mapper import STATUS_IN
from inventory.models import ListingMode
from orders.status import Flag, FulfillmentStatus, ImportState, OrderStatus, PaymentStatus
from tests.conftest import ROOT

OURS = ("integrations", "webhooks", "logix.accounts", "orders", "inventory")
_UNITS = {"s": 1, "min": 60, "h": 3600}


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "words", [OrderStatus, PaymentStatus, FulfillmentStatus, ImportState, Flag]
)
def test_every_status_and_flag_is_explained(words: type[StrEnum]) -> None:
    text = page("docs/ORDER_STATES.md")

    assert [word.value for word in words if not re.search(rf"\b{word}\b", text)] == []


def test_the_retries_are_those_of_the_policy() -> None:
    listed = re.search(r"comes after (.+?) with\s+full jitter", page("docs/RELIABILITY.md"), re.S)

    assert listed is not None
    found = re.findall(r"(\d+) (s|min|h)\b", listed[1])
    assert tuple(int(n) * _UNITS[unit] for n, unit in found) == policy.SCHEDULE_S


def test_the_waits_of_the_push_gate_are_told() -> None:
    told = f"{gate.LONGEST_WAIT.total_seconds():g} seconds"
    first = {10: "ten minutes"}[int(gate.LONGEST_FIRST_WAIT.total_seconds() / 60)]

    for name in ("docs/RELIABILITY.md", "docs/STOCK.md"):
        assert told in page(name)
        assert first in page(name)


def test_every_mode_of_a_listing_stands_in_the_formula() -> None:
    text = page("docs/STOCK.md")

    for mode in set(ListingMode.values) - {ListingMode.NORMAL}:
        assert re.search(rf"\b{mode}", text), mode


def test_the_guide_says_what_each_status_of_woocommerce_becomes() -> None:
    text = page("docs/integrations/WOOCOMMERCE_INTEGRATION_GUIDE.md")
    table = text.partition("| WooCommerce | order |")[2].partition("\n\n")[0]

    assert set(re.findall(r"`([a-z-]+)`", table)) == set(STATUS_IN)


def test_the_guide_says_what_each_status_of_shopify_becomes() -> None:
    text = page("docs/integrations/SHOPIFY_INTEGRATION_GUIDE.md")
    goods = text.partition("| Shopify, fulfilment |")[2].partition("\n\n")[0]
    payment = text.partition("| Shopify, payment |")[2].partition("\n\n")[0]

    assert set(re.findall(r"`([A-Z_]+)`", goods)) == set(FULFILLMENT_IN)
    assert set(re.findall(r"`([A-Z_]+)`", payment)) == set(PAYMENT_IN)


def test_the_guide_names_each_scope_and_topic_of_shopify() -> None:
    text = page("docs/integrations/SHOPIFY_INTEGRATION_GUIDE.md")
    scopes = text.partition("| scope | without it |")[2].partition("\n\n")[0]
    topics = text.partition("| topic | Logix |")[2].partition("\n\n")[0]

    named = set(re.findall(r"`((?:read|write)_\w+)`", scopes))
    refused = {scope for scope in named if f"`{scope}` | the store cannot be connected" in scopes}
    assert named == {*SHOPIFY.wanted_scopes, "read_all_orders"}
    assert refused == set(SHOPIFY.required_scopes)
    listed = set(re.findall(r"`([a-z_]+/[a-z_]+)`", topics))
    assert listed >= {*SHOPIFY.topics, *SHOPIFY_TOPICS}
    assert SHOPIFY.api_version in text
    assert SHOPIFY.api_sunset is not None
    assert f"{SHOPIFY.api_sunset.day} {SHOPIFY.api_sunset:%B %Y}" in text


def test_the_guide_says_what_each_status_and_role_of_amazon_becomes() -> None:
    text = page("docs/integrations/AMAZON_INTEGRATION_GUIDE.md")
    statuses = text.partition("| Amazon | order | payment | goods |")[2].partition("\n\n")[0]
    roles = text.partition("| role | without it |")[2].partition("\n\n")[0]

    listed = re.findall(r"^\| `([A-Z_]+)` \|", statuses, re.MULTILINE)
    assert listed == list(AMAZON_STATUS_IN) == list(AMAZON.status_words)
    named = re.findall(r"^\| `([^`]+)` \|", roles, re.MULTILINE)
    assert tuple(named) == AMAZON.wanted_scopes
    for role in AMAZON.required_scopes:
        assert f"`{role}` | the account cannot be connected" in roles


@pytest.mark.parametrize(
    ("platform", "troubles", "kinds", "verbs"),
    [
        ("WooCommerce", faults.KINDS, placing.ORDER_KINDS, acts.VERBS),
        ("Shopify", shopify_faults.KINDS, shopify_placing.ORDER_KINDS, shopify_acts.VERBS),
        ("Amazon", amazon_faults.KINDS, amazon_placing.ORDER_KINDS, amazon_acts.VERBS),
    ],
)
def test_the_test_stores_have_the_troubles_orders_and_verbs_that_are_listed(
    platform: str, troubles: Iterable[str], kinds: Iterable[str], verbs: Iterable[str]
) -> None:
    text = page("docs/integrations/TEST_STORES.md")
    text = text.partition(f"\n## {platform}\n")[2].partition("\n## ")[0]
    told = text.partition("| trouble | what the hub sees |")[2].partition("\n\n")[0]
    listed_kinds = text.partition("Kinds of orders:")[2].partition("\n\n")[0]
    listed_verbs = text.partition("Verbs:")[2].partition("\n\n")[0]

    first_cells = " ".join(row.split("|")[1] for row in told.splitlines() if "|" in row)
    assert set(re.findall(r"`(\w+)`", first_cells)) == set(troubles)
    assert set(re.findall(r"`(\w+)`", listed_kinds)) == set(kinds)
    assert re.findall(r"`(\w+)`", listed_verbs) == list(verbs)


def test_the_test_stores_say_what_can_be_done_with_products_locations_and_the_app() -> None:
    shopify, _, amazon = page("docs/integrations/TEST_STORES.md").partition("\n## Amazon\n")

    for text, thing, verbs in (
        (shopify, "products/{id}", shopify_play.PRODUCT_VERBS),
        (shopify, "locations/{id}", shopify_play.LOCATION_VERBS),
        (shopify, "app", shopify_play.APP_VERBS),
        (amazon, "listings/{sku}", amazon_play.LISTING_VERBS),
        (amazon, "app", amazon_play.APP_VERBS),
    ):
        told = text.partition(f"`POST /_sandbox/api/{thing}/{{verb}}` |")[2].partition("|")[0]
        assert re.findall(r"`(\w+)`", told) == list(verbs), thing


def test_the_test_stores_take_the_options_that_are_listed() -> None:
    text = page("docs/integrations/TEST_STORES.md")
    parser = load_command_class("integrations", "sandbox").create_parser("manage.py", "sandbox")

    listed = set(re.findall(r"`?(--[a-z][a-z-]+)", text))
    known = {name for action in parser._actions for name in action.option_strings}
    assert listed <= known
    assert len(listed) > 10


def test_every_command_is_in_the_readme_or_the_changes() -> None:
    ours = {name for name, app in get_commands().items() if str(app).startswith(OURS)}
    text = page("README.md") + page("CHANGELOG.md")

    assert [
        name for name in sorted(ours) if f"`{name}`" not in text and f"manage.py {name}" not in text
    ] == []


def test_every_command_the_documents_name_exists() -> None:
    known = set(get_commands())
    documents = [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "deploy").glob("*.md"),
    ]

    for document in documents:
        for name in re.findall(r"manage\.py ([a-z_]+)", document.read_text(encoding="utf-8")):
            assert name in known, f"{document.name}: {name}"


def test_every_target_of_make_that_the_documents_name_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", page("Makefile"), re.MULTILINE))
    targets |= set(re.findall(r"^([a-z]+), ?([a-z-]+):", page("Makefile"), re.MULTILINE))

    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for name in re.findall(
            r"(?:^|`)make ([a-z-]+)", document.read_text(encoding="utf-8"), re.M
        ):
            assert name in targets, f"{document.name}: make {name}"
