"""A store that answers at the speed of memory: a simulator, with its order lists cut from documents
that were encoded beforehand. What is measured is the reader, so the store must cost as little as it
can.
"""

from __future__ import annotations

import argparse
import signal
import threading
import time
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Protocol

from integrations.sandbox.server import Incoming, Outgoing, Server
from tests.bench.platforms import PLATFORMS


class Shop(Protocol):
    """What a platform's module has to offer, made of a number of orders and a file in which what is
    slow to make may be kept for the next process. ``edit`` changes so many percent of the orders
    now, as a customer's note does.
    """

    def open(self, url: str) -> None: ...

    def answer(self, incoming: Incoming) -> Outgoing: ...

    def edit(self, percent: float) -> int: ...


@dataclass(slots=True)
class Done:
    """An answer without a word."""

    status: int = 204
    headers: list[tuple[str, str]] = field(default_factory=list)
    fate: str = ""

    def content(self) -> bytes:
        return b""


class FastStore:
    """The site that is served."""

    def __init__(self, shop: Shop, delay_s: float) -> None:
        self._shop, self._delay_s = shop, delay_s
        self.open = shop.open

    def let_go(self) -> None:
        return

    def close(self) -> None:
        return

    def handle(self, incoming: Incoming) -> Outgoing:
        if incoming.path == "/_bench/edit":
            self._shop.edit(float(incoming.raw_query))
            return Done()
        if self._delay_s:
            time.sleep(self._delay_s)
        return self._shop.answer(incoming)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--platform", choices=PLATFORMS, required=True)
    parser.add_argument("--orders", type=int, required=True)
    parser.add_argument("--delay-ms", type=float, default=0)
    parser.add_argument("--kept", type=Path)
    asked = parser.parse_args()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    shop = import_module(PLATFORMS[asked.platform].store).Shop(asked.orders, asked.kept)
    with Server(FastStore(shop, asked.delay_ms / 1000)) as server:
        print(server.url, flush=True)  # noqa: T201 - read by whoever started this
        ended.wait()


if __name__ == "__main__":
    main()
