"""One-click connect: where the merchant is sent, and the keys that come back."""

from __future__ import annotations

import json
import traceback
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from integrations.errors import ContractBroken, PermissionMissing
from integrations.woocommerce.oauth import authorize_url, read_callback
from integrations.woocommerce.shapes import Keys
from tests.integrations.woocommerce.site import KEY, SECRET

SENT = {
    "key_id": 1,
    "user_id": "ref-1",
    "consumer_key": KEY,
    "consumer_secret": SECRET,
    "key_permissions": "read_write",
}


def test_the_merchant_is_sent_to_the_stores_own_page() -> None:
    url = authorize_url(
        "https://shop.example/sub/", "Logix & Co", "https://hub/back?a=1", "https://hub/keys", "r/1"
    )

    parts = urlsplit(url)
    assert (parts.netloc, parts.path) == ("shop.example", "/sub/wc-auth/v1/authorize")
    assert parse_qs(parts.query) == {
        "app_name": ["Logix & Co"],
        "scope": ["read_write"],
        "user_id": ["r/1"],
        "return_url": ["https://hub/back?a=1"],
        "callback_url": ["https://hub/keys"],
    }


def test_the_keys_come_with_the_reference_they_were_asked_with() -> None:
    assert read_callback(json.dumps(SENT).encode()) == (
        "ref-1",
        {"consumer_key": KEY, "consumer_secret": SECRET},
    )


def test_a_key_that_may_not_write_is_refused_in_words() -> None:
    with pytest.raises(PermissionMissing, match="Read/Write") as caught:
        read_callback(json.dumps({**SENT, "key_permissions": "read"}).encode())

    assert caught.value.scopes == ("write",)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({**SENT, "consumer_key": 3}).encode(),
        json.dumps({**SENT, "user_id": None}).encode(),
        json.dumps({k: v for k, v in SENT.items() if k != "user_id"}).encode(),
        json.dumps(SENT).encode()[:-3],
        json.dumps(SENT).encode().replace(b"ref-1", b"ref\xff"),
        b"[" * 5000 + SECRET.encode(),
        f"consumer_secret={SECRET}".encode(),
        b"",
    ],
)
def test_a_message_that_cannot_be_read_shows_nothing_of_itself(body: bytes) -> None:
    with pytest.raises(ContractBroken) as caught:
        read_callback(body)

    assert SECRET not in _everything(caught.value)


def _everything(error: BaseException) -> str:
    """What a log with the chain of errors and their arguments would show."""
    chain: list[Any] = []
    found: BaseException | None = error
    while found is not None:
        chain += [repr(found), str(found.args), vars(found)]
        found = found.__cause__ or found.__context__
    return f"{chain} {''.join(traceback.format_exception(error))}"


def test_keys_do_not_show_themselves() -> None:
    assert SECRET not in repr(Keys(user_id="r", consumer_key=KEY, consumer_secret=SECRET))
