"""The attacks on connecting by consent, one by one: each is refused and leaves every table as it
was. At the end of each the right answer still counts, so that none is refused for another reason.
"""

from __future__ import annotations

import hmac
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from html import unescape
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from django.urls import include, path, reverse
from django.utils import timezone

from integrations import connect
from integrations.api import throttling
from integrations.api.routes import consent_routes
from integrations.models import ConnectAttempt
from logix.accounts.models import Merchant
from tests.factories import make_merchant
from tests.integrations.api.client import Api, api_for
from tests.integrations.tokenshop.platform import CARD as TOKENSHOP
from tests.integrations.tokenshop.site import Site

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

urlpatterns = [
    path("api/v1/tokenshop/", include(consent_routes(TOKENSHOP))),
    path("", include("logix.urls")),
]

CALLBACK = "/api/v1/shopify/oauth/callback"
SECRET = "shpss_" + "5" * 32
SHOP = "acme.myshopify.com"
EVIL = "evil.example"
Pairs = Sequence[tuple[str, str]]


@pytest.fixture(autouse=True)
def hub(settings: Any) -> None:
    """As in production: https, and no store on this machine."""
    settings.LOGIX_PUBLIC_URL = "https://hub.example"
    settings.LOGIX_OAUTH_APPS = {"shopify": f"{'0' * 32}:{SECRET}"}
    settings.LOGIX_ALLOW_LOOPBACK_STORES = False


@pytest.fixture(autouse=True)
def silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked anything: not the store, nor where tokens are given out."""

    def called(*_: Any, **__: Any) -> Any:
        raise AssertionError("An attack made Logix call a store.")

    monkeypatch.setattr("integrations.kit.http.PlatformSession.request", called)


@pytest.fixture
def merchant(db: None) -> Merchant:
    return make_merchant()


@pytest.fixture
def api(merchant: Merchant) -> Api:
    return api_for(merchant)


def begun(api: Api, store_url: str = SHOP) -> str:
    """The state of a connect that a program began."""
    answer = api.post("/shopify/oauth/authorize", {"store_url": store_url})
    assert answer.status_code == 201, answer.content
    return parse_qs(urlsplit(answer.json()["authorize_url"]).query)["state"][0]


def redirect(state: str, **changes: str) -> dict[str, str]:
    """What Shopify sends back, before it signs."""
    return {
        "code": "0907a61c0c8d55e99db179b68161bc00",
        "host": "YWRtaW4uc2hvcGlmeS5jb20",
        "shop": SHOP,
        "state": state,
        "timestamp": str(int(time.time())),
        **changes,
    }


def signature(query: Mapping[str, str], secret: str = SECRET) -> str:
    told = "&".join(f"{quote(k, safe='')}={quote(v, safe='')}" for k, v in sorted(query.items()))
    return hmac.new(secret.encode(), told.encode(), sha256).hexdigest()


def signed(query: Mapping[str, str]) -> dict[str, str]:
    return {**query, "hmac": signature(query)}


def rows() -> dict[str, int]:
    """How many there are of everything Logix keeps."""
    return {model._meta.label: model._default_manager.count() for model in apps.get_models()}


def answered(query: Mapping[str, str] | Pairs | str, client: Client | None = None) -> Any:
    text = query if isinstance(query, str) else urlencode(query)
    throttling.reset()
    return (client or Client()).get(f"{CALLBACK}?{text}")


def refused(ask: Callable[[], Any], *, status: Sequence[int] = (400, 422)) -> str:
    """The refusal in words; nothing was kept, and no attempt was used up."""
    before, open_ones = rows(), sorted(ConnectAttempt.objects.values_list("pk", "used_at"))

    answer = ask()

    assert answer.status_code in status, answer.content
    assert "Location" not in answer
    assert rows() == before
    assert sorted(ConnectAttempt.objects.values_list("pk", "used_at")) == open_ones
    return unescape(answer.content.decode())


@pytest.fixture
def state(api: Api) -> Iterator[str]:
    """A connect under way. It is still there when the attack is over."""
    found = begun(api)
    yield found
    assert asks(signed(redirect(found)))


def asks(query: Mapping[str, str]) -> bool:
    """Whether the right answer is met with the question."""
    page = answered(query)
    return page.status_code == 200 and "Connect this store to" in page.content.decode()


# --- The lure ------------------------------------------------------------------------------------


def test_a_store_whose_owner_was_lured_is_nobodys_until_they_say_so(state: str) -> None:
    """The merchant sent their link to the owner of another store, who consented at Shopify."""
    before = rows()
    owner = Client()

    for _ in range(3):
        page = answered(signed(redirect(state)), owner)
        assert "Acme" in page.content.decode()

    assert rows() == before
    assert "Set-Cookie" not in owner.head(f"{CALLBACK}?{urlencode(signed(redirect(state)))}")


def test_the_one_who_lures_cannot_say_yes_in_the_owners_place(state: str, api: Api) -> None:
    """They know the state, not the code; and the answer on the owner's page is out of reach."""
    page = answered(signed(redirect(state)), Client()).content.decode()
    answer = unescape(re.findall(r'name="answer" value="([^"]+)"', page)[0])
    theirs = Client()
    answered(signed(redirect(begun(api))), theirs)  # a cookie of their own, for their own attempt

    for say in ("connect", "decline", ""):
        for made in ("", state, answer):
            body = {"answer": made, "say": say, "state": state}
            refused(lambda body=body: theirs.post(f"{CALLBACK}/confirm", body))
    for client in (theirs, Client()):
        assert client.get(f"{CALLBACK}/confirm").status_code == 405


