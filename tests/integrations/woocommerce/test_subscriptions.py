"""A store's webhooks made what they should be, and nobody else's touched."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.errors import Misconfigured
from integrations.woocommerce.service import WooCommerceIntegration
from tests.integrations.woocommerce.site import Call, Site, adapter_for, refused, told

HOOKS = "wc/v3/webhooks"
URL = "https://hub.example/api/v1/woocommerce/webhooks/receive/tok-1"
TOPICS = ["order.created", "order.updated"]


class Rack:
    """The store's webhooks."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.rows: list[dict[str, Any]] = []
        self.secrets: dict[int, str] = {}
        site.on("GET", HOOKS, lambda call: told(self.rows))
        site.on("POST", HOOKS, self._add)

    def put(self, topic: str, url: str = URL, **about: Any) -> int:
        row = {"id": len(self.secrets) + 1, "name": "theirs", "status": "active", **about}
        row |= {"topic": topic, "delivery_url": url}
        number = row["id"]
        self.rows.append(row)
        self.secrets[number] = "theirs"
        self.site.on("PUT", f"{HOOKS}/{number}", self._change)
        self.site.on("DELETE", f"{HOOKS}/{number}", self._drop)
        return number

    def _add(self, call: Call) -> bytes:
        secret = call.body.pop("secret")
        url = call.body.pop("delivery_url")
        number = self.put(call.body.pop("topic"), url, **call.body)
        self.secrets[number] = secret
        return told(self.rows[-1], 201)

    def _change(self, call: Call) -> bytes:
        number = int(call.route.rpartition("/")[2])
        self.secrets[number] = call.body.pop("secret")
        row = next(row for row in self.rows if row["id"] == number)
        row.update(call.body)
        return told(row)

    def _drop(self, call: Call) -> bytes:
        assert call.query == {"force": "true"} | call.query
        number = int(call.route.rpartition("/")[2])
        self.rows = [row for row in self.rows if row["id"] != number]
        return told({})

    @property
    def shown(self) -> list[tuple[str, str, str]]:
        return [(row["topic"], row["delivery_url"], row["status"]) for row in self.rows]


@pytest.fixture
def rack(site: Site) -> Rack:
    return Rack(site)


SECRET = "s3"


def hub(
    site: Site, url: str = URL, secret: str = SECRET, store: str = "s1"
) -> WooCommerceIntegration:
    return adapter_for(site, callback_url=url, webhook_secret=secret, store_id=store)


def mended(adapter: WooCommerceIntegration, topics: list[str] = TOPICS) -> list[str]:
    return [found.mended for found in adapter.setup_webhooks(topics)]


def test_missing_webhooks_are_made_and_then_left_alone(site: Site, rack: Rack) -> None:
    live = hub(site).setup_webhooks(TOPICS)

    assert [(s.external_id, s.topic, s.url, s.active, s.mended) for s in live] == [
        ("1", "order.created", URL, True, "created"),
        ("2", "order.updated", URL, True, "created"),
    ]
    assert rack.shown == [(topic, URL, "active") for topic in TOPICS]
    assert set(rack.secrets.values()) == {"s3"}
    site.calls.clear()
    assert mended(hub(site)) == ["", ""]
    assert {call.method for call in site.calls} == {"GET"}


def test_the_name_of_a_webhook_does_not_show_the_secret(site: Site, rack: Rack) -> None:
    mended(hub(site, secret="very-secret"))

    assert all("secret" not in row["name"] for row in rack.rows)


def test_a_webhook_the_store_switched_off_is_switched_on(site: Site, rack: Rack) -> None:
    hub(site).setup_webhooks(TOPICS)
    rack.rows[0]["status"] = "disabled"

    assert mended(hub(site)) == ["switched on again", ""]
    assert rack.shown[0][2] == "active"


def test_a_new_secret_and_a_new_address_reach_the_webhooks(site: Site, rack: Rack) -> None:
    hub(site).setup_webhooks(TOPICS)

    assert mended(hub(site, secret="s4")) == ["secret renewed"] * 2
    assert set(rack.secrets.values()) == {"s4"}
    elsewhere = hub(site, url=f"{URL}-new", secret="s4")
    assert mended(elsewhere) == ["address corrected"] * 2
    assert {url for _, url, _ in rack.shown} == {f"{URL}-new"}
    assert len(rack.rows) == 2


def test_duplicates_and_topics_nobody_asked_for_are_removed(site: Site, rack: Rack) -> None:
    hub(site).setup_webhooks([*TOPICS, "product.deleted"])
    rack.put("order.created")
    rack.put("order.updated", status="paused")

    assert mended(hub(site)) == ["secret renewed", ""]
    assert sorted(rack.shown) == [(topic, URL, "active") for topic in TOPICS]


def test_webhooks_of_others_are_not_touched(site: Site, rack: Rack) -> None:
    """Another app, another hub, and the same site connected to another merchant of this hub."""
    neighbour = URL.replace("tok-1", "tok-2")
    rack.put("order.created", "https://erp.example/hook")
    hub(site, url=neighbour, store="s2").setup_webhooks(TOPICS)
    others = list(rack.rows)

    hub(site).setup_webhooks(TOPICS)
    hub(site).drop_webhooks()

    assert rack.rows == others
    assert mended(hub(site, url=neighbour, store="s2")) == ["", ""]


def test_dropping_removes_ours_wherever_they_point_and_twice_does_no_harm(
    site: Site, rack: Rack
) -> None:
    hub(site).setup_webhooks(TOPICS)

    hub(site, url=f"{URL}-new").drop_webhooks()
    hub(site).drop_webhooks()

    assert rack.rows == []


def test_a_webhook_somebody_else_just_removed_is_gone_as_wanted(site: Site, rack: Rack) -> None:
    number = rack.put("order.created")
    site.on("DELETE", f"{HOOKS}/{number}", refused(404, "woocommerce_rest_shop_webhook_invalid_id"))

    hub(site).drop_webhooks()


def test_rows_that_are_no_webhooks_are_passed_over(site: Site, rack: Rack) -> None:
    rack.rows = [None, {"name": "x"}, {"id": "y"}]  # type: ignore[list-item]

    assert mended(hub(site)) == ["created"] * 2


@pytest.mark.parametrize(("url", "secret"), [("", "s3"), (URL, "")])
def test_without_an_address_or_a_secret_nothing_is_set_up(
    site: Site, rack: Rack, url: str, secret: str
) -> None:
    with pytest.raises(Misconfigured, match="LOGIX_PUBLIC_URL"):
        hub(site, url=url, secret=secret).setup_webhooks(TOPICS)

    assert site.calls == []
