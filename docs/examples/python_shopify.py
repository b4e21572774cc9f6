"""Connect a Shopify store to Logix and ship from it, with nothing but Python's standard library.

LOGIX_URL=http://127.0.0.1:8000 LOGIX_TOKEN=lgx_… python python_shopify.py COMMAND

connect STORE CLIENT_ID CLIENT_SECRET     connect a store by an app of its own organisation
consent STORE [CLIENT_ID CLIENT_SECRET]   begin to connect by the merchant's consent
places STORE_ID [CODE=LOCATION_ID …]      choose which places of yours its locations show
check STORE_ID                            ask the store what does not work yet
writes STORE_ID                           let Logix write to the store
sync STORE_ID [ORDER_NUMBER]              read its news, or one order, now
orders STORE_ID                           list what is to be shipped
ship ORDER_ID CARRIER TRACKING_NUMBER     ship all that is left of an order

STORE is acme, acme.myshopify.com, or the address of a simulated store. A store that sends online
orders from several locations needs “places”: CODE is one of your places in Logix. With none, Logix
makes a place for each location.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from typing import Any

TRIES = 4
TIMEOUT_S = 30


class Refused(Exception):
    """Logix refused. Decide by ``code``; the message is for people."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(problem.get("detail", f"HTTP {status}"))
        self.status = status
        self.code = problem.get("code", "")


class Logix:
    def __init__(self, url: str, token: str) -> None:
        self.api = f"{url.rstrip('/')}/api/v1"
        self.token = token

    def post(self, path: str, body: dict[str, Any] | None = None, *, key: str = "") -> Any:
        """``key`` names what is done: whoever sends it again, even after a crash, does it once."""
        return self._send("POST", path, body or {}, key or str(uuid.uuid4()))

    def put(self, path: str, body: dict[str, Any]) -> Any:
        return self._send("PUT", path, body, str(uuid.uuid4()))

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        return self._send("PATCH", path, body, str(uuid.uuid4()))

    def every(self, path: str, **filters: str) -> Iterator[dict[str, Any]]:
        """All rows of a list, a page at a time."""
        address: str | None = f"{path}?{urllib.parse.urlencode({'page_size': 200, **filters})}"
        while address:
            page = self._send("GET", address)
            yield from page["results"]
            address = page["next"]

    def _send(
        self, method: str, path: str, body: dict[str, Any] | None = None, key: str = ""
    ) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        # ``next`` of a page is a whole address already.
        address = path if path.startswith(self.api) else f"{self.api}{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(address, data=data, headers=headers, method=method)
        for attempt in range(1, TRIES + 1):
            try:
                with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as err:
                wait_s = float(err.headers.get("Retry-After") or attempt)
                if err.code not in (429, 502, 503) or attempt == TRIES:
                    raise Refused(err.code, _problem(err.read())) from err
            except (urllib.error.URLError, TimeoutError):
                # Whether it was done nobody knows; under the same key it is safe to ask again.
                wait_s = attempt
                if attempt == TRIES:
                    raise
            time.sleep(wait_s)
        raise AssertionError("not reached")


def connect(logix: Logix, store: str, client_id: str, client_secret: str) -> None:
    wanted = {
        "store_url": store,
        "client_id": client_id,
        "client_secret": client_secret,
        "auto_sync": True,
    }
    made = logix.post("/shopify/integrations", wanted)
    print(f"{made['name']} is connected: {made['id']}")
    for warning in made["warnings"]:
        print(f"- {warning}")


def consent(logix: Logix, store: str, client_id: str = "", client_secret: str = "") -> None:
    """Without an app of your own the hub's is used."""
    app = {"client_id": client_id, "client_secret": client_secret} if client_id else {}
    begun = logix.post("/shopify/oauth/authorize", {"store_url": store, **app})
    print(f"Open this in the merchant's browser within ten minutes:\n{begun['authorize_url']}")


def places(logix: Logix, store_id: str, *chosen: str) -> None:
    """The first that is named is chosen first."""
    path = f"/integrations/{store_id}/locations"
    if chosen:
        pairs = [word.partition("=") for word in chosen]
        wanted = [{"location": code, "shown_at": at} for code, _, at in pairs]
        told = logix.put(path, {"places": wanted})
    else:
        told = logix.post(f"{path}/make-places")
    for place in told["places"]:
        print(f"{place['shown_at']['name']} shows {place['location']['code']}")


def check(logix: Logix, store_id: str) -> None:
    told = logix.post(f"/shopify/integrations/{store_id}/test")
    print(told["sentence"])
    for warning in told["warnings"]:
        print(f"- {warning}")


def writes(logix: Logix, store_id: str) -> None:
    store = logix.patch(f"/shopify/integrations/{store_id}", {"writes_enabled": True})
    print(f"Logix writes to {store['name']}")


def sync(logix: Logix, store_id: str, number: str = "") -> None:
    path = f"/shopify/integrations/{store_id}/sync"
    if number:
        applied = logix.post(path, {"order": number})["applied"]
        print(f"Order {number}: {applied['created']} new, {applied['changed']} changed")
    else:
        logix.post(path)
        print("The store is being read.")


def orders(logix: Logix, store_id: str) -> None:
    wanted = {"order_status": "open", "fulfillment_status": "unfulfilled,partially_fulfilled"}
    for order in logix.every("/orders", store=store_id, **wanted):
        print(f"{order['id']}  {order['number']}  {order['total']} {order['currency']}")


def ship(logix: Logix, order_id: str, carrier: str, number: str) -> None:
    body = {"carrier": carrier, "tracking_number": number}
    parcel = logix.post(f"/orders/{order_id}/shipments", body, key=f"ship-{order_id}-{number}")
    units = sum(line["quantity"] for line in parcel["lines"])
    print(f"Parcel {parcel['reference']} with {units} units")


COMMANDS: dict[str, Callable[..., None]] = {
    "connect": connect,
    "consent": consent,
    "places": places,
    "check": check,
    "writes": writes,
    "sync": sync,
    "orders": orders,
    "ship": ship,
}


def main(words: list[str]) -> int:
    command = COMMANDS.get(words[0]) if words else None
    url, token = os.environ.get("LOGIX_URL"), os.environ.get("LOGIX_TOKEN")
    if command is None or not url or not token or not _fits(command, words):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        command(Logix(url, token), *words[1:])
    except Refused as err:
        print(f"{err} ({err.code})", file=sys.stderr)
        return 1
    return 0


def _fits(command: Callable[..., None], words: list[str]) -> bool:
    try:
        inspect.signature(command).bind(*words)
    except TypeError:
        return False
    return True


def _problem(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