# --- State ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "made_up", ["", "guess", "A" * 43, "%00", "' OR 1=1 --", "ä" * 43, "*", "a\nb"]
)
def test_a_state_nobody_gave_out_is_refused(state: str, made_up: str) -> None:
    assert "unknown, used already" in refused(lambda: answered(signed(redirect(made_up))))


@pytest.mark.parametrize(
    "spelled", [str.upper, str.lower, "{} ".format, " {}".format, "{}0".format]
)
def test_a_state_in_another_spelling_is_refused(state: str, spelled: Callable[[str], str]) -> None:
    refused(lambda: answered(signed(redirect(spelled(state)))))


def test_a_missing_state_is_refused(state: str) -> None:
    query = redirect(state)
    del query["state"]

    refused(lambda: answered(signed(query)))
    refused(lambda: answered(""))


def test_a_state_that_was_used_is_refused(api: Api, state: str) -> None:
    used = begun(api)
    ConnectAttempt.objects.filter(pk=ConnectAttempt.objects.latest("created_at").pk).update(
        used_at=timezone.now()
    )

    refused(lambda: answered(signed(redirect(used))))
    refused(lambda: api.post("/shopify/oauth/callback", signed(redirect(used))))


def test_a_state_that_ran_out_is_refused(api: Api, state: str) -> None:
    old = begun(api)
    latest = ConnectAttempt.objects.latest("created_at")
    assert latest.expires_at - timezone.now() <= timedelta(minutes=10)
    ConnectAttempt.objects.filter(pk=latest.pk).update(expires_at=timezone.now())

    refused(lambda: answered(signed(redirect(old))))
    refused(lambda: api.post("/shopify/oauth/callback", signed(redirect(old))))


def test_the_state_of_another_merchant_does_not_exist_for_a_program(state: str) -> None:
    stranger = api_for(make_merchant("stranger"))

    said = refused(lambda: stranger.post("/shopify/oauth/callback", signed(redirect(state))))

    assert "Acme" not in said
    refused(lambda: Api().post("/shopify/oauth/callback", signed(redirect(state))), status=[401])


