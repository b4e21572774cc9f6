"""``manage.py sandbox --platform shopify`` as a person starts it: another process, ended by a
signal.
"""

from __future__ import annotations

import http.client
import json
import signal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.integrations.sandbox.test_command import _WAIT_S, started, state_of


def asked(told: dict[str, str], query: str) -> tuple[int, Any]:
    line = http.client.HTTPConnection(told["Address"].removeprefix("http://"), timeout=10)
    try:
        line.request(
            "POST",
            "/admin/api/2026-07/graphql.json",
            json.dumps({"query": query}),
            {"Content-Type": "application/json", "X-Shopify-Access-Token": told["Access token"]},
        )
        answer = line.getresponse()
        return answer.status, json.load(answer)
    finally:
        line.close()


def test_it_serves_until_it_is_told_to_stop_and_goes_on_where_it_was(tmp_path: Path) -> None:
    wishes = (
        "--platform=shopify", "--orders=7", "--products=6", "--seed=3", "--plan=plus",
        "--currency=jpy", "--timezone=Asia/Tokyo", f"--state={tmp_path / 'store.json'}",
    )  # fmt: skip
    with started(*wishes) as (process, told):
        status, answer = asked(told, "{ shop { currencyCode ianaTimezone plan { shopifyPlus } } }")
        shown = state_of(told)

        process.send_signal(signal.SIGTERM)
        assert process.wait(_WAIT_S) == 0
        assert process.stdout is not None
        assert process.stdout.read().splitlines()[-1] == "The store is closed."

    assert (status, answer["data"]["shop"]) == (
        200,
        {"currencyCode": "JPY", "ianaTimezone": "Asia/Tokyo", "plan": {"shopifyPlus": True}},
    )
    assert told["Shop domain"] == "musterladen.myshopify.com"
    assert told["Access token"].startswith("shpat_")
    assert shown["counts"] == {"orders": 7, "products": 6}
    assert shown["store"]["client_id"] == told["Client ID"]
    assert shown["store"]["client_secret"] == told["Client secret"]
    with started(*wishes) as (_, again):
        assert again == told | {"Address": again["Address"], "Control page": again["Control page"]}
        assert asked(again, "{ shop { id } }")[0] == 200


def test_an_app_may_have_to_be_connected_first() -> None:
    with started(
        "--platform=shopify", "--orders=1", "--products=4", "--token=", "--key=mine", "--secret=own"
    ) as (_, told):
        assert told["Access token"] == "none yet"
        assert (told["Client ID"], told["Client secret"]) == ("mine", "own")
        assert asked(told, "{ shop { id } }")[0] == 401


def test_a_wish_no_store_can_have_is_refused_in_words() -> None:
    with pytest.raises(CommandError, match="--orders cannot be negative"):
        call_command("sandbox", platform="shopify", port=0, orders=-1, stdout=StringIO())
