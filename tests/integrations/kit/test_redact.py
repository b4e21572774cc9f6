"""Secrets must not get into logs, whatever clothes they wear."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from integrations.kit.redact import MASK, Pii, Secret, redact, redact_event

KEY = "S3cretValue0123456789"


@pytest.mark.parametrize(
    "line",
    [
        f"Authorization: Basic {KEY}",
        f"authorization: Bearer {KEY}",
        f"{{'Authorization': 'Bearer {KEY}', 'Accept': 'x'}}",
        f"X-Shopify-Access-Token: {KEY}",
        f'{{"X-Auth-Token": "{KEY}"}}',
        f"GET https://shop.example/wp-json?consumer_key={KEY}&consumer_secret={KEY}&page=1",
        f"consumer_secret={KEY}&x=1",
        f'{{"access_token": "{KEY}", "scope": "a"}}',
        f'"{{\\"refresh_token\\": \\"{KEY}\\"}}"',
        f"client_secret={KEY}",
        f"callback?code={KEY}&hmac={KEY}&state=1",
        f"sig={KEY}",
        f"webhook_secret: {KEY}",
        f"my_api_key={KEY}",
        f"password='{KEY} with spaces'",
        f"Set-Cookie: {KEY}",
        f"https://user:{KEY}@shop.example/",
        f"https://shop.example/x?anything={KEY}",
        "key ck_0123456789abcdef0123456789abcdef01234567 used",
        "cs_0123456789abcdef0123456789abcdef01234567",
        "token shpat_0123456789abcdef0123456789abcdef",
        "square EAAAEOuLQObrVwJvCvoio3H13b8Ssqz1ighmTBKZvIENW9qxirHGHkqsGcI",
        "lwa Atza|IQEBLjAsAhRmHjNgHpi0U-Dme37rR6CuUpSREXAMPLE and Atzr|IQEBLzAtAhexamplewLz2",
        "ours lgx_AbCdEf0123456789",
    ],
)
def test_no_line_keeps_its_secret(line: str) -> None:
    shown = redact(line)

    for secret in (KEY, "0123456789abcdef", "EAAAEO", "IQEB", "AbCdEf"):
        assert secret not in shown
    assert MASK in shown


@pytest.mark.parametrize(
    "line",
    [
        "order 1234 of store s1 imported in 0.2 s",
        "status_code=404 route=/wp-json/wc/v3/orders/{id}",
        "https://shop.example/wp-json/wc/v3/orders",
        "the token bucket is full",
        "author: Jane, decode: ok, design: new",
        "",
    ],
)
def test_harmless_lines_stay_as_they_are(line: str) -> None:
    assert redact(line) == line


def test_an_event_is_redacted_to_its_depth() -> None:
    event: dict[str, Any] = {
        "event": f"call with consumer_secret={KEY}",
        "code": "not_found",
        "status": 404,
        "headers": {"Authorization": KEY, "Accept": "x"},
        "tries": [{"access_token": KEY}, f"Bearer {KEY}"],
        "body": KEY.encode(),
        "error": ValueError(f"sig={KEY}"),
        "secret": Secret(KEY),
    }

    shown = redact_event(None, "info", event)

    assert KEY not in json.dumps(shown)
    assert shown["code"] == "not_found"
    assert shown["status"] == 404
    assert shown["headers"] == {"Authorization": MASK, "Accept": "x"}


def test_a_bottomless_event_ends() -> None:
    event: dict[str, Any] = {}
    event["self"] = event

    assert json.dumps(redact_event(None, "info", dict(event))).count("self") < 20


@pytest.mark.parametrize("kind", [Secret, Pii])
def test_a_wrapped_value_shows_only_on_request(kind: type[Secret]) -> None:
    secret = kind(KEY)

    assert KEY not in f"{secret} {secret!r} {secret:>30} {[secret]}" + "".join(map(str, [secret]))
    assert secret.reveal() == KEY
    assert secret == kind(KEY)
    assert secret != KEY
    assert len({secret, kind(KEY)}) == 1
    assert not kind("")
    with pytest.raises(TypeError):
        pickle.dumps(secret)
    with pytest.raises(TypeError):
        json.dumps(secret)