def test_the_state_of_another_person_is_refused_in_every_other_browser(
    merchant: Merchant, api: Api, state: str
) -> None:
    anna, ben = User.objects.create_user("anna"), User.objects.create_user("ben")
    url, _ = connect.begin_oauth(
        merchant=merchant, platform="shopify", base_url=SHOP, actor="user:anna", user=anna
    )
    hers = signed(redirect(parse_qs(urlsplit(url).query)["state"][0]))
    bens = Client()
    bens.force_login(ben)

    for client in (Client(), bens):
        said = refused(lambda client=client: answered(hers, client))
        assert "Log in there as the person who began it" in said
    refused(lambda: api.post("/shopify/oauth/callback", hers))


def test_the_state_of_another_platform_is_refused(state: str, site: Site, settings: Any) -> None:
    settings.LOGIX_OAUTH_APPS = {**settings.LOGIX_OAUTH_APPS, "shopify": f"{'0' * 32}:{SECRET}"}
    query = urlencode(signed(redirect(state)))

    refused(lambda: Client().get(f"/api/v1/tokenshop/oauth/callback?{query}"))


def test_the_state_of_another_shop_is_refused(api: Api, state: str) -> None:
    """Both shops' answers are Shopify's own; each is for one connect and no other."""
    other = begun(api, "other.myshopify.com")

    assert "another store" in refused(lambda: answered(signed(redirect(other))))
    theirs = signed(redirect(state, shop="other.myshopify.com"))
    assert "another store" in refused(lambda: answered(theirs))
    assert asks(signed(redirect(other, shop="other.myshopify.com")))


# --- The shop's name -----------------------------------------------------------------------------

FOREIGN = (
    f"{SHOP}.{EVIL}",
    f"{SHOP}..",
    f".{SHOP}",
    f"a.{SHOP}",
    f"a.b.{SHOP}",
    "acme..myshopify.com",
    "-acme.myshopify.com",
    "acme_.myshopify.com",
    "myshopify.com",
    ".myshopify.com",
    "acmemyshopify.com",
    "acme-myshopify.com",
    "acme.myshopify.co",
    "acme.myshopify.comm",
    "acme.myshopify.io",
    f"{EVIL}/{SHOP}",
    f"{EVIL}?{SHOP}",
    f"{EVIL}#{SHOP}",
    f"{EVIL}\\{SHOP}",
    f"{EVIL}%2f.{SHOP}",
    f"{EVIL}%23.{SHOP}",
    f"{EVIL}%00.{SHOP}",
    f"{SHOP}@{EVIL}",
    f"x:y@{SHOP}",
    f"{EVIL}@{SHOP}",
    f"{EVIL}\\@{SHOP}",
    f"https://{SHOP}@{EVIL}",
    f"https://{SHOP}:443@{EVIL}",
    f"{SHOP}\\.{EVIL}",
    f"{SHOP}%2e{EVIL}",
    f"{SHOP}%0a.{EVIL}",
    f"{SHOP}\x00.{EVIL}",
    f"{SHOP}\n.{EVIL}",
    f"{SHOP}\r\n.{EVIL}",
    f"{SHOP}\t.{EVIL}",
    f"{SHOP} .{EVIL}",
    f"{SHOP};{EVIL}",
    f"{SHOP},{EVIL}",
    f"{SHOP}:8443",
    f"{SHOP}:80@{EVIL}",
    "%61cme.myshopify.com",
    "acme%2emyshopify.com",
    "acme.mysho\u1e57ify.com",
    "acme.myshopify.com\u200b.evil.example",
    "acme.\u202emoc.yfipohsym",
    "127.0.0.1",
    "127.0.0.1:8000",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "169.254.169.254",
    "admin.shopify.com",
    f"admin.shopify.com.{EVIL}/store/acme",
    f"{EVIL}/admin.shopify.com/store/acme",
    f"//{EVIL}/{SHOP}",
    f"///{EVIL}",
    f"https:{EVIL}",
    f"ftp://{SHOP}",
    f"javascript:alert(1)//{SHOP}",
    f"data:text/html,{SHOP}",
    "",
)
# Browsers go to the shop from these as well (UTS 46), but no platform spells it so.
ODD = (
    f"{SHOP}.",
    "acme\u3002myshopify\uff0ecom",  # full stops of other scripts
    "\uff41\uff43\uff4d\uff45.myshopify.com",  # full width
    "acme.my\u017fhopify.com",  # a long s
    "acme\u00ad.myshopify.com",  # a soft hyphen
    "acme\u200b.myshopify.com",  # a blank without width
)
# What looks like a host of elsewhere is a shop's name, and its address Shopify's.
NAMES = {
    "localhost": "localhost.myshopify.com",
    "0x7f000001": "0x7f000001.myshopify.com",
    "\u0430cme.myshopify.com": "xn--cme-5cd.myshopify.com",  # a Cyrillic letter
}
SAME = (
    SHOP,
    "acme",
    "ACME",
    "Acme.MyShopify.COM",
    f"  {SHOP}\t",
    f"https://{SHOP}/",
    f"HTTPS://{SHOP}:443",
    f"http://{SHOP}/admin/orders?x=1#y",
    f"{SHOP}/../..",
    "https://admin.shopify.com/store/acme/settings",
    *ODD,
)


