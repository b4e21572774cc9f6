r"""Webhooks, signed the WooCommerce way, with nothing but Python's standard library.

Receive and verify deliveries (point a store's webhook here, or read how Logix does it):

    WEBHOOK_SECRET=... python webhook_handler.py receive --port 8765

Send a signed test delivery to Logix. The address is told by GET /integrations/{id}/webhooks, the
secret stands in the webhook in the store (WooCommerce → Settings → Advanced → Webhooks):

    WEBHOOK_SECRET=... python webhook_handler.py send --topic order.updated --body order.json \
        --url https://hub.example/api/v1/woocommerce/webhooks/receive/TOKEN
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BODY = 5 * 1024 * 1024


def sign(secret: str, body: bytes) -> str:
    """X-WC-Webhook-Signature as WooCommerce makes it: base64 of HMAC-SHA256 over the raw body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def verify(secrets: list[str], body: bytes, signature: str) -> bool:
    """True when any of the secrets signed exactly these bytes. Two are live while one is rotated.

    Three things go wrong most: parsing the body and signing the re-written JSON, comparing with ==
    (its time tells how many letters fit), and stopping at the first secret.
    """
    given = signature.encode("utf-8", "replace")
    fits = [hmac.compare_digest(sign(secret, body).encode(), given) for secret in secrets if secret]
    return any(fits)


def handle(topic: str, order: dict) -> None:
    """Your part. Work may come twice and in any order: compare date_modified_gmt with what you
    have.
    """
    print(f"{topic}: order {order.get('number', order.get('id'))} is {order.get('status', '-')}")


class Receiver(BaseHTTPRequestHandler):
    """Answers 200 with an empty body once a delivery is taken; WooCommerce sends each only once."""

    secrets: list[str] = []

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            return self.answer(413)
        body = self.rfile.read(length)
        if body.startswith(b"webhook_id=") and "X-WC-Webhook-Signature" not in self.headers:
            return self.answer(200)  # the unsigned ping of a new webhook; it wants exactly 200
        if not verify(self.secrets, body, self.headers.get("X-WC-Webhook-Signature", "")):
            return self.answer(401)
        # A real receiver writes the body to its database here, answers, and works it off later.
        handle(self.headers.get("X-WC-Webhook-Topic", ""), json.loads(body))
        return self.answer(200)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Addresses may hold tokens: keep them out of the log."""


def send(url: str, secret: str, topic: str, body: bytes) -> int:
    """Deliver ``body`` as WooCommerce would; return the HTTP status."""
    headers = {
        "Content-Type": "application/json",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Signature": sign(secret, body),
    }
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as err:
        print(err.read().decode(), file=sys.stderr)
        return err.code


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    receive = commands.add_parser("receive", help="take and verify deliveries")
    receive.add_argument("--port", type=int, default=8765)
    deliver = commands.add_parser("send", help="send one signed delivery")
    deliver.add_argument("--url", required=True)
    deliver.add_argument("--topic", default="order.updated")
    deliver.add_argument("--body", required=True, help="a file with the JSON of an order")
    options = parser.parse_args()
    secret = os.environ.get("WEBHOOK_SECRET", "")
    if not secret:
        parser.error("Set WEBHOOK_SECRET to the webhook's secret.")
    if options.command == "receive":
        Receiver.secrets = [secret]
        with ThreadingHTTPServer(("127.0.0.1", options.port), Receiver) as server:
            print(f"Listening on http://127.0.0.1:{server.server_port}", flush=True)
            server.serve_forever()
    with open(options.body, "rb") as file:
        status = send(options.url, secret, options.topic, file.read())
    print(f"HTTP {status}")
    return 0 if status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
