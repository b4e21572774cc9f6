"""One process that keeps asking one store through the shared limiter, as a worker or as a person
who tests the connection. Says that it is ready, begins when told, prints a JSON line at its end.

``python -m tests.services.asking STORE ROLE SECONDS``, on the database that DATABASE_URL names.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import django

# A person who looks whether the store answers, every few seconds.
PERSON, EVERY_S = "person", 3.0
ROLES: dict[str, Callable[[Any, str], Iterable[object]]] = {
    "orders": lambda adapter, _: adapter.read_orders(_everything()),
    "order ids": lambda adapter, _: adapter.order_ids(_everything()),
    "one order": lambda adapter, order_id: [adapter.read_order(order_id)],
    "products": lambda adapter, _: adapter.read_products(_everything()),
    "payouts": lambda adapter, _: adapter.read_payouts(_everything()),
}


def work(store: Any, role: str, order_id: str, end: float) -> dict[str, Any]:
    """Read in bulk, over and over, and wait as long as one is told to."""
    from integrations import authentication
    from integrations.errors import RateLimited
    from integrations.kit.http import Priority

    told: Counter[str] = Counter()
    while time.monotonic() < end:
        try:
            with authentication.adapter_for(store, priority=Priority.BULK) as adapter:
                for _ in ROLES[role](adapter, order_id):
                    told["read"] += 1
                    if time.monotonic() >= end:
                        break
        except RateLimited as err:
            told[err.code] += 1
            time.sleep(max(0.0, min(err.retry_after_s, end - time.monotonic())))
    return dict(told)


def look(store: Any, end: float) -> dict[str, Any]:
    """Test the connection now and then; seconds each test took, and what did not work in words."""
    from integrations import connect

    took, failed = [], []
    while time.monotonic() < end:
        result = connect.test_connection(store, actor="user:anna")
        took.append(round(result.elapsed_s, 2))
        if not result.ok:
            failed.append(result.sentence)
        time.sleep(EVERY_S)
    return {"took": took, "failed": failed}


def main(store_id: str, role: str, seconds: str) -> dict[str, Any]:
    from integrations import authentication
    from integrations.models import Store

    store = Store.objects.get(pk=store_id)
    with authentication.adapter_for(store):
        print("ready", flush=True)  # noqa: T201 - read by the test
    sys.stdin.readline()
    end = time.monotonic() + float(seconds)
    if role == PERSON:
        return look(store, end)
    name, _, order_id = role.partition(":")
    return work(store, name, order_id, end)


def _everything() -> Any:
    from integrations.base import Filters

    return Filters()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "logix.settings")
    django.setup()
    print(json.dumps(main(*sys.argv[1:])))  # noqa: T201 - read by the test