@pytest.mark.parametrize("typed", FOREIGN)
def test_no_spelling_of_another_host_is_taken_for_a_shop(state: str, api: Api, typed: str) -> None:
    before = rows()

    answer = api.post("/shopify/oauth/authorize", {"store_url": typed})

    assert answer.status_code in (400, 422), answer.content
    assert rows() == before


@pytest.mark.parametrize(("typed", "host"), [*((s, SHOP) for s in SAME), *NAMES.items()])
def test_every_spelling_of_a_shop_leads_to_its_one_address(
    state: str, api: Api, typed: str, host: str
) -> None:
    answer = api.post("/shopify/oauth/authorize", {"store_url": typed})

    assert answer.status_code == 201, answer.content
    sent_to = urlsplit(answer.json()["authorize_url"])
    assert (sent_to.scheme, sent_to.netloc, sent_to.path) == (
        "https",
        host,
        "/admin/oauth/authorize",
    )
    assert ConnectAttempt.objects.latest("created_at").base_url == f"https://{host}"


@pytest.mark.parametrize("shop", [*FOREIGN, *ODD, *NAMES, *NAMES.values()])
def test_an_answer_for_another_host_is_refused_even_where_it_is_signed(
    state: str, shop: str
) -> None:
    refused(lambda: answered(signed(redirect(state, shop=shop))))


def test_an_answer_that_names_no_shop_is_refused(state: str) -> None:
    query = redirect(state)
    del query["shop"]

    refused(lambda: answered(signed(query)))


# --- The signature -------------------------------------------------------------------------------

RIGHT: Callable[[dict[str, str]], str] = signature
HMACS: dict[str, Callable[[dict[str, str]], str]] = {
    "empty": lambda _: "",
    "zeros": lambda _: "0" * 64,
    "a digit short": lambda query: RIGHT(query)[:-1],
    "half": lambda query: RIGHT(query)[:32],
    "a digit more": lambda query: RIGHT(query) + "0",
    "twice in one": lambda query: RIGHT(query) * 2,
    "in capitals": lambda query: RIGHT(query).upper(),
    "with a blank": lambda query: f" {RIGHT(query)}",
    "with a line's end": lambda query: f"{RIGHT(query)}\n",
    "in other digits": lambda query: RIGHT(query).translate(
        {ord(str(n)): 0x0660 + n for n in range(10)}
    ),
    "of another app": lambda query: signature(query, "shpss_" + "6" * 32),
    "of no secret": lambda query: signature(query, ""),
    "of the client id": lambda query: signature(query, "0" * 32),
    "of less": lambda query: signature({k: v for k, v in query.items() if k != "shop"}),
    "not of this": lambda query: signature({**query, "code": "another"}),
    "of nothing": lambda _: signature({}),
}


