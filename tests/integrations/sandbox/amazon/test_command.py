"""``manage.py sandbox --platform amazon`` as a person starts it: another process, ended by a
signal.
"""

from __future__ import annotations

import http.client
import json
import signal
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.management import CommandError, call_command

from tests.integrations.sandbox.test_command import _WAIT_S, started, state_of


def logged_in(told: dict[str, str]) -> tuple[int, Any]:
    """What the token door says to the keys that were printed."""
    form = {
        "grant_type": "refresh_token",
        "refresh_token": told["Refresh token"],
        "client_id": told["Client ID"],
        "client_secret": told["Client secret"],
    }
    line = http.client.HTTPConnection(told["Address"].removeprefix("http://"), timeout=10)
    try:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        line.request("POST", "/auth/o2/token", urlencode(form), headers)
        answer = line.getresponse()
        return answer.status, json.load(answer)
    finally:
        line.close()


def test_it_serves_until_it_is_told_to_stop_and_goes_on_where_it_was(tmp_path: Path) -> None:
    wishes = (
        "--platform=amazon", "--orders=7", "--products=6", "--seed=3", "--region=fe",
        "--time-scale=5", f"--state={tmp_path / 'account.json'}", "--skus", "SKU-1", "SKU-2",
    )  # fmt: skip
    with started(*wishes) as (process, told):
        assert logged_in(told)[0] == 200
        shown = state_of(told)

        process.send_signal(signal.SIGTERM)
        assert process.wait(_WAIT_S) == 0
        assert process.stdout is not None
        assert process.stdout.read().splitlines()[-1] == "The store is closed."

    assert told["Marketplaces"] == "A1VC38T7YXB528 A39IBJ37TRP1C6"
    assert told["Seller ID"] == shown["store"]["seller_id"]
    assert told["Refresh token"].startswith("Atzr|")
    assert shown["counts"]["orders"] == 7
    assert shown["store"]["time_scale"] == 5
    assert {"SKU-1", "SKU-2"} <= {row["sku"] for row in shown["stock"]}
    with started(*wishes) as (_, again):
        assert again == told | {"Address": again["Address"], "Control page": again["Control page"]}
        assert logged_in(again)[0] == 200


def test_an_app_may_have_to_be_authorised_first() -> None:
    with started(
        "--platform=amazon", "--orders=1", "--products=4", "--token=", "--key=mine",
        "--secret=own", "--seller=A1OWN",
    ) as (_, told):  # fmt: skip
        assert (told["Refresh token"], told["Seller ID"]) == ("none yet", "A1OWN")
        assert (told["Client ID"], told["Client secret"]) == ("mine", "own")
        assert logged_in(told)[0] == 400


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"orders": -1}, "--orders cannot be negative"),
        ({"time_scale": 0.0}, "time_scale lies above 0"),
        ({"currency": "JPY"}, "choose --region"),
        ({"timezone": "Asia/Tokyo"}, "choose --region"),
        ({"skus": ["A", "B"], "products": 1}, "only 1 listings"),
    ],
)
def test_a_wish_no_account_can_have_is_refused_in_words(options: dict[str, Any], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        call_command("sandbox", platform="amazon", stdout=StringIO(), **{"port": 0, **options})
