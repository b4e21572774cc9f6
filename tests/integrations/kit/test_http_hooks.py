"""What a platform may say of its answers otherwise than most: that the token is over, and how long
to rest.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from requests import PreparedRequest

from integrations.errors import PermissionMissing, RateLimited
from integrations.kit.auth import RenewingAuth
from tests.integrations.kit.conftest import Desk
from tests.integrations.kit.server import ScriptedStore, answer

Store = Callable[..., ScriptedStore]
Desks = Callable[..., Desk]


class Tokens(RenewingAuth):
    """One after the other."""

    def __init__(self) -> None:
        self.number = 1

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["X-Token"] = f"t{self.number}"
        return request

    def ready(self) -> None:
        return

    def renewed(self, request: PreparedRequest) -> bool:
        self.number += 1
        return True


def test_a_403_of_a_token_that_is_over_is_answered_with_a_new_one(
    store: Store, desk: Desks
) -> None:
    shop = store(answer(403, {"details": "token expired"}), answer(200, {"ok": 1}))
    made = desk(shop)
    made.session.auth = Tokens()
    made.session.refuses_token = lambda told: b"expired" in told.body

    assert made.session.post("a").json() == {"ok": 1}

    assert [row.headers["X-Token"] for row in shop.requests] == ["t1", "t2"]


def test_any_other_403_is_a_refusal_and_the_token_stays(store: Store, desk: Desks) -> None:
    shop = store(answer(403, {"details": "no role"}))
    made = desk(shop)
    made.session.auth = Tokens()
    made.session.refuses_token = lambda told: b"expired" in told.body

    with pytest.raises(PermissionMissing):
        made.session.get("a")

    assert len(shop.requests) == 1


def test_a_429_that_states_no_time_rests_as_long_as_its_bucket_needs(
    store: Store, desk: Desks
) -> None:
    made = desk(store(answer(429)), retries=0)
    made.session.rest_s = {"scarce": 180.0, "default": 3.0}.__getitem__

    with pytest.raises(RateLimited) as scarce:
        made.session.get("a", bucket="scarce")

    assert scarce.value.retry_after_s == 180.0
