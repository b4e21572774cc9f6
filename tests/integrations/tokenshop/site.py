"""TokenShop's site over real HTTP: consent, tokens with a life, an API that asks for them.

Refresh tokens rotate: each answer brings a new pair, and the one before stays good until the new
access token is first used. Everything it was asked is written down.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from tests.integrations.tokenshop.oauth import signature
from tests.integrations.tokenshop.platform import CARD

CLIENT_ID, CLIENT_SECRET = "hub_app", "hub-app-secret-0123456789"


@dataclass
class _Pair:
    access: str
    refresh: str
    scopes: tuple[str, ...]
    ends: float
    before: str = ""


@dataclass
class Site:
    """``asked``: grant types in order; ``called``: (method, path, token, body) of the API.

    ``lose``: so many answers with tokens get lost after they were carried out; ``down``: the token
    door answers 503; ``slow_s``: it takes its time; ``grants``: scopes it gives, whatever is asked.
    """

    life_s: float = 3600
    refresh_life_s: float | None = 90 * 24 * 3600
    grants: tuple[str, ...] = CARD.wanted_scopes
    apps: dict[str, str] = field(default_factory=lambda: {CLIENT_ID: CLIENT_SECRET})
    lose: int = 0
    down: bool = False
    slow_s: float = 0
    asked: list[str] = field(default_factory=list)
    called: list[tuple[str, str, str, str]] = field(default_factory=list)
    pairs: list[_Pair] = field(default_factory=list)
    codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    given: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        site = self

        class Handler(_Handler):
            pass

        Handler.site = site
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    # -- what a test does to it

    def consent(self, authorize_url: str, **changes: str) -> dict[str, str]:
        """The owner agrees: the parameters the browser is sent back with, signed."""
        asked = dict(parse_qsl(urlsplit(authorize_url).query))
        code = self._secret("code")
        self.codes[code] = (asked["redirect_uri"], asked["code_challenge"])
        query = {"code": code, "shop": self.host, "state": asked["state"], **changes}
        secret = self.apps[asked["client_id"]]
        return {**query, "hmac": signature(secret, query)}

    def expire(self) -> None:
        """Every access token ends now."""
        with self.lock:
            for pair in self.pairs:
                pair.ends = 0

    def revoke(self) -> None:
        """The owner takes the consent back."""
        with self.lock:
            self.pairs.clear()

    def paste(self) -> str:
        """A token that does not end, as an owner would copy it."""
        return self._pair(ends=float("inf")).access

    def authorize(self) -> str:
        """A refresh token, as an owner's account shows it once."""
        return self._pair().refresh

    # -- what it answers

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        with self.lock:
            self.asked.append(form.get("grant_type", ""))
        if self.slow_s:
            time.sleep(self.slow_s)
        with self.lock:
            if self.down:
                return 503, {"error": "temporarily_unavailable"}
            if self.apps.get(form.get("client_id", "")) != form.get("client_secret"):
                return 401, {"error": "invalid_client", "error_description": str(form)}
            return getattr(self, f"_{form['grant_type']}")(form)  # type: ignore[no-any-return]

    def _authorization_code(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        redirect_uri, challenge = self.codes.pop(form["code"], ("", ""))
        verifier = sha256(form["code_verifier"].encode()).digest()
        fits = base64.urlsafe_b64encode(verifier).decode().rstrip("=") == challenge
        if not fits or form["redirect_uri"] != redirect_uri:
            return 400, {"error": "invalid_grant", "error_description": form["code"]}
        return 200, self._told(self._pair())

    def _refresh_token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        given = form["refresh_token"]
        old = next((p for p in self.pairs if given in (p.refresh, p.before)), None)
        if old is None:
            return 400, {"error": "invalid_grant", "error_description": given}
        new = self._pair()
        new.before = given
        if given == old.refresh:
            self.pairs.remove(old)
            # Until the new one is used, the access token of before works as well, if it lives.
            self.pairs.append(_Pair(old.access, "", old.scopes, old.ends))
        return 200, self._told(new)

    def _client_credentials(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        told = self._told(self._pair())
        del told["refresh_token"]
        told.pop("refresh_token_expires_in", None)
        return 200, told

    def _pair(self, ends: float | None = None) -> _Pair:
        with self.lock:
            life = time.time() + self.life_s if ends is None else ends
            pair = _Pair(self._secret("access"), self._secret("refresh"), self.grants, life)
            self.pairs.append(pair)
            return pair

    def _told(self, pair: _Pair) -> dict[str, Any]:
        told: dict[str, Any] = {
            "access_token": pair.access,
            "refresh_token": pair.refresh,
            "expires_in": self.life_s,
            "scope": ",".join(pair.scopes),
        }
        if self.refresh_life_s is not None:
            told["refresh_token_expires_in"] = self.refresh_life_s
        return told

    def call(self, method: str, path: str, token: str, body: str) -> tuple[int, Any]:
        with self.lock:
            self.called.append((method, path, token, body))
            pair = next((p for p in self.pairs if p.access == token), None)
            if pair is None or pair.ends <= time.time():
                return 401, {"error": f"token {token} is not known"}
            pair.before = ""
            if path == "/api/shop":
                return 200, {"name": "Tokens & Sons", "scopes": list(pair.scopes)}
            return 200, []

    def _secret(self, kind: str) -> str:
        made = f"{kind}_{secrets.token_hex(16)}"
        self.given.append(made)
        return made


class _Handler(BaseHTTPRequestHandler):
    site: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        path = urlsplit(self.path).path
        if path == "/token":
            form = {name: values[0] for name, values in parse_qs(body).items()}
            status, told = self.site.token(form)
            if status == 200 and self.site.lose > 0:
                self.site.lose -= 1
                self.close_connection = True
                return
        else:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            status, told = self.site.call(method, path, token, body)
        data = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def query_of(parameters: dict[str, str]) -> str:
    return urlencode(parameters)