@pytest.mark.parametrize("made", HMACS.values(), ids=HMACS.keys())
def test_no_other_signature_will_do(state: str, made: Callable[[dict[str, str]], str]) -> None:
    query = redirect(state)

    assert "not signed" in refused(lambda: answered({**query, "hmac": made(query)}))


def test_without_a_signature_nothing_is_believed(state: str) -> None:
    query = redirect(state)

    refused(lambda: answered(query))
    refused(lambda: answered({**query, "signature": signature(query)}))
    refused(lambda: answered({**query, "HMAC": signature(query)}))
    refused(lambda: answered({**query, "hmac[]": signature(query)}))
    refused(lambda: answered({**query, "hmac": f"{signature(query)}\x00"}))


@pytest.mark.parametrize("name", ["code", "host", "shop", "state", "timestamp"])
def test_what_is_signed_cannot_be_changed_left_out_or_renamed(state: str, name: str) -> None:
    query = signed(redirect(state))

    refused(lambda: answered({**query, name: f"{query[name]}0"}))
    refused(lambda: answered({k: v for k, v in query.items() if k != name}))
    refused(lambda: answered({k.title() if k == name else k: v for k, v in query.items()}))


def test_nothing_can_be_added_to_what_is_signed(state: str) -> None:
    query = signed(redirect(state))

    for more in ({"locale": "de"}, {"": ""}, {"code[]": "x"}, {"shop\x00": EVIL}):
        refused(lambda more=more: answered({**query, **more}))


@pytest.mark.parametrize("name", ["code", "host", "shop", "state", "timestamp", "hmac"])
def test_no_parameter_may_come_twice(state: str, name: str) -> None:
    """Which of the two Shopify signed, and which we would read, must not be a question."""
    query = signed(redirect(state))
    first = [(name, "other"), *query.items()]
    last = [*query.items(), (name, "other")]

    for pairs in (first, last, [*query.items(), (name, query[name])]):
        refused(lambda pairs=pairs: answered(pairs), status=[400])
    encoded = f"{urlencode(query)}&{''.join(f'%{ord(c):02x}' for c in name)}=other"
    refused(lambda: answered(encoded), status=[400])


def test_two_parameters_cannot_be_hidden_in_one(state: str) -> None:
    """Joined without escapes, what is signed would read the same."""
    query = redirect(state)
    joined = "&".join(f"{k}={v}" for k, v in sorted(query.items()))
    plain = hmac.new(SECRET.encode(), joined.encode(), sha256).hexdigest()
    code, host = query.pop("code"), query.pop("host")

    for hidden in ({"code": f"{code}&host={host}"}, {f"code={code}&host": host}):
        refused(lambda hidden=hidden: answered({**query, **hidden, "hmac": plain}))


@pytest.mark.parametrize(
    "sent_at", ["", "0", "-1", "soon", "1e9", "99999999999999999999", "١٢٣", " 1", "1.5", "0x1"]
)
def test_an_answer_without_a_time_that_fits_is_refused(state: str, sent_at: str) -> None:
    refused(lambda: answered(signed(redirect(state, timestamp=sent_at))))


@pytest.mark.parametrize("off", [-3600, -100, 100, 3600])
def test_an_answer_of_another_hour_is_refused(state: str, off: int) -> None:
    sent_at = str(int(time.time()) + off)

    assert "too old" in refused(lambda: answered(signed(redirect(state, timestamp=sent_at))))


def test_an_answer_without_a_code_is_refused(state: str) -> None:
    query = redirect(state)
    del query["code"]

    refused(lambda: answered(signed(query)))
    refused(lambda: answered(signed(redirect(state, code=""))))


# --- Where the browser is sent -------------------------------------------------------------------

