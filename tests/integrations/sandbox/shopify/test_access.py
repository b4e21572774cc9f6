"""OAuth, tokens and scopes: the merchant's page, the four ways to a token, what each may read."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from tests.integrations.sandbox.shopify.client import NOW, Client
from tests.integrations.sandbox.shopify.conftest import Make

ID, SECRET = "sandboxclientid", "shpss_sandbox"
BACK = "http://127.0.0.1:8000/back"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"
HANDLES = "{ currentAppInstallation { accessScopes { handle } } }"
DAY = 24 * 3600


@pytest.fixture
def bare(make_store: Make) -> Client:
    """A store on which the app is not installed yet."""
    return make_store(access_token="")


def authorize(shop: Client, **more: str) -> Any:
    query = {
        "client_id": ID,
        "redirect_uri": BACK,
        "state": "s1",
        "scope": "read_orders,write_products",
    }
    return shop.call("GET", "/admin/oauth/authorize", **query | more)


def approve(shop: Client, answer: str = "approve", **more: str) -> dict[str, str]:
    """What the browser brings back to the app."""
    fields = {
        "client_id": ID,
        "redirect_uri": BACK,
        "state": "s1",
        "scope": "read_orders,write_products",
    }
    form = "&".join(
        f"{key}={quote(value)}" for key, value in (fields | more | {"answer": answer}).items()
    )
    sent = shop.call(
        "POST",
        "/admin/oauth/authorize",
        form.encode(),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert sent.status == 302
    target = urlsplit(sent.header("Location"))
    assert f"{target.scheme}://{target.netloc}{target.path}" == BACK
    return dict(parse_qsl(target.query))


def exchange(shop: Client, **fields: Any) -> tuple[int, dict[str, Any]]:
    body = {"client_id": ID, "client_secret": SECRET} | fields
    answer = shop.call("POST", "/admin/oauth/access_token", body)
    return answer.status, json.loads(answer.content())


def tokens(shop: Client, **fields: Any) -> dict[str, Any]:
    status, found = exchange(shop, **fields)
    assert status == 200, found
    return found


def works(shop: Client, token: str) -> bool:
    shop.token = token
    return shop.post("{ shop { name } }").status == 200


def handles(shop: Client) -> list[str]:
    rows = shop.ask(HANDLES)["currentAppInstallation"]["accessScopes"]
    return [row["handle"] for row in rows]


# --- consent --------------------------------------------------------------------------------------


def test_the_merchant_is_asked_and_sees_what_for(bare: Client) -> None:
    page = authorize(bare)

    text = page.content().decode()
    assert page.status == 200
    assert "Install Logix?" in text
    assert "<li>read_orders</li><li>write_products</li>" in text
    assert page.header("X-Frame-Options") == "DENY"


def test_what_comes_back_is_signed_over_the_sorted_query(bare: Client) -> None:
    query = approve(bare, state="a1B2")

    told = query.pop("hmac")
    text = "&".join(f"{key}={quote(query[key], safe='')}" for key in sorted(query))
    assert told == hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    assert query.keys() == {"code", "host", "shop", "state", "timestamp"}
    assert (query["shop"], query["state"]) == ("musterladen.myshopify.com", "a1B2")
    assert query["timestamp"] == str(NOW)
    assert query["host"] == "YWRtaW4uc2hvcGlmeS5jb20vc3RvcmUvbXVzdGVybGFkZW4"


def test_who_declines_is_sent_back_without_a_code(bare: Client) -> None:
    query = approve(bare, answer="deny")

    assert query == {
        "error": "access_denied",
        "error_description": "The merchant declined.",
        "state": "s1",
    }


def test_without_a_scope_the_apps_own_configuration_asks(make_store: Make) -> None:
    shop = make_store(access_token="", scopes=("read_locations",))

    page = authorize(shop, scope="").content().decode()

    assert "<li>read_locations</li>" in page
    found = tokens(shop, code=approve(shop, scope="")["code"])
    assert found["scope"] == "read_locations"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"client_id": "other"}, "check the client id"),
        ({"redirect_uri": "http://elsewhere.example/back"}, "not whitelisted"),
        ({"redirect_uri": ""}, "not whitelisted"),
        ({"grant_options[]": "per-user"}, "no tokens of single users"),
    ],
)
def test_a_wrong_question_is_a_page_that_says_so(
    bare: Client, more: dict[str, str], told: str
) -> None:
    page = authorize(bare, **more)

    assert page.status == 400
    assert told in page.content().decode()


def test_what_the_page_repeats_cannot_break_out_of_it(bare: Client) -> None:
    page = authorize(bare, state='"><script>', scope="<b>").content().decode()

    assert "<script>" not in page
    assert "<b>" not in page


# --- by code --------------------------------------------------------------------------------------


def test_a_code_is_good_for_one_permanent_token(bare: Client) -> None:
    code = approve(bare)["code"]

    found = tokens(bare, code=code)

    assert found.keys() == {"access_token", "scope"}
    assert found["access_token"].startswith("shpat_")
    assert found["scope"] == "read_orders,write_products"
    assert works(bare, found["access_token"])
    assert handles(bare) == ["read_orders", "write_products"]
    status, error = exchange(bare, code=code)
    assert (status, error["error"]) == (400, "invalid_request")


def test_a_code_dies_within_a_minute(bare: Client) -> None:
    code = approve(bare)["code"]
    bare.wait(61)

    assert exchange(bare, code=code)[0] == 400


def test_a_form_is_understood_like_json(bare: Client) -> None:
    code = approve(bare)["code"]
    body = f"client_id={ID}&client_secret={SECRET}&code={code}&expiring=1".encode()

    answer = bare.call(
        "POST",
        "/admin/oauth/access_token",
        body,
        headers={"content-type": "application/x-www-form-urlencoded"},
    )

    assert answer.status == 200
    assert json.loads(answer.content())["expires_in"] == 3600


def test_the_merchant_may_grant_fewer_scopes(bare: Client) -> None:
    bare.store.access.fewer = ("read_products", "read_locations")

    found = tokens(bare, code=approve(bare)["code"])

    assert found["scope"] == "read_products"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"client_secret": "wrong", "code": "x"}, "invalid_client"),
        ({"client_id": "wrong", "code": "x"}, "invalid_client"),
        ({"code": "x"}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
    ],
)
def test_what_is_wrong_is_told_by_name(bare: Client, fields: dict[str, str], error: str) -> None:
    status, found = exchange(bare, **fields)

    assert (status, found["error"]) == (400, error)
    assert found["error_description"]


# --- expiring -------------------------------------------------------------------------------------


def pair(shop: Client) -> dict[str, Any]:
    return tokens(shop, code=approve(shop)["code"], expiring="1")


def refreshed(shop: Client, token: str) -> dict[str, Any]:
    return tokens(shop, grant_type="refresh_token", refresh_token=token)


def test_an_expiring_token_dies_after_an_hour_and_is_renewed(bare: Client) -> None:
    first = pair(bare)
    assert first["expires_in"] == 3600
    assert first["refresh_token_expires_in"] == 90 * DAY
    assert works(bare, first["access_token"])

    bare.wait(3600)

    assert not works(bare, first["access_token"])
    second = refreshed(bare, first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    assert works(bare, second["access_token"])


def test_a_lost_answer_can_be_asked_for_again_until_its_token_is_used(bare: Client) -> None:
    first = pair(bare)["refresh_token"]
    refreshed(bare, first)  # whose answer is lost

    second = refreshed(bare, first)["refresh_token"]

    refreshed(bare, second)
    status, error = exchange(bare, grant_type="refresh_token", refresh_token=first)
    assert (status, error["error"]) == (400, "invalid_grant")


def test_the_former_refresh_token_lives_thirty_days_at_most(bare: Client) -> None:
    first = pair(bare)["refresh_token"]
    refreshed(bare, first)
    bare.wait(30 * DAY + 1)

    assert exchange(bare, grant_type="refresh_token", refresh_token=first)[0] == 400


def test_a_refresh_token_dies_after_ninety_days(bare: Client) -> None:
    first = pair(bare)["refresh_token"]
    bare.wait(90 * DAY)

    assert exchange(bare, grant_type="refresh_token", refresh_token=first)[0] == 400


def test_public_apps_get_expiring_tokens_only(make_store: Make) -> None:
    shop = make_store(access_token="", app_kind="public")

    status, error = exchange(shop, code=approve(shop)["code"], expiring="0")

    assert (status, error["error"]) == (400, "invalid_request")
    assert "refresh_token" in pair(shop)
    status, error = exchange(shop, grant_type="client_credentials")
    assert (status, error["error"]) == (400, "shop_not_permitted")


def test_a_permanent_token_is_exchanged_one_way(shop: Client) -> None:
    asked = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": "shpat_sandbox",
        "subject_token_type": OFFLINE,
        "requested_token_type": OFFLINE,
        "expiring": "1",
    }

    found = tokens(shop, **asked)

    assert found["refresh_token"]
    assert works(shop, found["access_token"])
    assert not works(shop, "shpat_sandbox")
    for wrong in (
        asked,
        asked | {"subject_token": found["access_token"]},
        asked | {"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"},
        asked | {"expiring": "0"},
    ):
        assert exchange(shop, **wrong)[0] == 400


# --- client credentials ---------------------------------------------------------------------------


def test_an_app_of_the_same_organisation_asks_for_itself(shop: Client) -> None:
    found = tokens(shop, grant_type="client_credentials")

    assert found["expires_in"] == 86_399
    assert "refresh_token" not in found
    assert works(shop, found["access_token"])
    shop.wait(86_399)
    assert not works(shop, found["access_token"])


def test_who_is_not_installed_has_no_credentials(bare: Client) -> None:
    status, error = exchange(bare, grant_type="client_credentials")

    assert (status, error["error"]) == (400, "app_not_installed")


# --- scopes ---------------------------------------------------------------------------------------


def narrowed(shop: Client, *scopes: str) -> None:
    with shop.store.working():
        shop.store.access.install(scopes)


def test_a_field_without_its_scope_is_refused_at_its_place(shop: Client) -> None:
    narrowed(shop, "read_locations")

    document = shop.document("{ shop { name } products(first: 1) { nodes { id } } }")

    assert document["data"] is None
    assert document["errors"] == [
        {
            "message": "Access denied for products field. Required access: `read_products` access"
            " scope.",
            "locations": [{"line": 1, "column": 17}],
            "path": ["products"],
            "extensions": {
                "code": "ACCESS_DENIED",
                "documentation": "https://shopify.dev/api/usage/access-scopes",
                "requiredAccess": "`read_products` access scope.",
            },
        }
    ]


def test_a_nullable_field_without_its_scope_is_null_beside_the_error(shop: Client) -> None:
    narrowed(shop, "read_locations")

    document = shop.document('{ shop { name } product(id: "gid://shopify/Product/1") { id } }')

    assert document["data"] == {"shop": {"name": "Musterladen"}, "product": None}
    assert document["errors"][0]["path"] == ["product"]


def test_who_may_write_may_read_and_not_the_other_way(shop: Client) -> None:
    query = """mutation($id: ID!) { tagsAdd(id: $id, tags: ["x"]) { node { id } userErrors {
        message } } }"""
    product = f"gid://shopify/Product/{next(iter(shop.store.catalogue.products))}"

    narrowed(shop, "write_products")
    assert shop.ask("{ products(first: 1) { nodes { id } } }")["products"]["nodes"]
    assert shop.change(query, id=product)["node"]
    narrowed(shop, "read_products")
    error = shop.error(query, id=product)
    assert error["extensions"]["requiredAccess"] == "`write_products` access scope."


def test_changed_scopes_are_told(shop: Client) -> None:
    before = list(shop.store.access.granted)

    narrowed(shop, "read_orders", "read_products")

    assert handles(shop) == ["read_orders", "read_products"]
    assert shop.events == [("app/scopes_update", 1)]
    assert before[0] == "read_all_orders"


# --- the end --------------------------------------------------------------------------------------

UNINSTALL = """mutation { appUninstall { app { id title } userErrors { field message code } } }"""


def test_an_uninstalled_app_is_shut_out_before_it_hears_of_it(shop: Client) -> None:
    subscribe(shop, "APP_UNINSTALLED")

    found = shop.change(UNINSTALL)

    assert found["app"] == {"id": "gid://shopify/App/1", "title": "Logix"}
    (delivery,) = shop.sent
    body = json.loads(delivery.body)
    assert (delivery.topic, body["myshopify_domain"]) == (
        "app/uninstalled",
        "musterladen.myshopify.com",
    )
    assert shop.post("{ shop { name } }").status == 401
    assert shop.store.hooks.subscriptions == {}


def subscribe(shop: Client, topic: str) -> None:
    shop.change(
        """mutation($t: WebhookSubscriptionTopic!) { webhookSubscriptionCreate(topic: $t,
        webhookSubscription: {uri: "https://hub.example/hook"}) { userErrors { message } } }""",
        t=topic,
    )


def test_two_days_after_it_went_the_app_is_told_to_forget(make_store: Make) -> None:
    shop = make_store(compliance_uri="https://hub.example/compliance")
    with shop.store.working():
        shop.store.access.uninstall()

    shop.wait(48 * 3600 - 1)
    assert shop.sent == []
    shop.wait(1)

    (delivery,) = shop.sent
    assert (delivery.topic, delivery.uri) == ("shop/redact", "https://hub.example/compliance")
    assert json.loads(delivery.body) == {
        "shop_id": 548_380_009,
        "shop_domain": "musterladen.myshopify.com",
    }


def test_a_restart_does_not_make_it_forget_to_tell(make_store: Make) -> None:
    shop = make_store(compliance_uri="https://hub.example/compliance")
    with shop.store.working():
        shop.store.access.uninstall()
    shop.wait(40 * 3600)

    kept = type(shop.store).restore(shop.store.options, shop.store.snapshot(), now=shop.clock)
    kept.hooks.send = shop.sent.append
    shop.clock.moment += 8 * 3600
    with kept.working():
        pass

    assert [delivery.topic for delivery in shop.sent] == ["shop/redact"]


def test_who_comes_back_in_time_is_not_told_to_forget(make_store: Make) -> None:
    shop = make_store(compliance_uri="https://hub.example/compliance")
    with shop.store.working():
        shop.store.access.uninstall()
    tokens(shop, code=approve(shop)["code"])

    shop.wait(49 * 3600)

    assert shop.sent == []


def test_revoked_tokens_are_dead_and_new_ones_can_be_had(shop: Client) -> None:
    with shop.store.working():
        shop.store.access.revoke()

    assert not works(shop, "shpat_sandbox")
    assert works(shop, tokens(shop, grant_type="client_credentials")["access_token"])


def test_tokens_survive_a_restart(bare: Client) -> None:
    first = pair(bare)

    kept = type(bare.store).restore(bare.store.options, bare.store.snapshot(), now=bare.clock)

    assert kept.access.grant_of(first["access_token"]) is not None
    assert kept.access.exchange(first["refresh_token"]) is not None
    assert kept.access.granted == ("read_orders", "write_products")
