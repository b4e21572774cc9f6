"""Somebody who receives webhooks: a server on loopback that remembers what came, byte by byte."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Came:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def within(seconds: float, is_so: Callable[[], bool]) -> bool:
    """Look again and again until it is so, or the time is over."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


class Receiver:
    """``with Receiver() as receiver``. Answers ``status``, or the next of ``statuses`` first."""

    def __init__(self) -> None:
        self.came: list[Came] = []
        self.status = 200
        self.statuses: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", "0"))
                came = Came("POST", self.path, dict(self.headers), self.rfile.read(length))
                status = receiver.statuses.pop(0) if receiver.statuses else receiver.status
                receiver.came.append(came)
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def deliveries(self) -> list[Came]:
        """All but the greetings."""
        return [came for came in self.came if "X-WC-Webhook-ID" in came.headers]