ELSEWHERE = (
    f"https://{EVIL}/",
    f"//{EVIL}/",
    f"/\\{EVIL}",
    f"https:{EVIL}",
    f"javascript:location='//{EVIL}'",
    f'"><a href="https://{EVIL}">x</a><meta http-equiv="refresh" content="0;url=//{EVIL}">',
    f"x\r\nLocation: https://{EVIL}",
)
PARAMETERS = (
    *("state", "code", "shop", "host", "hmac", "timestamp", "error", "error_description"),
    *("error_uri", "redirect_uri", "return_to", "return_url", "next", "url", "continue", "locale"),
)


def leads_away(answer: Any) -> list[str]:
    """Addresses of others that the browser would be sent to, or offered."""
    page = answer.content.decode()
    found = re.findall(r"""(?:href|src|action|content|formaction)=["']?([^"'\s>]+)""", page)
    links = [unescape(link) for link in found]
    away = [link for link in links if not re.match(r"/(?![/\\])|width=|text/html", link)]
    return away + ([answer["Location"]] if "Location" in answer else [])


@pytest.mark.parametrize("name", PARAMETERS)
def test_no_parameter_leads_elsewhere(state: str, name: str) -> None:
    """Signed or not, as an error or not: the pages lead to this hub alone."""
    before = rows()
    for target in ELSEWHERE:
        unsigned = {**signed(redirect(state)), name: target}
        made_up = {**redirect("guess"), name: target}
        sent = [signed(made_up), {**made_up, "error": "access_denied"}]
        if name != "error":  # which ends what was begun: the platform's answer is no
            sent += [unsigned, signed({**redirect(state), name: target})]
        for query in sent:
            answer = answered(query)
            assert leads_away(answer) == []
            assert EVIL not in str(answer.headers)
    assert rows() == before


def test_the_log_in_leads_back_here_alone(merchant: Merchant, state: str) -> None:
    anna = User.objects.create_user("anna", password="x", is_staff=True)
    url, _ = connect.begin_oauth(
        merchant=merchant, platform="shopify", base_url=SHOP, actor="user:anna", user=anna
    )
    begun = parse_qs(urlsplit(url).query)["state"][0]
    query = {**redirect(begun), "next": f"https://{EVIL}", "host": f"//{EVIL}"}

    page = answered(query)

    assert leads_away(page) == []
    link = re.findall(r'href="([^"]*login[^"]*)"', page.content.decode())[0]
    back = parse_qs(urlsplit(unescape(link)).query)["next"]
    assert len(back) == 1
    assert back[0].startswith(f"{CALLBACK}?")


def test_nobody_says_where_the_platform_sends_the_browser(api: Api, state: str) -> None:
    before = rows()
    for name in ("redirect_uri", "return_url", "callback", "state", "scope"):
        answer = api.post("/shopify/oauth/authorize", {"store_url": SHOP, name: f"https://{EVIL}"})
        assert answer.status_code == 400, answer.content
    assert rows() == before

    answer = Client().post(
        "/api/v1/shopify/oauth/authorize",
        {"store_url": SHOP},
        content_type="application/json",
        headers={**api.headers, "Host": "testserver", "X-Forwarded-Host": EVIL},
    )

    sent = parse_qs(urlsplit(answer.json()["authorize_url"]).query)
    assert sent["redirect_uri"] == [f"https://hub.example{CALLBACK}"]


def test_the_answer_to_the_question_leads_nowhere(state: str) -> None:
    client = Client()
    page = answered(signed(redirect(state)), client)
    action = re.findall(r'<form method="post" action="([^"]+)"', page.content.decode())
    assert action == [f"{CALLBACK}/confirm"]
    assert reverse("admin:index") not in action

    for target in ELSEWHERE:
        body = {"answer": target, "say": "connect", "next": target, "link": target}
        answer = client.post(f"{CALLBACK}/confirm?{urlencode({'next': target})}", body)
        assert answer.status_code == 422
        assert leads_away(answer) == []
